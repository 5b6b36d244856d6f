"""What can go wrong with a preset, split where a caller would tell apart."""


class PresetError(ValueError):
    """A preset could not be loaded or saved. The others derive from it."""


class PresetNotFoundError(PresetError):
    """The name is of no bundled preset, or the path leads to no preset."""


class PresetFormatError(PresetError):
    """The folder's config or metadata is not one that this package reads."""


class PresetWeightsError(PresetError):
    """The weights file is damaged, or holds another model's weights."""


class PresetWriteError(PresetError, OSError):
    """The preset could not be written, and what was there is as it was."""
