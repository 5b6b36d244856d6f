"""What networks change in themselves in a forward pass, kept by the step."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_aegan import AEGAN, losses, networks, recipes


def test_spectral_norms_are_held_at_one(images):
    model = recipes.gan(
        (6, 4, 1), 3, hidden_units=(8,), spectral_norm=True, seed=0
    )
    normalised = [
        layer
        for layer in model.discriminator._flatten_layers()
        if isinstance(layer, layers.SpectralNormalization)
    ]
    vectors = [layer.vector_u.numpy() for layer in normalised]
    for _ in range(30):
        model.train_on_batch(images(8))
    assert len(normalised) >= 2
    for layer, vector in zip(normalised, vectors, strict=True):
        # One step of Adam past the projection.
        norm = np.linalg.norm(layer.kernel.numpy(), ord=2)
        assert abs(norm - 1) < 0.02
        assert not np.allclose(layer.vector_u.numpy(), vector)


def test_batch_statistics_move_once_a_forward_pass():
    data = keras.Input((3,))
    norm = layers.BatchNormalization(momentum=0.9, name="norm")
    encoder = keras.Model(data, layers.Dense(2)(norm(data)))
    model = AEGAN(
        networks.dense_generator((3,), 2),
        encoder,
        losses=[losses.ReconstructionLoss()],
        prior=None,
        data_range=None,
        data_dtype="float32",
        ema_momentum=None,
    )
    batch = np.full((4, 3), 5.0, "float32")
    model.train_on_batch(batch)
    mean = encoder.get_layer("norm").moving_mean.numpy()
    np.testing.assert_allclose(mean, 0.1 * batch[0], rtol=1e-6)
    model.test_on_batch(batch)
    found = encoder.get_layer("norm").moving_mean.numpy()
    np.testing.assert_array_equal(found, mean)


class Shaken(layers.Layer):
    """Its noise has no seed generator of its own."""

    def call(self, inputs):
        return inputs + keras.random.normal(ops.shape(inputs))


def test_noise_without_a_seed_of_its_own_is_new_in_each_step(images, backend):
    data = keras.Input((6, 4, 1))
    if backend == "jax":  # Where it would never change, and Keras says so.
        with pytest.raises(ValueError, match="JAX RNG"):
            Shaken()(data)
        return
    codes = layers.Dense(3)(Shaken()(layers.Flatten()(data)))
    model = AEGAN(
        networks.dense_generator((6, 4, 1), 3),
        keras.Model(data, codes),
        losses=[losses.ReconstructionLoss()],
    )
    model.compile(keras.optimizers.SGD(0.0))
    paid = [
        model.train_on_batch(images(8), return_dict=True)["reconstruction"]
        for _ in range(3)
    ]
    assert len(set(map(float, paid))) == 3
