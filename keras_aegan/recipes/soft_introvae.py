"""Soft-IntroVAE: the encoder is the discriminator.

A variational autoencoder whose encoder gives data a high evidence bound and
the generator's samples and reconstructions a low one, while the generator
raises theirs. Its two losses stand in `keras_aegan.losses`:
`IntrospectiveEncoderLoss` and `IntrospectiveGeneratorLoss`. The encoder moves
first, the generator on the encoder's new weights. Daniel and Tamar (2021),
equation 2. Different from the paper: residual networks without batch
normalisation; errors are squared in -1 to 1, where they are four times those in
0 to 1.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    IntrospectiveEncoderLoss,
    IntrospectiveGeneratorLoss,
)


def soft_introvae(
    data_shape: tuple[int, ...],
    latent_dim: int = 32,
    width: int = 32,
    reconstruction_weight: float = 1.0,
    kl_weight: float = 1.0,
    negative_kl_weight: float = 256.0,
    learning_rate: float = 2e-4,
    **kwargs,
) -> AEGAN:
    """An introspective variational autoencoder.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        reconstruction_weight: `b_rec` of both losses.
        kl_weight: `b_kl` of both losses.
        negative_kl_weight: `b_neg`; 256 for small images, 1024 for 256x256.
        learning_rate: of Adam for both players.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `seed`.

    Returns:
        An `AEGAN` without discriminators. In its logs `kl_fake` should be
        above `kl_real`.

    Example:

    ```python
    model = keras_aegan.recipes.soft_introvae((32, 32, 3), latent_dim=128)
    ```

    Reference:
        - [Soft-IntroVAE](https://arxiv.org/abs/2012.13253)
    """
    settings = {
        "updates": [["encoder"], ["generator"]],
        "optimizer": keras.optimizers.Adam(learning_rate),
        "name": "soft_introvae",
    }
    shared = {
        "reconstruction_weight": reconstruction_weight,
        "kl_weight": kl_weight,
    }
    return AEGAN(
        generator=networks.generator(
            data_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.encoder(
            data_shape, latent_dim, width, distribution=True
        ),
        losses=[
            IntrospectiveEncoderLoss(
                negative_kl_weight=negative_kl_weight, **shared
            ),
            IntrospectiveGeneratorLoss(**shared),
        ],
        **settings | kwargs,
    )
