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
    "arae_names": (
        [0.43744, 0.33875, 0.25023, 0.42967],
        [0.06392, -0.11563, -0.00363, -0.23601],
    ),
    "began_mnist": ([-0.80078, -0.89063, -0.80364, -0.77376],),
    "latent_gan_pixel_art_32": (
        [0.22005, 0.55577, 0.43310, 0.39886],
        [0.44012, 0.43975, -0.15465, -0.64963],
    ),
    "rae_chest_xray_28": (
        [0.08822, 0.13049, 0.01966, -0.12481],
        [0.69022, -0.10198, 0.43111, 0.26281],
    ),
    "rae_ecg": (
        [0.04259, -0.12530, -0.19329, 0.15392],
        [0.46758, 0.37090, -0.29826, 0.17048],
    ),
}


def first(array):
    return array.reshape(len(array), -1)[:, 0]


def outputs(model):
    random = np.random.default_rng(0)
    codes = random.standard_normal((4, *model.latent_shape), "float32")
    made = model.used("generator").predict(codes, verbose=0)
    # Of text how probable filling is: all probabilities have one mean.
    shown = made[..., 0] if model.data_settings["tokens"] else made
    means = shown.reshape(4, -1).astype("float64").mean(axis=1)
    if model.encoder is None:
        return (means,)
    again = model.used("encoder").predict(made, verbose=0)
    return means, first(again)


def own(model):
    """200 samples of one's own, with what the preset can do."""
    samples = model.generate(200, seed=0)
    across = -1 if model.data_settings["tokens"] else -2
    return np.flip(samples, axis=across)  # Mirrored, or backwards.


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
    before = model.generate(64, seed=1)
    apart = None if model.encoder is None else error(model, mine)
    logs = model.fit(mine, batch_size=50, epochs=5, verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    assert np.any(model.generate(64, seed=1) != before)
    if "reconstruction" in logs:
        assert error(model, mine) < apart
    model.save_to_preset(tmp_path / "mine")
    upload_preset("hf://me/mine", tmp_path / "mine")
    loaded = AEGAN.from_preset("hf://me/mine")
    np.testing.assert_array_equal(
        loaded.generate(64, seed=1), model.generate(64, seed=1)
    )
