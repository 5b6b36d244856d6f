"""Each recipe gets better at what it is for: real digits, seconds of training.

`shares` are what may be left of the untrained model's own error: of the mean
absolute error on held-out digits, and of the energy distance of samples to
them. Anomaly detectors, trained without fours, must tell them.
"""

import keyword
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise_distances, roc_auc_score

from keras_aegan import recipes
from keras_aegan.metrics import frechet_distance

TRAIN = 1500
#: Epochs, options, and what may be left of each error.
GENERATES, ENCODES = "energy distance", "reconstruction error"
LEARNED = {
    "aae": (15, {}, {ENCODES: 0.5, GENERATES: 0.2}),
    "aegan": (10, {"latent_dim": 8}, {ENCODES: 0.5, GENERATES: 0.2}),
    "ali": (15, {"latent_dim": 8}, {GENERATES: 0.2}),
    "alpha_gan": (15, {"latent_dim": 8}, {ENCODES: 0.5, GENERATES: 0.2}),
    "autoencoder": (15, {}, {ENCODES: 0.5}),
    "autoencoder_gan": (15, {}, {ENCODES: 0.5}),
    # Slow where the fakes are soon as easy to reconstruct as data are.
    "began": (
        40,
        {"latent_dim": 8, "gamma": 0.9, "rate": 0.1, "learning_rate": 1e-3},
        {GENERATES: 0.8},
    ),
    "ebgan": (20, {}, {GENERATES: 0.2}),
    "fastgan": (20, {}, {GENERATES: 0.2}),
    "gan": (20, {}, {GENERATES: 0.2}),
    # A longer warm-up leaves a discriminator that reconstructs empty images
    # too, and the generator falls to those.
    "magan": (50, {"warmup": 1}, {GENERATES: 0.2}),
    "rae": (15, {}, {ENCODES: 0.5}),
    "soft_introvae": (15, {"latent_dim": 8}, {ENCODES: 0.6, GENERATES: 0.4}),
    "vae_gan": (15, {"latent_dim": 8}, {ENCODES: 0.5, GENERATES: 0.2}),
    "wae_gan": (15, {}, {ENCODES: 0.5, GENERATES: 0.2}),
    "wae_mmd": (15, {}, {ENCODES: 0.5, GENERATES: 0.2}),
}
RANGE = {"data_range": (0, 16), "data_dtype": "float32", "seed": 0}


def digits(large=False):
    """Vectors, or images of twice the size, and their labels."""
    data, labels = load_digits(return_X_y=True)
    data = data.astype("float32")
    if large:
        data = data.reshape(-1, 8, 1, 8, 1) * np.ones((2, 1, 2), "float32")
        data = data.reshape(-1, 16, 16, 1)
    return data, labels


def energy_distance(a, b):
    a, b = (part.reshape(len(part), -1) for part in (a, b))
    between = pairwise_distances(a, b).mean()
    within = pairwise_distances(a).mean() + pairwise_distances(b).mean()
    return 2 * between - within


def errors(model, test, wanted):
    found = {}
    if ENCODES in wanted:
        found[ENCODES] = np.abs(model.reconstruct(test) - test).mean()
    if GENERATES in wanted:
        found[GENERATES] = energy_distance(model.generate(300, seed=0), test)
    return found


def train(model, data, epochs):
    model.fit(data, batch_size=32, epochs=epochs, verbose=0)
    return model


def assert_learned(model, data, epochs, shares):
    data, test = data[:TRAIN], data[TRAIN:]
    before = errors(model, test, shares)
    after = errors(train(model, data, epochs), test, shares)
    left = {kind: after[kind] / before[kind] for kind in shares}
    assert all(left[kind] < shares[kind] for kind in shares), left


@pytest.mark.parametrize("name", LEARNED)
def test_learns_digits(name):
    epochs, options, shares = LEARNED[name]
    model = recipes.get(name)((64,), **options, **RANGE)
    assert_learned(model, digits()[0], epochs, shares)


def test_the_classic_learns_digits():
    options = {"latent_dim": 8, "width": 8, **RANGE}
    model = recipes.aegan_classic((16, 16, 1), **options)
    shares = {ENCODES: 0.7, GENERATES: 0.7}
    assert_learned(model, digits(large=True)[0], 4, shares)


def test_the_image_autoencoder_learns_digits():
    options = {"width": 8, "start": 50, "ramp": 50, **RANGE}
    model = recipes.image_autoencoder((16, 16, 1), **options)
    assert_learned(model, digits(large=True)[0], 4, {ENCODES: 0.5})


def test_the_latent_gan_learns_the_codes_of_digits():
    data = digits()[0]
    first = recipes.autoencoder((64,), 8, (64,), **RANGE)
    model = recipes.latent_gan(train(first, data[:TRAIN], 20), seed=0)
    before = model.reconstruct(data[TRAIN:])
    assert_learned(model, data, 20, {GENERATES: 0.5})
    np.testing.assert_array_equal(model.reconstruct(data[TRAIN:]), before)


def test_the_adversary_betters_what_a_mixture_draws():
    data = digits()[0][:TRAIN]
    first = train(recipes.rae((64,), 8, **RANGE), data, 20)
    first.fit_sampler("gmm", data, components=5, seed=0)
    model = recipes.mixture_aegan(first, seed=0)

    def distance(model):
        return frechet_distance(model.generate(2000, seed=0), data)

    before = distance(model), errors(model, data, (ENCODES,))[ENCODES]
    assert before[0] == pytest.approx(distance(first), rel=1e-3)
    train(model, data, 20)
    after = distance(model), errors(model, data, (ENCODES,))[ENCODES]
    assert after[0] < 0.8 * before[0], (before, after)
    assert after[1] < before[1], (before, after)


@pytest.mark.parametrize("name", ["ganomaly", "f_anogan"])
def test_detectors_tell_a_digit_that_they_never_saw(name):
    data, labels = digits()
    odd = labels == 4
    normal = data[:TRAIN][~odd[:TRAIN]]
    if name == "f_anogan":
        gan = recipes.gan((64,), 8, formulation="wasserstein", **RANGE)
        model = recipes.f_anogan(train(gan, normal, 20), seed=0)
    else:
        model = recipes.ganomaly((64,), 8, learning_rate=1e-3, **RANGE)
    test = np.concatenate([data[TRAIN:], data[:TRAIN][odd[:TRAIN]]])
    is_odd = np.concatenate([odd[TRAIN:], np.ones(odd[:TRAIN].sum(), bool)])
    before = roc_auc_score(is_odd, model.anomaly_score(test))
    train(model, normal, 20)
    after = roc_auc_score(is_odd, model.anomaly_score(test))
    # Before it is trained f-AnoGAN's encoder gives about one code: how far the
    # digits are from what the GAN draws there has an area of 0.3 to 0.8.
    assert after > 0.75 and 1 - after < 0.75 * (1 - before), (before, after)


def test_arae_learns_names():
    names = sorted({*sys.stdlib_module_names, *keyword.kwlist, *dir(np)})
    letters = " abcdefghijklmnopqrstuvwxyz"
    names = [n.ljust(10) for n in names if len(n) <= 10 and set(n) < {*letters}]
    ids = np.array(
        [[letters.index(c) for c in name] for name in names], "int32"
    )
    np.random.default_rng(0).shuffle(ids)
    data, test = ids[:-60], ids[-60:]
    model = recipes.arae(
        (10,), 27, latent_dim=32, width=64, learning_rate=2e-3, seed=0
    )

    def accuracy():
        return np.mean(model.reconstruct(test) == test)

    def letters_apart():
        shares = [
            np.bincount(part.ravel(), minlength=27) / part.size
            for part in (model.generate(300, seed=0), test)
        ]
        return np.abs(shares[0] - shares[1]).sum() / 2

    before, apart = accuracy(), letters_apart()
    train(model, data, 20)
    # The commonest letter at each position is right in 0.42 of them.
    assert accuracy() > 0.7 > 10 * before
    assert letters_apart() < 0.5 * apart
