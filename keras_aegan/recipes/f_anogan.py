"""f-AnoGAN: an encoder for a trained GAN, to find what it cannot redraw.

The second of two stages: `G` and `D` come from a trained GAN (the paper's is
`gan(formulation="wasserstein")`) and are frozen. With the features `l` of `D`:

    E pays  mean |x - G(E(x))|^2 + kappa mean |l(x) - l(G(E(x)))|^2

which is also `anomaly_score`'s measure of one sample: trained on normal data,
the model redraws what it knows. Schlegl et al. (2019), equations 3 and 5
(`izi_f`), with both errors means over values.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import FeatureReconstructionLoss, ReconstructionLoss


def f_anogan(
    gan: AEGAN,
    width: int = 32,
    kappa: float = 1.0,
    learning_rate: float = 1e-3,
    **kwargs,
) -> AEGAN:
    """An encoder for a trained GAN, and an anomaly score.

    Args:
        gan: a trained `AEGAN` whose discriminator gives `"features"`, such as
            the recipe `gan`'s. It is copied: its own networks stay as they
            are.
        width: filters of the encoder at half the full size.
        kappa: weight of the features' error.
        learning_rate: of Adam.
        **kwargs: as in `AEGAN`: `optimizer`, `ema_momentum`, `seed`.

    Returns:
        An `AEGAN` with frozen generator and discriminator, on the same data.

    Raises:
        ValueError: if the codes are not vectors.

    Example:

    ```python
    gan = keras_aegan.recipes.gan((28, 28, 1), formulation="wasserstein")
    gan.fit(normal_images, epochs=50)
    model = keras_aegan.recipes.f_anogan(gan)
    model.fit(normal_images, epochs=20)
    scores = model.anomaly_score(new_images)
    ```

    Reference:
        - [f-AnoGAN](https://doi.org/10.1016/j.media.2019.01.010)
    """
    if len(gan.latent_shape) != 1:
        raise ValueError(
            "Expected a GAN whose codes are vectors, to which an encoder maps. "
            f"Received: codes of shape {gan.latent_shape}"
        )
    (latent_dim,) = gan.latent_shape
    prior = gan.prior
    if isinstance(prior, keras.Model):
        prior = gan.copied("prior", trainable=False)
    settings = {
        "prior": prior,
        "optimizer": keras.optimizers.Adam(learning_rate),
        "name": "f_anogan",
    }
    paying = {"players": ("encoder",)}
    return AEGAN(
        generator=gan.copied("generator", trainable=False),
        discriminator=gan.copied("discriminator", trainable=False),
        encoder=networks.encoder(
            gan.generator.output_shape[1:], latent_dim, width
        ),
        losses=[
            ReconstructionLoss("mse", **paying),
            FeatureReconstructionLoss("mse", weight=kappa, **paying),
        ],
        **settings | gan.data_settings | kwargs,
    )
