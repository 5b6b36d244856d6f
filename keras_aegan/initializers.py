"""Networks without a random start, for weights that come from elsewhere.

Drawing weights that are about to be overwritten takes most of the time of
loading a preset: on JAX every shape is a compilation of its own.
"""

import collections
import contextlib
import math
import threading
from collections.abc import Iterable, Iterator

import keras
from keras import ops

from keras_aegan import memory

_counting = threading.RLock()


@contextlib.contextmanager
def at_most(
    values: int, shapes: Iterable[tuple[int, ...]] = ()
) -> Iterator[None]:
    """Bounds what a config can make the models built from it hold.

    Keras has no place to ask before it makes a variable, and its layers make
    some with initializers that no config names; so this stands before
    `keras.Variable` itself for the while, and lets other threads pass.

    Args:
        values: The most values that all variables may have which this thread
            makes in this context. One more is a `ValueError`, before memory
            is taken.
        shapes: Shapes of variables that are expected, and do not count.
    """
    with _counting:
        make = keras.Variable.__init__
        here = threading.get_ident()
        left = values
        expected = collections.Counter(shapes)

        def count(self, initializer, shape=None, *args, **kwargs):
            nonlocal left
            if shape is not None and threading.get_ident() == here:
                sides = tuple(int(side or 0) for side in shape)
                if expected[sides]:
                    expected[sides] -= 1
                else:
                    left -= math.prod(sides)
                if left < 0:
                    raise ValueError(
                        f"a weight of shape {sides} makes it larger than the "
                        "preset says that it is"
                    )
            make(self, initializer, shape, *args, **kwargs)

        keras.Variable.__init__ = count
        try:
            yield
        finally:
            keras.Variable.__init__ = make


@keras.saving.register_keras_serializable(package="keras_aegan")
class Placeholder(keras.initializers.Initializer):
    """Zeros that take no time and no memory until they are written to."""

    def __call__(self, shape, dtype=None):
        (zeros,) = memory.aligned([(shape, "float32")])
        return ops.cast(memory.as_tensor(zeros), dtype or "float32")


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


def is_blank(config) -> bool:
    """Whether `zero_initialized` made a config.

    Args:
        config: what it returned, or a config as it was.

    Returns:
        `False` too where there is no initializer that it could have changed.
    """
    if isinstance(config, dict):
        return config == _PLACEHOLDER or any(map(is_blank, config.values()))
    if isinstance(config, (list, tuple)):
        return any(map(is_blank, config))
    return False


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
