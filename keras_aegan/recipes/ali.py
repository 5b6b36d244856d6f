"""ALI and BiGAN: a critic of pairs teaches the encoder to invert.

With `r = D(x, E(x))`, `f = D(G(z), z)`, a stochastic encoder and the softplus:

    D pays        sp(-r) + sp(f)
    E and G pay   sp(r) + sp(-f) (+ a mean |x - G(E(x))|)

Dumoulin et al. (2017), equation 2; Donahue et al. (2017). The term in brackets
is ALICE's (Li et al., 2017), which makes reconstructions faithful where the
game alone does not. Different from the papers: residual networks without
maxout and batch normalisation.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import JointAdversarialLoss, ReconstructionLoss


def ali(
    data_shape: tuple[int, ...],
    latent_dim: int = 32,
    width: int = 32,
    reconstruction_weight: float = 0.0,
    stochastic: bool = True,
    learning_rate: float = 2e-4,
    **kwargs,
) -> AEGAN:
    """Adversarially learned inference, or a bidirectional GAN.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)`.
        latent_dim: number of values in a code.
        width: filters at half the full size, doubled at each halving.
        reconstruction_weight: weight `a` of the reconstruction: 0 (default)
            is ALI, above it ALICE.
        stochastic: whether the encoder gives a normal distribution (ALI) or
            one code (BiGAN).
        learning_rate: of Adam (`beta_1=0.5`) for all players; 1e-4 in ALI.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum`, `prior`, `seed`.

    Returns:
        An `AEGAN` whose latent discriminator judges pairs.

    Example:

    ```python
    alice = keras_aegan.recipes.ali((32, 32, 3), reconstruction_weight=1.0)
    ```

    Reference:
        - [Adversarially Learned Inference](https://arxiv.org/abs/1606.00704)
        - [Adversarial Feature Learning](https://arxiv.org/abs/1605.09782)
        - [ALICE](https://arxiv.org/abs/1709.01215)
    """
    settings = {
        "optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "name": "ali",
    }
    losses = [JointAdversarialLoss("non_saturating")]
    if reconstruction_weight:
        losses.append(ReconstructionLoss("mae", weight=reconstruction_weight))
    return AEGAN(
        generator=networks.generator(
            data_shape,
            latent_dim,
            width,
            output_activation=networks.output_activation(kwargs),
        ),
        encoder=networks.encoder(
            data_shape, latent_dim, width, distribution=stochastic
        ),
        latent_discriminator=networks.joint_discriminator(
            data_shape, (latent_dim,), width=width
        ),
        losses=losses,
        **settings | kwargs,
    )
