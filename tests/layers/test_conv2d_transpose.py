import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan.hub.safety import check_config
from keras_aegan.layers import Conv2DTranspose
from keras_aegan.losses.input_gradient import input_gradient

SETTINGS = [
    {"kernel_size": 4, "strides": 2, "padding": "same"},
    {"kernel_size": 3, "strides": 2, "padding": "same"},
    {"kernel_size": 3, "strides": 2, "padding": "valid"},
    {"kernel_size": (3, 4), "strides": 1, "padding": "same"},
    {"kernel_size": 4, "strides": 1, "padding": "valid"},
    {"kernel_size": (1, 3), "strides": (3, 1), "padding": "valid"},
    {"kernel_size": 1, "strides": 2, "padding": "same"},
    {"kernel_size": 3, "dilation_rate": 2, "padding": "same"},
    {
        "kernel_size": 3,
        "strides": 2,
        "padding": "valid",
        "output_padding": 1,
        "use_bias": False,
        "activation": "sigmoid",
    },
]


def build(kind, settings):
    """Two layers, one after the other."""
    layers = [kind(3, **settings), kind(2, **settings)]
    return keras.Sequential([keras.Input((5, 4, 3)), *layers])


def everything(network, data):
    """The outputs, and gradients once and twice, with penalties on data."""
    variables = network.trainable_variables
    ends = np.cumsum([np.prod(v.shape) for v in variables])

    def paid(data):
        return ops.sum(ops.sin(network(data)), axis=(1, 2, 3))

    def penalty(data):
        return ops.sum(ops.square(input_gradient(paid, data)))

    def by_variable(function):
        def assigned(flat):
            parts = ops.split(flat, ends[:-1].tolist())
            mapping = [
                (variable, ops.reshape(part, variable.shape))
                for variable, part in zip(variables, parts, strict=True)
            ]
            with keras.StatelessScope(mapping):
                return function(data)

        flat = ops.concatenate([ops.reshape(v, (-1,)) for v in variables])
        return ops.split(input_gradient(assigned, flat), ends[:-1].tolist())

    found = {"outputs": network(data), "data": input_gradient(paid, data)}
    for name, function in (("once", paid), ("twice", penalty)):
        for part in by_variable(function):
            found[f"{name} {len(found)}"] = part
    return found


def results(network, data):
    function = functools.partial(everything, network)
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)  # Eagerly it takes ten times as long.
    return {k: ops.convert_to_numpy(x) for k, x in function(data).items()}


def compare(network, keras_network, tolerance=1e-5):
    random = np.random.default_rng(1)
    for ours, theirs in zip(
        network.weights, keras_network.weights, strict=True
    ):
        ours.assign(random.normal(0, 0.3, ours.shape))
        theirs.assign(ours)
    data = random.normal(size=network.input_shape[1:])
    data = ops.convert_to_tensor(np.stack([data, -data]).astype("float32"))
    found, wanted = results(network, data), results(keras_network, data)
    for (name, ours), theirs in zip(
        found.items(), wanted.values(), strict=True
    ):
        scale = np.abs(theirs).max()
        assert scale > 1e-3, name
        error = np.abs(ours - theirs).max() / scale
        assert error < tolerance, (name, error)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_values_and_gradients_are_those_of_keras(settings):
    compare(
        build(Conv2DTranspose, settings),
        build(keras.layers.Conv2DTranspose, settings),
    )


def test_channels_may_come_first():
    settings = {**SETTINGS[0], "data_format": "channels_first"}
    compare(
        build(Conv2DTranspose, settings),
        build(keras.layers.Conv2DTranspose, settings),
    )


def test_half_precision_is_that_of_keras():
    keras.config.set_dtype_policy("mixed_bfloat16")
    ours = build(Conv2DTranspose, SETTINGS[0])
    theirs = build(keras.layers.Conv2DTranspose, SETTINGS[0])
    theirs.set_weights(ours.get_weights())
    data = np.random.default_rng(0).normal(size=(2, 5, 4, 3))
    made = ours(data)
    assert keras.backend.standardize_dtype(made.dtype) == "bfloat16"
    made, wanted = (
        ops.convert_to_numpy(ops.cast(x, "float32"))
        for x in (made, theirs(data))
    )
    np.testing.assert_allclose(made, wanted, atol=0.02 * np.abs(wanted).max())


def test_config_and_weights_are_those_of_keras(tmp_path):
    ours = build(Conv2DTranspose, SETTINGS[0])
    theirs = build(keras.layers.Conv2DTranspose, SETTINGS[0])
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        config = {**a.get_config(), "name": b.name}
        assert config == b.get_config()
    config = keras.saving.serialize_keras_object(ours)
    check_config(config)  # A preset may name it.
    again = keras.saving.deserialize_keras_object(config)
    assert [type(layer) for layer in again.layers] == [Conv2DTranspose] * 2
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
