"""An autoencoder, the mixture of its codes, and then the adversary.

`rae` and `mixture_aegan`, in so many steps together. How long the mixture takes
to fit is nobody's time: the autoencoder that it is compared with has it free
too.
"""

import numpy as np

from keras_aegan import recipes
from keras_aegan.callbacks import StopAfter

#: Of every mixture, here and where an autoencoder is left as it is.
COMPONENTS = 40


class TwoStages:
    """With what `equal_time.py` asks of a method.

    Args:
        shape: of an image.
        seed: of both stages.
        share: of the steps that the autoencoder makes.
    """

    def __init__(self, shape, seed, share):
        self.seed = seed
        self.share = share
        self.first = recipes.rae(shape, seed=seed)
        self.second = None

    def train(self, data, steps, batch_size):
        before = round(self.share * steps)
        data = np.random.default_rng(self.seed).permutation(data)
        _train(self.first, data, before, batch_size)
        self._begin_second(data)
        _train(self.second, data, steps - before, batch_size)

    def parts(self, data):
        """Each stage's share of the steps and its model, untrained, to time."""
        self._begin_second(data)
        return [(self.share, self.first), (1 - self.share, self.second)]

    def _begin_second(self, data):
        self.first.fit_sampler("gmm", data[:10_000], COMPONENTS, seed=0)
        self.second = recipes.mixture_aegan(self.first, seed=self.seed)

    def generate(self, count, seed, batch_size):
        return self.second.generate(count, seed=seed, batch_size=batch_size)

    def reconstruct(self, images, batch_size):
        return self.second.reconstruct(images, batch_size=batch_size)


def _train(model, data, steps, batch_size):
    model.fit(
        data,
        batch_size=batch_size,
        epochs=steps,
        callbacks=[StopAfter(steps=steps)],
        verbose=0,
    )
