import math
import statistics

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan.layers.mixture import GaussianMixture

#: Of a draw with six values.
SHAPES = [(6,), (3, 2), (1, 2, 3)]
PROBABILITIES = [0.5, 0.125, 0.375]


def layer_of(shape=(6,), probabilities=PROBABILITIES, seed=0):
    """A layer with random means and factors, and these in float64."""
    rng = np.random.default_rng(seed)
    k, d = len(probabilities), math.prod(shape)
    means = 3 * rng.normal(size=(k, d))
    factors = np.tril(rng.normal(size=(k, d, d)))
    layer = GaussianMixture(k, shape)
    layer.build((None, d + 1))
    layer.set_weights([np.array(probabilities), means, factors])
    return layer, means, factors


def noise(count, values=7, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, values), dtype="float32")


def run(layer, inputs):
    return ops.convert_to_numpy(layer(inputs))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_formula(shape):
    layer, means, factors = layer_of(shape)
    x = noise(200)
    wanted = []
    for first, *rest in x.astype("float64"):
        uniform = 0.5 * math.erfc(-first / math.sqrt(2))
        k = np.searchsorted(np.cumsum(PROBABILITIES), uniform)
        wanted.append(means[k] + factors[k] @ rest)
    wanted = np.reshape(wanted, (200, *shape))
    np.testing.assert_allclose(run(layer, x), wanted, rtol=1e-5, atol=1e-5)


def test_how_often_each_component_is_chosen():
    layer, means, _ = layer_of()
    layer.cholesky_factors.assign(np.zeros((3, 6, 6)))
    drawn = run(layer, noise(20_000))
    for mean, probability in zip(means, PROBABILITIES, strict=True):
        share = np.isclose(drawn, mean, atol=1e-5).all(axis=1).mean()
        # Four standard errors of the likeliest.
        assert share == pytest.approx(probability, abs=0.0142)


def test_every_noise_chooses_a_component():
    # The normal distribution's ends, where the uniform number is 0 or 1.
    x = np.zeros((2, 7), "float32")
    x[:, 0] = [-30, 30]
    layer, means, _ = layer_of(probabilities=[0.2, 0.8 - 1e-6])
    np.testing.assert_allclose(run(layer, x), means, rtol=1e-6)


def test_a_fresh_layer_is_the_standard_normal_distribution():
    x = noise(5)
    drawn = run(GaussianMixture(3, (2, 3)), x)
    np.testing.assert_allclose(drawn.reshape(5, 6), x[:, 1:], rtol=1e-6)


def test_nothing_is_trainable():
    layer, _, _ = layer_of()
    assert layer.trainable_variables == []
    assert [w.name for w in layer.weights] == [
        "probabilities",
        "means",
        "cholesky_factors",
    ]


def test_shares_are_right_when_stored_as_bfloat16():
    shares = np.random.default_rng(4).dirichlet(np.full(40, 5.0))
    layer, means, _ = layer_of(probabilities=shares)
    stored = ops.cast(ops.cast(layer.probabilities, "bfloat16"), "float32")
    layer.probabilities.assign(stored)
    layer.cholesky_factors.assign(np.zeros((40, 6, 6)))
    x = np.zeros((20_000, 7), "float32")
    even = (np.arange(len(x)) + 0.5) / len(x)
    x[:, 0] = [statistics.NormalDist().inv_cdf(u) for u in even]
    drawn = run(layer, x)
    for mean, share in zip(means, shares, strict=True):
        found = np.isclose(drawn, mean, atol=1e-5).all(axis=1).mean()
        # Half a percent of its own, and a draw at either end.
        assert found == pytest.approx(share, rel=0.005, abs=1e-4)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_is_exact_in_mixed_precision(policy):
    x = noise(50)
    wanted = run(layer_of()[0], x)
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((7,))
    layer, _, _ = layer_of()
    model = keras.Model(inputs, layer(inputs))
    drawn = run(model, x)
    assert drawn.dtype == "float32"
    np.testing.assert_allclose(drawn, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_config_and_file_give_the_same_layer(shape, tmp_path):
    layer, _, _ = layer_of(shape)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert (again.components, again.latent_shape) == (3, shape)
    again.set_weights(layer.get_weights())
    wanted = run(layer, noise(5))
    np.testing.assert_array_equal(run(again, noise(5)), wanted)

    inputs = keras.Input((7,))
    keras.Model(inputs, layer(inputs)).save(tmp_path / "prior.keras")
    loaded = keras.saving.load_model(tmp_path / "prior.keras")
    assert loaded.output_shape == (None, *shape)
    np.testing.assert_allclose(run(loaded, noise(5)), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("components", "shape"), [(0, (2,)), (1.5, (2,)), (2, ()), (2, (3, 0))]
)
def test_sizes_are_whole_numbers(components, shape):
    with pytest.raises(ValueError, match="whole number, 1 or more, and laten"):
        GaussianMixture(components, shape)


def test_noise_has_one_value_more_than_a_code():
    with pytest.raises(ValueError, match=r"\(batch, 7\): one value to choose"):
        GaussianMixture(2, (3, 2)).build((None, 6))
