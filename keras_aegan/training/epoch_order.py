"""The order in which each epoch goes through an array, also after a stop."""

import keras
import numpy as np
from keras import ops


class EpochOrder(keras.callbacks.Callback):
    """Draws an epoch's order from the model's own state and nothing else.

    Keras draws it from the process's random numbers, which start anew in a new
    process: a training that went on from a backup saw the first epoch's order
    once more, and ended elsewhere than one that was not stopped.

    On JAX Keras shuffles by NumPy's random numbers, on PyTorch by its own, as
    data loaders do too. On TensorFlow it would by a kernel that begins anew
    with each epoch, in the same order after `keras.utils.set_random_seed`: the
    trainer shuffles there, by this `seed`.
    """

    def on_epoch_begin(self, epoch, logs=None):
        # Either may stand still: a game without noise, `fit` without a step.
        state = [self.model.seed_generator.state, self.model.step]
        parts = [np.ravel(ops.convert_to_numpy(each)) for each in state]
        words = np.concatenate(parts).astype("uint32")
        (self.seed,) = np.random.SeedSequence(words.tolist()).generate_state(1)
        backend = keras.backend.backend()
        if backend == "torch":
            import torch

            torch.default_generator.manual_seed(int(self.seed))
        elif backend == "jax":
            np.random.seed(self.seed)
