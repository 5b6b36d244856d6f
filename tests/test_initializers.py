import threading

import keras
import pytest

from keras_aegan import AEGAN, recipes
from keras_aegan.initializers import at_most

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


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Dense(8),
        keras.layers.Normalization(),  # zeros and ones that no config names
        keras.layers.Dense(1, lora_rank=8),
        keras.layers.LSTM(1, stateful=True),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_weight_counts(layer):
    shape = (20, 3, 8) if isinstance(layer, keras.layers.LSTM) else (None, 8)
    with pytest.raises(ValueError, match="makes it larger"), at_most(15):
        layer.build(shape)


def test_what_is_expected_does_not_count():
    with at_most(8, [(8, 8)]):
        keras.layers.Dense(8).build((None, 8))
        with pytest.raises(ValueError, match=r"shape \(8, 8\)"):
            keras.layers.Dense(8).build((None, 8))


def test_others_are_not_bounded():
    layer, make = keras.layers.Dense(8), keras.Variable.__init__
    with at_most(0):
        thread = threading.Thread(target=layer.build, args=[(None, 8)])
        thread.start()
        thread.join()
    assert layer.built
    assert keras.Variable.__init__ is make
