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
