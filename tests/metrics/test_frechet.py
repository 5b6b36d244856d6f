import numpy as np
import pytest
import scipy.linalg

from keras_aegan.metrics.features import Extractor
from keras_aegan.metrics.frechet import (
    FrechetDistance,
    Moments,
    frechet_distance,
)


def drawn(count, d, seed=0, scale=1.0, shift=0.0):
    """Correlated samples that are not Gaussian."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    return scale * rng.exponential(size=(count, d)) @ mixing + shift


def with_moments(count, mean, root, seed=0):
    """Samples with just this mean, and `root^T root` as covariance."""
    noise = np.random.default_rng(seed).normal(size=(count, len(root)))
    noise -= noise.mean(axis=0)
    noise = np.linalg.qr(noise)[0] * np.sqrt(count - 1)
    return noise @ root + mean


def by_square_root(real, generated):
    """As the definition says, with SciPy's square root of a matrix."""
    s1, s2 = (np.atleast_2d(np.cov(x.T)) for x in (real, generated))
    apart = np.sum((real.mean(axis=0) - generated.mean(axis=0)) ** 2)
    root = scipy.linalg.sqrtm(s1 @ s2)
    return apart + np.trace(s1 + s2 - 2 * root.real)


# === The distance ===


def test_gaussians_on_common_axes_have_a_closed_form():
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    a, b = rng.uniform(0.1, 3, (2, 6))  # standard deviations
    m1, m2 = rng.normal(size=(2, 6))
    real = with_moments(50, m1, np.diag(a) @ axes, seed=2)
    generated = with_moments(70, m2, np.diag(b) @ axes, seed=3)
    wanted = np.sum((m1 - m2) ** 2) + np.sum((a - b) ** 2)
    assert frechet_distance(real, generated) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("d", [1, 3, 40])
def test_equals_the_square_root_of_the_product(d):
    real, generated = drawn(200, d), drawn(150, d, seed=1, scale=1.3, shift=0.1)
    wanted = by_square_root(real, generated)
    found = frechet_distance(real, generated)
    assert found == pytest.approx(wanted, rel=1e-9)
    assert frechet_distance(generated, real) == pytest.approx(found, rel=1e-12)


def test_equals_torchmetrics():
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Identity(torch.nn.Module):
        num_features = 32

        def forward(self, x):
            return x

    real, generated = drawn(300, 32), drawn(300, 32, seed=1, scale=1.1)
    metric = FrechetInceptionDistance(feature=Identity())
    metric.set_dtype(torch.float64)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(generated), real=False)
    found = frechet_distance(real, generated)
    assert found == pytest.approx(float(metric.compute()), rel=1e-6)


def test_singular_covariances_lose_no_digits():
    # Five true dimensions within forty, of which a square root of the product
    # gets about seven digits right.
    rng = np.random.default_rng(4)
    within = np.linalg.qr(rng.normal(size=(40, 5)))[0].T
    a, b = rng.uniform(0.5, 2, (2, 5))
    real = with_moments(60, 0.0, np.diag(a), 5) @ within
    generated = with_moments(60, 0.0, np.diag(b), 6) @ within
    wanted = np.sum((a - b) ** 2)
    assert frechet_distance(real, generated) == pytest.approx(wanted, rel=1e-10)


def test_fewer_samples_than_features_are_a_right_number_and_a_warning():
    real, generated = drawn(12, 30), drawn(20, 30, seed=1)
    with pytest.warns(UserWarning, match="12 real and 20 made.*30 features"):
        found = frechet_distance(real, generated)
    # SciPy's root of a singular product is wrong in the fourth digit; those of
    # the two, symmetric ones, are not.
    s1, s2 = np.cov(real.T), np.cov(generated.T)
    roots = []
    for covariance in (s1, s2):
        values, vectors = np.linalg.eigh(covariance)
        roots.append(vectors * np.sqrt(values.clip(0)) @ vectors.T)
    shared = np.linalg.norm(roots[0] @ roots[1], "nuc")
    apart = np.sum((real.mean(axis=0) - generated.mean(axis=0)) ** 2)
    wanted = apart + np.trace(s1 + s2) - 2 * shared
    assert found == pytest.approx(wanted, rel=1e-6)
    # The same from covariances alone, of float32 features.
    metric = FrechetDistance(features())
    metric.update_state(real, generated)
    with pytest.warns(UserWarning, match="more samples than features"):
        assert metric.result() == pytest.approx(found, rel=1e-6)


def test_is_never_below_zero():
    for seed in range(20):
        same = drawn(40, 8, seed)
        assert 0 <= frechet_distance(same, same[::-1]) < 1e-13
    constant = np.full((10, 3), 0.1)
    assert frechet_distance(constant, constant) == 0
    assert frechet_distance(constant, constant + 2) == pytest.approx(12)
    # To a constant, the spread counts whole.
    some = drawn(30, 3)
    wanted = np.trace(np.cov(some.T)) + np.sum((some.mean(axis=0) - 0.1) ** 2)
    assert frechet_distance(some, constant) == pytest.approx(wanted, rel=1e-12)


def test_whole_numbers_are_computed_in_float64():
    rng = np.random.default_rng(0)
    real, generated = rng.integers(0, 256, (2, 50, 6), dtype="uint8")
    found = frechet_distance(real, generated)
    wanted = frechet_distance(real.astype(float), generated.astype(float))
    assert found == wanted > 100


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros(5), r"real to be features.*shape \(5,\).*Flatten"),
        (np.zeros((5, 2, 1)), r"shape \(5, 2, 1\)"),
        (np.zeros((5, 0)), r"shape \(5, 0\)"),
        (np.zeros((1, 2)), "real to have 2 samples or more. Received: 1"),
        (np.full((5, 2), np.nan), "real to be finite"),
        (np.full((5, 2), np.inf), "real to be finite"),
        (np.full((5, 2), None), "real numbers. Received: dtype object"),
        (np.zeros((5, 2), complex), "Received: dtype complex128"),
        (np.zeros((5, 3)), "equally many features. Received: 3 and 2"),
    ],
)
def test_refuses_what_are_no_features(bad, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(bad, np.zeros((5, 2)))
    with pytest.raises(ValueError):
        frechet_distance(np.zeros((5, 2)), bad)


# === Moments in batches ===


@pytest.mark.parametrize("seed", range(5))
def test_batches_give_the_moments_of_one_pass(seed):
    # Far from 0, where sums of squares would lose eight digits.
    features = drawn(500, 7, seed, shift=1e4)
    cuts = np.sort(np.random.default_rng(seed).integers(1, 499, 12))
    moments = Moments()
    for batch in np.split(features, np.unique(cuts)):
        moments.update(batch)
    assert moments.count == 500
    np.testing.assert_allclose(moments.mean, features.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(
        moments.covariance, np.cov(features.T), rtol=1e-10, atol=1e-10
    )


def test_moments_need_two_samples_of_the_same_features():
    moments = Moments()
    with pytest.raises(ValueError, match="2 samples or more.*Received: 0"):
        _ = moments.covariance
    moments.update(np.ones((1, 3)))
    with pytest.raises(ValueError, match="2 samples or more.*Received: 1"):
        _ = moments.covariance
    with pytest.raises(ValueError, match="Expected 3 features.*Received: 4"):
        moments.update(np.ones((2, 4)))
    moments.update(np.ones((1, 3)))
    assert (moments.covariance == 0).all()


# === The metric ===


def features():
    return Extractor("features", lambda x: x, data_range=None)


def test_metric_equals_the_function_on_all_batches():
    real, generated = drawn(90, 5), drawn(80, 5, seed=1, shift=0.5)
    metric = FrechetDistance(features())
    assert metric.name == "frechet_distance_features"
    for i in range(0, 90, 45):
        metric.update_state(real[i : i + 45], generated[i : i + 45])
    # Extractors give float32.
    wanted = frechet_distance(real.astype("f"), generated.astype("f"))
    assert metric.result() == pytest.approx(wanted, rel=1e-12)
    metric.reset_state()
    with pytest.raises(ValueError, match="Received: 0 real and 0 made"):
        metric.result()
    metric.update_state(real[:1], generated[:3])
    with pytest.raises(ValueError, match="Received: 1 real and 3 made"):
        metric.result()


def test_metric_compares_pixels_by_default(images):
    real, made = images(40, (2, 3, 1)), images(50, (2, 3, 1), seed=1)
    metric = FrechetDistance()
    assert metric.name == "frechet_distance_pixels"
    assert FrechetDistance(name="fid").name == "fid"
    metric.update_state(real, made)
    wanted = frechet_distance(real.reshape(40, 6), made.reshape(50, 6))
    assert metric.result() == pytest.approx(wanted / 255**2, rel=1e-5)
