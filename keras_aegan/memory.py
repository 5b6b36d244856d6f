"""Memory that a backend's variables take over as it is, without a copy.

Keras copies what a variable is given, on TensorFlow and PyTorch; of weights
that come from a file that is most of the time that loading takes, and twice
the memory.
"""

import contextlib
import itertools
import math
import mmap
import pathlib
import sys
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

#: In bytes: what XLA and TensorFlow ask of memory to take it over.
ALIGNMENT = 64


def aligned(
    kinds: list[tuple[tuple[int, ...], object]],
) -> list[np.ndarray]:
    """Zeros at addresses that every backend takes over.

    They are parts of one block, which takes no memory until it is written to,
    and is free again when none of them is used any more.

    Args:
        kinds: The shape and the dtype of each.

    Returns:
        The arrays.
    """
    sizes = [
        math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in kinds
    ]
    room = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
    block = _zeros(sum(room) + ALIGNMENT)
    start = -block.ctypes.data % ALIGNMENT
    starts = itertools.accumulate(room, initial=start)
    return [
        block[start : start + size].view(dtype).reshape(shape)
        for start, size, (shape, dtype) in zip(
            starts, sizes, kinds, strict=False
        )
    ]


def _zeros(size):
    """Bytes, which the system hands out page by page as they are written.

    NumPy asks for huge pages, which are faster where the machine has them at
    hand. A virtual one gets those it never used from its host: 100 MB in up to
    200 ms, while small pages that others gave back take 50.
    """
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows
        return np.zeros(size, "uint8")
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return np.frombuffer(mmap.mmap(-1, size, flags=flags), "uint8")


def mapped(path: pathlib.Path) -> np.ndarray:
    """A file's bytes, each page of which is read when it is looked at.

    Who changes them does not change the file.

    Args:
        path: A file that is replaced or removed, but not written to, for as
            long as the bytes are used: the system ends a process that looks at
            what was cut off.

    Returns:
        The bytes.

    Raises:
        OSError: If the file cannot be opened, or its file system maps none.
    """
    # Before Python 3.13 a map keeps a descriptor of its file open.
    options = {"trackfd": False} if sys.version_info >= (3, 13) else {}
    with path.open("rb") as file:
        content = mmap.mmap(
            file.fileno(), 0, access=mmap.ACCESS_COPY, **options
        )
    return np.frombuffer(content, "uint8")


def as_tensor(array: np.ndarray):
    """A tensor of the backend, in the memory of an `aligned` float32 array.

    The array must not be written to afterwards.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        return torch.from_numpy(array)
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    # JAX copies what comes without a dtype.
    return ops.convert_to_tensor(array, dtype="float32")


@contextlib.contextmanager
def named_alike() -> Iterator[None]:
    """Lets TensorFlow give the variables that Keras makes meanwhile one name.

    For each name and shape it makes a kernel, which takes a third of a
    millisecond. What Keras calls a variable, `name` and `path`, stays.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    def create(make, **arguments):
        with tf.name_scope(""):
            return make(**{**arguments, "name": "variable"})

    with tf.variable_creator_scope(create):
        yield


def give(variable: keras.Variable, array: np.ndarray) -> None:
    """Gives a variable its value, and where possible the memory too.

    Args:
        variable: The variable.
        array: Its value, which is not written to afterwards.
    """
    is_float32 = array.dtype.name == variable.dtype == "float32"
    if not is_float32 or array.ctypes.data % ALIGNMENT:
        # NumPy has no bfloat16 of its own: a variable takes float32 and rounds.
        dtype = "float32" if variable.dtype == "bfloat16" else variable.dtype
        variable.assign(array.astype(dtype))
    elif keras.backend.backend() == "torch":
        # `assign` copies into the memory that is there.
        variable.value.data = as_tensor(array).to(variable.value.device)
    else:
        variable.assign(as_tensor(array))
