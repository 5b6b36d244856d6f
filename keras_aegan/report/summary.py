"""How far the training got, what was trained, and what was wrong with it."""

from html import escape

from keras_aegan.report.log import Log
from keras_aegan.report.text import counted, duration


def show_progress(log: Log, seconds_ago: float) -> str:
    """Steps, epochs and time, and whether the training has ended.

    Args:
        log: the training's.
        seconds_ago: how old its last line is.

    Returns:
        HTML.
    """
    seconds = sum(session.seconds for session in log.sessions)
    figures = [
        counted(log.step, "step").split(" "),
        counted(log.epoch, "epoch").split(" "),
        (duration(seconds), "of training"),
    ]
    cells = "\n".join(
        f"<li><strong>{figure}</strong> {what}</li>" for figure, what in figures
    )
    if log.sessions[-1].has_ended:
        state = "The training has ended."
    else:
        state = (
            "The training runs, or was cut short: its log has no end yet. The "
            f"last line was written {duration(max(0.0, seconds_ago))} before "
            "this page."
        )
    if log.resumed:
        places = ", ".join(f"{step:,}" for step in log.resumed)
        state += (
            f" It resumed at step {places}; steps that were trained again are "
            "shown as they went the last time."
        )
    return f'<ul class="figures">{cells}</ul>\n<p>{state}</p>'


def show_facts(log: Log) -> str:
    """The players and their sizes, the software, and when it began."""
    start = log.start
    players = "<br>\n".join(
        f"{escape(player)} "
        f"<span>{start['parameters'][player]:,} parameters</span>"
        for player in start["players"]
    )
    software = (
        f"{start['backend']}, Keras {start['keras']}, "
        f"keras_aegan {start['keras_aegan']}"
    )
    began = log.sessions[0].start["time"].replace("T", " ")
    facts = (
        ("Players", players),
        ("Backend", escape(software)),
        ("Started", escape(began)),
    )
    cells = "\n".join(
        f"<div><dt>{term}</dt>\n<dd>{fact}</dd></div>" for term, fact in facts
    )
    return f"<dl>\n{cells}\n</dl>"


def show_verdicts(log: Log) -> str:
    """Each verdict as it was said last, and when it was seen."""
    seen = {}
    for verdict in log.of("verdict"):
        seen.setdefault(verdict["name"], []).append(verdict)
    items = []
    # What was seen last is what a running training suffers from.
    for times in sorted(seen.values(), key=lambda t: -t[-1]["step"]):
        first, last = _moment(times[0]), _moment(times[-1])
        when = f"Seen once, at {first}."
        if len(times) > 1:
            when = f"Seen {len(times):,} times, from {first} to {last}."
        items.append(
            f"<li><p>{escape(times[-1]['text'])}</p>\n"
            f'<p class="seen">{when} '
            f"<code>{escape(times[-1]['name'])}</code></p></li>\n"
        )
    watched = len(log.of("watch"))
    if items:
        body = f'<ul class="verdicts">{"".join(items)}</ul>'
    elif watched:
        steps = counted(watched, "step")
        body = f'<p class="fine">Nothing wrong was seen in {steps} watched.</p>'
    else:
        body = '<p class="fine">Nothing was watched yet.</p>'
    return f"<section>\n<h2>Verdicts</h2>\n{body}\n</section>"


def _moment(record: dict) -> str:
    return (
        f"step {record['step']:,} (after {counted(record['epoch'], 'epoch')})"
    )
