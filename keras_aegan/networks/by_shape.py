"""The networks that suit data of a shape: what recipes are made of.

Vectors `(values,)` get dense networks with two hidden layers of `4 * width`
units; signals `(length, channels)` and images `(height, width, channels)` get
residual ones.
"""

import keras

from keras_aegan.networks.dense import (
    dense_autoencoder,
    dense_discriminator,
    dense_encoder,
    dense_generator,
)
from keras_aegan.networks.residual import (
    residual_autoencoder,
    residual_discriminator,
    residual_encoder,
    residual_generator,
)


def encoder(
    data_shape: tuple[int, ...],
    latent_dim: int,
    width: int = 32,
    blocks: int = 1,
    distribution: bool = False,
    name: str = "encoder",
) -> keras.Model:
    """An encoder for data of this shape.

    Args:
        data_shape: `(values,)`, `(length, channels)` or `(height, width,
            channels)`.
        latent_dim: number of values in a code.
        width: see `residual_encoder`; a quarter of a dense layer's units.
        blocks: see `residual_encoder`; vectors have none.
        distribution: see `residual_encoder`.
        name: the network's name.

    Returns:
        A `keras.Model`, see `dense_encoder` and `residual_encoder`.
    """
    if len(data_shape) == 1:
        return dense_encoder(
            data_shape,
            latent_dim,
            _hidden_units(width),
            distribution=distribution,
            name=name,
        )
    return residual_encoder(
        data_shape,
        latent_dim,
        width,
        blocks,
        distribution=distribution,
        name=name,
    )


def generator(
    data_shape: tuple[int, ...],
    latent_dim: int,
    width: int = 32,
    blocks: int = 1,
    output_activation: str | None = "tanh",
    name: str = "generator",
) -> keras.Model:
    """A generator of data of this shape.

    Args:
        data_shape: `(values,)`, `(length, channels)` or `(height, width,
            channels)`.
        latent_dim: number of values in a code.
        width: see `residual_generator`; a quarter of a dense layer's units.
        blocks: see `residual_generator`; vectors have none.
        output_activation: see `residual_generator`.
        name: the network's name.

    Returns:
        A `keras.Model`, see `dense_generator` and `residual_generator`.
    """
    if len(data_shape) == 1:
        return dense_generator(
            data_shape,
            latent_dim,
            _hidden_units(width),
            output_activation=output_activation,
            name=name,
        )
    return residual_generator(
        data_shape,
        latent_dim,
        width,
        blocks,
        output_activation=output_activation,
        name=name,
    )


def discriminator(
    data_shape: tuple[int, ...],
    width: int = 32,
    blocks: int = 1,
    outputs: tuple[str, ...] = ("score",),
    spectral_norm: bool = False,
    augment: tuple[str, ...] = (),
    output_activation: str | None = "tanh",
    name: str = "discriminator",
) -> keras.Model:
    """A discriminator of data of this shape.

    Args:
        data_shape: `(values,)`, `(length, channels)` or `(height, width,
            channels)`.
        width: see `residual_discriminator`; a quarter of a dense layer's
            units.
        blocks: see `residual_discriminator`; vectors have none.
        outputs: see `residual_discriminator`.
        spectral_norm: see `residual_discriminator`.
        augment: see `residual_discriminator`.
        output_activation: of a reconstruction, see `residual_generator`.
        name: the network's name.

    Returns:
        A `keras.Model`, see `dense_discriminator` and
        `residual_discriminator`.
    """
    options = {
        "outputs": outputs,
        "spectral_norm": spectral_norm,
        "augment": augment,
        "output_activation": output_activation,
        "name": name,
    }
    if len(data_shape) == 1:
        return dense_discriminator(data_shape, _hidden_units(width), **options)
    return residual_discriminator(data_shape, width, blocks, **options)


def autoencoder(
    data_shape: tuple[int, ...],
    latent_dim: int,
    width: int = 32,
    blocks: int = 1,
    output_activation: str | None = "tanh",
    name: str = "discriminator",
) -> keras.Model:
    """A critic of data of this shape that is an autoencoder.

    Args:
        data_shape: `(values,)`, `(length, channels)` or `(height, width,
            channels)`.
        latent_dim: number of values in a code.
        width: see `residual_autoencoder`; a quarter of a dense layer's units.
        blocks: see `residual_autoencoder`; vectors have none.
        output_activation: of the reconstruction, see `residual_generator`.
        name: the network's name.

    Returns:
        A `keras.Model`, see `dense_autoencoder` and `residual_autoencoder`.
    """
    if len(data_shape) == 1:
        return dense_autoencoder(
            data_shape,
            latent_dim,
            _hidden_units(width),
            output_activation=output_activation,
            name=name,
        )
    return residual_autoencoder(
        data_shape,
        latent_dim,
        width,
        blocks,
        output_activation=output_activation,
        name=name,
    )


def output_activation(settings: dict) -> str | None:
    """How a generator ends, of data of these settings.

    Args:
        settings: of an `AEGAN`, with or without a `data_range`.

    Returns:
        `"tanh"` for data with a range, which networks see in -1 to 1; `None`
        for data without one (`data_range=None`), whose values may be any.
    """
    return "tanh" if settings.get("data_range", True) else None


def _hidden_units(width):
    return (4 * width, 4 * width)
