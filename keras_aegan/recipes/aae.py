"""The adversarial autoencoder: an adversary holds the codes to the prior.

With the latent discriminator `Dz` and the softplus `sp`:

    Dz pays       sp(-Dz(z)) + sp(Dz(E(x)))
    E pays        mean |G(E(x)) - x|^2 + w sp(-Dz(E(x)))
    G pays        mean |G(E(x)) - x|^2

Makhzani et al. (2015), section 2. Different from the paper: the encoder's two
steps, for the reconstruction and against the adversary, are one step on their
sum. No batch normalisation, and so a lower learning rate than the 1e-3 at
which the generator's tanh may saturate for good.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import CodeAdversarialLoss, ReconstructionLoss


def aae(
    data_shape: tuple[int, ...],
    latent_dim: int = 8,
    width: int = 32,
    code_weight: float = 0.1,
    learning_rate: float = 3e-4,
    **kwargs,
) -> AEGAN:
    """An adversarial autoencoder.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        code_weight: weight `w` of the game on codes beside a mean squared
            error in -1 to 1.
        learning_rate: of Adam for encoder and generator, half of it (with
            `beta_1=0.5`) for the latent discriminator.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` without a discriminator of data.

    Example:

    ```python
    model = keras_aegan.recipes.aae((256, 2), latent_dim=16, data_range=None,
                                    data_dtype="float32")
    ```

    Reference:
        - [Adversarial Autoencoders](https://arxiv.org/abs/1511.05644)
    """
    settings = {
        "updates": "alternating",
        "optimizer": {
            "encoder": keras.optimizers.Adam(learning_rate),
            "generator": keras.optimizers.Adam(learning_rate),
            "latent_discriminator": keras.optimizers.Adam(
                learning_rate / 2, beta_1=0.5
            ),
        },
        "name": "aae",
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
            ReconstructionLoss("mse"),
            CodeAdversarialLoss(
                "non_saturating", weight=code_weight, players=("encoder",)
            ),
        ],
        **settings | kwargs,
    )
