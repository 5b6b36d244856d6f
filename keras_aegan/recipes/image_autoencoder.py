"""An adversarial image autoencoder, in the manner of VQGAN and KL-VAE.

A spatial code `z ~ E(x) = N(mean, variance)`, `x~ = G(z)`, a critic `D` of
patches with features `l`:

    E and G pay  mean |x - x~| + a mean |l(x) - l(x~)| - w s(t) c mean D(x~)
    E pays also  b KL(E(x) || N(0, 1))
    D pays       mean max(0, 1 - D(x)) + mean max(0, 1 + D(x~))

`s(t)` is 0 for `start` steps and then rises to 1 over `ramp` steps, while `D`
learns from the first: it is warmed up before anyone has to please it. `c`, the
ratio of the two gradients at `x~`, is at most `max_ratio`. Esser et al.
(2021), equations 6 and 7; Rombach et al. (2022), appendix G. Different from
the papers: the critic's own features in place of a pretrained network's
(LPIPS); the ratio is taken at `x~` instead of the last layer's weights; the
soft start; no batch normalisation in the critic; `KL` is summed over the code
beside means over pixels, where the papers sum both: it weighs as many times
more as a sample has values.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    FeatureReconstructionLoss,
    KLDivergenceLoss,
    ReconstructionLoss,
    ScheduledAdversarialLoss,
)


def image_autoencoder(
    image_shape: tuple[int, int, int],
    latent_channels: int = 4,
    halvings: int = 2,
    width: int = 32,
    kl_weight: float = 1e-6,
    feature_weight: float = 0.1,
    adversarial_weight: float = 0.5,
    start: int = 2000,
    ramp: int = 1000,
    max_ratio: float = 10.0,
    patch_layers: int = 2,
    learning_rate: float = 3e-4,
    **kwargs,
) -> AEGAN:
    """A convolutional autoencoder with a spatial code and sharp outputs.

    Args:
        image_shape: `(height, width, channels)`.
        latent_channels: values of the code at each position.
        halvings: how often the sides are halved on the way to the code.
        width: filters at half the full size, doubled at each halving.
        kl_weight: weight `b`; so small that the codes are not normal.
        feature_weight: weight `a` of the critic's features.
        adversarial_weight: weight `w` of the critic.
        start: steps before the critic counts.
        ramp: steps over which it comes in.
        max_ratio: the most that the adaptive weight `c` may be.
        patch_layers: strided convolutions of the critic.
        learning_rate: of Adam (`beta_1=0.5`, `beta_2=0.9`).
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `seed`.

    Returns:
        An `AEGAN` without a prior: `generate` needs `fit_sampler`, or a
        `latent_gan` on top.

    Example:

    ```python
    model = keras_aegan.recipes.image_autoencoder((64, 64, 3))
    ```

    Reference:
        - [Taming Transformers for High-Resolution Image Synthesis](
          https://arxiv.org/abs/2012.09841)
        - [High-Resolution Image Synthesis with Latent Diffusion Models](
          https://arxiv.org/abs/2112.10752)
    """
    settings = {
        "prior": None,
        "optimizer": keras.optimizers.Adam(
            learning_rate, beta_1=0.5, beta_2=0.9
        ),
        "name": "image_autoencoder",
    }
    size = {"halvings": halvings, "width": width}
    return AEGAN(
        generator=networks.spatial_generator(
            image_shape,
            latent_channels,
            **size,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.spatial_encoder(
            image_shape, latent_channels, distribution=True, **size
        ),
        discriminator=networks.patch_discriminator(
            image_shape, width, patch_layers, outputs=("score", "features")
        ),
        losses=[
            ReconstructionLoss("mae"),
            FeatureReconstructionLoss("mae", weight=feature_weight),
            KLDivergenceLoss(weight=kl_weight),
            ScheduledAdversarialLoss(
                "hinge", adversarial_weight, start, ramp, max_ratio
            ),
        ],
        **settings | kwargs,
    )
