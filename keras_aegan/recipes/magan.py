"""MAGAN: EBGAN with a margin that follows the data's energy down.

With the energy `D(v) = mean |Dec(Enc(v)) - v|^2` and the margin `m`:

    for `warmup` epochs  D pays mean D(x), and then m = mean D(x)
    thereafter           D pays mean D(x) + mean max(0, m - D(G(z)))
                         G pays mean D(G(z))

At the end of an epoch `m` becomes that epoch's mean `D(x)`, if that is below
`m` and below the mean `D(G(z))`, and `D(G(z))` rose since the epoch before.
Wang et al. (2017), algorithm 1. Different from the paper: the error is a mean
over the values; both players move at once; the last epoch of the warm-up
measures `m`, where the author's code takes an epoch more.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import AdaptiveMarginEnergyLoss


def magan(
    data_shape: tuple[int, ...],
    latent_dim: int = 50,
    width: int = 32,
    warmup: int = 2,
    learning_rate: float = 5e-4,
    **kwargs,
) -> AEGAN:
    """A margin adaptation GAN.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a draw of noise, and in the
            discriminator's code.
        width: filters at half the full size, doubled at each halving.
        warmup: epochs of `fit` in which only the discriminator learns; 1 or
            more. One that learned long reconstructs empty images too, and the
            generator may fall to those: fewer epochs if nothing is drawn.
        learning_rate: of Adamax (`beta_1=0.5`) for both players.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` without an encoder.

    Example:

    ```python
    model = keras_aegan.recipes.magan((28, 28, 1))
    model.fit(images, epochs=50)  # margins move between epochs
    ```

    Reference:
        - [MAGAN](https://arxiv.org/abs/1704.03817)
    """
    settings = {
        "optimizer": keras.optimizers.Adamax(learning_rate, beta_1=0.5),
        "name": "magan",
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
        losses=[AdaptiveMarginEnergyLoss(warmup)],
        **settings | kwargs,
    )
