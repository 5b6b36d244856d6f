"""Where a preset's files come from: a folder here, or `remote.Repository`.

A source has `file(name)`, the path of a file of the preset, which a repository
fetches first, and its name for messages.

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
