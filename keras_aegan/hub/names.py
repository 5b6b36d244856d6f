"""What a preset's tensors are called, and in which part each of them is.

Tensors are named by where they stand in the model, such as
`generator/conv2d_1/kernel`, and not by the names that Keras makes up: those
depend on what was built before in the process.
"""

import collections
import re

import keras

from keras_aegan.hub import layout
from keras_aegan.moving_average import MovingAverage

PROGRESS = "progress"


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
        for name, variable in _named(network, network_name):
            if id(variable) not in seen:
                seen.add(id(variable))
                variables[name] = variable
    for name, variable in model.progress.items():
        variables[f"{PROGRESS}/{name}"] = variable
    return variables


def parts_of(model: keras.Model) -> dict[str, dict[str, keras.Variable]]:
    """The model's variables by the part of the weights that holds them.

    Args:
        model: See `named_variables`; where it is compiled, its
            `training_state` too.

    Returns:
        A dict from a part of `layout` to a dict from names to variables, of
        those parts that there are.
    """
    parts = {layout.MODEL: {}, layout.AVERAGES: {}}
    for name, variable in named_variables(model).items():
        is_average = name.startswith("ema_")
        parts[layout.AVERAGES if is_average else layout.MODEL][name] = variable
    if model.compiled:
        parts[layout.TRAINING] = dict(model.training_state)
    return {part: variables for part, variables in parts.items() if variables}


def finalize(layer: keras.layers.Layer) -> None:
    """Lets layers compute with the weights that they were just given."""
    # A `Normalization` computes with constants made from its variables.
    if isinstance(layer, keras.layers.Normalization):
        layer.finalize_state()
    for child in _children(layer):
        finalize(child)


def _named(network, path):
    if not isinstance(network, MovingAverage):
        yield from _walk(network, path)
        return
    for name, variable in _walk(network.network, path):
        yield name, network.copy_of(variable)


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
