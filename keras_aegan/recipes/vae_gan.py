"""VAE/GAN: a variational autoencoder that reconstructs a critic's features.

With `z ~ E(x) = N(mean, variance)`, `x~ = G(z)`, `x^ = G(z_p)`, the features
`l` of the discriminator and the softplus `sp`:

    L_prior = mean KL(E(x) || N(0, 1))
    L_llike = mean 1/2 |l(x) - l(x~)|^2     (summed over the features)

    E pays  L_prior + L_llike
    G pays  gamma L_llike + sp(-D(x^)) (+ sp(-D(x~)))
    D pays  sp(-D(x)) + sp(D(x^)) (+ sp(D(x~)))

so the adversary's gradient does not reach the encoder and the likelihood's not
the discriminator. Larsen et al. (2016), equations 7 to 9 and algorithm 1.
Different from the paper: the generator's non-saturating loss instead of
`log(1 - D)`, which vanishes where D wins, so the authors' gate that halts a
winning player is not needed; judging reconstructions is an option, as in
their code.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    DataAdversarialLoss,
    FeatureReconstructionLoss,
    KLDivergenceLoss,
)


def vae_gan(
    data_shape: tuple[int, ...],
    latent_dim: int = 64,
    width: int = 32,
    gamma: float = 1e-2,
    kl_weight: float = 1.0,
    judge_reconstructions: bool = True,
    learning_rate: float = 3e-4,
    **kwargs,
) -> AEGAN:
    """A variational autoencoder and a GAN in one.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        gamma: weight of the likelihood beside the adversary for the
            generator, above 0.
        kl_weight: weight of `L_prior`.
        judge_reconstructions: whether the terms in brackets are there.
        learning_rate: of Adam (`beta_1=0.5`) for all players.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `seed`.

    Returns:
        An `AEGAN`.

    Example:

    ```python
    model = keras_aegan.recipes.vae_gan((64, 64, 3), latent_dim=128)
    ```

    Reference:
        - [Autoencoding beyond pixels using a learned similarity metric](
          https://arxiv.org/abs/1512.09300)
    """
    if not gamma > 0:
        raise ValueError(f"Expected gamma above 0. Received: gamma={gamma}")
    settings = {
        "optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "name": "vae_gan",
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
        discriminator=networks.discriminator(
            data_shape, width, outputs=("score", "features")
        ),
        losses=[
            KLDivergenceLoss(weight=kl_weight),
            FeatureReconstructionLoss("gaussian", players=("encoder",)),
            FeatureReconstructionLoss(
                "gaussian",
                weight=gamma,
                players=("generator",),
                name="generator_feature_reconstruction",
            ),
            DataAdversarialLoss(
                "non_saturating",
                cycle_weight=1.0 if judge_reconstructions else 0.0,
                real_weight=1.0,
                players=("generator",),
            ),
        ],
        **settings | kwargs,
    )
