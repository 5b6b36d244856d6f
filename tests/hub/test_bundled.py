"""A new user's first lines, with each bundled preset."""

import numpy as np
import pytest

from keras_aegan import AEGAN, upload_preset

#: Mean of what the generator makes of each of four codes, and the first value
#: of what the encoder makes of that: the same on every backend.
OUTPUTS = {
    "aegan_fashion_mnist": (
        [-0.72918, -0.53122, -0.44880, -0.35679],
        [1.52066, -0.36886, -0.00673, 0.74342],
    ),
    "aegan_mnist": (
        [-0.74104, -0.77925, -0.72344, -0.77604],
        [0.92375, -0.41460, -0.33400, 0.68193],
    ),
    "aegan_pixel_art_32": (
        [0.22005, 0.55577, 0.43310, 0.39886],
        [0.44012, 0.43975, -0.15465, -0.64963],
    ),
    "aegan_spoken_digits": (
        [-0.65914, -0.66654, -0.59871, -0.56573],
        [1.15207, 0.47845, -0.95559, -1.28603],
    ),
    "aegan_toon_head_64": (
        [0.45863, 0.45916, -0.03113, 0.28652],
        [-0.15179, -0.41445, -0.06606, -0.83640],
    ),
    "ganomaly_chest_xray_28": (
        [0.04318, -0.14289, 0.10684, 0.07775],
        [0.87571, -0.65592, 0.33886, 0.47860],
    ),
    "latent_gan_pixel_art_32": (
        [0.22005, 0.55577, 0.43310, 0.39886],
        [0.44012, 0.43975, -0.15465, -0.64963],
    ),
}


def first(array):
    return array.reshape(len(array), -1)[:, 0]


def outputs(model):
    random = np.random.default_rng(0)
    codes = random.standard_normal((4, *model.latent_shape), "float32")
    made = model.used("generator").predict(codes, verbose=0)
    means = made.reshape(4, -1).astype("float64").mean(axis=1)
    again = model.used("encoder").predict(made, verbose=0)
    return means, first(again)


def own(model):
    """200 samples of one's own, with what the preset can do."""
    if model.prior is not None:
        samples = model.generate(200, seed=0)
    else:
        random = np.random.default_rng(1)
        noise = random.uniform(-1, 1, (200, *model.latent_shape))
        samples = model.decode(noise.astype("float32"))
    return np.flip(samples, axis=-2)  # Mirrored.


def seen(model, samples):
    if model.prior is None:
        return model.reconstruct(samples)
    return model.generate(64, seed=1)


def error(model, samples):
    return np.abs(model.reconstruct(samples).astype(float) - samples).mean()


@pytest.mark.parametrize("name", sorted(AEGAN.presets))
def test_its_outputs_are_the_same_everywhere(name):
    found = outputs(AEGAN.from_preset(name))
    for values, expected in zip(found, OUTPUTS[name], strict=True):
        np.testing.assert_allclose(values, expected, atol=1e-4)


@pytest.mark.filterwarnings(
    # The client sends LFS files in a way that its HTTP library discourages.
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
@pytest.mark.parametrize("name", sorted(AEGAN.presets))
def test_load_generate_fine_tune_and_publish(name, hub, tmp_path):
    model = AEGAN.from_preset(name)
    mine = own(model)
    before, apart = seen(model, mine), error(model, mine)
    logs = model.fit(mine, batch_size=50, epochs=5, verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    assert np.any(seen(model, mine) != before)
    if "reconstruction" in logs:
        assert error(model, mine) < apart
    model.save_to_preset(tmp_path / "mine")
    upload_preset("hf://me/mine", tmp_path / "mine")
    loaded = AEGAN.from_preset("hf://me/mine")
    np.testing.assert_array_equal(seen(loaded, mine), seen(model, mine))
