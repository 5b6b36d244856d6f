"""alpha-GAN: an autoencoder with a critic of data and a critic of codes.

With `x~ = G(E(x))`, `x^ = G(z)`, the softplus `sp`, and the log of a density
ratio `-D` (for a logit `D`, that is `-log D + log(1 - D)` of its sigmoid):

    E pays   a mean |x - x~| - Dz(E(x))
    G pays   a mean |x - x~| - D(x~) - D(x^)
    D pays   sp(-D(x)) + sp(D(x~)) + sp(D(x^))
    Dz pays  sp(-Dz(z)) + sp(Dz(E(x)))

Rosca et al. (2017), algorithm 1, whose order of updates it keeps: the encoder,
the generator twice, the discriminators. AEGAN is this with the codes' cycle.
Different from the paper: residual networks.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    CodeAdversarialLoss,
    DataAdversarialLoss,
    ReconstructionLoss,
)


def alpha_gan(
    data_shape: tuple[int, ...],
    latent_dim: int = 32,
    width: int = 32,
    reconstruction_weight: float = 10.0,
    learning_rate: float = 2e-4,
    **kwargs,
) -> AEGAN:
    """An auto-encoding GAN by density ratios.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        reconstruction_weight: weight `a`; 1 to 10 in the paper.
        learning_rate: of Adam (`beta_1=0.5`) for all players.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN`.

    Example:

    ```python
    model = keras_aegan.recipes.alpha_gan((32, 32, 3), latent_dim=64)
    ```

    Reference:
        - [Variational Approaches for Auto-Encoding Generative Adversarial
          Networks](https://arxiv.org/abs/1706.04987)
    """
    settings = {
        "updates": [
            ["encoder"],
            ["generator"],
            ["generator"],
            ["discriminator", "latent_discriminator"],
        ],
        "optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "name": "alpha_gan",
    }
    return AEGAN(
        generator=networks.generator(
            data_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.encoder(data_shape, latent_dim, width),
        discriminator=networks.discriminator(data_shape, width),
        latent_discriminator=networks.dense_discriminator(
            (latent_dim,), (128, 128), name="latent_discriminator"
        ),
        losses=[
            ReconstructionLoss("mae", weight=reconstruction_weight),
            DataAdversarialLoss(
                "density_ratio",
                cycle_weight=1.0,
                real_weight=1.0,
                players=("generator",),
            ),
            CodeAdversarialLoss("density_ratio", players=("encoder",)),
        ],
        **settings | kwargs,
    )
