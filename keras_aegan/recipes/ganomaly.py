"""GANomaly: what is not normal is not encoded twice alike.

With a second encoder `E'`, `x~ = G(E(x))`, the features `l` of the
discriminator and the softplus `sp`:

    E and G pay  mean |l(x) - l(x~)|^2 + a mean |x - x~|
                 + b mean |E(x) - E'(x~)|^2
    E' pays      b mean |E(x) - E'(x~)|^2
    D pays       sp(-D(x)) + sp(D(x~))

`anomaly_score` is `mean (E(x) - E'(x~))^2`, of each sample alone: it is not
rescaled by other samples of a test. Akcay et al. (2018), equations 1 to 5.
Different from the paper: residual networks without batch normalisation; no
restart of a discriminator that has won.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    DataAdversarialLoss,
    FeatureReconstructionLoss,
    ReconstructionLoss,
    ReencodingLoss,
)


def ganomaly(
    data_shape: tuple[int, ...],
    latent_dim: int = 32,
    width: int = 32,
    reconstruction_weight: float = 50.0,
    reencoding_weight: float = 1.0,
    learning_rate: float = 2e-4,
    **kwargs,
) -> AEGAN:
    """An anomaly detector, trained on normal data.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        reconstruction_weight: weight `a`.
        reencoding_weight: weight `b`.
        learning_rate: of Adam (`beta_1=0.5`) for all players.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `seed`.

    Returns:
        An `AEGAN` without a prior.

    Example:

    ```python
    model = keras_aegan.recipes.ganomaly((28, 28, 1))
    model.fit(normal_images, epochs=15)
    scores = model.anomaly_score(new_images)
    ```

    Reference:
        - [GANomaly](https://arxiv.org/abs/1805.06725)
    """
    settings = {
        "prior": None,
        "optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "name": "ganomaly",
    }
    return AEGAN(
        generator=networks.generator(
            data_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.encoder(data_shape, latent_dim, width),
        second_encoder=networks.encoder(
            data_shape, latent_dim, width, name="second_encoder"
        ),
        discriminator=networks.discriminator(
            data_shape, width, outputs=("score", "features")
        ),
        losses=[
            FeatureReconstructionLoss("mse"),
            ReconstructionLoss("mae", weight=reconstruction_weight),
            ReencodingLoss("mse", weight=reencoding_weight),
            # The creators match features instead of fooling the score.
            DataAdversarialLoss(
                "non_saturating", weight=0.0, fake="reconstructed"
            ),
        ],
        **settings | kwargs,
    )
