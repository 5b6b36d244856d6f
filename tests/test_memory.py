import keras
import numpy as np
import pytest

from keras_aegan import memory


def address(variable):
    """Where a variable's value is."""
    value = variable.value
    if keras.backend.backend() == "tensorflow":
        value = value.read_value()
    elif keras.backend.backend() == "torch":
        value = value.detach()
    return np.from_dlpack(value).ctypes.data


@pytest.fixture
def variable():
    return keras.Variable(np.zeros((16, 4), "float32"))


def test_a_variable_takes_over_memory(variable):
    _, array = memory.aligned([((3,), "uint8"), ((16, 4), "float32")])
    array[:] = np.arange(64).reshape(16, 4)
    memory.give(variable, array)
    assert address(variable) == array.ctypes.data
    variable.assign(variable + 1)  # It is the variable's own.
    found = keras.ops.convert_to_numpy(variable)
    np.testing.assert_array_equal(found.reshape(-1), np.arange(1, 65))


@pytest.mark.parametrize("offset", [1, 4, 32])
def test_memory_that_starts_elsewhere_is_copied(variable, offset):
    (block,) = memory.aligned([((offset + 256,), "uint8")])
    array = block[offset:].view("float32").reshape(16, 4)
    array[:] = np.arange(64).reshape(16, 4)
    memory.give(variable, array)
    assert address(variable) != array.ctypes.data
    found = keras.ops.convert_to_numpy(variable)
    np.testing.assert_array_equal(found.reshape(-1), np.arange(64))


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "bfloat16"])
def test_other_dtypes_are_converted(dtype):
    import ml_dtypes

    kind = {"bfloat16": ml_dtypes.bfloat16}.get(dtype, dtype)
    (array,) = memory.aligned([((16,), kind)])
    array[:] = np.arange(16)
    for own in ("float32", "bfloat16"):
        variable = keras.Variable(np.zeros(16), dtype=own)
        memory.give(variable, array)
        found = keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32"))
        np.testing.assert_array_equal(found, np.arange(16))
        assert variable.dtype == own


def test_what_is_mapped_changes_in_memory_alone(tmp_path, variable):
    path = tmp_path / "file"
    content = np.arange(64, dtype="float32").tobytes()
    path.write_bytes(content)
    array = memory.mapped(path)
    assert array.tobytes() == content
    memory.give(variable, array.view("float32").reshape(16, 4))
    assert address(variable) == array.ctypes.data
    variable.assign(variable * 2)
    array[:] = 0
    assert path.read_bytes() == content
    # What replaces the file does not replace what is mapped.
    (tmp_path / "new").write_bytes(b"x" * 256)
    again = memory.mapped(path)
    (tmp_path / "new").replace(path)
    assert again.tobytes() == content


def test_keras_names_are_kept_where_variables_are_named_alike(tmp_path):
    layers = [keras.layers.Dense(3, name=name) for name in ("a", "b", "c")]
    with memory.named_alike():
        model = keras.Sequential(layers[:2], name="net")
        model.build((None, 3))
    model.add(layers[2])
    assert [v.path for v in model.variables] == [
        f"net/{layer}/{name}" for layer in "abc" for name in ("kernel", "bias")
    ]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        names = [layer.kernel.value.name for layer in layers]
        assert names == ["variable:0", "variable:0", "net/c/kernel:0"]
        # They are none the less many.
        x = np.eye(3, dtype="float32")
        model.export(str(tmp_path), verbose=False)
        again = tf.saved_model.load(str(tmp_path))
        np.testing.assert_array_equal(again.serve(x), model(x))
