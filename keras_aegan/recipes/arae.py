"""ARAE: an autoencoder of text, and a prior that learns where its codes are.

With codes `c = E(x)` on the unit sphere, noise `e` on them in training, the
prior network `P`, `c^ = P(n)` and a Wasserstein critic `Dz` of codes:

    E and G pay   the cross-entropy of x under G(E(x) + e), per token
    Dz pays       mean Dz(c^) - mean Dz(c) + gamma mean (|dDz| - 1)^2
    E and P pay   a (mean Dz(c) - mean Dz(c^))

so the codes come to lie where the prior can follow. The noise makes what is
near a code mean the same: without it the codes of real text are islands, and
the prior draws what lies between them. Zhao et al. (2018), algorithm 1, with
the noise of the authors' code. Different from the paper: a gradient penalty
instead of clipped weights; the encoder's two steps are one step on their sum;
the noise does not fade; convolutions over all positions (or a GRU that sees the
code at each) instead of a network that reads its own last token, so that the
code cannot be ignored.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.counts import check_count
from keras_aegan.losses import (
    CodeAdversarialLoss,
    GradientPenalty,
    ReconstructionLoss,
)


def arae(
    data_shape: tuple[int],
    vocabulary_size: int,
    latent_dim: int = 64,
    width: int = 128,
    noise_dim: int = 32,
    hidden_units: tuple[int, ...] = (128, 128),
    kind: str = "convolutional",
    adversarial_weight: float = 0.1,
    gamma: float = 10.0,
    code_noise: float = 0.1,
    critic_steps: int = 5,
    learning_rate: float = 1e-3,
    **kwargs,
) -> AEGAN:
    """An adversarially regularised autoencoder of text.

    Args:
        data_shape: `(length,)` of a text in tokens; shorter ones are filled
            up with a token of their own, such as 0.
        vocabulary_size: number of tokens; ids go from 0 to one below it.
        latent_dim: number of values in a code.
        width: filters of the convolutions, or units of the GRU.
        noise_dim: number of values in a draw of noise.
        hidden_units: of the prior network and the critic.
        kind: `"convolutional"` (default), or `"gru"`, which learns slower.
        adversarial_weight: weight `a`.
        gamma: weight of the gradient penalty.
        code_noise: standard deviation of the noise on each value of a code
            that the generator sees in training.
        critic_steps: steps of the critic a batch, 5 as in the paper; with 1
            the prior draws the same few texts.
        learning_rate: of Adam for encoder and generator, a fifth of it (with
            `beta_1=0.5`) for critic and prior.
        **kwargs: as in `AEGAN`: `optimizer`, `ema_momentum`, `seed`.

    Returns:
        An `AEGAN` that takes and gives arrays `(n, length)` of token ids.

    Example:

    ```python
    model = keras_aegan.recipes.arae((16,), vocabulary_size=27)
    model.fit(ids, epochs=20)
    names = model.generate(10)
    ```

    Reference:
        - [Adversarially Regularized Autoencoders](
          https://arxiv.org/abs/1706.04223)
    """
    check_count("critic_steps", critic_steps)
    game = keras.optimizers.Adam(learning_rate / 5, beta_1=0.5)
    settings = {
        "updates": [
            *[["latent_discriminator"]] * critic_steps,
            ["encoder", "generator", "prior"],
        ],
        "optimizer": {
            "encoder": keras.optimizers.Adam(learning_rate),
            "generator": keras.optimizers.Adam(learning_rate),
            "latent_discriminator": game,
            "prior": game,
        },
        "name": "arae",
    }
    one_hot = (*data_shape, vocabulary_size)
    on_codes = {"critic": "latent_discriminator"}
    return AEGAN(
        generator=networks.text_generator(
            one_hot, latent_dim, width, kind, code_noise=code_noise
        ),
        encoder=networks.text_encoder(
            one_hot, latent_dim, width, kind, sphere=True
        ),
        latent_discriminator=networks.dense_discriminator(
            (latent_dim,), hidden_units, name="latent_discriminator"
        ),
        prior=networks.dense_generator(
            (latent_dim,),
            noise_dim,
            hidden_units,
            output_activation=None,
            name="prior",
        ),
        losses=[
            ReconstructionLoss(
                "cross_entropy", players=("encoder", "generator")
            ),
            CodeAdversarialLoss(
                "wasserstein",
                adversarial_weight,
                real="codes",
                players=("encoder", "prior"),
            ),
            GradientPenalty(gamma, **on_codes),
        ],
        tokens=True,
        **settings | kwargs,
    )
