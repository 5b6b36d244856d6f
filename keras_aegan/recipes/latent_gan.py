"""The latent GAN: a trained autoencoder, frozen, and a GAN on its codes.

With `c = E(x)`, the prior network `P` and noise `n`, `c^ = P(n)`:

    Dz pays  sp(Dz(c^) - Dz(c)) + gamma/2 (|dDz(c)|^2 + |dDz(c^)|^2)
    P pays   sp(Dz(c) - Dz(c^))

Then `generate` is `G(P(n))`, and reconstruction is untouched by the game: it
sees some tens of numbers where a GAN on data sees thousands. Two stages as in
Ghosh et al. (2020) with the relativistic game of R3GAN (Huang et al., 2024) in
place of a mixture. In the logs `latent_r1` is the penalty at `P(n)`, the
prior's codes, and `latent_r2` the one at `E(x)`, as for every latent
discriminator.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import CodeAdversarialLoss, R1Penalty, R2Penalty


def latent_gan(
    autoencoder: AEGAN,
    noise_dim: int = 64,
    hidden_units: tuple[int, ...] = (256, 256),
    gamma: float = 1.0,
    learning_rate: float = 5e-4,
    **kwargs,
) -> AEGAN:
    """A GAN on the codes of a trained autoencoder.

    Args:
        autoencoder: a trained `AEGAN` with an encoder, of any recipe. It is
            copied: its own networks stay as they are.
        noise_dim: number of values in a draw of noise.
        hidden_units: widths of the hidden layers of the prior network and of
            the latent discriminator.
        gamma: weight of R1 and R2 on the codes; with 0.1 the samples of digits
            were worse, and swung.
        learning_rate: of Adam (`beta_1=0`, `beta_2=0.99`) for both players.
        **kwargs: as in `AEGAN`: `optimizer`, `ema_momentum`, `seed`.

    Returns:
        An `AEGAN` with frozen encoder and generator, on the same data.

    Example:

    ```python
    autoencoder = keras_aegan.recipes.autoencoder((28, 28, 1))
    autoencoder.fit(images, epochs=20)
    model = keras_aegan.recipes.latent_gan(autoencoder)
    model.fit(images, epochs=20)
    ```

    Reference:
        - [From Variational to Deterministic Autoencoders](
          https://arxiv.org/abs/1903.12436)
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441)
    """
    settings = {
        "optimizer": keras.optimizers.Adam(
            learning_rate, beta_1=0.0, beta_2=0.99
        ),
        "name": "latent_gan",
    }
    latent_shape = autoencoder.latent_shape
    on_codes = {"gamma": gamma, "critic": "latent_discriminator"}
    return AEGAN(
        generator=autoencoder.copied("generator", trainable=False),
        encoder=autoencoder.copied("encoder", trainable=False),
        latent_discriminator=networks.dense_discriminator(
            latent_shape, hidden_units, name="latent_discriminator"
        ),
        prior=networks.dense_generator(
            latent_shape,
            noise_dim,
            hidden_units,
            output_activation=None,
            name="prior",
        ),
        losses=[
            CodeAdversarialLoss(real="codes", players=("prior",)),
            R1Penalty(**on_codes),
            R2Penalty(**on_codes),
        ],
        **settings | autoencoder.data_settings | kwargs,
    )
