"""The command `keras-aegan`: train a model and use it, without any Python."""

from keras_aegan.cli.main import main

__all__ = ["main"]
