import pytest

from keras_aegan import AEGAN, recipes

SMALL = {"width": 4}
MODELS = {
    # Models inside a critic, whose layers have the same names.
    "autoencoder": lambda: recipes.ebgan((16, 1), 3, **SMALL),
    "decoder": lambda: recipes.fastgan((16, 1), 3, **SMALL),
    "wrapper": lambda: recipes.gan((6,), 3, spectral_norm=True, **SMALL),
    "recurrent": lambda: recipes.arae((5,), 7, 4, 8, 3, (8,), kind="gru"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_preset_keeps_every_initializer(name, tmp_path):
    model = MODELS[name]()
    model.save_to_preset(tmp_path / "preset")
    loaded = AEGAN.from_preset(tmp_path / "preset")
    wanted, found = model.get_config(), loaded.get_config()
    for seat in ("encoder", "generator", "discriminator", "prior"):
        assert found.get(seat) == wanted.get(seat)
    assert "Placeholder" not in str(found)
