"""Residual networks of plain convolutions, without any normalisation.

After the networks of R3GAN (Huang et al., NeurIPS 2024, arXiv:2501.05441):
nothing in them mixes samples, each block starts as the identity (its last
convolution is zero), and size changes happen between blocks. Two differences,
both for speed on a CPU: the 3x3 convolutions are not grouped, and the first
and the last layer work on 2x2 patches, so that no block runs at full size.
"""

import keras
from keras import layers

from keras_aegan.networks.sizes import image_sizes


def _convolution(filters, size, name, **kwargs):
    kwargs.setdefault("kernel_initializer", "he_normal")
    return layers.Conv2D(
        filters,
        size,
        padding="same",
        data_format="channels_last",
        name=name,
        **kwargs,
    )


def _block(features, name):
    """x + conv(act(conv(act(x)))), the identity at the start."""
    filters = features.shape[-1]
    change = layers.LeakyReLU(0.2)(features)
    change = _convolution(filters, 3, f"{name}_conv_1")(change)
    change = layers.LeakyReLU(0.2)(change)
    change = _convolution(
        filters, 3, f"{name}_conv_2", kernel_initializer="zeros"
    )(change)
    return layers.Add()([features, change])


def _widths(sizes, width, max_width):
    """Filters at each size below the full one; doubled at each halving."""
    return [min(width * 2**stage, max_width) for stage in range(len(sizes) - 1)]


def _to_features(image, width, blocks, max_width):
    sizes = image_sizes(image.shape[1:])
    widths = _widths(sizes, width, max_width)
    features = _convolution(widths[0], 4, "from_image", strides=2)(image)
    for stage, filters in enumerate(widths):
        if stage:
            features = layers.AveragePooling2D(
                2, data_format="channels_last", name=f"down_{stage}"
            )(features)
            features = _convolution(filters, 1, f"widen_{stage}")(features)
        for block in range(blocks):
            features = _block(features, f"stage_{stage}_block_{block}")
    return layers.LeakyReLU(0.2)(features)


def residual_encoder(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    name: str = "encoder",
) -> keras.Model:
    """A residual encoder: an image to a code.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to `(batch, latent_dim)`.

    Example:

    ```python
    encoder = residual_encoder((28, 28, 1), latent_dim=32)
    ```

    Reference:
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
    """
    image = keras.Input(image_shape, name="image")
    features = _to_features(image, width, blocks, max_width)
    code = layers.Dense(latent_dim, name="code")(layers.Flatten()(features))
    return keras.Model(image, code, name=name)


def residual_discriminator(
    image_shape: tuple[int, int, int],
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    name: str = "discriminator",
) -> keras.Model:
    """A residual discriminator: an image to a score, without batch statistics.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to scores `(batch, 1)`,
        logits without an activation: high means real.

    Example:

    ```python
    discriminator = residual_discriminator((28, 28, 1))
    ```

    Reference:
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
    """
    image = keras.Input(image_shape, name="image")
    features = _to_features(image, width, blocks, max_width)
    score = layers.Dense(1, name="score")(layers.Flatten()(features))
    return keras.Model(image, score, name=name)


def residual_generator(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int = 32,
    blocks: int = 1,
    max_width: int = 256,
    name: str = "generator",
) -> keras.Model:
    """A residual generator (decoder): a code to an image in -1 to 1.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        max_width: the most filters at any size.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, latent_dim)` to `(batch, *image_shape)`.

    Example:

    ```python
    generator = residual_generator((28, 28, 1), latent_dim=32)
    ```

    Reference:
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
    """
    sizes = image_sizes(image_shape)
    widths = _widths(sizes, width, max_width)
    code = keras.Input((latent_dim,), name="code")
    start = (*sizes[-1], widths[-1])
    features = layers.Dense(start[0] * start[1] * start[2], name="start")(code)
    features = layers.Reshape(start)(features)
    for stage in reversed(range(len(widths))):
        if stage < len(widths) - 1:
            features = _convolution(widths[stage], 1, f"narrow_{stage}")(
                features
            )
            features = layers.UpSampling2D(
                2, data_format="channels_last", name=f"up_{stage}"
            )(features)
        for block in range(blocks):
            features = _block(features, f"stage_{stage}_block_{block}")
    features = layers.LeakyReLU(0.2)(features)
    image = _patches_to_image(features, image_shape)
    return keras.Model(code, image, name=name)


def _patches_to_image(features, image_shape):
    """A 2x2 patch of pixels from each position (pixel shuffle).

    Chosen over a transposed convolution, whose weight gradient is slow on
    JAX's CPU backend.
    """
    height, width, channels = image_shape
    patches = _convolution(
        4 * channels, 3, "to_image", kernel_initializer="glorot_uniform"
    )(features)
    patches = layers.Reshape((height // 2, width // 2, 2, 2, channels))(patches)
    patches = layers.Permute((1, 3, 2, 4, 5))(patches)
    image = layers.Reshape(image_shape)(patches)
    return layers.Activation("tanh", name="image")(image)
