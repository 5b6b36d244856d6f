"""Encoders, generators and discriminators, each a function to a model."""

from keras_aegan.networks.convolutional import (
    convolutional_discriminator,
    convolutional_encoder,
    convolutional_generator,
)
from keras_aegan.networks.dense import (
    dense_discriminator,
    dense_encoder,
    dense_generator,
)
from keras_aegan.networks.residual import (
    residual_discriminator,
    residual_encoder,
    residual_generator,
)

__all__ = [
    "convolutional_discriminator",
    "convolutional_encoder",
    "convolutional_generator",
    "dense_discriminator",
    "dense_encoder",
    "dense_generator",
    "residual_discriminator",
    "residual_encoder",
    "residual_generator",
]
