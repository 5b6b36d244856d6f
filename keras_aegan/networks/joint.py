"""A discriminator of data and codes together, for inference by a game."""

import keras
from keras import layers

from keras_aegan.networks.blocks import kind, stage_widths, to_features
from keras_aegan.networks.dense import stack
from keras_aegan.networks.sizes import data_sizes


def joint_discriminator(
    data_shape: tuple[int, ...],
    latent_shape: tuple[int, ...],
    hidden_units: tuple[int, ...] = (128, 128),
    width: int = 32,
    name: str = "latent_discriminator",
) -> keras.Model:
    """A discriminator of pairs: data with a code to a score.

    Data are seen by a residual network, or by two dense layers of `4 * width`
    units if they are vectors; dense layers see what comes out and the code. It
    has no batch statistics, so that a pair's score is its own.

    Args:
        data_shape: `(height, width, channels)`, `(length, channels)` or
            `(values,)` of one sample.
        latent_shape: shape of one code, such as `(latent_dim,)`.
        hidden_units: width of each hidden layer that sees both.
        width: filters at half the full size of data, doubled at each halving.
        name: the network's name.

    Returns:
        A `keras.Model` from `[data, code]`, each with the batch in front, to
        scores `(batch, 1)`, logits without an activation: high means data with
        their code.

    Example:

    ```python
    discriminator = joint_discriminator((28, 28, 1), (32,))
    scores = discriminator([images, encoder(images)])
    ```

    Reference:
        - [Adversarially Learned Inference](https://arxiv.org/abs/1606.00704)
        - [Adversarial Feature Learning](https://arxiv.org/abs/1605.09782)
    """
    if len(data_shape) == 1:
        data = keras.Input(data_shape, name="data")
        features = stack(data, (4 * width,) * 2, "leaky_relu", name="data")
    else:
        widths = stage_widths(data_sizes(data_shape), width, max_width=256)
        data = keras.Input(data_shape, name=kind(data_shape))
        features = to_features(data, widths, blocks=1)
    code = keras.Input(latent_shape, name="code")
    both = layers.Concatenate(name="data_and_code")(
        [layers.Flatten()(features), layers.Flatten()(code)]
    )
    both = stack(both, hidden_units, "leaky_relu")
    score = layers.Dense(1, name="score")(both)
    return keras.Model([data, code], score, name=name)
