import datetime
import os
import pathlib
from html import escape

from keras_aegan.callbacks.game_monitor import LOG
from keras_aegan.images import replacing
from keras_aegan.report.curves import show_curves
from keras_aegan.report.log import Log, read_log
from keras_aegan.report.pictures import show_pictures
from keras_aegan.report.summary import (
    show_facts,
    show_progress,
    show_verdicts,
)
from keras_aegan.report.text import counted

_HERE = pathlib.Path(__file__).parent


def write_report(
    folder: str | os.PathLike, output: str | os.PathLike | None = None
) -> pathlib.Path:
    """Writes what `GameMonitor` saw as one page of HTML, whole or not at all.

    The page holds all it needs, also without a network: how far the training
    got, what went wrong and what helps, the pictures that `SampleGrid` drew
    into the same folder, and a curve of every value. It can be written while
    the training runs, and again.

    Where a training resumed from a backup, the steps that it did again are
    shown as they went the last time. A curve has a gap where its value was
    infinite or no number. Of many points each pixel's lowest and highest are
    drawn. Of pictures the page holds at most 4 of a kind, evenly chosen, and
    their animation, 16 MiB in all, and says what it leaves out.

    Args:
        folder: The folder of a training's `GameMonitor`, with its
            `monitor.jsonl`.
        output: The file to write; one that is there already is replaced.
            Defaults to `report.html` in the folder.

    Returns:
        The path of the page.

    Raises:
        ValueError: If the folder or the log in it is missing, if the log has
            no start, or if the folder of `output` is missing.

    Example:

    ```python
    monitor = GameMonitor(x_train, folder="run")
    pictures = SampleGrid("run", x_test[:32])
    model.fit(x_train, epochs=20, callbacks=[monitor, pictures])
    write_report("run")
    ```
    """
    folder = pathlib.Path(folder)
    output = folder / "report.html" if output is None else pathlib.Path(output)
    path = folder / LOG
    if not path.is_file():
        missing = f"holds no {LOG}" if folder.is_dir() else "is no folder"
        raise ValueError(
            "Expected the folder of a training that was watched. Received: "
            f"{folder}, which {missing}. Train with the callback "
            "GameMonitor(data, folder=...), or the command's --watch, and give "
            "the same folder here."
        )
    if output.is_dir() or not output.parent.is_dir():
        raise ValueError(
            "Expected output to be a file, in a folder that exists. Received: "
            f"output={output}. Make the folder first, or name a file in it."
        )
    page = _page(read_log(path), path)
    with replacing(output) as file:
        # What a broken name holds that is no text becomes a question mark.
        file.write(page.encode(errors="replace"))
    return output


def _page(log: Log, path: pathlib.Path) -> str:
    now = datetime.datetime.now()
    written = datetime.datetime.fromtimestamp(path.stat().st_mtime)
    watched = show_curves(
        "The game as it was played",
        "Values of single steps, watched every so often.",
        log.watched(),
        log,
    )
    logged = show_curves(
        "Epoch by epoch",
        "What <code>fit</code> logged at the end of each epoch.",
        log.logged(),
        log,
    )
    model = escape(log.start["model"])
    # The policy is the browser's promise that nothing comes from elsewhere.
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{model}: training report</title>
<link rel="icon" href="data:,">
<style>
{_beside("style.css")}</style>
</head>
<body>
<header>
<p class="over">Training report</p>
<h1>{model}</h1>
{show_progress(log, (now - written).total_seconds())}
{show_facts(log)}
</header>
<main>
{show_verdicts(log)}
{show_pictures(path.parent, log.epoch)}{watched}{logged}\
</main>
<footer>{_footer(log, path, now)}</footer>
<script>
{_beside("script.js")}</script>
</body>
</html>
"""


def _beside(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _footer(log: Log, path: pathlib.Path, now: datetime.datetime) -> str:
    made = f"Made {now:%Y-%m-%d %H:%M:%S} from {escape(str(path))}."
    if not log.unreadable:
        return made
    lines = counted(log.unreadable, "line")
    return f"{made} Of the log {lines} could not be read."
