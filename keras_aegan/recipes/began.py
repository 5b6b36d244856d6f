"""BEGAN: the energies of data and of fakes are held at a ratio.

With `L(v) = mean |v - D(v)|`, `D` an autoencoder:

    D pays  L(x) - k L(G(z))
    G pays  L(G(z))
    k    <- clip(k + rate (gamma L(x) - L(G(z))), 0, 1),  from 0

`m_global = L(x) + |gamma L(x) - L(G(z))|` in the logs falls as the game
converges; `k` at 0 or 1 for long says that it does not. Berthelot, Schumm,
Metz (2017), section 3.4. Different from the paper: one draw of noise serves
both players, as in the widely used code; residual networks instead of plain
ELU ones, and no skip connections that vanish.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import EquilibriumEnergyLoss


def began(
    data_shape: tuple[int, ...],
    latent_dim: int = 64,
    width: int = 32,
    gamma: float = 0.5,
    rate: float = 0.001,
    learning_rate: float = 2e-4,
    **kwargs,
) -> AEGAN:
    """A boundary equilibrium GAN.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a draw of noise (uniform in -1 to 1),
            and in the discriminator's code.
        width: filters at half the full size, doubled at each halving.
        gamma: ratio of the energies, in (0, 1]; lower means better pictures
            and fewer kinds of them.
        rate: how fast `k` moves; raise it for short trainings.
        learning_rate: of Adam (`beta_1=0.5`) for both players; 8e-5 with
            decay in the paper.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` without an encoder.

    Example:

    ```python
    model = keras_aegan.recipes.began((64, 64, 3), gamma=0.7)
    ```

    Reference:
        - [BEGAN](https://arxiv.org/abs/1703.10717)
    """
    settings = {
        "prior": "uniform",
        "optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "name": "began",
    }
    return AEGAN(
        generator=networks.generator(data_shape, latent_dim, width),
        discriminator=networks.autoencoder(data_shape, latent_dim, width),
        losses=[EquilibriumEnergyLoss(gamma, rate)],
        **settings | kwargs,
    )
