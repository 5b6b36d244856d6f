"""Networks without a random start, for weights that come from elsewhere.

Drawing weights that are about to be overwritten takes most of the time of
loading a preset: on JAX every shape is a compilation of its own.
"""

import contextlib
import contextvars
import math
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

#: How many values the placeholders of a model may still have.
_left = contextvars.ContextVar("left", default=math.inf)


@contextlib.contextmanager
def at_most(values: int) -> Iterator[None]:
    """Bounds what a config can make the models built from it hold.

    Args:
        values: The most values that all placeholders made in this context
            may have. One more is a `ValueError`, before memory is taken.
    """
    token = _left.set(values)
    try:
        yield
    finally:
        _left.reset(token)


@keras.saving.register_keras_serializable(package="keras_aegan")
class Placeholder(keras.initializers.Initializer):
    """Zeros from NumPy: `keras.initializers.Zeros` compiles on JAX as well."""

    def __call__(self, shape, dtype=None):
        left = _left.get() - math.prod(shape)
        if left < 0:
            raise ValueError(
                f"a weight of shape {tuple(shape)} is more than the weights "
                "files can fill"
            )
        _left.set(left)
        return ops.convert_to_tensor(np.zeros(shape, "float32"), dtype=dtype)


# Written out: Keras imports TensorFlow, where it is installed, to serialise
# anything on any backend.
_PLACEHOLDER = {
    "module": "keras_aegan.initializers",
    "class_name": "Placeholder",
    "config": {},
    "registered_name": "keras_aegan>Placeholder",
}


def zero_initialized(config):
    """The same serialised config, with a `Placeholder` for every initializer.

    Args:
        config: what `serialize_keras_object` or `get_config` returned.

    Returns:
        A changed copy.
    """
    if isinstance(config, dict):
        return {
            key: dict(_PLACEHOLDER)
            if key.endswith("_initializer") and value is not None
            else zero_initialized(value)
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        return [zero_initialized(value) for value in config]
    return config


def restore_initializers(network: keras.Model, config) -> None:
    """Gives the layers of a zero-initialised network their own initializers.

    Args:
        network: built from `zero_initialized(config)`.
        config: the config as it was.
    """
    layers = {layer.name: layer for layer in network.layers}

    def restore(part, layers):
        if isinstance(part, dict):
            layer = layers.get(part.get("name"))
            # A name counts within the model or the wrapper that it stands in.
            if isinstance(layer, keras.Model):
                layers = {inner.name: inner for inner in layer.layers}
            elif isinstance(layer, keras.layers.Wrapper):
                layers = {layer.layer.name: layer.layer}
            # A recurrent layer's initializers are its cell's.
            layer = getattr(layer, "cell", layer)
            for key, value in part.items():
                if key.endswith("_initializer") and hasattr(layer, key):
                    setattr(layer, key, keras.initializers.get(value))
                else:
                    restore(value, layers)
        elif isinstance(part, (list, tuple)):
            for value in part:
                restore(value, layers)

    restore(config, layers)
