"""AEGAN in one game: relativistic, on data and on codes, with both cycles.

With `x~ = G(E(x))`, `x^ = G(z)`, `z~ = E(G(z))`, `sp` the softplus:

    D pays       sp(D(x^) - D(x)) + gamma/2 (|dD(x)|^2 + |dD(x^)|^2)
    Dz pays      sp(Dz(E(x)) - Dz(z)) + gamma_z/2 (|dDz(z)|^2 + |dDz(E(x))|^2)
    G and E pay  sp(D(x) - D(x^)) + a_z sp(Dz(z) - Dz(E(x)))
                 + a_rx |x - x~|^2 + a_rz |z - z~|^2

The players and the two cycles are AEGAN's (Lazarou, 2020); the game is
R3GAN's (Huang et al., NeurIPS 2024), whose pairing with R1 and R2 converges
where the classic loss may cycle. Different from AEGAN: the squared error of the
data. Different from R3GAN: plain instead of grouped convolutions, and penalties
every few steps, both for speed.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    CodeAdversarialLoss,
    DataAdversarialLoss,
    LatentReconstructionLoss,
    R1Penalty,
    R2Penalty,
    ReconstructionLoss,
)
from keras_aegan.training.optimizer import decaying


def aegan(
    data_shape: tuple[int, ...],
    latent_dim: int = 32,
    width: int = 32,
    blocks: int = 1,
    gamma: float = 1.0,
    latent_gamma: float = 0.1,
    penalty_interval: int = 4,
    code_weight: float = 0.1,
    reconstruction_weight: float = 15.0,
    reconstruction_distance: str = "mse",
    reconstruction_gradient: str = "joint",
    latent_reconstruction_weight: float = 0.5,
    augment: tuple[str, ...] = (),
    learning_rate: float = 5e-4,
    decay_steps: int | None = None,
    **kwargs,
) -> AEGAN:
    """An AEGAN in one game: generates, encodes and reconstructs.

    Args:
        data_shape: `(height, width, channels)`, sides that can be halved at
            least twice, from 28 to 128; `(length, channels)` of a signal; or
            `(values,)`.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        gamma: weight of R1 and R2 on data.
        latent_gamma: weight of R1 and R2 on codes.
        penalty_interval: the penalties are computed every so many steps.
        code_weight: weight of the game on codes.
        reconstruction_weight: weight of the distance of `x` and `G(E(x))`.
        reconstruction_distance: `"mse"` (default), or another of
            `ReconstructionLoss`'s. With `"mae"`, as published, all black is
            where two of three trainings on digits stay for long: the median
            of a pixel there is black.
        reconstruction_gradient: `"joint"` (default), encoder and generator
            both pay for the reconstruction, or `"none"`, only the encoder
            does: the generator then learns from the game and `z`'s cycle.
        latent_reconstruction_weight: weight of `|z - E(G(z))|^2`.
        augment: kinds of `keras_aegan.layers.DiffAugment` on what the
            discriminator sees, for few pictures; none by default.
        learning_rate: of Adam (`beta_1=0`, `beta_2=0.99`) for all players.
        decay_steps: steps over which the learning rate falls to a tenth along
            a cosine; constant by default.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `ema_momentum`,
            `optimizer`, `prior`, `seed`.

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
    if reconstruction_gradient not in ("joint", "none"):
        raise ValueError(
            "Expected reconstruction_gradient to be 'joint' or 'none'. "
            f"Received: reconstruction_gradient={reconstruction_gradient!r}"
        )
    rate = decaying(learning_rate, decay_steps)
    settings = {
        "optimizer": keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        "name": "aegan",
    }
    lazy = {"interval": penalty_interval}
    on_codes = {"critic": "latent_discriminator", **lazy}
    size = {"width": width, "blocks": blocks}
    joint = reconstruction_gradient == "joint"
    return AEGAN(
        generator=networks.generator(
            data_shape,
            latent_dim,
            **size,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.encoder(data_shape, latent_dim, **size),
        discriminator=networks.discriminator(
            data_shape, augment=augment, **size
        ),
        latent_discriminator=networks.dense_discriminator(
            (latent_dim,), (128, 128), name="latent_discriminator"
        ),
        losses=[
            DataAdversarialLoss("relativistic"),
            R1Penalty(gamma, **lazy),
            R2Penalty(gamma, **lazy),
            CodeAdversarialLoss("relativistic", weight=code_weight),
            R1Penalty(latent_gamma, **on_codes),
            R2Penalty(latent_gamma, **on_codes),
            ReconstructionLoss(
                reconstruction_distance,
                weight=reconstruction_weight,
                players=None if joint else ("encoder",),
            ),
            LatentReconstructionLoss(
                "mse", weight=latent_reconstruction_weight
            ),
        ],
        **settings | kwargs,
    )
