"""What a preset's config may name: Keras's classes and this package's.

A preset comes from anywhere, and deserialising a config calls what it names.
So the whole config is read first, and refused if it names anything else.
"""

import keras

from keras_aegan.hub.errors import PresetFormatError

_OWN = "keras_aegan>"
_MAX_DEPTH = 64

# Values that Keras writes as objects, though they are plain data.
_VALUES = frozenset(
    {
        "__bytes__",
        "__ellipsis__",
        "__keras_tensor__",
        "__numpy__",
        "__slice__",
        "__tensor__",
    }
)
# Where Keras looks up functions that a config gives by name alone.
_FUNCTIONS = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "regularizers",
)
# Public modules of classes that are parts of a model; `keras.src` holds
# those without a public name, of which Keras admits layers and the like.
_CLASSES = frozenset(
    {
        "keras",
        "keras.constraints",
        "keras.dtype_policies",
        "keras.initializers",
        "keras.layers",
        "keras.losses",
        "keras.metrics",
        "keras.models",
        "keras.optimizers",
        "keras.optimizers.schedules",
        "keras.quantizers",
        "keras.random",
        "keras.regularizers",
    }
)
# Keras's own classes that carry code, or that load it from elsewhere.
_CARRIERS = frozenset(
    {"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"}
)


def check_config(config: object) -> None:
    """Refuses a config that names more than Keras and this package.

    Args:
        config: What `json.loads` returned, or
            `keras.saving.serialize_keras_object`.

    Raises:
        PresetFormatError: If an object in the config is neither Keras's nor
            registered under `keras_aegan`, or if it can carry code, or if
            the config is nested more than 64 deep.
    """
    pending = [(config, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise PresetFormatError(
                f"The config is nested more than {_MAX_DEPTH} deep, which no "
                "model of this package is. It was not loaded."
            )
        if isinstance(node, dict):
            if not node.keys().isdisjoint(
                {"class_name", "module", "registered_name"}
            ):
                _check_object(node)
            pending += [(child, depth + 1) for child in node.values()]
        elif isinstance(node, list | tuple):
            pending += [(child, depth + 1) for child in node]
        elif isinstance(node, str):
            # Keras resolves a string that is a registered name, too.
            if ">" in node and _is_registered(node) and not _is_own(node):
                _refuse(node, "it is registered by another package")


def _check_object(node):
    name = node.get("class_name")
    module = node.get("module")
    registered = node.get("registered_name")
    if not (
        isinstance(name, str)
        and isinstance(module, str | None)
        and isinstance(registered, str | None)
    ):
        _refuse(repr(name), "its class and module are not both given by name")
    if name in _VALUES:
        return
    full_name = registered if registered and ">" in registered else name
    if module and full_name == name:
        full_name = f"{module}.{name}"
    if name == "__lambda__" or name in _CARRIERS:
        _refuse(full_name, "it can run code that is not in a library")
    if name == "function":
        _check_function(module, node.get("config"))
    elif registered and ">" in registered:
        if not _is_own(registered):
            _refuse(full_name, "it is of another package")
        if not _is_registered(registered):
            _refuse(full_name, "this version of keras_aegan has no such class")
    elif registered not in (None, name):
        _refuse(full_name, f"it is registered as {registered!r}")
    elif module not in _CLASSES and not str(module).startswith("keras.src."):
        _refuse(full_name, "it is of another package")


def _check_function(module, name):
    modules = {None, "builtins", *(f"keras.{part}" for part in _FUNCTIONS)}
    if not isinstance(name, str) or module not in modules:
        _refuse(f"{module}.{name}", "it is a function of another package")
    if _is_own(name) and _is_registered(name):
        return
    if not any(hasattr(getattr(keras, part), name) for part in _FUNCTIONS):
        _refuse(name, "it is a function of neither Keras nor keras_aegan")


def _is_own(name):
    return name.startswith(_OWN)


def _is_registered(name):
    return keras.saving.get_registered_object(name) is not None


def _refuse(name, reason):
    raise PresetFormatError(
        f"A preset's config may only name Keras's own classes and those of "
        f"keras_aegan. It names `{name}`: {reason}. A model with other parts "
        "is kept with `model.save('model.keras')`; a preset from elsewhere "
        "that names them is not to be trusted."
    )
