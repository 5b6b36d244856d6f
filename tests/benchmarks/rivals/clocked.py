"""What the children that run a library share: data that notice the time."""

import sys
import time
from unittest import mock

import torch
from turns import BATCH, WARM, images


class ClockedLoader(torch.utils.data.DataLoader):
    """Made-up pictures, and the seconds between two of their batches.

    The clock runs from the request for the first batch that is timed until the
    one after the last is asked for: what a library does before and after an
    epoch (files, pictures, copies of the model) is not counted.

    Args:
        size: of the pictures.
        steps: how many batches are timed.
        **kwargs: as in `DataLoader`.
    """

    def __init__(self, size: int, steps: int, **kwargs):
        data = torch.from_numpy(images(size, steps, "first"))
        super().__init__(data, batch_size=BATCH, **kwargs)
        self.seconds = None

    def __iter__(self):
        return _Clocked(self, super().__iter__())


class _Clocked:
    def __init__(self, loader, batches):
        self._loader, self._batches, self._asked = loader, batches, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self._asked == WARM:
            self._start = time.perf_counter()
        if self._asked == len(self._loader):
            self._loader.seconds = time.perf_counter() - self._start
        self._asked += 1
        return next(self._batches)

    #: vegans 0.4 calls it so, as PyTorch's loaders could be once.
    next = __next__


def stand_in_for_torchvision() -> None:
    """vegans and torchgan draw pictures with torchvision, after an epoch.

    It is not needed here, each build of it fits one build of PyTorch, and
    torchgan 0.1 gives it arguments (`range`) that it no longer takes.
    """
    sys.modules["torchvision"] = mock.MagicMock()
    sys.modules["torchvision.utils"] = sys.modules["torchvision"].utils
