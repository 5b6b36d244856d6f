import errno
import hashlib
import json
import mmap
import shutil

import keras
import numpy as np
import pytest
import safetensors.numpy

from keras_aegan.hub import PresetFormatError, PresetWeightsError
from keras_aegan.hub.names import finalize, named_variables
from keras_aegan.hub.weights import FORMAT, Tensors, check_file
from keras_aegan.hub.weights import save_weights as save_part


def values(model):
    return {
        name: keras.ops.convert_to_numpy(variable)
        for name, variable in named_variables(model).items()
    }


def save_weights(model, folder):
    return save_part(named_variables(model), folder)


def load_tensors(variables, *paths):
    tensors = Tensors(list(paths))
    tensors.check(variables)
    for path in paths:
        tensors.map(path)
    tensors.assign_to(variables)


def load_weights(model, *paths):
    load_tensors(named_variables(model), *paths)


class Bag:
    """Networks and progress, which is all that weights are read from."""

    def __init__(self, progress=None, **networks):
        self.networks, self.progress = networks, progress or {}


def test_round_trip_keeps_every_value(make_model, tmp_path):
    model, other = make_model(seed=0), make_model(seed=1)
    save_weights(model, tmp_path)
    load_weights(other, tmp_path / "model.safetensors")
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
    save_weights(Bag({"x": variable}), tmp_path)
    stored = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(stored["progress/x"], array, strict=True)


def test_adapted_normalization_computes_as_before(tmp_path):
    layer, other = keras.layers.Normalization(), keras.layers.Normalization()
    layer.adapt(np.arange(6.0, dtype="float32").reshape(3, 2))
    other.build((None, 2))
    save_weights(Bag(net=layer), tmp_path)
    load_weights(Bag(net=other), tmp_path / "model.safetensors")
    finalize(other)
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
    path = tmp_path / "model.safetensors"
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
    model, path = make_model(), tmp_path / "model.safetensors"
    facts = save_weights(model, tmp_path)
    whole = path.read_bytes()
    header = int.from_bytes(whole[:8], "little")
    path.write_bytes(whole[: _cuts(len(whole), header)[cut]])
    before = values(model)
    with pytest.raises(PresetWeightsError, match="not a whole safetensors"):
        load_weights(model, path)
    with pytest.raises(PresetWeightsError, match="bytes, expected"):
        check_file(path, facts[path.name])
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    "content", [json.dumps({"weights": [1, 2]}).encode(), b"\x89HDF\r\n" * 99]
)
def test_file_of_another_kind(make_model, tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(PresetWeightsError, match="of another kind"):
        load_weights(make_model(), tmp_path / "model.safetensors")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_file_of_another_library(make_model, tmp_path, metadata):
    path, model = tmp_path / "model.safetensors", make_model()
    safetensors.numpy.save_file(values(model), path, metadata=metadata)
    with pytest.raises(PresetWeightsError, match="another library"):
        load_weights(model, path)


def test_the_same_weights_are_the_same_file(make_model, tmp_path):
    facts = []
    for number in range(5):
        (tmp_path / f"{number}").mkdir()
        facts.append(save_weights(make_model(), tmp_path / f"{number}"))
    assert all(each == facts[0] for each in facts)


def test_where_tensors_stand_in_a_file(tmp_path):
    """At multiples of 64 bytes, all but those of odd sizes, and no gap."""
    shapes = {"a": (3,), "b": (16, 3), "c": (1,), "d": (64, 5), "e": (0, 2)}
    rng = np.random.default_rng(0)
    variables = {n: keras.Variable(rng.random(s)) for n, s in shapes.items()}
    for dtype in ("bool", "int32"):
        ones = np.ones(5, dtype)
        variables[dtype] = keras.Variable(ones, dtype=dtype, trainable=False)
    facts = save_part(variables, tmp_path)["model.safetensors"]
    path = tmp_path / "model.safetensors"
    assert facts["bytes"] == path.stat().st_size
    size = int.from_bytes(path.read_bytes()[:8], "little")
    head = json.loads(path.read_bytes()[8 : 8 + size])
    assert head.pop("__metadata__") == FORMAT
    places = {name: about["data_offsets"] for name, about in head.items()}
    assert sum(end - start for start, end in places.values()) == (
        facts["bytes"] - 8 - size
    )
    for name, (start, _) in places.items():
        aligned = {"b": 64, "d": 64, "e": 64, "bool": 1}.get(name, 4)
        assert (8 + size + start) % aligned == 0, name
    stored = safetensors.numpy.load_file(path)
    for name, variable in variables.items():
        expected = keras.ops.convert_to_numpy(variable)
        np.testing.assert_array_equal(stored[name], expected, strict=True)


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
@pytest.mark.parametrize(
    "dtype",
    ["bool", "float16", "bfloat16", "float32", "float64", "int8", "int16"]
    + ["int32", "int64", "uint8", "uint16", "uint32"],
)
def test_what_a_variable_says_is_what_is_written(tmp_path, dtype):
    """JAX has no float64 of itself, and PyTorch no unsigned variables."""
    variable = keras.Variable(np.arange(16) % 2, dtype=dtype, trainable=False)
    save_part({"a": variable}, tmp_path)
    with safetensors.safe_open(tmp_path / "model.safetensors", "np") as file:
        stored = file.get_tensor("a")
    assert stored.dtype.name == dtype
    np.testing.assert_array_equal(stored.astype(int), np.arange(16) % 2)
    loaded = keras.Variable(np.ones(16), dtype=dtype, trainable=False)
    load_tensors({"a": loaded}, tmp_path / "model.safetensors")
    found = keras.ops.convert_to_numpy(keras.ops.cast(loaded, "float32"))
    np.testing.assert_array_equal(found, np.arange(16) % 2)


def test_a_file_system_that_maps_nothing(make_model, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.ENODEV, "No such device")

    model, other = make_model(seed=0), make_model(seed=1)
    save_weights(model, tmp_path)
    monkeypatch.setattr(mmap, "mmap", refuse)
    load_weights(other, tmp_path / "model.safetensors")
    for name, value in values(other).items():
        np.testing.assert_array_equal(value, values(model)[name], name)


def test_a_dtype_that_no_file_has(tmp_path):
    variable = keras.Variable(np.ones(3), dtype="float8_e4m3fn")
    with pytest.raises(PresetFormatError, match="dtype float8_e4m3fn, which"):
        save_part({"a": variable}, tmp_path)


@pytest.mark.parametrize("position", [3, 20, -1])
def test_a_flipped_bit_is_noticed(make_model, tmp_path, position):
    path = tmp_path / "model.safetensors"
    model = make_model()
    facts = save_weights(model, tmp_path)[path.name]
    tensors = Tensors([path])
    checks = (
        lambda: check_file(path, facts),
        lambda: tensors.read(path, facts),
    )
    for check in checks:
        check()
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    for check in checks:
        with pytest.raises(PresetWeightsError, match="SHA-256 differs"):
            check()


@pytest.mark.parametrize("change", [lambda x: x[:-1], lambda x: x + b"0"])
def test_a_file_that_changes_while_it_is_read(make_model, tmp_path, change):
    path = tmp_path / "model.safetensors"
    save_weights(make_model(), tmp_path)
    tensors = Tensors([path])
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(PresetWeightsError, match="changed while it was read"):
        tensors.map(path)


@pytest.mark.parametrize("shape", [(3, 1021), (0, 4), (), (64, 64)])
@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
@pytest.mark.parametrize("is_ours", [True, False])
def test_values_live_in_the_memory_that_was_read(
    tmp_path, shape, dtype, is_ours
):
    """Of any size and place in the file, also where a backend takes it over."""
    path = tmp_path / "model.safetensors"
    rng = np.random.default_rng(0)
    wanted = rng.integers(0, 2, shape).astype(dtype)

    def make(value):
        return {
            name: keras.Variable(array, dtype=dtype, trainable=False)
            for name, array in (("a", np.zeros(5, dtype)), ("b", value))
        }

    if is_ours:
        facts = save_part(make(wanted), tmp_path)[path.name]
    else:  # In the order of names, as others and earlier versions write it.
        tensors = {"a": np.zeros(5, dtype), "b": wanted}
        safetensors.numpy.save_file(tensors, path, metadata=FORMAT)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        facts = {"bytes": path.stat().st_size, "sha256": digest}
    read = make(np.zeros(shape, dtype))
    tensors = Tensors([path])
    tensors.read(path, facts)
    tensors.assign_to(read)
    found = keras.ops.convert_to_numpy(read["b"])
    np.testing.assert_array_equal(found, wanted, strict=True)
    loaded = make(np.zeros(shape, dtype))
    load_tensors(loaded, path)
    found = keras.ops.convert_to_numpy(loaded["b"])
    np.testing.assert_array_equal(found, wanted, strict=True)
    # It is the variable's own, to be moved on from.
    loaded["b"].assign(np.ones(shape, dtype))
    assert (keras.ops.convert_to_numpy(loaded["b"]) == 1).all()


# === Several files ===


def test_shards_as_others_read_them(make_model, tmp_path):
    model, other = make_model(seed=0), make_model(seed=1)
    facts = save_part(
        named_variables(model), tmp_path, "model", max_shard_size=500
    )
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert len(facts) > 2
    assert set(index["weight_map"].values()) == set(facts)
    assert set(index["weight_map"]) == set(named_variables(model))
    last = len(facts)
    assert f"model-00001-of-{last:05}.safetensors" in facts
    stored = {}
    for name in facts:
        stored |= safetensors.numpy.load_file(tmp_path / name)
    total = sum(array.nbytes for array in stored.values())
    assert index["metadata"]["total_size"] == total
    paths = [tmp_path / name for name in facts]
    load_weights(other, *paths)
    for name, value in values(other).items():
        np.testing.assert_array_equal(value, values(model)[name], name)
    with pytest.raises(PresetWeightsError, match="missing"):
        load_weights(other, *paths[1:])
    again = shutil.copy(paths[0], tmp_path / "again.safetensors")
    with pytest.raises(PresetWeightsError, match="which another file"):
        load_weights(other, *paths, again)


# === What values are stored as ===


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_once(tmp_path, dtype):
    exact = np.array([1 / 3, 1.0, -1e-3], "float32")
    variables = {
        "a": keras.Variable(exact),
        "count": keras.Variable(7, dtype="int32", trainable=False),
    }
    save_part(variables, tmp_path, "model", dtype=dtype)
    with safetensors.safe_open(tmp_path / "model.safetensors", "np") as file:
        stored = file.get_tensor("a")
    assert stored.dtype.name == dtype
    loaded = {
        "a": keras.Variable(np.zeros(3, "float32")),
        "count": keras.Variable(0, dtype="int32", trainable=False),
    }
    load_tensors(loaded, tmp_path / "model.safetensors")
    found = keras.ops.convert_to_numpy(loaded["a"])
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, stored.astype("float32"))
    tolerance = {"float16": 2**-11, "bfloat16": 2**-8}[dtype]
    np.testing.assert_allclose(found, exact, rtol=tolerance)
    assert not np.array_equal(found, exact)
    assert int(loaded["count"]) == 7


def test_float32_goes_into_half_precision_variables(tmp_path):
    save_part({"a": keras.Variable([1 / 3])}, tmp_path)
    half = {"a": keras.Variable([0.0], dtype="bfloat16")}
    load_tensors(half, tmp_path / "model.safetensors")
    value = keras.ops.convert_to_numpy(half["a"].value).astype("float32")
    np.testing.assert_array_equal(value, np.array([0.333984375], "float32"))


def test_what_float16_cannot_hold_is_refused(tmp_path):
    variables = {"a/kernel": keras.Variable([1e5])}
    with pytest.raises(PresetFormatError, match="a/kernel.*float16.*bfloat16"):
        save_part(variables, tmp_path, "model", dtype="float16")
    save_part(variables, tmp_path, "model", dtype="bfloat16")


def test_integers_are_no_floats(tmp_path):
    save_part({"step": keras.Variable(1.5)}, tmp_path)
    tensors = Tensors([tmp_path / "model.safetensors"])
    with pytest.raises(PresetWeightsError, match="step: has dtype F32"):
        tensors.check(
            {"step": keras.Variable(0, dtype="int32", trainable=False)}
        )
