"""A device's part of a batch, without other devices."""

import keras
import numpy as np
from keras import ops

from keras_aegan.layers import GaussianNoise
from keras_aegan.sharing import Share, batch_size, drawn, sharing, summed, whole

X = np.arange(6, dtype="float32").reshape(3, 2)


def share(start, rows, total):
    """Of a device beside which the others have zeros."""
    return Share(start, rows, total, lambda tensors: tensors)


def test_alone_everything_is_as_it_is():
    assert drawn(lambda shape: shape, (3, 2)) == (3, 2)
    assert whole(X) is X and summed(X) is X
    assert batch_size(X) == 3


def test_a_device_draws_for_all_and_takes_its_rows():
    def draw(shape):
        assert tuple(shape) == (8, 2)
        return ops.reshape(ops.arange(16.0), shape)

    with sharing(share(4, 3, 8)):
        assert batch_size(X) == 8
        numbers = ops.convert_to_numpy(drawn(draw, (3, 2)))
    np.testing.assert_array_equal(numbers[:, 0], [8, 10, 12])


def test_its_rows_have_their_place_in_the_whole():
    with sharing(share(4, 3, 8)):
        found = ops.convert_to_numpy(whole(ops.convert_to_tensor(X)))
    np.testing.assert_allclose(found, np.pad(X, [(4, 1), (0, 0)]))


def test_means_count_as_much_as_their_rows_and_nothing_without_rows():
    with sharing(share(4, 3, 8)):
        found = summed({"a": ops.convert_to_tensor(X)})
    np.testing.assert_allclose(ops.convert_to_numpy(found["a"]), X * 3 / 8)
    with sharing(share(8, 0, 8)):
        found = summed([ops.convert_to_tensor([float("nan"), 1.0])])
    np.testing.assert_array_equal(ops.convert_to_numpy(found[0]), [0, 0])


def test_noise_is_that_of_keras_and_each_device_has_its_own():
    x = ops.zeros((8, 5))
    alone = ops.convert_to_numpy(GaussianNoise(0.5, seed=3)(x, training=True))
    layer = keras.layers.GaussianNoise(0.5, seed=3)
    of_keras = ops.convert_to_numpy(layer(x, training=True))
    np.testing.assert_array_equal(alone, of_keras)
    with sharing(share(4, 3, 8)):
        part = GaussianNoise(0.5, seed=3)(x[:3], training=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(part), alone[4:7])
