"""The default: a relativistic game on images and codes, and both cycles.

With `x~ = G(E(x))`, `x^ = G(z)`, `z~ = E(G(z))`, `sp` the softplus:

    D pays       sp(D(x^) - D(x)) + gamma/2 (|dD(x)|^2 + |dD(x^)|^2)
    Dz pays      sp(Dz(E(x)) - Dz(z)) + gamma_z/2 (|dDz(z)|^2 + |dDz(E(x))|^2)
    G and E pay  sp(D(x) - D(x^)) + a_z sp(Dz(z) - Dz(E(x)))
                 + a_rx |x - x~|_1 + a_rz |z - z~|^2

The players and the two cycles are AEGAN's (Lazarou, 2020); the game is
R3GAN's (Huang et al., NeurIPS 2024), whose pairing with R1 and R2 converges
where the classic loss may cycle. Different from R3GAN: plain instead of
grouped convolutions, and penalties every few steps, both for speed.
"""

import keras

from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    CodeAdversarialLoss,
    DataAdversarialLoss,
    LatentReconstructionLoss,
    R1Penalty,
    R2Penalty,
    ReconstructionLoss,
)
from keras_aegan.networks import (
    dense_discriminator,
    residual_discriminator,
    residual_encoder,
    residual_generator,
)


def aegan(
    image_shape: tuple[int, int, int],
    latent_dim: int = 32,
    width: int = 32,
    blocks: int = 1,
    gamma: float = 1.0,
    latent_gamma: float = 0.1,
    penalty_interval: int = 4,
    code_weight: float = 0.1,
    reconstruction_weight: float = 0.3,
    latent_reconstruction_weight: float = 0.5,
    learning_rate: float = 5e-4,
    decay_steps: int | None = None,
    ema_momentum: float = 0.999,
    data_range: tuple[float, float] | None = (0, 255),
    data_dtype: str = "uint8",
    seed: int | None = None,
) -> AEGAN:
    """The default AEGAN: generates, encodes and reconstructs images.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice, from 28 to 128.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        gamma: weight of R1 and R2 on images.
        latent_gamma: weight of R1 and R2 on codes.
        penalty_interval: the penalties are computed every so many steps.
        code_weight: weight of the game on codes.
        reconstruction_weight: weight of `|x - G(E(x))|`.
        latent_reconstruction_weight: weight of `|z - E(G(z))|^2`.
        learning_rate: of Adam (`beta_1=0`, `beta_2=0.99`) for all players.
        decay_steps: steps over which the learning rate falls to a tenth along
            a cosine; constant by default.
        ema_momentum: of the averaged generator and encoder.
        data_range: `(low, high)` of the images.
        data_dtype: dtype of generated images.
        seed: integer seed of weights and noise; random by default.

    Returns:
        An `AEGAN`.

    Example:

    ```python
    model = keras_aegan.recipes.aegan((28, 28, 1))
    model.fit(images, batch_size=64, epochs=10)
    ```

    Reference:
        - [Autoencoding Generative Adversarial Networks](
          https://arxiv.org/abs/2004.05472)
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
    """
    if seed is not None:
        keras.utils.set_random_seed(seed)
    rate = learning_rate
    if decay_steps is not None:
        rate = keras.optimizers.schedules.CosineDecay(
            learning_rate, decay_steps, alpha=0.1
        )
    lazy = {"interval": penalty_interval}
    on_codes = {"critic": "latent_discriminator", **lazy}
    size = {"width": width, "blocks": blocks}
    return AEGAN(
        generator=residual_generator(image_shape, latent_dim, **size),
        encoder=residual_encoder(image_shape, latent_dim, **size),
        discriminator=residual_discriminator(image_shape, **size),
        latent_discriminator=dense_discriminator(
            (latent_dim,), (128, 128), name="latent_discriminator"
        ),
        losses=[
            DataAdversarialLoss("relativistic"),
            R1Penalty(gamma, **lazy),
            R2Penalty(gamma, **lazy),
            CodeAdversarialLoss("relativistic", weight=code_weight),
            R1Penalty(latent_gamma, **on_codes),
            R2Penalty(latent_gamma, **on_codes),
            ReconstructionLoss("mae", weight=reconstruction_weight),
            LatentReconstructionLoss(
                "mse", weight=latent_reconstruction_weight
            ),
        ],
        ema_momentum=ema_momentum,
        data_range=data_range,
        data_dtype=data_dtype,
        optimizer=keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        seed=seed,
        name="aegan",
    )
