"""WAE-GAN: a transport distance, with an adversary on the codes.

    Dz pays  sp(-Dz(z)) + sp(Dz(E(x)))
    E pays   mean |x - G(E(x))|^2 + w sp(-Dz(E(x)))
    G pays   mean |x - G(E(x))|^2

with squares summed over a sample's values. For codes that follow the prior the
first term bounds the Wasserstein distance of data and generated data.
Tolstikhin et al. (2018), algorithm 1. Different from the paper: no `w` on the
latent discriminator's own loss, which Adam would not see; data lie in -1 to
1, where squares are four times those in 0 to 1; no batch normalisation, and
so a lower learning rate than 1e-3.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import CodeAdversarialLoss, ReconstructionLoss


def wae_gan(
    data_shape: tuple[int, ...],
    latent_dim: int = 8,
    width: int = 32,
    code_weight: float = 10.0,
    learning_rate: float = 3e-4,
    **kwargs,
) -> AEGAN:
    """A Wasserstein autoencoder with an adversary on the codes.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a code; 8 for MNIST, 64 for CelebA in
            the paper.
        width: filters at half the full size, doubled at each halving.
        code_weight: weight `w` of the codes' distance to the prior; 10 for
            MNIST, 100 for CelebA in the paper.
        learning_rate: of Adam (`beta_1=0.5`) for encoder and generator, half
            of it for the latent discriminator.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` without a discriminator of data.

    Example:

    ```python
    model = keras_aegan.recipes.wae_gan((28, 28, 1), latent_dim=8)
    ```

    Reference:
        - [Wasserstein Auto-Encoders](https://arxiv.org/abs/1711.01558)
    """
    settings = {
        "updates": "alternating",
        "optimizer": {
            "encoder": keras.optimizers.Adam(learning_rate, beta_1=0.5),
            "generator": keras.optimizers.Adam(learning_rate, beta_1=0.5),
            "latent_discriminator": keras.optimizers.Adam(
                learning_rate / 2, beta_1=0.5
            ),
        },
        "name": "wae_gan",
    }
    return AEGAN(
        generator=networks.generator(
            data_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.encoder(data_shape, latent_dim, width),
        latent_discriminator=networks.dense_discriminator(
            (latent_dim,), (128, 128), name="latent_discriminator"
        ),
        losses=[
            # Half the squared error is a Gaussian's; the paper has all of it.
            ReconstructionLoss("gaussian", weight=2.0),
            CodeAdversarialLoss(
                "non_saturating", weight=code_weight, players=("encoder",)
            ),
        ],
        **settings | kwargs,
    )
