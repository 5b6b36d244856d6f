"""Trainings by two processes of PyTorch, for the tests; results in a folder.

    torchrun --nproc-per-node 2 processes_case.py callbacks FOLDER
    torchrun --nproc-per-node 2 processes_case.py evaluated FOLDER
    torchrun --nproc-per-node 2 processes_case.py loader    FOLDER
    torchrun --nproc-per-node 2 processes_case.py whole     FOLDER
    torchrun --nproc-per-node 2 processes_case.py killed    FOLDER

In the last, the second process is killed in its second epoch; started again, it
goes on.

Each process writes what its model has come to, `PART_RANK.npz`.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import keras
import numpy as np
import torch
from cases import CASES
from torch.utils.data import DataLoader, DistributedSampler

ROWS, BATCH_SIZE, TIMEOUT = 40, 8, timedelta(minutes=1)


class KilledOnce(keras.utils.PyDataset):
    """Batches, the ninth of which kills the second process, but only once."""

    def __init__(self, data, mark):
        super().__init__()
        self.data, self.mark, self.given = data, mark, 0

    @property
    def num_batches(self):
        return len(self.data) // BATCH_SIZE

    def __getitem__(self, index):
        self.given += 1
        is_second = torch.distributed.get_rank() == 1
        if is_second and self.given == 9 and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.data[BATCH_SIZE * index :][:BATCH_SIZE]


def with_callbacks(folder, rank):
    """Processes that begin unlike each other; callbacks change the training."""
    keras.utils.set_random_seed(rank)
    model = CASES["aegan"].build(seed=rank)
    data = CASES["aegan"].data(ROWS)
    generator = "generator"

    def slower(epoch, logs):
        model.optimizer[generator].learning_rate.assign(1e-3 * 0.5**epoch)

    def stop(batch, logs):
        (folder / f"called_{rank}").touch()
        if int(model.step) == 8:
            model.stop_training = True

    calls = keras.callbacks.LambdaCallback(
        on_epoch_end=slower, on_train_batch_end=stop
    )
    model.fit(data, batch_size=BATCH_SIZE, epochs=9, callbacks=[calls])
    return model


def evaluated(folder, rank):
    """A callback, which runs in the first process alone, evaluates."""
    model, data = CASES["aegan"].build(), CASES["aegan"].data(ROWS)
    calls = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: model.evaluate(data)
    )
    model.fit(data, validation_data=data, callbacks=[calls])
    return model


def with_loader(folder, rank):
    """Each process reads its own rows alone."""
    data = torch.as_tensor(CASES["wae_mmd"].data(ROWS))
    sampler = DistributedSampler(data, shuffle=False)
    loader = DataLoader(data, batch_size=BATCH_SIZE // 2, sampler=sampler)
    model = CASES["wae_mmd"].build()
    model.fit(loader, epochs=2, validation_data=loader)
    return model


def with_backup(folder, rank, is_killed=False):
    model = CASES["aegan"].build()
    data = CASES["aegan"].data(ROWS)
    model.fit(
        KilledOnce(data, folder / "killed") if is_killed else data,
        batch_size=None if is_killed else BATCH_SIZE,
        epochs=3,
        shuffle=False,
        callbacks=[keras.callbacks.BackupAndRestore(folder / "backup")],
    )
    return model


def killed(folder, rank):
    return with_backup(folder, rank, is_killed=True)


PARTS = {
    "callbacks": with_callbacks,
    "evaluated": evaluated,
    "loader": with_loader,
    "whole": with_backup,
    "killed": killed,
}


def state(model):
    """All variables, by their place."""
    variables = [*model.variables, *model.optimizer.variables]
    return {str(i): v.numpy() for i, v in enumerate(variables)}


def main(part, folder):
    torch.distributed.init_process_group("gloo", timeout=TIMEOUT)
    folder, rank = Path(folder), torch.distributed.get_rank()
    model = PARTS[part](folder, rank)
    history = {f"log {k}": v for k, v in model.history.history.items()}
    np.savez(folder / f"{part}_{rank}.npz", **state(model), **history)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
