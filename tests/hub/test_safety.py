import keras
import pytest

from keras_aegan.hub import PresetFormatError
from keras_aegan.hub.safety import check_config


def described(name, module, registered_name=None, config=None):
    return {
        "module": module,
        "class_name": name,
        "config": {} if config is None else config,
        "registered_name": registered_name,
    }


def function(name, module="builtins"):
    return described("function", module, "function", name)


def foreign(x):
    return x


@pytest.fixture(autouse=True)
def another_package(monkeypatch):
    monkeypatch.setitem(
        keras.saving.get_custom_objects(), "elsewhere>foreign", foreign
    )


@pytest.mark.parametrize(
    "config",
    [
        described("system", "os", None, "touch /tmp/x"),
        function("system", "os"),
        function("system", "posix"),
        function("eval"),
        function("exec", "builtins"),
        function("get_file", "keras.utils"),
        function("elsewhere>foreign"),
        function("foreign"),
        function(["relu"]),
        "elsewhere>foreign",
        described("Popen", "subprocess"),
        described("Lambda", "keras.layers"),
        described("Lambda", "keras.src.layers.core.lambda_layer"),
        described("Lambda", None),
        described("TFSMLayer", "keras.layers", config={"filepath": "/x"}),
        described("TorchModuleWrapper", "keras.layers"),
        described("__lambda__", None, config={"value": "x"}),
        {"class_name": "__lambda__", "config": {"value": "x"}},
        {"class_name": "__typespec__", "config": [], "module": "tensorflow"},
        described("Dense", "keras.layers", "elsewhere>foreign"),
        described("Dense", "keras.layers", "foreign"),
        described("Dense", "keras_hub.layers"),
        described("Dense", "kerasevil.layers"),
        described("load_model", "keras.saving"),
        described("load_data", "keras.datasets.mnist"),
        described("load_model", "keras.models"),
        described("clone_model", "keras.src.models.cloning"),
        described("MeanIoU", "keras.metrics"),
        described("StringLookup", "keras.layers"),
        described("TextVectorization", "keras.layers"),
        described("NoSuchLayer", "keras.layers"),
        described("Dense", "keras.src.layers.no_such_module"),
        described("Thing", "__main__"),
        described("Thing", "keras_aegan.aegan"),
        described("Thing", "keras_aegan.aegan", "keras_aegan>Thing"),
        described(["Dense"], "keras.layers"),
        described("Dense", ["keras.layers"]),
        {"module": "os", "config": {}},
        {"registered_name": "elsewhere>foreign"},
    ],
    ids=str,
)
def test_foreign_names_are_refused_at_any_depth(config):
    for nested in (config, {"config": {"layers": [1, {"a": config}]}}):
        with pytest.raises(PresetFormatError, match="may only name"):
            check_config(nested)


def test_what_keras_writes_is_let_through(make_model):
    check_config(keras.saving.serialize_keras_object(make_model()))
    check_config(function("relu"))
    check_config(keras.saving.serialize_keras_object(slice(1, 2)))
    check_config({"name": "a>b", "text": "os.system"})


@pytest.mark.parametrize("container", [lambda x: [x], lambda x: {"a": x}])
def test_bottomless_nesting_is_refused(container):
    config = 1
    for _ in range(100_000):
        config = container(config)
    with pytest.raises(PresetFormatError, match="deep"):
        check_config(config)
    while not isinstance(config, int):  # Freed here, not by recursion.
        config = config["a"] if isinstance(config, dict) else config[0]


@pytest.mark.parametrize("kind", ["__numpy__", "__tensor__"])
@pytest.mark.parametrize("dtype", ["(9999,)i4", "S9999", "O", {"a": 1}, 5])
def test_arrays_are_no_larger_than_what_is_written(kind, dtype):
    config = {"value": [1], "dtype": "float32"}
    check_config(described(kind, None, config=config))
    with pytest.raises(PresetFormatError, match="array of dtype"):
        check_config(described(kind, None, config={**config, "dtype": dtype}))


@pytest.mark.parametrize("number", [2**63, -(10**30)])
def test_endless_numbers_are_refused(number):
    check_config({"units": 2**63 - 1})
    with pytest.raises(PresetFormatError, match="64 bits"):
        check_config({"units": number})


def test_shared_layers_are_counted_and_let_through():
    shared = keras.layers.Dense(4)
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    data = x = keras.Input((4,))
    for _ in range(20):
        x = keras.layers.Dense(4)(inner(shared(x)))
    model = keras.Model(data, x)
    check_config(keras.saving.serialize_keras_object(model))
    for _ in range(3):  # Each model calls the one before it ten times.
        data = x = keras.Input((4,))
        for _ in range(10):
            x = model(x)
        model = keras.Model(data, x)
    with pytest.raises(PresetFormatError, match="65,536 parts"):
        check_config(keras.saving.serialize_keras_object(model))
