import re

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan.training.optimizer import PlayerOptimizers


def variable(*values, name="weight"):
    return keras.Variable(np.array(values, "float32"), name=name)


def make(**kwargs):
    optimizers = PlayerOptimizers(
        {
            "generator": keras.optimizers.SGD(0.5, **kwargs),
            "encoder": keras.optimizers.Adam(0.1),
        }
    )
    owned = {"generator": [variable(1.0, 2.0)], "encoder": [variable(3.0)]}
    optimizers.build_players(owned)
    return optimizers, owned


def numpy(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def test_each_player_has_its_own():
    optimizers, owned = make()
    assert isinstance(optimizers["generator"], keras.optimizers.SGD)
    assert isinstance(optimizers["encoder"], keras.optimizers.Adam)
    with pytest.raises(KeyError):
        optimizers["prior"]
    gradient = ops.convert_to_tensor([1.0, -1.0])
    optimizers["generator"].apply([gradient], owned["generator"])
    np.testing.assert_allclose(numpy(owned["generator"])[0], [0.5, 2.5])
    np.testing.assert_allclose(numpy(owned["encoder"])[0], [3.0])
    assert int(optimizers["generator"].iterations) == 1
    assert int(optimizers["encoder"].iterations) == 0


def test_variables_are_all_of_them_once():
    optimizers, _ = make(momentum=0.9)
    found = [id(v) for v in optimizers.variables]
    assert len(set(found)) == len(found)
    for player in ("generator", "encoder"):
        assert {id(v) for v in optimizers[player].variables} <= set(found)


def test_there_is_no_common_learning_rate():
    optimizers, _ = make()
    with pytest.raises(
        AttributeError, match=re.escape("model.optimizer['generator'].learning")
    ):
        _ = optimizers.learning_rate


def test_building_is_left_to_the_model():
    optimizers = PlayerOptimizers({"generator": keras.optimizers.SGD()})
    with pytest.raises(ValueError, match="built by AEGAN.compile"):
        optimizers.build([variable(1.0)])
    built, owned = make()
    built.build([v for part in owned.values() for v in part])


def test_config_round_trip():
    optimizers, _ = make(clipnorm=1.0)
    config = keras.saving.serialize_keras_object(optimizers)
    assert config["registered_name"] == "keras_aegan>PlayerOptimizers"
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == optimizers.get_config()
    assert not again.built
    assert again["generator"].clipnorm == 1.0
    assert float(again["encoder"].learning_rate) == pytest.approx(0.1)


def test_weights_go_into_another():
    optimizers, owned = make(momentum=0.9)
    for player, variables in owned.items():
        gradients = [ops.ones(v.shape) for v in variables]
        optimizers[player].apply(gradients, variables)
    again, _ = make(momentum=0.9)
    state = numpy(optimizers.variables)
    again.set_weights(state)
    for a, b in zip(state, numpy(again.variables), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError):
        again.set_weights(state[:-1])


def test_scales():
    plain, scaled = (
        keras.optimizers.SGD(),
        keras.optimizers.SGD(loss_scale_factor=8.0),
    )
    dynamic = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(), initial_scale=64.0
    )
    optimizers = PlayerOptimizers(
        {"generator": plain, "encoder": scaled, "discriminator": dynamic}
    )
    optimizers.build_players(
        {
            player: [variable(1.0)]
            for player in ("generator", "encoder", "discriminator")
        }
    )
    assert optimizers.scale("generator") is None
    assert float(optimizers.scale("encoder")) == 8.0
    found = ops.convert_to_numpy(optimizers.scale("discriminator"))
    assert float(found) == 64.0


def test_players_averages_are_taken_over():
    optimizers, owned = make(use_ema=True, ema_momentum=0.5)
    weights = owned["generator"]
    # Each average starts at its weight: 0.5 (1, 2) + 0.5 (0, 1).
    optimizers["generator"].apply([ops.convert_to_tensor([2.0, 2.0])], weights)
    optimizers.finalize_variable_values(
        [v for part in owned.values() for v in part]
    )
    averages = optimizers["generator"]._model_variables_moving_average
    np.testing.assert_allclose(numpy(weights)[0], numpy(averages)[0])
    np.testing.assert_allclose(numpy(owned["encoder"])[0], [3.0])
