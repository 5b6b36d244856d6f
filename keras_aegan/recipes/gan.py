"""The generative adversarial network, with the formulations it came to have.

With scores `r = D(x)`, `f = D(G(z))` and the softplus `sp`, by default

    D pays  sp(-r) + sp(f)
    G pays  sp(-f)

the non-saturating game of Goodfellow et al. (2014). `"wasserstein"` brings the
gradient penalty, `"relativistic"` R1 and R2; see
`keras_aegan.losses.DataAdversarialLoss`. Different from the paper: no maxout,
leaky ReLUs; one step of each player at the same time.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    DataAdversarialLoss,
    GradientPenalty,
    R1Penalty,
    R2Penalty,
)

_GAMMA = {"wasserstein": 10.0, "relativistic": 1.0}


def gan(
    input_shape: tuple[int, ...],
    encoding_dim: int = 32,
    width: int = 32,
    hidden_units: tuple[int, ...] | None = None,
    activation: str = "relu",
    output_activation: str | None = "auto",
    formulation: str = "non_saturating",
    gamma: float | None = None,
    spectral_norm: bool = False,
    augment: tuple[str, ...] = (),
    **kwargs,
) -> AEGAN:
    """A generator and a discriminator.

    Args:
        input_shape: shape of one sample: an image, a signal
            `(length, channels)` or a vector.
        encoding_dim: number of values in a draw of noise.
        width: filters of the residual networks at half the full size.
        hidden_units: widths of the hidden layers of dense networks instead of
            residual ones, as in the article.
        activation: of the dense generator's hidden layers.
        output_activation: of the dense generator: `"tanh"`, `"sigmoid"`,
            `"relu"` or `None`; by default the first, and the last for data
            without a range.
        formulation: as in `DataAdversarialLoss`.
        gamma: weight of the penalty: by default 10 for `"wasserstein"`, 1 (R1
            and R2) for `"relativistic"`, else 0 (R1).
        spectral_norm: whether the discriminator's layers are held at a
            spectral norm of 1.
        augment: kinds of `keras_aegan.layers.DiffAugment` on what the
            discriminator sees.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` without an encoder.

    Example:

    ```python
    model = keras_aegan.recipes.gan((28, 28, 1), formulation="wasserstein")
    ```

    Reference:
        - [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661)
    """
    critic = {
        "outputs": ("score", "features"),
        "spectral_norm": spectral_norm,
        "augment": augment,
    }
    end = networks.output_activation(kwargs)
    if output_activation == "auto":
        output_activation = end
    if hidden_units is None:
        generator = networks.generator(
            input_shape, encoding_dim, width, output_activation=end
        )
        discriminator = networks.discriminator(input_shape, width, **critic)
    else:
        generator = networks.dense_generator(
            input_shape,
            encoding_dim,
            hidden_units,
            activation=activation,
            output_activation=output_activation,
        )
        discriminator = networks.dense_discriminator(
            input_shape, hidden_units[::-1], **critic
        )
    if gamma is None:
        gamma = _GAMMA.get(formulation, 0.0)
    penalties = []
    if formulation == "wasserstein":
        penalties = [GradientPenalty(gamma)]
    elif gamma:
        penalties = [R1Penalty(gamma)]
        if formulation == "relativistic":
            penalties.append(R2Penalty(gamma))
    settings = {
        "optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
        "name": "gan",
    }
    return AEGAN(
        generator=generator,
        discriminator=discriminator,
        losses=[DataAdversarialLoss(formulation), *penalties],
        **settings | kwargs,
    )
