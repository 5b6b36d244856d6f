"""The bundled presets: whole, small, and the same on every backend."""

import re

import numpy as np
import pytest

from keras_aegan import AEGAN
from keras_aegan.hub.registry import bundled_root

PRESETS = AEGAN.presets


def those_that(condition):
    """A mark that runs a test with each preset of which this holds."""
    names = [name for name in sorted(PRESETS) if condition(PRESETS[name])]
    return pytest.mark.parametrize("name", names)


def shows(about):
    return len(about["data_shape"]) == 3


def copies(about):
    return shows(about) and "encoder" in about["parameter_count"]


def test_both_ways_to_train_from_scratch_have_presets():
    recipes = {about["recipe"] for about in PRESETS.values()}
    assert {"aegan", "mixture_aegan"} <= recipes
    assert PRESETS["aegan_mnist"]["data_shape"] == [28, 28, 1]


def test_together_they_are_small():
    sizes = [about["size_in_bytes"] for about in PRESETS.values()]
    assert sum(sizes) < 30e6


@those_that(lambda about: about["recipe"] != "arae")
def test_none_repeats_its_training_data(name):
    # How near to training data its samples are, of how near to other data.
    measured = PRESETS[name]["measured"]
    (ratio,) = [v for k, v in measured.items() if "memorization" in k]
    assert 0.9 < ratio["value"] < 1.1


def test_names_are_no_more_often_known_than_others_are():
    known = PRESETS["arae_names"]["measured"]["training_names"]
    assert 0 < known["value"] < known["of_held_out_names"]


@those_that(lambda about: True)
def test_it_is_complete_and_small(name):
    about, folder = PRESETS[name], bundled_root() / name
    files = {file.name: file.stat().st_size for file in folder.iterdir()}
    assert max(files.values()) < 8e6
    expected = {
        "README.md",
        "config.json",
        "metadata.json",
        "model.ema.safetensors",
        "model.safetensors",
    }
    if shows(about):
        expected.add("samples.png")
    if copies(about):
        expected.add("reconstructions.png")
    assert set(files) == expected
    card = (folder / "README.md").read_text()
    assert f"--output presets/{name} " in card
    assert re.search(r"^license: \"[a-z]+", card, re.MULTILINE)


def test_the_author_of_the_heads_has_the_credit():
    card = (bundled_root() / "aegan_toon_head_64" / "README.md").read_text()
    assert "Johan Melin (CC BY 4.0)" in card


@those_that(shows)
def test_its_samples_differ(name):
    model = AEGAN.from_preset(name)
    samples = model.generate(32, seed=0)
    assert samples.shape == (32, *model.spec.shape)
    assert samples.dtype == model.spec.dtype
    # From dark to light, and each place differs about as much as all do.
    assert samples.min() < 30 and samples.max() > 200
    samples = samples.astype("float32")
    assert samples.std(axis=0).mean() > samples.std() / 3


@those_that(copies)
def test_it_reconstructs_its_samples(name):
    model = AEGAN.from_preset(name)
    samples = model.generate(32, seed=0)
    copies = model.reconstruct(samples).astype("float32")
    assert np.abs(copies - samples).mean() < 15


def test_names_are_names():
    """Letters, then filling, and no two alike."""
    made = AEGAN.from_preset("arae_names").generate(64, seed=0)
    assert len(np.unique(made, axis=0)) == 64
    filling = made == 0
    # Hardly any filling before the last letter.
    last = made.shape[1] - np.argmax(~filling[:, ::-1], axis=1)
    within = np.arange(made.shape[1]) < last[:, None]
    assert (filling & within).sum() <= 6
    assert 4 < last.mean() < 8


def test_odd_heartbeats_would_score_higher():
    model = AEGAN.from_preset("rae_ecg")
    usual = model.generate(64, seed=0)
    odd = np.roll(usual, 40, axis=1)  # They come too late.
    scores = [model.anomaly_score(x) for x in (usual, odd)]
    assert np.quantile(scores[0], 0.95) < scores[1].min()


@those_that(lambda about: about["recipe"] == "aegan")
def test_its_codes_are_about_the_priors(name):
    model = AEGAN.from_preset(name)
    codes = model.encode(model.generate(32, seed=0))
    assert abs(codes.mean()) < 0.2 and 0.7 < codes.std() < 1.3


def test_the_digits_are_the_same_on_every_backend():
    # Seen alike on TensorFlow, JAX and PyTorch: the sum of each digit's ink.
    model = AEGAN.from_preset("aegan_mnist")
    ink = model.generate(6, seed=0).astype(float).sum(axis=(1, 2, 3))
    expected = [25862, 22054, 27631, 22380, 22015, 29615]
    np.testing.assert_allclose(ink, expected, atol=20)


@those_that(lambda about: about["recipe"] in ("aegan", "mixture_aegan"))
def test_training_goes_on(name):
    model = AEGAN.from_preset(name)
    steps = PRESETS[name]["steps"]
    assert int(model.step) == steps
    samples = model.generate(64, seed=1)
    before = model.reconstruct(samples)
    history = model.fit(samples, batch_size=32, epochs=1, verbose=0).history
    assert int(model.step) == steps + 2
    assert history["reconstruction"][0] < 0.15
    # A gentle start: two steps do not throw the averages away.
    moved = np.abs(model.reconstruct(samples).astype(float) - before).mean()
    assert 0 < moved < 10
