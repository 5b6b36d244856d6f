import sys

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats
from sklearn import mixture

from keras_aegan.priors import sample_noise
from keras_aegan.samplers import fit_prior, log_density

kinds = pytest.mark.parametrize("kind", ["gaussian", "gmm"])


def codes_of(count=500, shape=(3,), seed=0):
    """Codes whose values depend on each other, around 2."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    mix = rng.normal(size=(size, size))
    codes = 2 + rng.normal(size=(count, size)) @ mix
    return codes.reshape(count, *shape).astype("float32")


def clusters(counts=(600, 300, 100), seed=0):
    """Three clusters far from each other, around 0, 10 and -10."""
    rng = np.random.default_rng(seed)
    centres = np.repeat([0.0, 10.0, -10.0], counts)[:, None]
    return (centres + rng.normal(size=(sum(counts), 2))).astype("float32")


def draw(prior, count=20_000, seed=3):
    noise = sample_noise("normal", (count, *prior.input_shape[1:]), seed)
    return ops.convert_to_numpy(prior(noise))


def moments(codes):
    codes = codes.reshape(len(codes), -1).astype("float64")
    return codes.mean(0), np.cov(codes.T, bias=True)


# === What comes out ===


@pytest.mark.parametrize("shape", [(3,), (2, 1, 2)])
@kinds
def test_moments_of_the_samples_are_the_codes(kind, shape):
    codes = codes_of(shape=shape)
    prior = fit_prior(codes, kind, components=2, seed=0)
    drawn = draw(prior)
    assert drawn.shape == (20_000, *shape)
    (mean, covariance), (wanted, spread) = moments(drawn), moments(codes)
    # In standard deviations; four standard errors of 20,000 are 0.03.
    deviations = np.sqrt(np.diag(spread))
    assert abs((mean - wanted) / deviations).max() < 0.03
    error = (covariance - spread) / np.outer(deviations, deviations)
    assert abs(error).max() < 0.05


@pytest.mark.parametrize("shape", [(3,), (2, 1, 2)])
def test_the_density_of_a_gaussian_is_scipys(shape):
    codes = codes_of(shape=shape)
    flat = codes.reshape(len(codes), -1)
    mean, covariance = moments(codes)
    wanted = stats.multivariate_normal(mean, covariance).logpdf(flat)
    prior = fit_prior(codes, "gaussian")
    np.testing.assert_allclose(log_density(prior, codes), wanted, atol=0.02)


def test_the_density_of_a_mixture_is_scikit_learns():
    codes = clusters()
    fitted = mixture.GaussianMixture(3, max_iter=1000, random_state=0)
    prior = fit_prior(codes, "gmm", components=3, seed=0)
    # Between clusters and far from all of them too.
    points = np.concatenate([codes, codes * 1.7 + 4.0])
    wanted = fitted.fit(codes).score_samples(points)
    found = log_density(prior, points)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=0.01)


def test_a_mixture_finds_the_clusters_and_their_shares():
    prior = fit_prior(clusters(), "gmm", components=3, seed=0)
    drawn = draw(prior)
    nearest = np.rint(drawn.mean(axis=1) / 10)
    for centre, share in [(0, 0.6), (1, 0.3), (-1, 0.1)]:
        here = drawn[nearest == centre]
        assert len(here) / len(drawn) == pytest.approx(share, abs=0.014)
        np.testing.assert_allclose(here.mean(0), 10 * centre, atol=0.3)
        np.testing.assert_allclose(np.cov(here.T), np.eye(2), atol=0.3)
    # What a single normal distribution makes lies between them.
    between = draw(fit_prior(clusters(), "gaussian"))
    assert np.mean(abs(drawn.mean(axis=1) - 5) < 2) < 0.01
    assert np.mean(abs(between.mean(axis=1) - 5) < 2) > 0.1


def test_a_mixture_of_one_is_the_gaussian():
    pair = [
        fit_prior(codes_of(), kind, components=1).get_weights()
        for kind in ("gaussian", "gmm")
    ]
    for one, other in zip(*pair, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_seed_gives_the_same_mixture():
    first, again = (fit_prior(codes_of(), "gmm", 4, seed=5) for _ in range(2))
    for one, other in zip(
        first.get_weights(), again.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@kinds
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_values_without_a_spread_of_their_own(kind, scale):
    codes = scale * codes_of()
    codes[:, 1] = 5 * scale  # dead
    codes[:, 2] = 2 * codes[:, 0]  # follows from another
    drawn = draw(fit_prior(codes, kind, components=2, seed=0), 1000) / scale
    assert np.isfinite(drawn).all()
    np.testing.assert_allclose(drawn[:, 1], 5, atol=0.1)
    np.testing.assert_allclose(drawn[:, 2], 2 * drawn[:, 0], atol=0.1)
    assert drawn[:, 0].std() == pytest.approx(
        codes[:, 0].std() / scale, rel=0.1
    )


def test_codes_that_are_all_the_same():
    drawn = draw(fit_prior(np.full((10, 2), 3.0), "gaussian"), 100)
    np.testing.assert_allclose(drawn, 3, atol=1e-4)


# === The network ===


@kinds
def test_it_sits_in_the_priors_seat(kind, tmp_path):
    prior = fit_prior(codes_of(shape=(2, 1, 2)), kind, components=3, seed=0)
    assert prior.name == "prior"
    assert prior.input_shape == (None, 5)
    assert prior.output_shape == (None, 2, 1, 2)
    assert not prior.trainable
    assert prior.trainable_variables == []
    prior.save(tmp_path / "prior.keras")
    loaded = keras.saving.load_model(tmp_path / "prior.keras")
    assert not loaded.trainable
    np.testing.assert_allclose(
        draw(loaded, 10), draw(prior, 10), rtol=1e-6, atol=1e-6
    )


# === Errors ===


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "flow"}, "kind to be one of .*gaussian.*kind='flow'"),
        ({"components": 0}, "components to be a whole number.*components=0"),
        ({"components": 2.5}, "components to be a whole number"),
        (
            {"components": 126},
            r"Expected 504 codes or more: with 3 values in a code, 4 for each "
            r"of the distributions \(126\). Received: 500. .*fewer components",
        ),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit_prior(codes_of(), **{"kind": "gmm", **arguments})


@kinds
@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros(9), r"shape \(n, \*latent_shape\). Received: shape \(9,\)"),
        (np.zeros((3, 3)), r"Expected 4 codes .*Received: 3. Give more data\."),
        (np.zeros((0, 3)), "Received: 0"),
        (np.full((9, 2), np.nan), "Expected finite codes"),
    ],
)
def test_bad_codes_are_refused(kind, codes, message):
    with pytest.raises(ValueError, match=message):
        fit_prior(codes, kind, components=1)


def test_without_scikit_learn_it_is_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"keras-aegan\[sklearn\]"):
        fit_prior(codes_of(), "gmm")
    fit_prior(codes_of(), "gaussian")
