"""Encoders, generators and discriminators, each a function to a model."""

from keras_aegan.networks.by_shape import (
    autoencoder,
    discriminator,
    encoder,
    generator,
    output_activation,
)
from keras_aegan.networks.convolutional import (
    convolutional_discriminator,
    convolutional_encoder,
    convolutional_generator,
)
from keras_aegan.networks.dcgan import (
    dcgan_discriminator,
    dcgan_encoder,
    dcgan_generator,
)
from keras_aegan.networks.dense import (
    dense_autoencoder,
    dense_discriminator,
    dense_encoder,
    dense_generator,
)
from keras_aegan.networks.joint import joint_discriminator
from keras_aegan.networks.residual import (
    residual_autoencoder,
    residual_discriminator,
    residual_encoder,
    residual_generator,
)
from keras_aegan.networks.spatial import (
    patch_discriminator,
    spatial_encoder,
    spatial_generator,
)
from keras_aegan.networks.text import (
    text_discriminator,
    text_encoder,
    text_generator,
)

__all__ = [
    "autoencoder",
    "convolutional_discriminator",
    "convolutional_encoder",
    "convolutional_generator",
    "dcgan_discriminator",
    "dcgan_encoder",
    "dcgan_generator",
    "dense_autoencoder",
    "dense_discriminator",
    "dense_encoder",
    "dense_generator",
    "discriminator",
    "encoder",
    "generator",
    "joint_discriminator",
    "output_activation",
    "patch_discriminator",
    "residual_autoencoder",
    "residual_discriminator",
    "residual_encoder",
    "residual_generator",
    "spatial_encoder",
    "spatial_generator",
    "text_discriminator",
    "text_encoder",
    "text_generator",
]
