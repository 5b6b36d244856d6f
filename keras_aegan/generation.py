"""Samples by the million: where they go, batch by batch."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np

from keras_aegan.counts import check_count
from keras_aegan.images import (
    ARRAYS,
    PICTURES,
    image_grid,
    import_pillow,
    replacing,
    save_image,
)


def batch_sizes(n: int, batch_size: int) -> list[int]:
    """How many samples to make at a time, so that all batches are alike.

    What remains at the end is made together with the last full batch: in a
    batch of its own it would have another shape, and so, on some backends, be
    rounded otherwise than in one call for all.

    Args:
        n: number of samples.
        batch_size: samples that a network computes at a time.

    Returns:
        A list of numbers whose sum is `n`, each `batch_size` but the last,
        which is below `2 * batch_size`.

    Raises:
        ValueError: where one of them is no whole number, 1 or more.

    Example:

    ```python
    batch_sizes(10, 4)  # [4, 6]
    ```
    """
    check_count("n", n)
    check_count("batch_size", batch_size)
    whole = max(1, n // batch_size)
    return [batch_size] * (whole - 1) + [n - batch_size * (whole - 1)]


def watched(
    batches: Iterable[np.ndarray], n: int, verbose: int
) -> Iterator[np.ndarray]:
    """The same batches, with Keras's progress bar.

    Args:
        batches: arrays of samples.
        n: how many samples there will be.
        verbose: 0 for no bar.

    Yields:
        The batches.
    """
    bar = keras.utils.Progbar(n, verbose=verbose, unit_name="sample")
    for batch in batches:
        yield batch
        # After it was put where it belongs.
        bar.add(len(batch))


def collect(
    batches: Iterable[np.ndarray],
    shape: tuple[int, ...],
    dtype: np.dtype,
    out: np.ndarray | str | os.PathLike | None,
    data_range: tuple[float, float] | None,
) -> np.ndarray | Path:
    """Puts batches of samples where they belong, each when it is made.

    Args:
        batches: arrays of samples, in order.
        shape: of all samples together.
        dtype: of a sample.
        out: see `AEGAN.generate`.
        data_range: what is black and white in pictures.

    Returns:
        The array that holds the samples, or the folder.

    Raises:
        ValueError: where `out` is not for these samples, before any is made.
        ImportError: for pictures, if Pillow is not installed.
    """
    if out is None:
        out = np.empty(shape, dtype)
    if isinstance(out, np.ndarray):
        _check_array(out, shape, dtype)
        return _fill(out, batches)
    path = Path(out)
    if path.suffix.lower() == ".npy":
        return _write_array(path, batches, shape, dtype)
    _check_folder(path, shape, data_range)
    return _write_pictures(path, batches, shape[0], data_range)


def _check_array(out, shape, dtype):
    if out.shape != shape or out.dtype != dtype or not out.flags.writeable:
        writable = "" if out.flags.writeable else "read-only "
        raise ValueError(
            f"Expected out to be a writable array of {dtype}, {shape}. "
            f"Received: a {writable}array of {out.dtype}, {out.shape}"
        )


def _fill(out, batches):
    start = 0
    for batch in batches:
        out[start : start + len(batch)] = batch
        start += len(batch)
    if isinstance(out, np.memmap):
        out.flush()
    return out


def _write_array(path, batches, shape, dtype):
    """Written and not mapped: mapped pages would count as memory in use."""
    if path.is_dir():
        raise ValueError(f"Could not write to {path}: it is a folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(file, header)
        for batch in batches:
            batch.tofile(file)
    return np.load(path, mmap_mode="r")


def _check_folder(folder, shape, data_range):
    if folder.suffix.lower() in (*ARRAYS, *PICTURES):
        raise ValueError(
            "Samples are written to a file that ends in .npy or, as PNG "
            f"pictures, to a folder. Received: out={str(folder)!r}"
        )
    if len(shape) != 4 or shape[-1] not in (1, 3, 4) or data_range is None:
        raise ValueError(
            "A folder is for pictures: expected data of shape (height, width, "
            "1, 3 or 4) with a range. Received: data of shape "
            f"{shape[1:]}, data_range={data_range}. Give a file that ends in "
            ".npy instead."
        )
    import_pillow()
    if os.path.lexists(folder) and not folder.is_dir():
        raise ValueError(
            f"Expected out to be a folder or to end in .npy: {folder} is a "
            "file."
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(
            f"Expected out to be a new or an empty folder: {folder} has files. "
            "Remove them, or give another folder."
        )


def _write_pictures(folder, batches, count, data_range):
    digits = len(str(count - 1))
    for number, sample in enumerate(_samples(batches)):
        if number == 0:
            folder.mkdir(parents=True, exist_ok=True)
        pixels = image_grid(sample[None], 1, data_range, padding=0)
        save_image(folder / f"{number:0{digits}}.png", pixels)
    return folder


def _samples(batches) -> Iterator[np.ndarray]:
    for batch in batches:
        yield from batch
