"""Where a preset's files come from: a folder here, or `remote.Repository`.

A source has `file(name)`, the path of a file of the preset, which a repository
fetches first, and its name for messages. `is_checked(name)` says whether a
weights file is known to be the one that was saved, which `note_checked(name)`
was told: it is hashed once in a cache, and each time in a folder.

Links to files are followed, within the folder and out of it: the Hub's cache is
made of them, and all that is ever done with what they lead to is to read it as
JSON or as tensors. Only files are opened: a pipe or a device might never end.
"""

import os
import pathlib

from keras_aegan.hub import layout
from keras_aegan.hub.errors import (
    PresetError,
    PresetFormatError,
    PresetWeightsError,
)


class Folder:
    """A preset in a folder on this machine."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def file(self, name: str) -> pathlib.Path:
        path = self.path / name
        if not os.path.isfile(path):  # Of any oddity no error, but False.
            raise missing(self, name)
        return path

    def is_checked(self, name: str) -> bool:
        return False

    def note_checked(self, name: str) -> None:
        """Nothing: whoever owns the folder may change what is in it."""


def missing(source: object, name: str) -> PresetError:
    """The error for a source that lacks a file."""
    if layout.part_of(name):
        return PresetWeightsError(
            f"There is no {name} in {source}. Restore the file, or pass "
            "`load_weights=False` for a model with fresh weights."
        )
    return PresetFormatError(
        f"The preset {source} has no {name}. Copy, download or save the "
        "preset again."
    )
