"""BEGAN: the energies of data and of fakes are held at a ratio.

With `L(v) = mean |v - D(v)|^2`, `D` an autoencoder:

    D pays  L(x) - k L(G(z))
    G pays  L(G(z))
    k    <- clip(k + rate (gamma L(x) - L(G(z))), 0, 1),  from 0

`m_global = L(x) + |gamma L(x) - L(G(z))|` in the logs falls as the game
converges; `k` at 0 or 1 for long says that it does not. Berthelot, Schumm,
Metz (2017), sections 3.1 and 3.4. As there, nothing bounds what `G` and `D`
give: a tanh is flat where data are black, and `G` would not come out of it.
Different from the paper: the squared error, which it allows, and not the
absolute one, for which all of a digit but its background is an outlier; one
draw of noise serves both players, as in the widely used code; residual networks
instead of plain ELU ones, and no skip connections that vanish.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import EquilibriumEnergyLoss
from keras_aegan.training.optimizer import decaying


def began(
    data_shape: tuple[int, ...],
    latent_dim: int = 64,
    width: int = 32,
    gamma: float = 0.7,
    rate: float = 0.003,
    distance: str = "mse",
    learning_rate: float = 5e-4,
    decay_steps: int | None = None,
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
        rate: how fast `k` moves; 0.001 in the paper.
        distance: of data from their reconstructions: `"mse"` (default), or
            `"mae"` as in the paper's experiments.
        learning_rate: of Adam (`beta_1=0.5`) for both players; 1e-4 with
            decay in the paper.
        decay_steps: steps over which the learning rate falls to a tenth along
            a cosine; constant by default.
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
    rate_of_learning = decaying(learning_rate, decay_steps)
    size = {"latent_dim": latent_dim, "width": width}
    settings = {
        "prior": "uniform",
        "optimizer": keras.optimizers.Adam(rate_of_learning, beta_1=0.5),
        "name": "began",
    }
    return AEGAN(
        generator=networks.generator(
            data_shape, **size, output_activation=None
        ),
        discriminator=networks.autoencoder(
            data_shape, **size, output_activation=None
        ),
        losses=[EquilibriumEnergyLoss(gamma, rate, distance)],
        **settings | kwargs,
    )
