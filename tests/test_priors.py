import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan.priors import PRIORS, interpolate_codes, sample_noise


def training_draw(prior, shape, seed):
    return ops.convert_to_numpy(
        PRIORS[prior](shape, keras.random.SeedGenerator(seed))
    )


draws = pytest.mark.parametrize(
    "draw", [training_draw, sample_noise], ids=["training", "use"]
)
priors = pytest.mark.parametrize("prior", ["normal", "uniform", "sphere"])


@draws
@priors
@pytest.mark.parametrize("latent_shape", [(5,), (2, 3)])
def test_shape_dtype_and_seeds(draw, prior, latent_shape):
    shape = (7, *latent_shape)
    noise = draw(prior, shape, 1)
    assert noise.shape == shape
    assert noise.dtype == "float32"
    assert (draw(prior, shape, 1) == noise).all()
    assert (draw(prior, shape, 2) != noise).any()
    assert len(np.unique(noise)) == noise.size


@draws
def test_normal_moments(draw):
    noise = draw("normal", (4096, 8), 0)
    # Four standard errors of each moment for 32768 draws.
    assert abs(noise.mean()) < 0.022
    assert abs(noise.std() - 1) < 0.016
    assert abs((noise**4).mean() - 3) < 0.22
    covariance = np.cov(noise.T)
    assert abs(covariance - np.eye(8)).max() < 0.09


@draws
def test_uniform_moments_and_range(draw):
    noise = draw("uniform", (4096, 8), 0)
    assert -1 <= noise.min() < -0.999
    assert 0.999 < noise.max() <= 1
    assert abs(noise.mean()) < 0.013
    assert abs(noise.var() - 1 / 3) < 0.007


@draws
@pytest.mark.parametrize("latent_shape", [(6,), (2, 3)])
def test_a_sphere_has_unit_norm_and_no_preferred_direction(draw, latent_shape):
    noise = draw("sphere", (4096, *latent_shape), 0).reshape(4096, 6)
    np.testing.assert_allclose(
        np.linalg.norm(noise, axis=1), 1, rtol=1e-5, atol=1e-5
    )
    assert abs(noise.mean(0)).max() < 0.03
    assert abs(np.cov(noise.T) - np.eye(6) / 6).max() < 0.015


def test_without_a_seed_each_draw_is_new():
    first, second = (sample_noise("normal", (2, 3), None) for _ in range(2))
    assert (first != second).all()


def test_a_seed_gives_the_same_codes_on_every_backend():
    # Written down once; a change would change what users' seeds mean.
    noise = sample_noise("normal", (1, 3), 0)
    np.testing.assert_allclose(
        noise, [[1.117622, -1.3871249, -0.4265716]], rtol=1e-5
    )


# === The way between codes ===


def angles(codes):
    units = codes / np.linalg.norm(codes, axis=-1, keepdims=True)
    cosines = (units[:, 1:] * units[:, :-1]).sum(-1)
    return np.arccos(np.clip(cosines, -1, 1))


@pytest.mark.parametrize("prior", ["normal", "sphere", "uniform", "network"])
@pytest.mark.parametrize("latent_shape", [(8,), (2, 4)])
def test_ways_start_and_end_at_the_codes(prior, latent_shape):
    a = sample_noise("normal", (3, *latent_shape), 0)
    b = sample_noise("normal", (3, *latent_shape), 1)
    way = interpolate_codes(a, b, 5, prior)
    assert way.shape == (3, 5, *latent_shape)
    assert way.dtype == "float32"
    np.testing.assert_allclose(way[:, 0], a, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(way[:, -1], b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("prior", ["normal", "sphere"])
def test_spherical_ways_turn_evenly_and_change_length_evenly(prior):
    a = 3 * sample_noise("sphere", (4, 8), 0)
    b = 5 * sample_noise("sphere", (4, 8), 1)
    way = interpolate_codes(a, b, 9, prior)
    lengths = np.linalg.norm(way, axis=-1)
    wanted = np.broadcast_to(np.linspace(3, 5, 9), lengths.shape)
    np.testing.assert_allclose(lengths, wanted, rtol=1e-4)
    turns = angles(way)
    whole = angles(np.stack([a, b], 1))
    np.testing.assert_allclose(
        turns, np.broadcast_to(whole / 8, turns.shape), rtol=2e-3
    )


@pytest.mark.parametrize("prior", ["uniform", keras.Sequential])
def test_other_ways_are_straight(prior):
    a, b = np.array([[1.0, 0.0]], "float32"), np.array([[0.0, 1.0]], "float32")
    way = interpolate_codes(a, b, 5, prior)
    steps = [[1, 0], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0, 1]]
    np.testing.assert_allclose(way[0], steps, atol=1e-7)


@pytest.mark.parametrize("prior", ["normal", "uniform"])
@pytest.mark.parametrize("factor", [1, 2, -1, 0, -3, 1 + 1e-6])
def test_codes_without_an_arc_between_them_stay_finite(prior, factor):
    a = sample_noise("normal", (2, 4), 0)
    b = (factor * a).astype("float32")
    way = interpolate_codes(a, b, 6, prior)
    assert np.isfinite(way).all()
    np.testing.assert_allclose(way[:, 0], a, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(way[:, -1], b, rtol=1e-5, atol=1e-6)
    if factor > 0:
        middle = np.linalg.norm(way[:, 2], axis=-1)
        wanted = np.linalg.norm(0.6 * a + 0.4 * b, axis=-1)
        np.testing.assert_allclose(middle, wanted, rtol=1e-4)


def test_two_steps_are_the_ends():
    a, b = (sample_noise("normal", (1, 4), seed) for seed in (0, 1))
    way = interpolate_codes(a, b, 2, "normal")
    np.testing.assert_allclose(way[0], np.concatenate([a, b]), rtol=1e-5)
