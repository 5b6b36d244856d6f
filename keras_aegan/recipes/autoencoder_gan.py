"""The article's section 4.2: an autoencoder judges an autoencoder.

The generator `G` encodes its input with a ReLU and decodes it with a tanh; in
the model they sit as `encoder` and `generator`. The discriminator `D` is the
article's autoencoder. With its energy `L(v) = mean |D(v) - v|^2` and a margin
`m`:

    D pays  mean L(x) + mean max(0, m - L(G(x)))
    G pays  mean L(G(x)) + a mean |G(x) - x|

`model.judge(x)` is the article's `call`: it gives both judgements, `D(G(x))`
and `D(x)`. The article names no losses for it: the energies are EBGAN's (Zhao
et al., 2016), and the term `a`, 0 to leave it away, keeps `G(x)` a
reconstruction of its `x`.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import MarginEnergyLoss, ReconstructionLoss


def autoencoder_gan(
    input_shape: tuple[int, ...],
    encoding_dim: int = 32,
    margin: float = 0.2,
    reconstruction_weight: float = 1.0,
    **kwargs,
) -> AEGAN:
    """Generator and discriminator are both autoencoders of dense layers.

    Args:
        input_shape: shape of one sample.
        encoding_dim: number of values in the codes of both.
        margin: energy asked of what was generated, above 0.
        reconstruction_weight: weight `a` of the mean absolute error.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `seed`.

    Returns:
        An `AEGAN` without a prior: `generate` needs `fit_sampler` first.

    Example:

    ```python
    model = keras_aegan.recipes.autoencoder_gan((28, 28, 1), encoding_dim=32)
    judged_fake, judged_real = model.judge(images)
    ```

    Reference:
        - [Energy-based Generative Adversarial Network](
          https://arxiv.org/abs/1609.03126)
    """
    settings = {
        "prior": None,
        "optimizer": keras.optimizers.Adam(5e-4, beta_1=0.5),
        "name": "autoencoder_gan",
    }
    losses = [
        MarginEnergyLoss(margin, pulling_away=0.0, fake="reconstructed"),
        ReconstructionLoss("mae", weight=reconstruction_weight),
    ]
    end = networks.output_activation(kwargs)
    return AEGAN(
        generator=networks.dense_generator(
            input_shape, encoding_dim, output_activation=end
        ),
        encoder=networks.dense_encoder(
            input_shape, encoding_dim, code_activation="relu"
        ),
        discriminator=networks.dense_autoencoder(
            input_shape,
            encoding_dim,
            code_activation="relu",
            output_activation=end and "sigmoid",
        ),
        losses=losses,
        **settings | kwargs,
    )
