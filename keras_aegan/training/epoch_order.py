"""The order in which each epoch goes through an array, also after a stop."""

import keras
import numpy as np
from keras import ops


class EpochOrder(keras.callbacks.Callback):
    """Draws an epoch's order from the model's own state and nothing else.

    Keras draws it from the process's random numbers, which start anew in a new
    process: a training that went on from a backup saw the first epoch's order
    once more, and ended elsewhere than one that was not stopped.

    For JAX, where Keras shuffles by NumPy, and PyTorch, whose own data loaders
    it reaches too. TensorFlow shuffles within the program.
    """

    def on_epoch_begin(self, epoch, logs=None):
        # Either may stand still: a game without noise, `fit` without a step.
        state = [self.model.seed_generator.state, self.model.step]
        parts = [np.ravel(ops.convert_to_numpy(each)) for each in state]
        words = np.concatenate(parts).astype("uint32")
        (seed,) = np.random.SeedSequence(words.tolist()).generate_state(1)
        if keras.backend.backend() == "torch":
            import torch

            torch.default_generator.manual_seed(int(seed))
        else:
            np.random.seed(seed)
