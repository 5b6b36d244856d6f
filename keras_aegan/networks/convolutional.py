"""The convolutional networks of the published AEGAN, scaled by one width.

After Lazarou's code for arXiv:2004.05472: 4x4 convolutions with layer
normalisation in the encoder, leaky ones without normalisation and with noise
on their input in the discriminator, and a generator that sees the code again
at every size. Differences: channels double towards the code instead of a
hand-made list, and the encoder flattens where the original adds two more
convolutions.
"""

import keras
from keras import layers

from keras_aegan.layers import GaussianNoise, LeakyReLU
from keras_aegan.networks.sizes import image_sizes

_NOISE = 0.01


def _convolution(filters, strides, name):
    return layers.Conv2D(
        filters,
        4,
        strides=strides,
        padding="same",
        data_format="channels_last",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
        name=name,
    )


def convolutional_encoder(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int = 32,
    name: str = "encoder",
) -> keras.Model:
    """A convolutional encoder: an image to a code.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters of the first convolution, doubled at each halving.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to `(batch, latent_dim)`.

    Example:

    ```python
    encoder = convolutional_encoder((64, 64, 3), latent_dim=16)
    ```

    Reference:
        - [Autoencoding Generative Adversarial Networks](
          https://arxiv.org/abs/2004.05472)
    """
    image = keras.Input(image_shape, name="image")
    features = GaussianNoise(_NOISE)(image)
    for stage in range(len(image_sizes(image_shape)) - 1):
        features = _convolution(width * 2**stage, 2, f"conv_{stage}")(features)
        features = layers.LayerNormalization(name=f"norm_{stage}")(features)
        features = layers.ReLU()(features)
    code = layers.Dense(latent_dim, name="code")(layers.Flatten()(features))
    return keras.Model(image, code, name=name)


def convolutional_discriminator(
    image_shape: tuple[int, int, int],
    width: int = 32,
    name: str = "discriminator",
) -> keras.Model:
    """A convolutional discriminator: an image to a score.

    It has no batch statistics, so that a sample's score is its own.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        width: filters of the first convolution, doubled at each halving.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to scores `(batch, 1)`,
        logits without an activation: high means real.

    Example:

    ```python
    discriminator = convolutional_discriminator((64, 64, 3))
    ```

    Reference:
        - [Autoencoding Generative Adversarial Networks](
          https://arxiv.org/abs/2004.05472)
    """
    image = keras.Input(image_shape, name="image")
    features = GaussianNoise(_NOISE)(image)
    for stage in range(len(image_sizes(image_shape)) - 1):
        features = _convolution(width * 2**stage, 2, f"conv_{stage}")(features)
        features = LeakyReLU(0.02)(features)
    score = layers.Dense(1, name="score")(layers.Flatten()(features))
    return keras.Model(image, score, name=name)


def convolutional_generator(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int = 32,
    output_activation: str | None = "tanh",
    name: str = "generator",
) -> keras.Model:
    """A convolutional generator (decoder): a code to an image.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice (28, 32, 64, 96, 128 ...).
        latent_dim: number of values in a code.
        width: filters at the full size, doubled at each halving.
        output_activation: see `residual_generator`.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, latent_dim)` to `(batch, *image_shape)`.

    Example:

    ```python
    generator = convolutional_generator((64, 64, 3), latent_dim=16)
    ```

    Reference:
        - [Autoencoding Generative Adversarial Networks](
          https://arxiv.org/abs/2004.05472)
    """
    sizes = image_sizes(image_shape)
    code = keras.Input((latent_dim,), name="code")
    start = (*sizes[-1], width * 2 ** (len(sizes) - 2))
    features = layers.Dense(start[0] * start[1] * start[2], name="start")(code)
    features = layers.LayerNormalization(name="start_norm")(features)
    features = layers.Reshape(start)(layers.ReLU()(features))
    for stage in reversed(range(len(sizes) - 1)):
        features = layers.UpSampling2D(2, data_format="channels_last")(features)
        features = layers.Concatenate(name=f"with_code_{stage}")(
            [features, _everywhere(code, sizes[stage])]
        )
        features = _convolution(
            width * 2 ** max(stage - 1, 0), 1, f"conv_{stage}"
        )(features)
        features = LeakyReLU(0.02)(features)
    image = _convolution(image_shape[-1], 1, "to_image")(features)
    image = layers.Activation(output_activation, name="image")(image)
    return keras.Model(code, image, name=name)


def _everywhere(code, size):
    """The code, repeated at every position of an image of this size."""
    height, width = size
    repeated = layers.RepeatVector(height * width)(code)
    return layers.Reshape((height, width, code.shape[-1]))(repeated)
