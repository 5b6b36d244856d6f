"""Pictures and arrays: from files into numpy, and from numpy into files."""

import contextlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
ARRAYS = (".npy", ".npz")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_ORIENTATION = 0x0112  # the EXIF tag


def read_data(
    path: str | os.PathLike,
    key: str | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    limit: int | None = None,
) -> np.ndarray:
    """Reads samples from a folder of pictures, a picture or a NumPy file.

    Pictures are read in the order of their names, subfolders included, and
    turned upright when their camera says how. NumPy files are read as they
    are; pickled objects in them are never loaded.

    Args:
        path: Folder of pictures (PNG, JPEG, WebP, BMP, GIF), one such picture,
            or a file that ends in `.npy` or `.npz`.
        key: Name of the array within an `.npz` file. Defaults to `x_train`,
            then `x`, then the only array that there is.
        size: Height and width that pictures get: those of another size are
            scaled until they cover it, and cropped around their centre.
            Defaults to the size that all the pictures share.
        channels: 1 for grey or 3 for colour pictures, 4 for those with
            opacity. Defaults to 1 when all the pictures are grey, else to 3.
        limit: Read no more than this many of the first samples. Defaults to
            all of them.

    Returns:
        Array of samples, never empty: uint8 of shape `(samples, height, width,
        channels)` for pictures, and what the file holds for a NumPy file.

    Raises:
        ValueError: If there is nothing to read, if a file cannot be read, if
            the pictures differ in size and `size` is not given, or if `size`
            or `limit` is no such thing.
        ImportError: If pictures are to be read and Pillow is not installed.

    Example:

    ```python
    faces = read_data("faces", size=(64, 64), channels=3)
    digits = read_data("mnist.npz", key="x_test", limit=100)
    ```
    """
    if limit is not None and limit < 1:
        raise ValueError(
            "Expected a limit of one sample or more, or None for all of them. "
            f"Received: limit={limit}"
        )
    if size is not None and len(np.shape(size)) != 1:
        raise ValueError(
            "Expected size to be a height and a width, such as (64, 64). "
            f"Received: size={size!r}"
        )
    path = Path(path)
    suffix = path.suffix.lower()
    if key is not None and suffix != ".npz":
        raise ValueError(
            f"A key names an array within an .npz file. Received: key='{key}' "
            f"with {path}. Leave the key out."
        )
    if not path.exists():
        raise ValueError(f"{path} does not exist.")
    if path.is_dir():
        files = sorted(
            file
            for file in _files_within(path)
            if file.suffix.lower() in PICTURES
            and not _is_hidden(file.relative_to(path))
            and file.is_file()
        )
        if not files:
            raise ValueError(
                f"{path} holds no pictures: expected files that end in "
                f"{', '.join(PICTURES)}."
            )
        return _read_pictures(files[:limit], size, channels)
    if suffix in PICTURES:
        return _read_pictures([path], size, channels)
    if suffix in ARRAYS:
        return _read_array(path, key)[:limit]
    raise ValueError(
        f"{path} is no kind of data that is known here: expected a folder of "
        f"pictures, or a file that ends in {', '.join(PICTURES + ARRAYS)}."
    )


def image_grid(
    images: np.ndarray,
    columns: int = 8,
    data_range: tuple[float, float] = (0, 255),
    padding: int = 2,
) -> np.ndarray:
    """Lays pictures out as one picture, row after row.

    Args:
        images: Array of shape `(samples, height, width, channels)`, with 1
            (grey), 3 (colour) or 4 (colour and opacity) channels.
        columns: Pictures in a row; fewer when there are fewer pictures.
        data_range: The values that become black and white; what lies outside
            is clipped.
        padding: White pixels between the pictures and around them.

    Returns:
        uint8 array of shape `(height, width, channels)`.

    Raises:
        ValueError: If `images` are not pictures, or none, or `columns` is
            below 1.

    Example:

    ```python
    grid = image_grid(model.generate(64), columns=8)
    ```
    """
    images = np.asarray(images)
    are_pictures = images.ndim == 4 and images.shape[-1] in (1, 3, 4)
    if not are_pictures or not len(images):
        raise ValueError(
            "Pictures have the shape (samples, height, width, channels), with "
            "one sample or more and 1, 3 or 4 channels. Received: shape "
            f"{images.shape}."
        )
    if columns < 1:
        raise ValueError(
            "Expected one picture or more in a row. Received: "
            f"columns={columns}"
        )
    low, high = data_range
    pixels = (images.astype("float64") - low) * (255 / (high - low))
    pixels = np.clip(np.rint(pixels), 0, 255).astype("uint8")

    count, height, width, channels = pixels.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    tall, wide = height + padding, width + padding
    grid = np.full(
        (rows * tall + padding, columns * wide + padding, channels),
        255,
        dtype="uint8",
    )
    for index, image in enumerate(pixels):
        row, column = divmod(index, columns)
        top, left = padding + row * tall, padding + column * wide
        grid[top : top + height, left : left + width] = image
    return grid


def save_image(
    path: str | os.PathLike, image: np.ndarray, scale: int = 1
) -> None:
    """Writes one picture as a PNG file, whole or not at all.

    Args:
        path: The file to write; one that is there already is replaced.
        image: uint8 array of shape `(height, width, channels)`, with 1, 3 or
            4 channels.
        scale: Width and height, in pixels of the file, of each pixel.

    Raises:
        ImportError: If Pillow is not installed.

    Example:

    ```python
    save_image("samples.png", image_grid(model.generate(64)), scale=2)
    ```
    """
    pillow = import_pillow()
    image = image.repeat(scale, axis=0).repeat(scale, axis=1)
    if image.shape[-1] == 1:
        image = image[..., 0]
    with replacing(path) as file:
        pillow.Image.fromarray(image).save(file, format="PNG")


def save_animation(
    path: str | os.PathLike,
    frames: Sequence[str | os.PathLike],
    milliseconds: int = 200,
) -> None:
    """Joins pictures into an animated PNG, whole or not at all.

    Browsers play it, over and over, with the very pixels of its frames; equal
    ones that follow each other become one that is shown longer.

    Args:
        path: The file to write; one that is there already is replaced.
        frames: The pictures' files, one or more, in their order, all of one
            size and number of channels.
        milliseconds: How long each is shown.

    Raises:
        ValueError: If there are no frames, or one cannot be read or differs
            from the first in its size or channels.
        ImportError: If Pillow is not installed.

    Example:

    ```python
    save_animation("samples.png", ["samples_0000.png", "samples_0001.png"])
    ```
    """
    if not frames:
        raise ValueError("Expected one frame or more. Received: none.")
    pictures = [_opened(frame) for frame in frames]
    for frame, picture in zip(frames, pictures, strict=True):
        first = pictures[0]
        if (picture.size, picture.mode) != (first.size, first.mode):
            raise ValueError(
                "Expected frames of one size and number of channels. "
                f"Received: {frame}, which differs from {frames[0]}. "
                "Remove one of them."
            )
    with replacing(path) as file:
        pictures[0].save(
            file,
            format="PNG",
            save_all=True,
            append_images=pictures[1:],
            duration=milliseconds,
            loop=0,
        )


def _opened(path: str | os.PathLike):
    pillow = import_pillow()
    try:
        with pillow.Image.open(path) as picture:
            return picture.copy()
    except OSError as error:
        raise ValueError(f"{path} cannot be read as a picture.") from error


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Opens a file to write that takes its place only once it is complete.

    Args:
        path: The file that shall be there afterwards.

    Returns:
        A context manager that gives the binary file to write to.

    Raises:
        FileNotFoundError: If there is no folder to write it into.

    Example:

    ```python
    with replacing("samples.npy") as file:
        numpy.save(file, samples)
    ```
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {path.parent} to write {path.name} into. Make "
            "it first."
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def import_pillow():
    """Pillow, which only those who handle pictures need to have installed."""
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise ImportError(
            "Reading and writing pictures needs Pillow, which is not "
            'installed. Install it with `pip install "keras-aegan[plot]"`.'
        ) from error
    return PIL


def _read_pictures(
    paths: list[Path], size: tuple[int, int] | None, channels: int | None
) -> np.ndarray:
    pillow = import_pillow()
    broken = (
        OSError,
        SyntaxError,  # what Pillow raises for a broken PNG
        ValueError,
        pillow.Image.DecompressionBombError,
    )
    # Their heads first: a folder that will not do is refused before its
    # pictures are decoded, and the array that holds them is made just once.
    sizes, grey, unreadable = {}, True, []
    for path in paths:
        try:
            with pillow.Image.open(path) as picture:
                width, height = picture.size
                if picture.getexif().get(_ORIENTATION, 1) >= 5:  # lies down
                    width, height = height, width
                sizes.setdefault((height, width), path)
                grey &= picture.mode in ("1", "L", "LA")
                if picture.mode[0] in "IF":  # Pillow would clip them to 8 bits
                    unreadable.append(path)
        except broken:
            unreadable.append(path)
    _refuse(unreadable)
    if size is None and len(sizes) > 1:
        examples = [
            f"{path.name} is {height}x{width}"
            for (height, width), path in sizes.items()
        ]
        raise ValueError(
            f"The pictures have {len(sizes)} different sizes "
            f"({_some(examples)}). Give one image size that all of them get, "
            "such as 64."
        )
    height, width = size or next(iter(sizes))
    channels = channels or (1 if grey else 3)

    images = np.empty((len(paths), height, width, channels), dtype="uint8")
    for path, image in zip(paths, images, strict=True):
        try:
            with pillow.Image.open(path) as picture:
                upright = pillow.ImageOps.exif_transpose(picture)
                pixels = upright.convert(_MODES[channels])
        except broken:
            unreadable.append(path)
            continue
        if pixels.size != (width, height):
            pixels = pillow.ImageOps.fit(pixels, (width, height))
        image[...] = np.asarray(pixels).reshape(image.shape)
    _refuse(unreadable)
    return images


def _files_within(folder: Path) -> Iterator[Path]:
    """All files, of linked folders too, each folder once."""
    seen = set()
    for where, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:  # A link to a folder above it.
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(where, name) for name in names)


def _is_hidden(path: Path) -> bool:
    """As thumbnails are, and what notebooks keep."""
    return any(part.startswith(".") for part in path.parts)


def _refuse(unreadable: list[Path]) -> None:
    if unreadable:
        raise ValueError(
            f"{len(unreadable)} of the pictures cannot be read: "
            f"{_some([str(path) for path in unreadable])}. Mend or remove "
            "what is damaged, is no picture, or has more than 8 bits a channel."
        )


def _some(names: Sequence[str], most: int = 5) -> str:
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])


def _read_array(path: Path, key: str | None) -> np.ndarray:
    # Opened here, because NumPy leaves a damaged file open.
    with open(path, "rb") as file:
        with plain_numbers_only(path):
            array = np.load(file, allow_pickle=False)
        if isinstance(array, np.lib.npyio.NpzFile):
            key = _choose_key(path, array.files, key)
            with plain_numbers_only(path):
                array = array[key]
    if array.dtype.kind not in "uif" or array.ndim < 2 or len(array) == 0:
        raise ValueError(
            f"{path}: expected numbers of shape (samples, ...), at least one "
            f"sample. Received: {array.dtype} of shape {array.shape}."
        )
    return array


@contextlib.contextmanager
def plain_numbers_only(path: str | os.PathLike) -> Iterator[None]:
    """Lets what NumPy makes of a damaged file be one error, a `ValueError`.

    Args:
        path: The file that is read within.
    """
    damages = (EOFError, OSError, zipfile.BadZipFile, zlib.error)
    try:
        yield
    except (ValueError, MemoryError, *damages) as error:
        raise ValueError(
            f"{path} cannot be read as plain arrays ({error}). Expected "
            "numbers written by numpy.save or numpy.savez; object arrays and "
            "pickles are never loaded, because loading one can run code."
        ) from error


def _choose_key(path: Path, keys: list[str], key: str | None) -> str:
    if key in keys:
        return key
    if key is None:
        for usual in ("x_train", "x"):
            if usual in keys:
                return usual
        if len(keys) == 1:
            return keys[0]
    received = "no key" if key is None else f"key '{key}'"
    raise ValueError(
        f"{path} holds the arrays {', '.join(sorted(keys)) or '(none)'}. "
        f"Received: {received}. Give the key of one of them."
    )
