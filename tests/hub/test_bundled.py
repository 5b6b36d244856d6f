"""A new user's first lines, with each bundled preset."""

import numpy as np
import pytest

from keras_aegan import AEGAN, upload_preset

#: Mean of what the generator makes of each of four codes, in -1 to 1, and the
#: first value of what the encoder makes of that: the same on every backend.
OUTPUTS = {
    "aegan_mnist": (
        [-0.74113, -0.7794, -0.72353, -0.77615],
        [0.93055, -0.41815, -0.33524, 0.68979],
    ),
    "aegan_pixel_art_32": (
        [0.48934, 0.5797, 0.37137, 0.48525],
        [0.88954, 0.28961, -0.56202, -1.17764],
    ),
}


@pytest.mark.parametrize("name", sorted(AEGAN.presets))
def test_its_outputs_are_the_same_everywhere(name):
    model = AEGAN.from_preset(name)
    random = np.random.default_rng(0)
    codes = random.standard_normal((4, *model.latent_shape), "float32")
    made = model.used("generator").predict(codes, verbose=0)
    again = model.used("encoder").predict(made, verbose=0)
    means = made.reshape(4, -1).astype("float64").mean(axis=1)
    np.testing.assert_allclose(means, OUTPUTS[name][0], atol=1e-4)
    first = again.reshape(4, -1)[:, 0]
    np.testing.assert_allclose(first, OUTPUTS[name][1], atol=1e-4)


@pytest.mark.filterwarnings(
    # The client sends LFS files in a way that its HTTP library discourages.
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
@pytest.mark.parametrize("name", sorted(AEGAN.presets))
def test_load_generate_fine_tune_and_publish(name, hub, tmp_path):
    model = AEGAN.from_preset(name)
    samples = model.generate(200, seed=0)
    mine = np.flip(samples, axis=2)  # 200 pictures of one's own.
    before = np.abs(model.reconstruct(mine).astype(float) - mine).mean()
    model.fit(mine, batch_size=50, epochs=5, verbose=0)
    after = np.abs(model.reconstruct(mine).astype(float) - mine).mean()
    assert after < before
    model.save_to_preset(tmp_path / "mine")
    upload_preset("hf://me/mine", tmp_path / "mine")
    loaded = AEGAN.from_preset("hf://me/mine")
    np.testing.assert_array_equal(
        loaded.generate(8, seed=1), model.generate(8, seed=1)
    )
