import json

import keras
import numpy as np
import pytest
import safetensors.numpy

from keras_aegan.hub import PresetWeightsError
from keras_aegan.hub.weights import (
    FORMAT,
    load_weights,
    named_variables,
    save_weights,
)


def values(model):
    return {
        name: keras.ops.convert_to_numpy(variable)
        for name, variable in named_variables(model).items()
    }


class Bag:
    """Networks and progress, which is all that weights are read from."""

    def __init__(self, progress=None, **networks):
        self.networks, self.progress = networks, progress or {}


def test_names_say_where_a_weight_stands(make_model):
    names = set(named_variables(make_model()))
    assert {
        "generator/dense/kernel",
        "generator/dense_1/kernel",
        "generator/batch_normalization/moving_mean",
        "generator/sequential/conv2d_transpose/kernel",
        "generator/spectral_normalization/conv2d/kernel",
        "generator/spectral_normalization/vector_u",
        "ema_generator/dense_1/kernel",
        "encoder/layer_normalization/gamma",
        "ema_encoder/dense/kernel",
        "discriminator/dense/bias",
        "progress/step",
    } <= names


def test_names_do_not_depend_on_the_process(make_model):
    keras.backend.clear_session()
    fresh = list(named_variables(make_model()))
    for _ in range(3):
        keras.layers.Dense(2).build((None, 2))
        keras.Variable(1.0)
    assert list(named_variables(make_model())) == fresh


def test_every_weight_is_kept_and_no_random_state(make_model):
    model = make_model()
    kept = {id(variable) for variable in named_variables(model).values()}
    for network in model.networks.values():
        assert {id(variable) for variable in network.weights} <= kept
    assert not any("seed" in name for name in named_variables(model))


def test_nameless_and_same_named_variables():
    class Odd(keras.layers.Layer):
        def build(self, input_shape):
            self.first = self.add_weight(shape=(1,))
            self.second = self.add_weight(shape=(2,))
            self.third = self.add_weight(shape=(3,), name="scale")
            self.fourth = self.add_weight(shape=(4,), name="scale")

    layer = Odd()
    layer.build((None, 1))
    names = list(named_variables(Bag(net=layer)))
    assert names == [
        "net/variable",
        "net/variable_1",
        "net/scale",
        "net/scale_1",
    ]


def test_a_shared_layer_is_kept_once():
    shared = keras.layers.Dense(2)
    inputs = keras.Input((2,))
    first = keras.Model(inputs, shared(inputs))
    second = keras.Model(inputs, keras.layers.Dense(1)(shared(inputs)))
    assert list(named_variables(Bag(first=first, second=second))) == [
        "first/dense/kernel",
        "first/dense/bias",
        "second/dense_1/kernel",
        "second/dense_1/bias",
    ]


def test_round_trip_keeps_every_value(make_model, tmp_path):
    model, other = make_model(seed=0), make_model(seed=1)
    save_weights(model, tmp_path / "w.safetensors")
    load_weights(other, tmp_path / "w.safetensors")
    expected, loaded = values(model), values(other)
    assert expected.keys() == loaded.keys()
    for name in expected:
        assert expected[name].dtype == loaded[name].dtype, name
        np.testing.assert_array_equal(expected[name], loaded[name], name)
    assert loaded["encoder/dense/kernel"].dtype.name == "bfloat16"
    assert loaded["progress/step"] == 12


@pytest.mark.parametrize(
    "view",
    [np.transpose, lambda x: x[::2], np.asfortranarray, lambda x: x[0, 0]],
)
def test_arrays_that_are_not_contiguous(view, tmp_path, monkeypatch):
    array = view(np.arange(16.0, dtype="float32").reshape(4, 4))
    variable = keras.Variable(np.ascontiguousarray(array).reshape(array.shape))
    monkeypatch.setattr(keras.ops, "convert_to_numpy", lambda _: array)
    save_weights(Bag({"x": variable}), tmp_path / "w.safetensors")
    stored = safetensors.numpy.load_file(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(stored["progress/x"], array, strict=True)


def test_adapted_normalization_computes_as_before(tmp_path):
    layer, other = keras.layers.Normalization(), keras.layers.Normalization()
    layer.adapt(np.arange(6.0, dtype="float32").reshape(3, 2))
    other.build((None, 2))
    save_weights(Bag(net=layer), tmp_path / "w.safetensors")
    load_weights(Bag(net=other), tmp_path / "w.safetensors")
    x = np.ones((1, 2), "float32")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(layer(x)),
        keras.ops.convert_to_numpy(other(x)),
    )


def test_missing_unexpected_and_misshapen_are_told_together(
    make_model, tmp_path
):
    model = make_model()
    tensors = values(model)
    tensors["generator/dense/bias"] = np.zeros(7, "float32")
    del tensors["encoder/dense/kernel"]
    tensors["prior/dense/kernel"] = np.zeros(1, "float32")
    path = tmp_path / "w.safetensors"
    safetensors.numpy.save_file(tensors, path, metadata=FORMAT)
    other = make_model(seed=1)
    before = values(other)
    with pytest.raises(PresetWeightsError) as caught:
        load_weights(other, path)
    message = str(caught.value)
    assert "3 tensors" in message
    assert "encoder:\n    encoder/dense/kernel: missing" in message
    assert (
        "generator:\n    generator/dense/bias: has shape (7,), expected (16,)"
    ) in message
    assert "prior:\n    prior/dense/kernel: unexpected" in message
    for name, value in values(other).items():
        np.testing.assert_array_equal(value, before[name])


def _cuts(size, header):
    return [0, 4, 8, header // 2, header + 8, header + 9, size // 2, size - 1]


@pytest.mark.parametrize("cut", range(8))
def test_truncated_file(make_model, tmp_path, cut):
    model, path = make_model(), tmp_path / "w.safetensors"
    save_weights(model, path)
    whole = path.read_bytes()
    header = int.from_bytes(whole[:8], "little")
    path.write_bytes(whole[: _cuts(len(whole), header)[cut]])
    before = values(model)
    with pytest.raises(PresetWeightsError, match="not a whole safetensors"):
        load_weights(model, path)
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    "content", [json.dumps({"weights": [1, 2]}).encode(), b"\x89HDF\r\n" * 99]
)
def test_file_of_another_kind(make_model, tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(PresetWeightsError, match="of another kind"):
        load_weights(make_model(), tmp_path / "w.safetensors")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_file_of_another_library(make_model, tmp_path, metadata):
    path, model = tmp_path / "w.safetensors", make_model()
    safetensors.numpy.save_file(values(model), path, metadata=metadata)
    with pytest.raises(PresetWeightsError, match="another library"):
        load_weights(model, path)


def test_file_of_a_newer_version(make_model, tmp_path):
    path, model = tmp_path / "w.safetensors", make_model()
    newer = {**FORMAT, "schema_version": "2"}
    safetensors.numpy.save_file(values(model), path, metadata=newer)
    with pytest.raises(PresetWeightsError, match="Upgrade"):
        load_weights(model, path)


def test_no_file(make_model, tmp_path):
    with pytest.raises(PresetWeightsError, match="load_weights=False"):
        load_weights(make_model(), tmp_path / "w.safetensors")
