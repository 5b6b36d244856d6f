"""AEGAN as published, with both parameter sets of its author.

With `x~ = G(E(x))`, `x^ = G(z)`, `z~ = E(G(z))`, `z^ = E(x)` and `bce(l, t)`
the binary cross-entropy of a logit `l` and a label `t`:

    D pays       2 bce(D(x), a) + bce(D(x^), b) + bce(D(x~), b)
    Dz pays      2 bce(Dz(z), a) + bce(Dz(z^), b) + bce(Dz(z~), b)
    G and E pay  a_rx |x~ - x|_1 + a_rz |z~ - z|^2
                 + a_x (bce(D(x^), 1) + bce(D(x~), 1))
                 + a_z (bce(Dz(z^), 1) + bce(Dz(z~), 1))

Two codes of the author give two settings:

* `"aegan_keras"`: a_rx 10, a_rz 5, a_x 1, a_z 1, labels a 0.95 and b 0.05,
  learning rates 2e-4 (G, E) and 5e-4 (D, Dz), gradients clipped to norm 1;
* `"pokegan"`: a_rx 1, a_rz 0.5, a_x 0.005, a_z 0.1 (each adversarial pair
  averaged), no label smoothing, learning rates 2e-4 (G, E) and 1e-4 (D, Dz).

Different from the codes: one step of each player a batch, where aegan_keras
makes four separate ones on fresh batches for each discriminator; a factor 1/4
of PokeGAN's discriminators, which Adam does not see, is left away, and so is
its weight decay of 1e-8; noise on activations only at the networks' inputs.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import (
    CodeAdversarialLoss,
    DataAdversarialLoss,
    LatentReconstructionLoss,
    ReconstructionLoss,
)

# `weights` are a_rx, a_rz, a_x and a_z.
_PARAMETERS = {
    "aegan_keras": {
        "weights": (10.0, 5.0, 1.0, 1.0),
        "labels": {"real_label": 0.95, "fake_label": 0.05},
        "discriminators": 5e-4,
        "clipnorm": 1.0,
    },
    "pokegan": {
        "weights": (1.0, 0.5, 0.005 / 2, 0.1 / 2),
        "labels": {},
        "discriminators": 1e-4,
        "clipnorm": None,
    },
}


def aegan_classic(
    image_shape: tuple[int, int, int],
    latent_dim: int = 16,
    width: int = 32,
    parameters: str = "aegan_keras",
    **kwargs,
) -> AEGAN:
    """AEGAN as published in 2020, for fidelity and comparison.

    Args:
        image_shape: `(height, width, channels)`, sides that can be halved at
            least twice, from 28 to 128.
        latent_dim: number of values in a code.
        width: filters of the first convolution, doubled at each halving.
        parameters: `"aegan_keras"` (default) or `"pokegan"`, the weights,
            labels and learning rates of the author's two codes.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `prior`, `seed`; `ema_momentum`, which is `None` by default, as
            the published codes have no averages.

    Returns:
        An `AEGAN` with alternating updates.

    Example:

    ```python
    model = keras_aegan.recipes.aegan_classic((64, 64, 3))
    ```

    Reference:
        - [Autoencoding Generative Adversarial Networks](
          https://arxiv.org/abs/2004.05472)
    """
    if parameters not in _PARAMETERS:
        raise ValueError(
            f"Expected parameters to be one of {sorted(_PARAMETERS)}. "
            f"Received: parameters={parameters!r}"
        )
    published = _PARAMETERS[parameters]
    a_rx, a_rz, a_x, a_z = published["weights"]
    game = {"cycle_weight": 1.0, **published["labels"]}

    def adam(rate):
        return keras.optimizers.Adam(
            rate, beta_1=0.5, clipnorm=published["clipnorm"]
        )

    settings = {
        "optimizer": {
            **dict.fromkeys(("encoder", "generator"), adam(2e-4)),
            **dict.fromkeys(
                ("discriminator", "latent_discriminator"),
                adam(published["discriminators"]),
            ),
        },
        "updates": "alternating",
        "ema_momentum": None,
        "name": "aegan_classic",
    }
    return AEGAN(
        generator=networks.convolutional_generator(
            image_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.convolutional_encoder(image_shape, latent_dim, width),
        discriminator=networks.convolutional_discriminator(image_shape, width),
        latent_discriminator=networks.dense_discriminator(
            (latent_dim,), (128, 128), name="latent_discriminator"
        ),
        losses=[
            DataAdversarialLoss("non_saturating", a_x, **game),
            CodeAdversarialLoss("non_saturating", a_z, **game),
            ReconstructionLoss("mae", weight=a_rx),
            LatentReconstructionLoss("mse", weight=a_rz),
        ],
        **settings | kwargs,
    )
