"""Attributes as directions of codes."""

import keras
import numpy as np
import pytest

from keras_aegan import AEGAN, losses, recipes


def linear(matrix, prior="normal"):
    """An autoencoder `x -> x M -> x`, whose codes can be told by hand."""
    size = len(matrix)
    networks = {}
    for seat, weights in (
        ("encoder", matrix),
        ("generator", np.linalg.inv(matrix)),
    ):
        inputs = keras.Input((size,))
        dense = keras.layers.Dense(size, use_bias=False)
        networks[seat] = keras.Model(inputs, dense(inputs))
        dense.set_weights([weights.astype("float32")])
    return AEGAN(
        **networks,
        prior=prior,
        losses=[losses.ReconstructionLoss()],
        data_range=None,
        data_dtype="float32",
    )


MATRIX = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 4.0]])


def test_a_direction_is_the_way_between_the_two_means():
    random = np.random.default_rng(0)
    x = random.normal(size=(50, 3)).astype("float32")
    labels = random.integers(0, 2, 50)
    x[labels == 1] += [0.0, 3.0, 0.0]
    model = linear(MATRIX)
    direction = model.attribute_direction(x, labels)
    gap = x[labels == 1].mean(0) - x[labels == 0].mean(0)
    np.testing.assert_allclose(direction, gap @ MATRIX, atol=1e-5)
    for given in (labels.astype(bool), labels.astype("float32")):
        again = model.attribute_direction(x, given)
        np.testing.assert_array_equal(again, direction)
    # Back in the data: as far as the two are apart.
    for strength in (1.0, -0.5, 0.0):
        edited = model.edit(x[:4], direction, strength)
        np.testing.assert_allclose(edited, x[:4] + strength * gap, atol=1e-5)


def test_edited_codes_stay_on_the_sphere():
    model = linear(np.eye(3), prior="sphere")
    x = np.array([[1.0, 0.0, 0.0]], "float32")
    edited = model.edit(x, np.array([0.0, 1.0, 0.0]), 1.0)
    np.testing.assert_allclose(edited, [[0.5**0.5, 0.5**0.5, 0]], atol=1e-6)


def test_pictures_keep_range_and_dtype():
    model = recipes.aegan((16, 16, 1), 4, width=4, seed=0)
    x = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 1), "uint8")
    direction = model.attribute_direction(x, [0, 1, 0, 1, 1, 0])
    edited = model.edit(x, direction, 0.0)
    assert edited.dtype == "uint8"
    np.testing.assert_array_equal(edited, model.reconstruct(x))
    assert (model.edit(x, 50 * direction) != edited).any()


def test_mistakes_are_named():
    model = linear(MATRIX)
    x = np.zeros((4, 3), "float32")
    for labels in ([1, 1, 1, 1], [0, 1, 2, 1], [0, 1], ["a", "b", "a", "b"]):
        with pytest.raises(ValueError, match="labels of 0 and 1"):
            model.attribute_direction(x, labels)
    with pytest.raises(ValueError, match=r"codes of shape \(n, 3\)"):
        model.edit(x, np.zeros(2))
    with pytest.raises(ValueError, match="strength to be a finite"):
        model.edit(x, np.zeros(3), float("nan"))
    for strength in ("1", np.ones(2), None):
        with pytest.raises(ValueError, match="strength to be a finite"):
            model.edit(x, np.zeros(3), strength)
    without = recipes.gan((6,), data_range=None, data_dtype="float32")
    with pytest.raises(ValueError, match="needs the encoder seat"):
        without.edit(np.zeros((1, 6), "float32"), np.zeros(32))
