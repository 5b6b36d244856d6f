"""What a preset's config may name: Keras's classes and this package's.

A preset comes from anywhere, and deserialising a config calls what it names.
So the whole config is read first, and refused if it names anything else.
"""

import re
import sys

import keras

from keras_aegan.hub.documents import shortened
from keras_aegan.hub.errors import PresetFormatError

_OWN = "keras_aegan>"
_MAX_DEPTH = 64
# Ten times what the largest recipe has, and some seconds' work for Keras.
_MAX_PARTS = 2**16

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
# Where the classes are that are parts of a model, by public names or without.
_MODULES = re.compile(
    r"keras(\.(src\.)?(constraints|dtype_policies|initializers|layers|losses|"
    r"models|ops|optimizers|quantizers|random|regularizers)(\.\w+)*)?"
)
# PyTorch's optimizers have modules of their own, and Keras's elsewhere.
_OPTIMIZERS = re.compile(r"keras\.src\.backend\.torch\.optimizers\.\w+")
# Keras's own classes that carry code or load it from elsewhere, or that read
# files.
_REFUSED = frozenset(
    {
        "FlaxLayer",
        "HashedCrossing",
        "Hashing",
        "IntegerLookup",
        "JaxLayer",
        "Lambda",
        "StringLookup",
        "TFSMLayer",
        "TextVectorization",
        "TorchModuleWrapper",
        "__lambda__",
    }
)


def check_config(config: object) -> None:
    """Refuses a config that names more than Keras and this package.

    Nor may it describe more than can be built in bounded time. A layer that is
    called ten times within a model that is called ten times is gone through a
    hundred times, and counts as often.

    Args:
        config: What `json.loads` returned, or
            `keras.saving.serialize_keras_object`.

    Raises:
        PresetFormatError: If an object in the config is neither Keras's nor
            registered under `keras_aegan`, or if it can carry code or read
            files, if the config is nested more than 64 deep or has more than
            65,536 parts, or if a number has more than 64 bits.
    """
    parts = 0
    pending = [(config, 0, 1)]
    while pending:
        node, depth, runs = pending.pop()
        if depth > _MAX_DEPTH:
            raise PresetFormatError(
                f"The config is nested more than {_MAX_DEPTH} deep, which no "
                "model of this package is. It was not loaded."
            )
        if isinstance(node, dict):
            parts += runs + _detours(node)
            if not node.keys().isdisjoint(
                {"class_name", "module", "registered_name"}
            ):
                _check_object(node)
            pending += [
                (child, depth + 1, _runs(node, key, runs))
                for key, child in node.items()
            ]
        elif isinstance(node, list | tuple):
            parts += runs
            pending += [(child, depth + 1, runs) for child in node]
        elif isinstance(node, str):
            # Keras resolves a string that is a registered name, too.
            if ">" in node and _is_registered(node) and not _is_own(node):
                _refuse(node, "it is registered by another package")
        elif isinstance(node, int) and abs(node) >= 2**63:
            raise PresetFormatError(
                "The config has a number of more than 64 bits, which no model "
                "of this package has. It was not loaded."
            )
        if parts > _MAX_PARTS:
            raise PresetFormatError(
                f"The config describes a model of more than {_MAX_PARTS:,} "
                "parts, counting what is in a layer once for each call of it. "
                "No model of this package is that large, and it would take "
                "Keras too long to build. A model of your own is kept with "
                "`model.save('model.keras')`."
            )


def _runs(node, key, runs):
    """How often Keras goes through a part of what it goes through `runs` times.

    A functional model's layers are called as it is made, and again by each
    call of it; a `Sequential` is made anew with each of its layers.
    """
    if key == "layers" and isinstance(node[key], list):
        return runs + (1 if "input_layers" in node else len(node[key]) // 2 + 1)
    calls = node.get("inbound_nodes")
    if key != "inbound_nodes" and isinstance(calls, list):
        return runs * max(1, len(calls))
    return runs


def _detours(node):
    """How many layers Keras comes by in vain as it makes a functional model.

    It goes through the list of the layers again and again, as long as one of
    them is called on what is not there yet.
    """
    layers = node.get("layers")
    if not isinstance(layers, list) or "input_layers" not in node:
        return 0
    named = {
        layer["name"]: layer
        for layer in layers
        if isinstance(layer, dict) and isinstance(layer.get("name"), str)
    }
    early = 0
    there = set()
    for name, layer in named.items():
        there.add(name)
        for source in _sources(layer.get("inbound_nodes")):
            early += source in named and source not in there
    return early * len(layers)


def _sources(nodes):
    """The names of the layers that another layer is called on."""
    pending = [nodes]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pending += node.values()
        elif isinstance(node, list):
            if node and isinstance(node[0], str):
                yield node[0]
            pending += node


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
        _check_value(name, node.get("config"))
        return
    full_name = registered if registered and ">" in registered else name
    if module and full_name == name:
        full_name = f"{module}.{name}"
    if module and _OPTIMIZERS.fullmatch(module):
        module = "keras.optimizers"
    if name in _REFUSED:
        _refuse(full_name, "it can run code or read files of its own")
    if name == "function":
        _check_function(module, node.get("config"))
    elif registered and ">" in registered:
        if not _is_own(registered):
            _refuse(full_name, "it is of another package")
        if not _is_registered(registered):
            _refuse(full_name, "this version of keras_aegan has no such class")
    elif registered not in (None, name):
        _refuse(full_name, f"it is registered as {registered!r}")
    elif not module or not _MODULES.fullmatch(module):
        _refuse(full_name, "it is of another package")
    # Found without an import: all that models are made of is imported.
    elif not isinstance(getattr(sys.modules.get(module), name, None), type):
        _refuse(full_name, "this version of Keras has no such class")


def _check_value(name, config):
    """Refuses arrays that are larger than what stands in the config."""
    dtype = config.get("dtype") if isinstance(config, dict) else None
    if name in ("__numpy__", "__tensor__"):
        try:
            keras.backend.standardize_dtype(dtype)
        except (TypeError, ValueError) as error:
            raise PresetFormatError(
                f"The config has an array of dtype {shortened(repr(dtype))}, "
                "which Keras does not have. It was not loaded."
            ) from error


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
        "A preset's config may only name Keras's own classes and those of "
        f"keras_aegan. It names `{shortened(name)}`: {shortened(reason)}. A "
        "model with other parts is kept with `model.save('model.keras')`; a "
        "preset from elsewhere that names them is not to be trusted."
    )
