"""A model's weights as one safetensors file.

Tensors are named by where they stand in the model, such as
`generator/conv2d_1/kernel`, and not by the names that Keras makes up: those
depend on what was built before in the process.
"""

import collections
import pathlib
import re

import keras
import numpy as np

from keras_aegan.hub.errors import PresetWeightsError

FORMAT = {"format": "keras_aegan", "schema_version": "1"}
_PROGRESS = "progress"


def named_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Returns the variables that a preset keeps, by their stable names.

    Seed generators' states, metrics and optimizers are not among them. A
    variable that is reached twice is kept once, under its first name.

    Args:
        model: A model with `networks`, a dict of built models, and
            `progress`, a dict of further variables.

    Returns:
        A dict from `NETWORK/LAYER/VARIABLE` to a variable. `LAYER` is the
        path of class names, each with a counter among its siblings.
    """
    variables = {}
    seen = set()
    for network_name, network in model.networks.items():
        for name, variable in _walk(network, network_name):
            if id(variable) not in seen:
                seen.add(id(variable))
                variables[name] = variable
    for name, variable in model.progress.items():
        variables[f"{_PROGRESS}/{name}"] = variable
    return variables


def save_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Writes the model's weights.

    Args:
        model: See `named_variables`.
        path: The file to write.
    """
    import safetensors.numpy

    tensors = {
        name: _contiguous(variable)
        for name, variable in named_variables(model).items()
    }
    path.write_bytes(safetensors.numpy.save(tensors, metadata=FORMAT))


def load_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Reads weights into the model: all of them, or none.

    Args:
        model: See `named_variables`.
        path: A file that `save_weights` wrote.

    Raises:
        PresetWeightsError: If the file is missing, damaged or of another
            library, or if its tensors are not this model's.
    """
    import safetensors

    if not path.is_file():
        raise PresetWeightsError(
            f"There is no {path.name} in {path.parent}. Restore the file, or "
            "pass `load_weights=False` for a model with fresh weights."
        )
    variables = named_variables(model)
    try:
        with safetensors.safe_open(path, framework="np") as file:
            _check_format(path, file.metadata())
            _check_tensors(path, file, variables)
            # The header has been checked whole, so nothing stops halfway.
            for name, variable in variables.items():
                variable.assign(file.get_tensor(name))
    except safetensors.SafetensorError as error:
        raise PresetWeightsError(
            f"{path} is not a whole safetensors file: {error}. It is "
            "truncated, damaged or of another kind. Copy, download or save "
            "the preset again."
        ) from error
    for network in model.networks.values():
        _finalize(network)


def _walk(layer, path):
    names = _Names()
    for child in _children(layer):
        yield from _walk(child, f"{path}/{names.unique(_class_name(child))}")
    # These lists are the layer's own weights: `Layer.weights` and
    # `Layer.variables` would add its sublayers' and its seed generators'.
    for variable in layer._trainable_variables + layer._non_trainable_variables:
        yield f"{path}/{names.unique(_variable_name(variable))}", variable


def _children(layer):
    # Only models have public `layers`; wrappers have sublayers as well.
    if isinstance(layer, keras.Model):
        return layer.layers
    return layer._flatten_layers(include_self=False, recursive=False)


def _class_name(layer):
    return _snake_case(type(layer).__name__)


def _variable_name(variable):
    # A variable that nobody named has its class and a count of the process.
    nameless = _snake_case(type(variable).__name__)
    if re.fullmatch(rf"{nameless}(_\d+)?", variable.name):
        return "variable"
    return variable.name


def _snake_case(name):
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class _Names:
    """Makes the names of siblings unique: conv2d, conv2d_1, conv2d_2."""

    def __init__(self):
        self._taken = set()
        self._counts = collections.Counter()

    def unique(self, name):
        candidate = name
        while candidate in self._taken:
            self._counts[name] += 1
            candidate = f"{name}_{self._counts[name]}"
        self._taken.add(candidate)
        return candidate


def _contiguous(variable):
    array = keras.ops.convert_to_numpy(variable)
    # safetensors writes the wrong bytes of an array that is not contiguous.
    # Unlike `np.ascontiguousarray`, this leaves a scalar a scalar.
    return np.asarray(array, order="C")


def _finalize(layer):
    # A `Normalization` computes with constants made from its variables.
    if isinstance(layer, keras.layers.Normalization):
        layer.finalize_state()
    for child in _children(layer):
        _finalize(child)


def _check_format(path, metadata):
    found = metadata or {}
    if found.get("format") != FORMAT["format"]:
        raise PresetWeightsError(
            f"{path} holds weights of another library: its metadata says "
            f"format={found.get('format')!r}, expected "
            f"{FORMAT['format']!r}. Save the preset with `save_to_preset`."
        )
    if found.get("schema_version") != FORMAT["schema_version"]:
        raise PresetWeightsError(
            f"{path} has schema_version={found.get('schema_version')!r}, and "
            f"this keras_aegan reads {FORMAT['schema_version']!r}. Upgrade "
            "with `pip install -U keras-aegan`."
        )


def _check_tensors(path, file, variables):
    stored = {name: file.get_slice(name).get_shape() for name in file.keys()}
    problems = []
    for name, variable in variables.items():
        if name not in stored:
            problems.append((name, "missing"))
        elif tuple(stored[name]) != tuple(variable.shape):
            problems.append(
                (
                    name,
                    f"has shape {tuple(stored[name])}, expected "
                    f"{tuple(variable.shape)}",
                )
            )
    problems += [
        (name, "unexpected") for name in stored if name not in variables
    ]
    if not problems:
        return
    by_network = collections.defaultdict(list)
    for name, problem in problems:
        by_network[name.split("/")[0]].append(f"    {name}: {problem}")
    listing = "\n".join(
        "\n".join([f"  {network}:", *sorted(lines)])
        for network, lines in sorted(by_network.items())
    )
    raise PresetWeightsError(
        f"{path} does not hold this model's weights. {len(problems)} tensors "
        f"differ from its config.json, and none was loaded:\n{listing}\n"
        "The two files are of different presets: copy, download or save the "
        "preset again."
    )
