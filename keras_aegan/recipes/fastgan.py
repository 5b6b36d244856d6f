"""FastGAN's discriminator: an autoencoder keeps its features honest.

With scores `r = D(x)`, `f = D(G(z))` and `Dec` a small decoder on the
discriminator's features `l`:

    D pays  mean max(0, 1 - r) + mean max(0, 1 + f) + a mean |Dec(l(x)) - x|^2
    G pays  -mean f

The decoder sees data only. With few pictures a discriminator overfits; one
that must be able to redraw what it judged has less room to. Liu et al. (2021),
equations 2 to 4. Different from the paper: residual networks without
skip-layer excitation, the whole picture is redrawn instead of a crop, and the
error is squared instead of perceptual.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import CriticReconstructionLoss, DataAdversarialLoss


def fastgan(
    data_shape: tuple[int, ...],
    latent_dim: int = 64,
    width: int = 32,
    reconstruction_weight: float = 1.0,
    augment: tuple[str, ...] = (),
    learning_rate: float = 2e-4,
    **kwargs,
) -> AEGAN:
    """A GAN whose discriminator is regularised by an autoencoder.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a draw of noise.
        width: filters at half the full size, doubled at each halving.
        reconstruction_weight: weight `a` of the discriminator's decoder.
        augment: kinds of `keras_aegan.layers.DiffAugment`; the paper has
            `("color", "translation")`, images only. None by default.
        learning_rate: of Adam (`beta_1=0.5`) for both players.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` without an encoder.

    Example:

    ```python
    model = keras_aegan.recipes.fastgan(
        (64, 64, 3), augment=("color", "translation")
    )
    ```

    Reference:
        - [Towards Faster and Stabilized GAN Training for High-fidelity
          Few-shot Image Synthesis](https://arxiv.org/abs/2101.04775)
    """
    ends = {"output_activation": networks.output_activation(kwargs)}
    settings = {
        "optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "name": "fastgan",
    }
    return AEGAN(
        generator=networks.generator(data_shape, latent_dim, width, **ends),
        discriminator=networks.discriminator(
            data_shape,
            width,
            outputs=("score", "reconstruction"),
            augment=augment,
            **ends,
        ),
        losses=[
            DataAdversarialLoss("hinge"),
            CriticReconstructionLoss("mse", weight=reconstruction_weight),
        ],
        **settings | kwargs,
    )
