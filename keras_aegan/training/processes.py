"""A training by several processes of PyTorch, as by one.

Each process has the same model and gets the same batches, of which it takes its
rows (see `keras_aegan.sharing`). `DistributedDataParallel` is not used: its
hooks are those of one loss's `backward()`, and a game has several losses, each
with the gradients of its own players.
"""

import keras
import torch
from torch import distributed
from torch.utils.data import DistributedSampler

from keras_aegan.sharing import Share


def are_many() -> bool:
    """Whether this process is one of several that train together."""
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )


def sampler_of(source):
    """The sampler by which a data loader has its process's share, or `None`."""
    sampler = getattr(source, "sampler", None)
    return sampler if isinstance(sampler, DistributedSampler) else None


def shared(data, is_divided: bool):
    """A process's rows of a batch, and its `Share`.

    Args:
        data: `(total, ...)`, the same in each process, or `(rows, ...)`.
        is_divided: whether each process has been given its own rows alone, as
            many as every other.
    """
    count, rank = distributed.get_world_size(), distributed.get_rank()
    if is_divided:
        rows = len(data)
        return data, Share(rank * rows, rows, count * rows, _sum)
    total = len(data)
    start, end = (place * total // count for place in (rank, rank + 1))
    return data[start:end], Share(start, end - start, total, _sum)


def _sum(tensors):
    """The sums over all processes, in one message."""
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    distributed.all_reduce(flat)
    parts = flat.split([tensor.numel() for tensor in tensors])
    return [
        part.reshape(tensor.shape).to(tensor.dtype)
        for part, tensor in zip(parts, tensors, strict=True)
    ]


class Together(keras.callbacks.Callback):
    """Brings what happens in the first process to all others.

    The user's callbacks run there alone, before this one: what they write is
    written once. What they changed, a restored backup or a learning rate,
    reaches the others when `fit` begins and at the end of each epoch, and their
    wish to stop after each batch.

    Args:
        sampler: the `DistributedSampler` of the data, if there is one.
    """

    def __init__(self, sampler=None):
        super().__init__()
        self.sampler = sampler

    def on_train_begin(self, logs=None):
        self._bring_state()
        self.model._initial_epoch = _of_first(self.model._initial_epoch)

    def on_epoch_begin(self, epoch, logs=None):
        self.model._begin_epoch()
        # The order of the data is drawn next.
        torch.set_rng_state(_of_first(torch.get_rng_state()))
        if self.sampler is not None:
            self.sampler.set_epoch(epoch)

    def on_train_batch_end(self, batch, logs=None):
        device = self.model.step.value.device
        is_last = torch.tensor(int(self.model.stop_training), device=device)
        distributed.broadcast(is_last, 0)
        self.model.stop_training = bool(is_last)

    def on_epoch_end(self, epoch, logs=None):
        self._bring_state()
        self.model.stop_training = _of_first(self.model.stop_training)

    def on_train_end(self, logs=None):
        self._bring_state()

    def _bring_state(self):
        for variable in [
            *self.model.variables,
            *self.model.optimizer.variables,
        ]:
            distributed.broadcast(variable.value.detach(), 0)


def _of_first(value):
    """A value of the first process, in each."""
    values = [value]
    distributed.broadcast_object_list(values, 0)
    return values[0]
