"""Where the results go, which is checked before there are any."""

import tempfile
from pathlib import Path

import numpy as np

from keras_aegan.audio import import_librosa
from keras_aegan.cli.mistakes import UsageError, users_mistakes
from keras_aegan.images import ARRAYS, import_pillow, replacing

#: What a file of samples may be.
SAMPLES = (".png", *ARRAYS)


def check_file(path: Path, *suffixes: str) -> None:
    """Refuses a file that cannot be written, and makes its folder."""
    if path.suffix.lower() not in suffixes:
        *rest, last = suffixes
        raise UsageError(
            f"--output {path}: expected a name that ends in "
            f"{', '.join(rest)} or {last}."
        )
    if path.is_dir():
        raise UsageError(f"--output {path} is a folder: expected a file.")
    check_folder(path.parent)
    with users_mistakes():
        if is_picture(path):
            import_pillow()
        if path.suffix.lower() == ".wav":
            import_librosa()


def check_pictures(folder: Path) -> None:
    """Refuses a folder for a picture each, and makes the one around it."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(
            f"--output {folder} is there already: expected a new or an empty "
            "folder, or a name that ends in .png, .npy or .npz."
        )
    check_folder(folder.absolute().parent)
    with users_mistakes():
        import_pillow()


def check_folder(folder: Path) -> None:
    """Makes a folder and refuses one that cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UsageError(
            f"The folder {folder} cannot be written to ({error.strerror}). "
            "Choose another folder."
        ) from error


def is_picture(path: Path) -> bool:
    return path.suffix.lower() == ".png"


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Writes all the arrays to an .npz file, the first one to an .npy file."""
    with replacing(path) as file:
        if path.suffix.lower() == ".npz":
            np.savez_compressed(file, **arrays)
        else:
            np.save(file, next(iter(arrays.values())))


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Prints rows in columns, the last of which may be of any width."""
    *widths, _ = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, [*widths, 0], strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells))
