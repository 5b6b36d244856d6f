"""What can go wrong with a preset, split where a caller would tell apart."""


class PresetError(ValueError):
    """A preset could not be loaded or saved. The others derive from it."""


class PresetNotFoundError(PresetError):
    """The name, address or path leads to no preset."""


class PresetRevisionError(PresetNotFoundError):
    """The repository is there, but not that branch, tag or commit of it."""


class PresetAccessError(PresetError, PermissionError):
    """The repository is private or gated, or may not be written to."""


class PresetConnectionError(PresetError, ConnectionError):
    """The Hub cannot be reached, or did not answer as it should."""


class PresetFormatError(PresetError):
    """The preset's config or metadata is not one that this package reads."""


class PresetWeightsError(PresetError):
    """A weights file is damaged, or holds another model's weights."""


class PresetWriteError(PresetError, OSError):
    """The preset could not be written, and what was there is as it was."""
