"""Autoencoders inside generative adversarial networks, for Keras 3."""

try:
    import keras  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"Keras does not start: {error}. It runs on TensorFlow unless the "
        "environment variable KERAS_BACKEND says 'jax' or 'torch'. Install "
        'one with `pip install "keras-aegan[tensorflow]"` (or [jax], [torch]) '
        "and set KERAS_BACKEND to it.",
        name=error.name,
    ) from error

from keras_aegan import (
    audio,
    callbacks,
    layers,
    losses,
    metrics,
    networks,
    recipes,
)
from keras_aegan.aegan import AEGAN
from keras_aegan.hub import upload_preset

__version__ = "0.1.0"

__all__ = [
    "AEGAN",
    "audio",
    "callbacks",
    "layers",
    "losses",
    "metrics",
    "networks",
    "recipes",
    "upload_preset",
]
