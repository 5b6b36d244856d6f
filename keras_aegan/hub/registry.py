"""From what a user calls a preset to the folder that holds it."""

import difflib
import json
import os
import pathlib

from keras_aegan.hub import layout
from keras_aegan.hub.errors import PresetNotFoundError

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]


def bundled_root() -> pathlib.Path:
    """Returns the folder of the presets that come with the package."""
    # A wheel carries them inside the package, a checkout beside it.
    inside = _PACKAGE / "presets"
    return inside if inside.is_dir() else _PACKAGE.parent / "presets"


def bundled_presets() -> dict[str, dict]:
    """Lists the presets that come with the package.

    The list is read from the folders, so it is what `load_preset` can load.

    Returns:
        A dict from each preset's name to its metadata: `description`,
        `data_shape`, `latent_dim`, `parameter_count` and whatever else its
        `metadata.json` says, with `size_in_bytes` for the folder's files.

    Example:

    ```python
    for name, about in bundled_presets().items():
        print(name, about["parameter_count"]["total"], about["description"])
    ```
    """
    presets = {}
    for folder in sorted(bundled_root().glob("*/")):
        if (folder / layout.CONFIG).is_file():
            files = [file for file in folder.rglob("*") if file.is_file()]
            presets[folder.name] = {
                **json.loads((folder / layout.METADATA).read_text("utf-8")),
                "size_in_bytes": sum(file.stat().st_size for file in files),
            }
    return presets


def resolve(preset: str | os.PathLike) -> pathlib.Path:
    """Returns the folder of a preset, and never guesses what is meant.

    Args:
        preset: The name of a bundled preset, or a folder. A string is a
            folder only if it looks like one: if it has a path separator, or
            starts with `"."` or `"~"`.

    Returns:
        The folder, which has a `config.json`.

    Raises:
        TypeError: If `preset` is neither a string nor a path.
        PresetNotFoundError: If there is no such preset.
    """
    if isinstance(preset, os.PathLike):
        return _local_folder(pathlib.Path(preset))
    if not isinstance(preset, str):
        raise TypeError(
            "`preset` must be a string or a path: the name of a bundled "
            'preset, such as "aegan_mnist", or a folder, such as '
            f'"./my_preset". Received: preset={preset!r} of type '
            f"{type(preset).__name__}."
        )
    if preset in bundled_presets():
        return bundled_root() / preset
    if "://" in preset:
        return _remote_folder(preset)
    separators = (os.sep, os.altsep or os.sep)
    if preset.startswith((".", "~")) or any(s in preset for s in separators):
        return _local_folder(pathlib.Path(preset))
    raise PresetNotFoundError(_unknown_name(preset))


def _local_folder(path):
    path = path.expanduser()
    if path.is_file():
        raise PresetNotFoundError(
            f"Expected a preset's folder, but {path} is a file. Give the "
            "folder that `save_to_preset` wrote; a `.keras` file is loaded "
            "with `keras.saving.load_model`."
        )
    if not path.is_dir():
        raise PresetNotFoundError(
            f"There is no folder {path} (looked in {path.absolute().parent}). "
            "Give the folder that `save_to_preset` wrote, or the name of a "
            f"bundled preset: {_known_names()}."
        )
    if not (path / layout.CONFIG).is_file():
        raise PresetNotFoundError(
            f"The folder {path} is not a preset: it has no {layout.CONFIG}. "
            "Give the folder that `save_to_preset` wrote."
        )
    return path


def _remote_folder(address):
    # The Hub's branch comes here: fetch the snapshot, return its folder.
    if address.startswith("hf://"):
        raise PresetNotFoundError(
            f"{address!r} is on the Hugging Face Hub, which a later release "
            "of keras_aegan will load from. Until then, download the "
            "repository and give its folder."
        )
    raise PresetNotFoundError(
        f"{address!r} is not an address that keras_aegan loads from. Give "
        "the name of a bundled preset or a folder."
    )


def _unknown_name(name):
    message = f"There is no bundled preset {name!r}."
    close = difflib.get_close_matches(name, bundled_presets())
    if close:
        message += f" Did you mean {' or '.join(map(repr, close))}?"
    message += f" Bundled presets: {_known_names()}."
    if name and pathlib.Path(name).is_dir():
        message += (
            " There is a folder of that name in the working directory: to "
            f'load it, write "./{name}".'
        )
    else:
        message += " A folder is given with its path, such as './mine'."
    return message


def _known_names():
    return ", ".join(map(repr, bundled_presets())) or "none in this install"
