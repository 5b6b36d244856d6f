"""A small model with everything that a preset has to carry."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_aegan import AEGAN, losses

_IMAGE = (2, 2, 1)


@pytest.fixture
def make_model():
    """A function that makes a model whose every value is its own."""

    def make(latent_dim=3, encoder=True, seed=0):
        keras.utils.set_random_seed(seed)
        game = [losses.DataAdversarialLoss()]
        if encoder:
            game.append(losses.ReconstructionLoss("mae"))
        model = AEGAN(
            generator=_generator(latent_dim),
            encoder=_encoder(latent_dim) if encoder else None,
            discriminator=_discriminator(),
            losses=game,
            seed=seed,
        )
        rng = np.random.default_rng(seed)
        for network in model.networks.values():
            for variable in network.weights:
                variable.assign(rng.uniform(0.1, 1, size=variable.shape))
        model.progress["step"].assign(12)
        return model

    return make


def _generator(latent_dim):
    # Two branches, a nested model, a wrapper, layers without weights, moving
    # averages and a seed generator: all that names have to cope with.
    code = keras.Input((latent_dim,))
    x = layers.Dense(16, activation="leaky_relu")(code)
    x = layers.Dense(4, use_bias=False)(x)
    x = layers.Dropout(0.1, seed=1)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Reshape(_IMAGE)(x)
    inner = keras.Sequential(
        [keras.Input(_IMAGE), layers.Conv2DTranspose(2, 3, padding="same")]
    )
    x = keras.ops.concatenate([inner(x), layers.Conv2D(2, 1)(x)], axis=-1)
    x = layers.SpectralNormalization(layers.Conv2D(1, 1))(x)
    return keras.Model(code, x)


def _encoder(latent_dim):
    image = keras.Input(_IMAGE)
    x = layers.LayerNormalization()(layers.Flatten()(image))
    code = layers.Dense(latent_dim, dtype="bfloat16")(x)
    return keras.Model(image, code)


def _discriminator():
    image = keras.Input(_IMAGE)
    return keras.Model(image, layers.Dense(1)(layers.Flatten()(image)))
