"""Residual networks of plain convolutions, without any normalisation.

After the networks of R3GAN (Huang et al., NeurIPS 2024, arXiv:2501.05441):
nothing in them mixes samples, each block starts as the identity (its last
convolution is zero), and size changes happen between blocks. Two differences,
both for speed on a CPU: the convolutions are not grouped, and the first and
the last layer work on patches, so that no block runs at full size.
"""

import math

import keras
from keras import layers

from keras_aegan.networks.blocks import (
    convolution,
    from_features,
    kind,
    stage_widths,
    to_features,
)
from keras_aegan.networks.codes import code_output
from keras_aegan.networks.critic import (
    augmented,
    autoencoder,
    critic_output,
    spectrally_normalized,
)
from keras_aegan.networks.sizes import data_sizes


def residual_encoder(
    data_shape: tuple[int, ...],
    latent_dim: int,
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    distribution: bool = False,
    name: str = "encoder",
) -> keras.Model:
    """A residual encoder: an image or a signal to a code.

    Args:
        data_shape: `(height, width, channels)` or `(length, channels)`, sides
            that can be halved at least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        distribution: whether to give a normal distribution of codes, as a
            variational encoder does.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *data_shape)` to `(batch, latent_dim)`,
        or to a dict of two such tensors: `"mean"` and `"log_variance"`, the
        latter clipped to -30 to 20.

    Example:

    ```python
    encoder = residual_encoder((28, 28, 1), latent_dim=32)
    ```

    Reference:
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
    """
    widths = stage_widths(data_sizes(data_shape), width, max_width)
    data = keras.Input(data_shape, name=kind(data_shape))
    features = layers.Flatten()(to_features(data, widths, blocks))
    code = code_output(
        features, lambda name: layers.Dense(latent_dim, name=name), distribution
    )
    return keras.Model(data, code, name=name)


def residual_discriminator(
    data_shape: tuple[int, ...],
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    outputs: tuple[str, ...] = ("score",),
    spectral_norm: bool = False,
    augment: tuple[str, ...] = (),
    output_activation: str | None = "tanh",
    name: str = "discriminator",
) -> keras.Model:
    """A residual discriminator: an image or a signal to a score.

    It has no batch statistics, so that a sample's score is its own.

    Args:
        data_shape: `(height, width, channels)` or `(length, channels)`, sides
            that can be halved at least twice (28, 32, 64, 96, 128 ...).
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        outputs: some of `"score"`, `"features"` (the map that the score is
            made from) and `"reconstruction"` (the data, decoded from the
            features by a generator of half the width with one block at each
            size; with `augment` it comes with `"seen"`, the augmented data).
            The score alone by default.
        spectral_norm: whether the layers on the way to the score have weights
            of spectral norm 1. Blocks then do not start as the identity.
        augment: what `keras_aegan.layers.DiffAugment` does to the data first;
            nothing by default.
        output_activation: of the reconstruction, see `residual_generator`.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *data_shape)` to scores `(batch, 1)`,
        logits without an activation: high means real. With other `outputs`, to
        a dict of them.

    Raises:
        ValueError: if `outputs` is empty or names anything else.

    Example:

    ```python
    discriminator = residual_discriminator((28, 28, 1))
    ```

    Reference:
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
        - [Spectral Normalization for Generative Adversarial Networks](
          https://arxiv.org/abs/1802.05957)
        - [Towards Faster and Stabilized GAN Training](
          https://arxiv.org/abs/2101.04775), for the reconstruction
    """
    widths = stage_widths(data_sizes(data_shape), width, max_width)
    data = keras.Input(data_shape, name=kind(data_shape))
    seen = augmented(data, augment)
    features = to_features(seen, widths, blocks)
    output = critic_output(
        outputs,
        {
            "score": lambda: layers.Dense(1, name="score")(
                layers.Flatten()(features)
            ),
            "features": lambda: features,
            "reconstruction": lambda: _decoder(
                features, data_shape, widths, output_activation
            )(features),
        },
        seen if augment else None,
    )
    network = keras.Model(data, output, name=name)
    return spectrally_normalized(network) if spectral_norm else network


def _decoder(features, data_shape, widths, output_activation):
    """A small generator from a discriminator's features."""
    widths = [max(filters // 2, 1) for filters in widths]
    start = keras.Input(features.shape[1:], name="features")
    narrow = convolution(start, widths[-1], 1, "start")
    data = from_features(
        narrow, data_shape, widths, 1, output_activation=output_activation
    )
    return keras.Model(start, data, name="decoder")


def residual_generator(
    data_shape: tuple[int, ...],
    latent_dim: int,
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    output_activation: str | None = "tanh",
    name: str = "generator",
) -> keras.Model:
    """A residual generator (decoder): a code to an image or a signal.

    Args:
        data_shape: `(height, width, channels)` or `(length, channels)`, sides
            that can be halved at least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        output_activation: `"tanh"` (default) for data with a range, which
            networks see in -1 to 1; `None` for data without one.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, latent_dim)` to `(batch, *data_shape)`.

    Example:

    ```python
    generator = residual_generator((28, 28, 1), latent_dim=32)
    ```

    Reference:
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
    """
    sizes = data_sizes(data_shape)
    widths = stage_widths(sizes, width, max_width)
    code = keras.Input((latent_dim,), name="code")
    start = (*sizes[-1], widths[-1])
    features = layers.Dense(math.prod(start), name="start")(code)
    features = layers.Reshape(start)(features)
    data = from_features(
        features, data_shape, widths, blocks, output_activation
    )
    return keras.Model(code, data, name=name)


def residual_autoencoder(
    data_shape: tuple[int, ...],
    latent_dim: int,
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    output_activation: str | None = "tanh",
    name: str = "discriminator",
) -> keras.Model:
    """A critic that is a residual autoencoder of images or signals.

    Data that it reconstructs well look real to it.

    Args:
        data_shape: `(height, width, channels)` or `(length, channels)`, sides
            that can be halved at least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        output_activation: of the reconstruction, see `residual_generator`.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *data_shape)` to a dict of
        `"reconstruction"`, of the data's shape, and
        `"features"`, the code `(batch, latent_dim)`.

    Example:

    ```python
    discriminator = residual_autoencoder((28, 28, 1), latent_dim=32)
    ```

    Reference:
        - [Energy-based Generative Adversarial Network](
          https://arxiv.org/abs/1609.03126)
    """
    size = (latent_dim, width, blocks, max_width)
    return autoencoder(
        residual_encoder(data_shape, *size),
        residual_generator(data_shape, *size, output_activation),
        name,
    )
