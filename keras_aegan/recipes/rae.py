"""RAE: a deterministic autoencoder whose codes stay small.

    E and G pay  mean |x - G(E(x))|^2 + beta/2 mean |E(x)|^2

both means over a sample's values too. A mixture fitted to its codes makes it
generate (`fit_sampler`): the cheap baseline that no adversary may lose to, and
the first stage of `mixture_aegan` and `latent_gan`. Ghosh et al. (2020),
section 3, without a penalty on the generator; different from the paper: means
in place of sums over values, and residual networks by default.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import CodeNormLoss, ReconstructionLoss
from keras_aegan.training.optimizer import decaying


def rae(
    data_shape: tuple[int, ...],
    latent_dim: int = 32,
    width: int = 32,
    blocks: int = 1,
    hidden_units: tuple[int, ...] | None = None,
    beta: float = 1e-3,
    learning_rate: float = 5e-4,
    decay_steps: int | None = None,
    **kwargs,
) -> AEGAN:
    """A regularised autoencoder with the networks of `aegan`.

    Args:
        data_shape: `(height, width, channels)`, sides that can be halved at
            least twice, from 28 to 128; `(length, channels)` of a signal; or
            `(values,)`.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        blocks: residual blocks at each size.
        hidden_units: widths of hidden layers, for dense networks instead of
            those above, on data of any shape. With `()` and data without a
            range both networks are linear, which is most of what there is to
            know of data that are much alike, such as one person's heartbeats.
        beta: weight of the codes' squared norm.
        learning_rate: of Adam.
        decay_steps: steps over which the learning rate falls to a tenth along
            a cosine; constant by default.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `ema_momentum`,
            `optimizer`, `seed`.

    Returns:
        An `AEGAN` without a prior: `generate` needs `fit_sampler` first.

    Example:

    ```python
    model = keras_aegan.recipes.rae((28, 28, 1))
    model.fit(images, batch_size=64, epochs=10)
    model.fit_sampler("gmm", images)
    pictures = model.generate(16)
    ```

    Reference:
        - [From Variational to Deterministic Autoencoders](
          https://arxiv.org/abs/1903.12436)
    """
    ends = {"output_activation": networks.output_activation(kwargs)}
    if hidden_units is None:
        size = {"width": width, "blocks": blocks}
        generator = networks.generator(data_shape, latent_dim, **size, **ends)
        encoder = networks.encoder(data_shape, latent_dim, **size)
    else:
        encoder = networks.dense_encoder(data_shape, latent_dim, hidden_units)
        generator = networks.dense_generator(
            data_shape, latent_dim, hidden_units[::-1], **ends
        )
    rate = decaying(learning_rate, decay_steps)
    settings = {
        "prior": None,
        "optimizer": keras.optimizers.Adam(rate),
        "name": "rae",
    }
    return AEGAN(
        generator=generator,
        encoder=encoder,
        losses=[ReconstructionLoss("mse"), CodeNormLoss(beta)],
        **settings | kwargs,
    )
