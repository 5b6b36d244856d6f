import keras
import numpy as np
from keras import ops

from keras_aegan.layers import StraightThrough
from keras_aegan.losses.input_gradient import input_gradient


def probabilities(*shape):
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype("float32")


def test_forwards_it_is_exactly_one_hot():
    p = probabilities(5, 4, 7)
    one_hot = ops.convert_to_numpy(StraightThrough()(p))
    np.testing.assert_array_equal(one_hot, np.eye(7)[p.argmax(-1)])


def test_the_first_of_equals_is_taken():
    p = np.full((1, 4), 0.25, "float32")
    one_hot = ops.convert_to_numpy(StraightThrough()(p))
    np.testing.assert_array_equal(one_hot, [[1, 0, 0, 0]])


def test_backwards_it_is_the_identity():
    p = ops.convert_to_tensor(probabilities(5, 7))
    w = np.random.default_rng(1).normal(size=(5, 7)).astype("float32")
    found = input_gradient(
        lambda x: ops.sum(ops.multiply(StraightThrough()(x), w)), p
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ops.stop_gradient(found)), w
    )


def test_compiled():
    model = keras.Sequential([keras.Input((4, 7)), StraightThrough()])
    p = probabilities(5, 4, 7)
    np.testing.assert_array_equal(
        model.predict(p, batch_size=2, verbose=0), np.eye(7)[p.argmax(-1)]
    )
