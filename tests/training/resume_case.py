"""Trainings in processes of their own, for the tests of resuming.

    python resume_case.py whole    FOLDER   # 2 epochs of 20 steps
    python resume_case.py first    FOLDER   # 1 epoch, then saves
    python resume_case.py second   FOLDER   # loads, and the other epoch
    python resume_case.py killed   FOLDER   # backs up; SIGKILL in epoch 2
    python resume_case.py restored FOLDER   # goes on from the backup

Each writes all of the model's and its optimizers' variables.
"""

import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np

from keras_aegan import recipes


def _data():
    random = np.random.default_rng(3)
    return random.integers(0, 256, (20 * 8, 16, 16, 1)).astype("uint8")


def _model():
    # Noise in the prior, in no network's way: lazy penalties that are due in
    # both epochs, a schedule, averages, and random draws every step.
    return recipes.aegan(
        (16, 16, 1),
        latent_dim=4,
        width=4,
        penalty_interval=3,
        decay_steps=40,
        learning_rate=1e-3,
        seed=5,
    )


def _fit(model, until, start=0, callbacks=()):
    model.fit(
        _data(),
        batch_size=8,
        epochs=until,
        initial_epoch=start,
        verbose=0,
        callbacks=list(callbacks),
    )


class _Kill(keras.callbacks.Callback):
    """Ends the process between two steps of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 1 and batch == 7:
            os.kill(os.getpid(), signal.SIGKILL)


def main(part, folder):
    keras.utils.set_random_seed(1)  # As a script has it that starts again.
    folder = Path(folder)
    backup = keras.callbacks.BackupAndRestore(str(folder / "backup"))
    if part == "second":
        model = keras.saving.load_model(folder / "half.keras")
        _fit(model, until=2, start=1)
    else:
        model = _model()
        if part == "whole":
            _fit(model, until=2)
        elif part == "first":
            _fit(model, until=1)
            model.save(folder / "half.keras")
        elif part == "killed":
            _fit(model, until=2, callbacks=[backup, _Kill()])
        elif part == "restored":
            _fit(model, until=2, callbacks=[backup])
    state = [*model.variables, *model.optimizer.variables]
    arrays = {str(i): variable.numpy() for i, variable in enumerate(state)}
    np.savez(folder / f"{part}.npz", **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
