"""The networks of DCGAN: the cheapest here, made for training on a CPU.

4x4 convolutions of stride 2 and nothing between them, after Radford et al.
(2015, arXiv:1511.06434), whose networks most published GANs start from.
Differences: no batch normalisation, neither in the discriminator, so that a
sample's score is its own, nor in the others; leaky ReLUs everywhere; widths
grow from `width` at half the full size, and stay below eight times that.
"""

import math

import keras
from keras import layers

from keras_aegan.layers import Conv2DTranspose, LeakyReLU
from keras_aegan.networks.codes import code_output
from keras_aegan.networks.critic import (
    augmented,
    critic_output,
    spectrally_normalized,
)
from keras_aegan.networks.sizes import image_sizes


def dcgan_encoder(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int = 64,
    distribution: bool = False,
    name: str = "encoder",
) -> keras.Model:
    """DCGAN's discriminator as an encoder: an image to a code.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving up to
            eight times as many.
        distribution: whether to give a normal distribution of codes, as a
            variational encoder does.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to `(batch, latent_dim)`,
        or to a dict of two such tensors: `"mean"` and `"log_variance"`, the
        latter clipped to -30 to 20.

    Example:

    ```python
    encoder = dcgan_encoder((32, 32, 3), latent_dim=32)
    ```

    Reference:
        - [Unsupervised Representation Learning with Deep Convolutional
          Generative Adversarial Networks](https://arxiv.org/abs/1511.06434)
    """
    widths = _widths(image_shape, width)
    image = keras.Input(image_shape, name="image")
    features = layers.Flatten()(_to_features(image, widths))
    code = code_output(
        features, lambda name: layers.Dense(latent_dim, name=name), distribution
    )
    return keras.Model(image, code, name=name)


def dcgan_discriminator(
    image_shape: tuple[int, int, int],
    width: int = 64,
    outputs: tuple[str, ...] = ("score",),
    spectral_norm: bool = False,
    augment: tuple[str, ...] = (),
    name: str = "discriminator",
) -> keras.Model:
    """DCGAN's discriminator: an image to a score.

    It has no batch statistics, so that a sample's score is its own.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        width: filters at half the full size, doubled at each halving up to
            eight times as many.
        outputs: some of `"score"` and `"features"`, the map that the score is
            made from. The score alone by default.
        spectral_norm: whether the layers have weights of spectral norm 1.
        augment: what `keras_aegan.layers.DiffAugment` does to the data first;
            nothing by default.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to scores `(batch, 1)`,
        logits without an activation: high means real. With other `outputs`, to
        a dict of them.

    Raises:
        ValueError: if `outputs` is empty or names anything else.

    Example:

    ```python
    discriminator = dcgan_discriminator((32, 32, 3))
    ```

    Reference:
        - [Unsupervised Representation Learning with Deep Convolutional
          Generative Adversarial Networks](https://arxiv.org/abs/1511.06434)
        - [Spectral Normalization for Generative Adversarial Networks](
          https://arxiv.org/abs/1802.05957)
    """
    widths = _widths(image_shape, width)
    image = keras.Input(image_shape, name="image")
    features = _to_features(augmented(image, augment), widths)
    output = critic_output(
        outputs,
        {
            "score": lambda: layers.Dense(1, name="score")(
                layers.Flatten()(features)
            ),
            "features": lambda: features,
        },
    )
    network = keras.Model(image, output, name=name)
    return spectrally_normalized(network) if spectral_norm else network


def dcgan_generator(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int = 64,
    name: str = "generator",
) -> keras.Model:
    """DCGAN's generator (decoder): a code to an image in -1 to 1.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving up to
            eight times as many.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, latent_dim)` to `(batch, *image_shape)`.

    Example:

    ```python
    generator = dcgan_generator((32, 32, 3), latent_dim=32)
    ```

    Reference:
        - [Unsupervised Representation Learning with Deep Convolutional
          Generative Adversarial Networks](https://arxiv.org/abs/1511.06434)
    """
    widths = _widths(image_shape, width)
    code = keras.Input((latent_dim,), name="code")
    start = (*image_sizes(image_shape)[-1], widths[-1])
    features = layers.Dense(math.prod(start), name="start")(code)
    features = layers.Reshape(start)(LeakyReLU(0.2)(features))
    for stage in reversed(range(1, len(widths))):
        features = _doubled(features, widths[stage - 1], f"conv_{stage}")
        features = LeakyReLU(0.2)(features)
    image = _doubled(features, image_shape[-1], "to_image", "glorot_uniform")
    image = layers.Activation("tanh", name="image")(image)
    return keras.Model(code, image, name=name)


def _widths(image_shape, width):
    """Filters at each size below the full one."""
    sizes = image_sizes(image_shape)
    return [width * min(2**stage, 8) for stage in range(len(sizes) - 1)]


def _to_features(features, widths):
    """Data to their features at the smallest size."""
    for stage, filters in enumerate(widths):
        features = layers.Conv2D(
            filters,
            4,
            strides=2,
            padding="same",
            data_format="channels_last",
            kernel_initializer="he_normal",
            name=f"conv_{stage}",
        )(features)
        features = LeakyReLU(0.2)(features)
    return features


def _doubled(features, filters, name, initializer="he_normal"):
    return Conv2DTranspose(
        filters,
        4,
        strides=2,
        padding="same",
        data_format="channels_last",
        kernel_initializer=initializer,
        name=name,
    )(features)
