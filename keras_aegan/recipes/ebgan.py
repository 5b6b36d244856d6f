"""EBGAN: the discriminator is an autoencoder, its error an energy.

With the energy `D(v) = mean |Dec(Enc(v)) - v|^2`, a margin `m` and the
pulling-away term on the codes `S = Enc(G(z))` of a batch of `N`:

    D pays  mean D(x) + mean max(0, m - D(G(z)))
    G pays  mean D(G(z)) + w f_PT
    f_PT =  1 / (N (N - 1)) sum over i != j of cos(S_i, S_j)^2

Zhao, Mathieu, LeCun (2016), equations 1, 2 and 4. Different from the paper:
the error is squared and a mean over the values (in -1 to 1), so margins are
below 1; both players move at once.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import MarginEnergyLoss


def ebgan(
    data_shape: tuple[int, ...],
    latent_dim: int = 32,
    width: int = 32,
    margin: float = 0.2,
    pulling_away: float = 0.1,
    learning_rate: float = 5e-4,
    **kwargs,
) -> AEGAN:
    """An energy-based GAN.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a draw of noise, and in the
            discriminator's code.
        width: filters at half the full size, doubled at each halving.
        margin: energy asked of fakes, above 0. Choose it between data's
            energy when the discriminator reconstructs well and that of noise;
            0.1 to 0.5 for most images.
        pulling_away: weight of the pulling-away term, 0 for none.
        learning_rate: of Adam (`beta_1=0.5`) for both players; 1e-3 in the
            paper.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` without an encoder.

    Example:

    ```python
    model = keras_aegan.recipes.ebgan((28, 28, 1), margin=0.2)
    ```

    Reference:
        - [Energy-based Generative Adversarial Network](
          https://arxiv.org/abs/1609.03126)
    """
    settings = {
        "optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "name": "ebgan",
    }
    return AEGAN(
        generator=networks.generator(
            data_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        discriminator=networks.autoencoder(
            data_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        losses=[MarginEnergyLoss(margin, pulling_away=pulling_away)],
        **settings | kwargs,
    )
