"""Recipes on signals, in the data's own form: `(n, length, channels)`."""

import numpy as np
import pytest

from keras_aegan import recipes

SHAPE = (16, 2)


@pytest.mark.parametrize("name", ["aegan", "began", "gan", "aae"])
def test_waves(name):
    model = recipes.get(name)(
        SHAPE,
        4,
        width=4,
        data_range=None if name == "aae" else (-2, 2),
        data_dtype="float32",
        seed=0,
    )
    time = np.linspace(0, 1, 16)[None, :, None]
    phases = np.random.default_rng(0).uniform(0, 6, (8, 1, 2))
    waves = np.sin(9 * time + phases).astype("float32")
    history = model.fit(waves, batch_size=4, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    made = model.generate(3, seed=0)
    assert made.shape == (3, *SHAPE)
    assert made.dtype == "float32"
    if model.encoder is None:
        return
    assert model.encode(waves).shape == (8, 4)
    assert model.reconstruct(waves).shape == waves.shape
    way = model.interpolate(waves[:2], waves[2:4], steps=3)
    assert way.shape == (2, 3, *SHAPE)
    np.testing.assert_allclose(
        way[:, 0], model.reconstruct(waves[:2]), atol=1e-5
    )


@pytest.mark.parametrize("shape", [SHAPE, (6,)])
@pytest.mark.parametrize(
    "name",
    [
        "aae",
        "aegan",
        "ali",
        "alpha_gan",
        "began",
        "ebgan",
        "fastgan",
        "gan",
        "ganomaly",
        "magan",
        "rae",
        "soft_introvae",
        "vae_gan",
        "wae_gan",
        "wae_mmd",
    ],
)
def test_data_without_a_range_can_be_reached(name, shape):
    """They may be larger than the 1 where data with a range end."""
    settings = {"width": 4, "data_dtype": "float32", "seed": 0}
    codes = 1e3 * np.random.default_rng(0).normal(size=(4, 4))
    for data_range in (None, (-1, 1)):
        model = recipes.get(name)(shape, 4, data_range=data_range, **settings)
        largest = np.abs(model.decode(codes.astype("float32"))).max()
        assert (largest > 1) == (data_range is None), largest
        if name in ("began", "ebgan", "fastgan", "magan"):
            critic = model.discriminator
            far = 1e3 * np.random.default_rng(1).normal(size=(4, *shape))
            found = critic.predict_on_batch(far.astype("float32"))
            largest = np.abs(found["reconstruction"]).max()
            assert (largest > 1) == (data_range is None or name == "began")


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("aegan_classic", (16, 16, 1), {"latent_dim": 4, "width": 4}),
        ("autoencoder", (6,), {"encoding_dim": 4}),
        ("autoencoder_gan", (6,), {"encoding_dim": 4}),
        ("gan", (6,), {"encoding_dim": 4, "hidden_units": (8,)}),
        ("image_autoencoder", (16, 16, 1), {"width": 4}),
    ],
)
def test_so_can_those_of_other_arguments(name, shape, options):
    for data_range in (None, (-1, 1)):
        model = recipes.get(name)(
            shape,
            **options,
            data_range=data_range,
            data_dtype="float32",
            seed=0,
        )
        codes = np.random.default_rng(0).normal(size=(4, *model.latent_shape))
        largest = np.abs(model.decode(1e3 * codes.astype("float32"))).max()
        assert (largest > 1) == (data_range is None), largest


def test_large_waves_are_learned():
    time = np.linspace(0, 1, 16)[None, :, None]
    phases = np.random.default_rng(0).uniform(0, 6, (256, 1, 2))
    waves = 3 * np.sin(9 * time + phases).astype("float32")
    model = recipes.rae(
        SHAPE,
        4,
        width=16,
        learning_rate=3e-3,
        data_range=None,
        data_dtype="float32",
        seed=0,
    )
    model.fit(waves, batch_size=32, epochs=25, verbose=0)
    error = np.square(model.reconstruct(waves) - waves).mean()
    # At best 1.6 with values that end at 1, and 4.5 with none.
    assert error < 1.0, error
