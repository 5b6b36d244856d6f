"""Images to maps of codes and back, and a discriminator of patches.

The encoder and the generator are the residual ones, stopped at the code's
size; the discriminator is the PatchGAN of pix2pix (Isola et al., 2017,
arXiv:1611.07004) without its batch normalisation, so that a sample's scores
are its own.
"""

import keras

from keras_aegan.layers import LeakyReLU
from keras_aegan.networks.blocks import (
    convolution,
    from_features,
    stage_widths,
    to_features,
)
from keras_aegan.networks.codes import code_output
from keras_aegan.networks.critic import critic_output
from keras_aegan.networks.sizes import check_image_shape


def spatial_encoder(
    image_shape: tuple[int, int, int],
    latent_channels: int,
    halvings: int = 2,
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    distribution: bool = False,
    name: str = "encoder",
) -> keras.Model:
    """A residual encoder: an image to a map of codes.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved
            `halvings` times.
        latent_channels: number of values in the code of each position.
        halvings: how often the image is halved, at least once.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        distribution: whether to give a normal distribution of codes, as a
            variational encoder does.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to `(batch, height /
        2**halvings, width / 2**halvings, latent_channels)`, or to a dict of
        two such tensors: `"mean"` and `"log_variance"`, the latter clipped to
        -30 to 20.

    Raises:
        ValueError: if a side cannot be halved `halvings` times.

    Example:

    ```python
    encoder = spatial_encoder((64, 64, 3), latent_channels=4, halvings=3)
    ```

    Reference:
        - [Taming Transformers for High-Resolution Image Synthesis](
          https://arxiv.org/abs/2012.09841)
    """
    sizes = _sizes(image_shape, halvings)
    image = keras.Input(image_shape, name="image")
    widths = stage_widths(sizes, width, max_width)
    code = code_output(
        to_features(image, widths, blocks),
        lambda name: keras.layers.Conv2D(
            latent_channels, 1, data_format="channels_last", name=name
        ),
        distribution,
    )
    return keras.Model(image, code, name=name)


def spatial_generator(
    image_shape: tuple[int, int, int],
    latent_channels: int,
    halvings: int = 2,
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    output_activation: str | None = "tanh",
    name: str = "generator",
) -> keras.Model:
    """A residual generator (decoder): a map of codes to an image.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved
            `halvings` times.
        latent_channels: number of values in the code of each position.
        halvings: how often the image is halved, at least once.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        output_activation: see `residual_generator`.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, height / 2**halvings, width /
        2**halvings, latent_channels)` to `(batch, *image_shape)`.

    Raises:
        ValueError: if a side cannot be halved `halvings` times.

    Example:

    ```python
    generator = spatial_generator((64, 64, 3), latent_channels=4, halvings=3)
    ```

    Reference:
        - [Taming Transformers for High-Resolution Image Synthesis](
          https://arxiv.org/abs/2012.09841)
    """
    sizes = _sizes(image_shape, halvings)
    widths = stage_widths(sizes, width, max_width)
    code = keras.Input((*sizes[-1], latent_channels), name="code")
    features = convolution(code, widths[-1], 3, "start")
    image = from_features(
        features, image_shape, widths, blocks, output_activation
    )
    return keras.Model(code, image, name=name)


def patch_discriminator(
    image_shape: tuple[int, int, int],
    width: int = 32,
    layers: int = 3,
    outputs: tuple[str, ...] = ("score",),
    name: str = "discriminator",
) -> keras.Model:
    """A discriminator of patches: an image to a map of scores.

    Args:
        image_shape: `(height, width, channels)`.
        width: filters of the first convolution, doubled by each up to eight
            times as many.
        layers: convolutions of stride 2; with 3, a score sees 70x70 pixels.
        outputs: some of `"score"` and `"features"`, the map that the scores
            are made from. The scores alone by default.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to scores `(batch, height
        / 2**layers, width / 2**layers, 1)`, sides rounded up, logits without
        an activation: high means real. With other `outputs`, to a dict of them.

    Raises:
        ValueError: if `outputs` is empty or names anything else, or if
            `layers` is not positive.

    Example:

    ```python
    discriminator = patch_discriminator((64, 64, 3))
    ```

    Reference:
        - [Image-to-Image Translation with Conditional Adversarial Networks](
          https://arxiv.org/abs/1611.07004)
    """
    check_image_shape(image_shape)
    if layers < 1:
        raise ValueError(f"Expected layers >= 1. Received: layers={layers}")
    image = keras.Input(image_shape, name="image")
    features = image
    for index in range(layers + 1):
        features = convolution(
            features,
            width * min(2**index, 8),
            4,
            f"conv_{index}",
            strides=2 if index < layers else 1,
        )
        features = LeakyReLU(0.2)(features)
    output = critic_output(
        outputs,
        {
            "score": lambda: convolution(
                features, 1, 4, "score", kernel_initializer="glorot_uniform"
            ),
            "features": lambda: features,
        },
    )
    return keras.Model(image, output, name=name)


def _sizes(image_shape, halvings):
    """The heights and widths from the full size to the code's."""
    check_image_shape(image_shape)
    if halvings < 1:
        raise ValueError(
            f"Expected halvings >= 1. Received: halvings={halvings}"
        )
    height, width, _ = image_shape
    if height % 2**halvings or width % 2**halvings:
        raise ValueError(
            f"Expected sides that can be halved halvings={halvings} times, "
            f"multiples of {2**halvings}. Received: image_shape={image_shape}. "
            "Lower `halvings`, or resize or pad the images."
        )
    return [
        (height // 2**times, width // 2**times) for times in range(halvings + 1)
    ]
