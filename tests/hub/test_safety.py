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
