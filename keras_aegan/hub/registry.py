"""From what a user calls a preset to where its files are."""

import difflib
import json
import os
import pathlib

from keras_aegan.hub import layout
from keras_aegan.hub.errors import PresetNotFoundError
from keras_aegan.hub.folder import recover
from keras_aegan.hub.remote import SCHEME, Repository, parse_address
from keras_aegan.hub.sources import Folder

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


def resolve(
    preset: str | os.PathLike,
    revision: str | None = None,
    **access,
) -> Folder | Repository:
    """Finds where a preset's files are, and never guesses what is meant.

    Args:
        preset: The name of a bundled preset, an address on the Hugging Face
            Hub, `"hf://OWNER/NAME[@REVISION]"`, or a folder. A string is a
            folder only if it looks like one: if it has a path separator, or
            starts with `"."` or `"~"`.
        revision: A branch, tag or commit, for a preset on the Hub.
        **access: `token`, `cache_dir` and `local_files_only` of `Repository`.

    Returns:
        The folder, which has a `config.json`, or the repository, of which
        nothing is known yet.

    Raises:
        TypeError: If `preset` is neither a string nor a path.
        PresetNotFoundError: If there is no such preset.
    """
    if isinstance(preset, str) and preset.startswith(SCHEME):
        return Repository(*parse_address(preset, revision), **access)
    if revision is not None:
        raise PresetNotFoundError(
            f"Only presets on the Hub ({SCHEME}OWNER/NAME) have revisions. "
            f"Received: {preset!r} with revision={revision!r}"
        )
    if isinstance(preset, os.PathLike):
        return _local_folder(pathlib.Path(preset))
    if not isinstance(preset, str):
        raise TypeError(
            "`preset` must be a string or a path: the name of a bundled "
            'preset, such as "aegan_mnist", a preset on the Hugging Face Hub, '
            f'such as "{SCHEME}OWNER/NAME", or a folder, such as '
            f'"./my_preset". Received: preset={preset!r} of type '
            f"{type(preset).__name__}."
        )
    if preset in bundled_presets():
        return Folder(bundled_root() / preset)
    if "://" in preset:
        raise PresetNotFoundError(
            f"{preset!r} is not an address that keras_aegan loads from. Give "
            f"the name of a bundled preset, {SCHEME}OWNER/NAME or a folder."
        )
    separators = (os.sep, os.altsep or os.sep)
    if preset.startswith((".", "~")) or any(s in preset for s in separators):
        return _local_folder(pathlib.Path(preset))
    raise PresetNotFoundError(_unknown_name(preset))


def _local_folder(path):
    path = path.expanduser()
    recover(path)
    if os.path.isfile(path):  # Of any oddity no error, but False.
        raise PresetNotFoundError(
            f"Expected a preset's folder, but {path} is a file. Give the "
            "folder that `save_to_preset` wrote; a `.keras` file is loaded "
            "with `keras.saving.load_model`."
        )
    if not path.is_dir():
        raise PresetNotFoundError(
            f"There is no folder {path} (looked in {path.absolute().parent}). "
            "Give the folder that `save_to_preset` wrote, the name of a "
            f"bundled preset: {_known_names()}, or a preset on the Hugging "
            f"Face Hub: {SCHEME}OWNER/NAME."
        )
    if not os.path.isfile(path / layout.CONFIG):
        raise PresetNotFoundError(
            f"The folder {path} is not a preset: it has no {layout.CONFIG}. "
            "Give the folder that `save_to_preset` wrote."
        )
    return Folder(path)


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
        message += (
            " A folder is given with its path, such as './mine', a preset on "
            f"the Hugging Face Hub as '{SCHEME}OWNER/NAME'."
        )
    return message


def _known_names():
    return ", ".join(map(repr, bundled_presets())) or "none in this install"
