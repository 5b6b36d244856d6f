"""The bundled presets: whole, small, and the same on every backend."""

import numpy as np
import pytest

from keras_aegan import AEGAN
from keras_aegan.hub.registry import bundled_root

presets = pytest.mark.parametrize("name", sorted(AEGAN.presets))


def test_the_default_recipe_has_a_preset():
    assert AEGAN.presets["aegan_mnist"]["recipe"] == "aegan"
    assert AEGAN.presets["aegan_mnist"]["data_shape"] == [28, 28, 1]


def test_together_they_are_small():
    sizes = [about["size_in_bytes"] for about in AEGAN.presets.values()]
    assert sum(sizes) < 30e6


@presets
def test_none_repeats_its_training_data(name):
    # How near to training data its samples are, of how near to other data.
    measured = AEGAN.presets[name]["measured"]
    (ratio,) = [v for k, v in measured.items() if "memorization" in k]
    assert 0.9 < ratio["value"] < 1.1


@presets
def test_it_is_complete_and_small(name):
    folder = bundled_root() / name
    files = {file.name: file.stat().st_size for file in folder.iterdir()}
    assert max(files.values()) < 8e6
    assert {
        "README.md",
        "config.json",
        "metadata.json",
        "model.ema.safetensors",
        "model.safetensors",
        "samples.png",
        "reconstructions.png",
    } == set(files)
    card = (folder / "README.md").read_text()
    assert f"--output presets/{name} " in card
    assert "apache-2.0" in card


@presets
def test_it_generates_encodes_and_reconstructs(name):
    model = AEGAN.from_preset(name)
    samples = model.generate(32, seed=0)
    assert samples.shape == (32, *model.data_shape)
    assert samples.dtype == model.spec.dtype
    # Different pictures, from dark to light.
    assert samples.min() < 30 and samples.max() == 255
    assert np.std(samples.astype(float), axis=0).mean() > 30
    copies = model.reconstruct(samples)
    assert np.abs(copies.astype(float) - samples).mean() < 15
    codes = model.encode(samples)
    assert abs(codes.mean()) < 0.2 and 0.7 < codes.std() < 1.3


def test_the_digits_are_the_same_on_every_backend():
    # Seen alike on TensorFlow, JAX and PyTorch: the sum of each digit's ink.
    model = AEGAN.from_preset("aegan_mnist")
    ink = model.generate(6, seed=0).astype(float).sum(axis=(1, 2, 3))
    expected = [25854, 22032, 27626, 22370, 21998, 29615]
    np.testing.assert_allclose(ink, expected, atol=20)


@presets
def test_training_goes_on(name):
    model = AEGAN.from_preset(name)
    steps = AEGAN.presets[name]["steps"]
    assert int(model.step) == steps
    samples = model.generate(64, seed=1)
    before = model.reconstruct(samples)
    history = model.fit(samples, batch_size=32, epochs=1, verbose=0).history
    assert int(model.step) == steps + 2
    assert history["reconstruction"][0] < 0.15
    # A gentle start: two steps do not throw the averages away.
    moved = np.abs(model.reconstruct(samples).astype(float) - before).mean()
    assert 0 < moved < 10
