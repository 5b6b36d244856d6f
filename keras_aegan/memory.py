"""Memory that a backend's variables take over as it is, without a copy.

Keras copies what a variable is given, on TensorFlow and PyTorch; of weights
that were just read that is most of the time that loading takes, and twice the
memory.
"""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

_ALIGNMENT = 64  # bytes: what XLA and TensorFlow ask of memory to take it over


def aligned(
    shape: tuple[int, ...], dtype, make: Callable = np.empty
) -> np.ndarray:
    """An array at an address that every backend takes over.

    Args:
        shape: Its shape.
        dtype: Its dtype.
        make: `np.empty`, or `np.zeros` for zeros that take no memory until
            they are written to.

    Returns:
        The array.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    buffer = make(size + _ALIGNMENT, "uint8")
    start = -buffer.ctypes.data % _ALIGNMENT
    return buffer[start : start + size].view(dtype).reshape(shape)


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
