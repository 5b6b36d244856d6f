"""Memory that a backend's variables take over as it is, without a copy.

Keras copies what a variable is given, on TensorFlow and PyTorch; of weights
that were just read that is most of the time that loading takes, and twice the
memory.
"""

import itertools
import math
import mmap

import keras
import numpy as np
from keras import ops

_ALIGNMENT = 64  # bytes: what XLA and TensorFlow ask of memory to take it over


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
    room = [-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes]
    block = _zeros(sum(room) + _ALIGNMENT)
    start = -block.ctypes.data % _ALIGNMENT
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


def give(variable: keras.Variable, array: np.ndarray) -> None:
    """Gives a variable its value, and where possible the memory too.

    Args:
        variable: The variable.
        array: Its value, from `aligned`.
    """
    if array.dtype.name != "float32" or variable.dtype != "float32":
        # NumPy has no bfloat16 of its own: a variable takes float32 and rounds.
        dtype = "float32" if variable.dtype == "bfloat16" else variable.dtype
        variable.assign(array.astype(dtype))
    elif keras.backend.backend() == "torch":
        # `assign` copies into the memory that is there.
        variable.value.data = as_tensor(array).to(variable.value.device)
    else:
        variable.assign(as_tensor(array))
