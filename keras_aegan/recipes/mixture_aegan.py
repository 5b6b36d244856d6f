"""An AEGAN that starts from a trained autoencoder and the mixture of its codes.

The second of two stages. The first made `E` and `G` quickly, and `fit_sampler`
a mixture of normal distributions `P` where its codes are. With `z = P(n)`,
`x~ = G(E(x))`, `x^ = G(z)`, `z~ = E(G(z))`, `sp` the softplus:

    D pays       sp(D(x^) - D(x)) + gamma/2 (|dD(x)|^2 + |dD(x^)|^2)
    G and E pay  sp(D(x) - D(x^)) + a_rx |x - x~|_1 + a_rz |z - z~|^2

The game is `aegan`'s, with codes of the mixture, which stays as it was fitted,
in place of a prior that the codes would have to be bent to: hence no game on
codes. Ex-post density estimation is from Ghosh et al. (2020), the game from
R3GAN (Huang et al., 2024), an adversary that comes in last from VQGAN (Esser
et al., 2021).
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    DataAdversarialLoss,
    LatentReconstructionLoss,
    R1Penalty,
    R2Penalty,
    ReconstructionLoss,
)
from keras_aegan.samplers import is_fitted
from keras_aegan.training.optimizer import decaying


def mixture_aegan(
    autoencoder: AEGAN,
    width: int = 32,
    blocks: int = 1,
    gamma: float = 1.0,
    penalty_interval: int = 4,
    reconstruction_weight: float = 30.0,
    latent_reconstruction_weight: float = 0.5,
    augment: tuple[str, ...] = (),
    learning_rate: float = 5e-4,
    decay_steps: int | None = None,
    **kwargs,
) -> AEGAN:
    """A trained autoencoder, made to generate by an adversary.

    Args:
        autoencoder: a trained `AEGAN` with an encoder, such as the recipe
            `rae`'s, after `fit_sampler`. It is copied: its own networks stay
            as they are.
        width: filters of the discriminator at half the full size.
        blocks: residual blocks of the discriminator at each size.
        gamma: weight of R1 and R2.
        penalty_interval: the penalties are computed every so many steps.
        reconstruction_weight: weight of `|x - G(E(x))|`.
        latent_reconstruction_weight: weight of `|z - E(G(z))|^2`.
        augment: kinds of `keras_aegan.layers.DiffAugment` on what the
            discriminator sees, for few pictures; none by default.
        learning_rate: of Adam (`beta_1=0.5`, `beta_2=0.99`) for all players.
        decay_steps: steps over which the learning rate falls to a tenth along
            a cosine; constant by default.
        **kwargs: as in `AEGAN`: `ema_momentum`, `optimizer`, `seed`.

    Returns:
        An `AEGAN` on the same data.

    Raises:
        ValueError: if no sampler was fitted to the autoencoder.

    Example:

    ```python
    first = keras_aegan.recipes.rae((28, 28, 1))
    first.fit(images, batch_size=64, epochs=5)
    first.fit_sampler("gmm", images, components=40)
    model = keras_aegan.recipes.mixture_aegan(first)
    model.fit(images, batch_size=64, epochs=5)
    ```

    Reference:
        - [From Variational to Deterministic Autoencoders](
          https://arxiv.org/abs/1903.12436), section 4
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
        - [Taming Transformers for High-Resolution Image Synthesis](
          https://arxiv.org/abs/2012.09841)
    """
    if not is_fitted(autoencoder.prior):
        raise ValueError(
            "Expected an autoencoder whose codes a distribution was fitted "
            "to. Fit one to your data first: `autoencoder.fit_sampler('gmm', "
            "x)`. Received: an AEGAN with "
            f"prior={autoencoder.prior!r}"
        )
    rate = decaying(learning_rate, decay_steps)
    settings = {
        "optimizer": keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99),
        "name": "mixture_aegan",
    }
    lazy = {"interval": penalty_interval}
    return AEGAN(
        generator=autoencoder.copied("generator"),
        encoder=autoencoder.copied("encoder"),
        discriminator=networks.discriminator(
            autoencoder.generator.output_shape[1:],
            width,
            blocks,
            augment=augment,
        ),
        prior=autoencoder.copied("prior", trainable=False),
        losses=[
            DataAdversarialLoss("relativistic"),
            R1Penalty(gamma, **lazy),
            R2Penalty(gamma, **lazy),
            ReconstructionLoss("mae", weight=reconstruction_weight),
            LatentReconstructionLoss(
                "mse", weight=latent_reconstruction_weight
            ),
        ],
        **settings | autoencoder.data_settings | kwargs,
    )
