"""A batch that several devices share, each with a replica of the model.

So that together they make the step that one device makes with the whole batch,

* random numbers are drawn for the whole batch, from the same seed everywhere,
  and each takes those of its rows (`drawn`);
* a loss that compares samples, or is more than a mean over them, is given
  everybody's (`whole`);
* gradients and logs are the sums of all, each weighted with its share of the
  rows (`summed`).

With one device all three return what they are given.
"""

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable

import keras
from keras import ops

_current = contextvars.ContextVar("share", default=None)


@dataclasses.dataclass(frozen=True)
class Share:
    """A device's part of the batch.

    Args:
        start: the place of its first row in the whole batch.
        rows: its number of rows; it may be 0.
        total: the number of rows of the whole batch.
        sum: a function of a list of tensors to the list of their sums over
            all devices, which every device has to call.
    """

    start: object
    rows: object
    total: object
    sum: Callable


@contextlib.contextmanager
def sharing(share: Share | None):
    """What runs within it is one device's part of the work; `None`: all."""
    token = _current.set(share)
    try:
        yield
    finally:
        _current.reset(token)


def drawn(draw: Callable, shape):
    """Random numbers for a device's rows.

    Args:
        draw: a function of a shape to a tensor of random numbers.
        shape: `(rows, ...)`.

    Returns:
        A tensor of this shape.
    """
    share = _current.get()
    if share is None:
        return draw(shape)
    numbers = draw((share.total, *shape[1:]))
    return numbers[share.start : share.start + share.rows]


def whole(rows):
    """The rows of the whole batch.

    Args:
        rows: `(rows, ...)`, this device's.

    Returns:
        `(total, ...)`, on every device the same. Gradients reach its own rows
        alone, as many times larger as it has fewer: what is paid for the whole
        batch is paid by every device, and weighted with its share.
    """
    share = _current.get()
    if share is None:
        return rows
    before, after = (
        ops.zeros((count, *rows.shape[1:]), rows.dtype)
        for count in (share.start, share.total - share.start - share.rows)
    )
    own = ops.concatenate([before, rows, after])
    times = 1.0 / _weight(share)
    (everybody,) = share.sum([ops.stop_gradient(own)])
    return everybody + times * (own - ops.stop_gradient(own))


def summed(tensors):
    """The weighted sums over all devices.

    Args:
        tensors: a nest of tensors: gradients of means over the rows, and such
            means.

    Returns:
        The same nest for the whole batch, on every device the same.
    """
    share = _current.get()
    if share is None:
        return tensors
    weight = _weight(share)
    # The mean over no rows is no number, and counts nothing.
    weighted = [
        ops.where(weight > 0, ops.cast(weight, tensor.dtype) * tensor, 0)
        for tensor in map(ops.convert_to_tensor, keras.tree.flatten(tensors))
    ]
    return keras.tree.pack_sequence_as(tensors, share.sum(weighted))


def batch_size(data):
    """The number of rows of the whole batch."""
    share = _current.get()
    return ops.shape(data)[0] if share is None else share.total


def _weight(share):
    return ops.cast(share.rows, "float32") / ops.cast(share.total, "float32")
