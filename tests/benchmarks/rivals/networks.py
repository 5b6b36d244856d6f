"""The networks in Keras: the package's own of DCGAN, and what else it takes.

The same layers and parameters as in `torch_networks.py`.
"""

import keras
from turns import LATENT

from keras_aegan import networks


def encoder(size: int, distribution: bool = False) -> keras.Model:
    """Images to codes, or to their distribution."""
    return networks.dcgan_encoder(
        (size, size, 3), LATENT, distribution=distribution
    )


def generator(size: int) -> keras.Model:
    """Codes to images."""
    return networks.dcgan_generator((size, size, 3), LATENT)


def discriminator(size: int, features: bool = False) -> keras.Model:
    """Images to scores, and to the last stage's features."""
    outputs = ("score", "features") if features else ("score",)
    return networks.dcgan_discriminator((size, size, 3), outputs=outputs)


def autoencoder(size: int) -> keras.Model:
    """BEGAN's discriminator: images to codes to images."""
    encode, decode = encoder(size), generator(size)
    data = keras.Input((size, size, 3))
    return keras.Model(data, decode(encode(data)), name="discriminator")


def latent_discriminator() -> keras.Model:
    """Codes to scores."""
    return networks.dense_discriminator(
        (LATENT,), (128, 128), name="latent_discriminator"
    )
