"""The pictures that `SampleGrid` drew, as many as a page can hold."""

import base64
import itertools
import pathlib
from typing import NamedTuple

from keras_aegan.report.text import counted

#: What is seen in each kind of picture.
_KINDS = {
    "samples": "Of the same noise every time.",
    "reconstructions": "Each of the data above its reconstruction.",
    "interpolations": "A row is a way from one of the data to another.",
}
_STILLS = 4
_BYTES = 16 * 2**20


class _Picture(NamedTuple):
    path: pathlib.Path
    epoch: int | None  # None: an animation


def show_pictures(folder: pathlib.Path, epoch: int) -> str:
    """The section of the page that holds pictures.

    Args:
        folder: that of `SampleGrid`.
        epoch: the last one of the training; pictures of later ones are from
            another training that was there before.

    Returns:
        HTML, empty where there are no pictures.
    """
    found = {kind: _find(folder, kind, epoch) for kind in _KINDS}
    chosen = _choose([_by_importance(pictures) for pictures in found.values()])
    parts = []
    for kind, pictures in found.items():
        shown = [picture for picture in pictures if picture in chosen]
        if not pictures:
            continue
        note = _KINDS[kind]
        if len(shown) < len(pictures):
            note += (
                f" The page shows {len(shown)} of {len(pictures)} pictures; "
                "the others are in the folder."
            )
        stills = [_still(kind, p) for p in shown if p.epoch is not None]
        moving = [_moving(kind, p) for p in shown if p.epoch is None]
        parts.append(
            f"<h3>{kind.capitalize()}</h3>\n<p>{note}</p>\n"
            f'<div class="strip">{"".join(stills)}</div>\n{"".join(moving)}'
        )
    if not parts:
        return ""
    return f"<section>\n<h2>Pictures</h2>\n{''.join(parts)}</section>\n"


def _find(folder: pathlib.Path, kind: str, epoch: int) -> list[_Picture]:
    stills = sorted(
        (int(number), path)
        for path in folder.glob(f"{kind}_*.png")
        if (number := path.stem.removeprefix(f"{kind}_")).isdecimal()
    )
    pictures = [_Picture(path, number) for number, path in stills]
    pictures = [picture for picture in pictures if picture.epoch <= epoch]
    animation = folder / f"{kind}_animated.png"
    return pictures + [_Picture(animation, None)] * animation.is_file()


def _by_importance(pictures: list[_Picture]) -> list[_Picture]:
    """The last still, the first, evenly between them, and the animation."""
    stills = [picture for picture in pictures if picture.epoch is not None]
    most = min(len(stills), _STILLS)
    even = [
        stills[round(index * (len(stills) - 1) / max(most - 1, 1))]
        for index in range(most)
    ]
    return even[-1:] + even[:-1] + pictures[len(stills) :]


def _choose(kinds: list[list[_Picture]]) -> set[_Picture]:
    """What there is room for, of each kind in turn."""
    room, chosen = _BYTES, set()
    for picture in itertools.chain(*itertools.zip_longest(*kinds)):
        size = picture.path.stat().st_size if picture else 0
        if picture and size <= room:
            chosen.add(picture)
            room -= size
    return chosen


def _still(kind: str, picture: _Picture) -> str:
    when = f"after {counted(picture.epoch, 'epoch')}"
    return (
        f"<figure>{_image(picture, f'{kind.capitalize()} {when}')}"
        f"<figcaption>{when}</figcaption></figure>\n"
    )


def _moving(kind: str, picture: _Picture) -> str:
    # Closed at first: what moves by itself keeps readers from the rest.
    what = f"{kind.capitalize()} from the first epoch to the last"
    return (
        f"<details><summary>{what}, animated</summary>"
        f"<figure>{_image(picture, what)}</figure></details>\n"
    )


def _image(picture: _Picture, alt: str) -> str:
    data = base64.b64encode(picture.path.read_bytes()).decode()
    return f'<img alt="{alt}" src="data:image/png;base64,{data}">'
