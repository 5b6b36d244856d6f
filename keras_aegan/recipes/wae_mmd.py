"""WAE-MMD: a transport distance, with kernels on the codes and no game.

    E pays   mean |x - G(E(x))|^2 + w MMD(E(x), z)
    G pays   mean |x - G(E(x))|^2

with squares summed over a sample's values and the unbiased estimate of the
squared maximum mean discrepancy, inverse multiquadric kernels of seven scales
(`keras_aegan.losses.MaximumMeanDiscrepancyLoss`). Tolstikhin et al. (2018),
algorithm 2. Different from the paper: data lie in -1 to 1, where squares are
four times those in 0 to 1. It wants batches of 100 and more.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import MaximumMeanDiscrepancyLoss, ReconstructionLoss


def wae_mmd(
    data_shape: tuple[int, ...],
    latent_dim: int = 8,
    width: int = 32,
    code_weight: float = 10.0,
    learning_rate: float = 3e-4,
    **kwargs,
) -> AEGAN:
    """A Wasserstein autoencoder with kernels on the codes.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a code; 8 for MNIST, 64 for CelebA in
            the paper.
        width: filters at half the full size, doubled at each halving.
        code_weight: weight `w` of the codes' distance to the prior; 10 for
            MNIST, 100 for CelebA in the paper.
        learning_rate: of Adam (`beta_1=0.5`) for both players.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` without discriminators.

    Example:

    ```python
    model = keras_aegan.recipes.wae_mmd((28, 28, 1), latent_dim=8)
    model.fit(images, batch_size=128)
    ```

    Reference:
        - [Wasserstein Auto-Encoders](https://arxiv.org/abs/1711.01558)
    """
    settings = {
        "optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "name": "wae_mmd",
    }
    return AEGAN(
        generator=networks.generator(
            data_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.encoder(data_shape, latent_dim, width),
        losses=[
            # Half the squared error is a Gaussian's; the paper has all of it.
            ReconstructionLoss("gaussian", weight=2.0),
            MaximumMeanDiscrepancyLoss(weight=code_weight),
        ],
        **settings | kwargs,
    )
