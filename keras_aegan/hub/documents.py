"""A preset's JSON, read within bounds."""

import json
import pathlib

from keras_aegan.hub.errors import PresetFormatError

_MAX_BYTES = 16 * 2**20


def to_json(name: str, value: object) -> bytes:
    """A value as the bytes of a JSON file.

    Args:
        name: The file's name, for the error's message.
        value: Strings, finite or other numbers, booleans, lists and dicts.

    Raises:
        PresetFormatError: If the value has anything else in it.
    """
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except TypeError as error:
        raise PresetFormatError(
            f"{name} cannot be written: {error}. Pass metadata of "
            "strings, numbers, booleans, lists and dicts."
        ) from error
    return (text + "\n").encode("utf-8")


def read_json(path: pathlib.Path) -> object:
    """What is in a JSON file of at most 16 MiB.

    Raises:
        PresetFormatError: If it is larger, cannot be read, or is no JSON.
    """
    try:
        size = path.stat().st_size
        if size <= _MAX_BYTES:
            # No more than that: what is no file on a disk may have no end.
            with path.open("rb") as file:
                return json.loads(file.read(size).decode("utf-8"))
    except OSError as error:
        raise PresetFormatError(
            f"{path} cannot be read: {error.strerror or error}. Make it "
            "readable, or copy or download the preset again."
        ) from error
    except (ValueError, RecursionError) as error:
        raise PresetFormatError(
            f"{path} is not JSON: {error}. It is truncated or damaged; copy, "
            "download or save the preset again."
        ) from error
    raise PresetFormatError(
        f"{path} has {size:,} bytes, and no preset's has more than "
        f"{_MAX_BYTES:,}. It was not read."
    )


def shortened(value: object, length: int = 400) -> str:
    """A value as text for a message, which a stranger may have made long."""
    text = str(value)
    if len(text) <= length:
        return text
    return f"{text[:length]}... ({len(text):,} characters)"
