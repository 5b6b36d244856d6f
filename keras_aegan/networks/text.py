"""Networks for text as one-hot vectors or probabilities, position by position.

Each comes in two kinds. `"gru"` reads and writes with a recurrent network; its
generator sees the code again at every position, as in the adversarially
regularized autoencoder of arXiv:1706.04223 (which has LSTMs, and feeds its
decoder the words before). `"convolutional"` is the character model of
arXiv:1704.00028, section 5.4: residual blocks of 1-D convolutions over all
positions at once, here three blocks instead of five.
"""

import keras
from keras import layers

from keras_aegan.layers import GaussianNoise, LeakyReLU, StraightThrough

_BLOCKS = 3
_KINDS = ("gru", "convolutional")
_OUTPUTS = ("softmax", "straight_through")


def text_encoder(
    data_shape: tuple[int, int],
    latent_dim: int,
    width: int = 64,
    kind: str = "gru",
    sphere: bool = False,
    name: str = "encoder",
) -> keras.Model:
    """An encoder of text: probabilities of characters or words to a code.

    Args:
        data_shape: `(length, vocabulary_size)`.
        latent_dim: number of values in a code.
        width: units of the embedding and of each layer after it.
        kind: `"gru"` (default) or `"convolutional"`.
        sphere: whether codes have length 1, for a generator that then cannot
            be given codes of another length than it knows. For a prior
            `"sphere"` or a trained one.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, length, vocabulary_size)` to
        `(batch, latent_dim)`.

    Raises:
        ValueError: for an unknown `kind`, or a `data_shape` that is not text's.

    Example:

    ```python
    encoder = text_encoder((32, 96), latent_dim=64, sphere=True)
    ```

    Reference:
        - [Adversarially Regularized Autoencoders](
          https://arxiv.org/abs/1706.04223)
        - [Improved Training of Wasserstein GANs](
          https://arxiv.org/abs/1704.00028), section 5.4
    """
    text, features = _read(data_shape, width, kind)
    code = layers.Dense(latent_dim, name="code")(features)
    if sphere:
        # In float16 squares would overflow.
        code = layers.UnitNormalization(dtype="float32", name="sphere")(code)
    return keras.Model(text, code, name=name)


def text_generator(
    data_shape: tuple[int, int],
    latent_dim: int,
    width: int = 64,
    kind: str = "gru",
    output: str = "softmax",
    temperature: float = 1.0,
    code_noise: float = 0.0,
    name: str = "generator",
) -> keras.Model:
    """A generator (decoder) of text: a code to probabilities.

    Args:
        data_shape: `(length, vocabulary_size)`.
        latent_dim: number of values in a code.
        width: units of each layer.
        kind: `"gru"` (default) or `"convolutional"`.
        output: `"softmax"` (default), probabilities; or
            `"straight_through"`, the most probable class as one-hot with the
            probabilities' gradient, so that generated text is as sharp as the
            user's. A reconstruction then costs 0 or 1 a position, and should
            be given a loss that knows that.
        temperature: what the logits are divided by: below 1 for sharper
            probabilities, above 1 for more even ones. Defaults to `1.0`.
        code_noise: standard deviation of the noise that is added to each value
            of a code in training, so that codes near those of the data become
            text too; none by default.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, latent_dim)` to
        `(batch, length, vocabulary_size)`, float32, each position's values at
        least 0 and with a sum of 1.

    Raises:
        ValueError: for an unknown `kind` or `output`, a `temperature` that is
            not positive, a `code_noise` below 0, or a `data_shape` that is not
            text's.

    Example:

    ```python
    generator = text_generator((32, 96), 64, output="straight_through")
    ```

    Reference:
        - [Adversarially Regularized Autoencoders](
          https://arxiv.org/abs/1706.04223)
        - [Improved Training of Wasserstein GANs](
          https://arxiv.org/abs/1704.00028), section 5.4
    """
    length, vocabulary_size = _checked(data_shape, kind)
    if output not in _OUTPUTS:
        raise ValueError(
            f"Expected output to be one of {_OUTPUTS}. Received: "
            f"output={output!r}"
        )
    if not temperature > 0:
        raise ValueError(
            "Expected a temperature above 0. Received: "
            f"temperature={temperature}"
        )
    if not code_noise >= 0:
        raise ValueError(
            "Expected code_noise to be 0 or more. Received: "
            f"code_noise={code_noise}"
        )
    code = keras.Input((latent_dim,), name="code")
    seen = code
    if code_noise:
        seen = GaussianNoise(code_noise, name="code_noise")(code)
    if kind == "gru":
        features = layers.RepeatVector(length, name="code_everywhere")(seen)
        features = layers.GRU(width, return_sequences=True, name="gru")(
            features
        )
    else:
        # Not the code at every position: convolutions could not tell these
        # positions apart.
        features = layers.Dense(length * width, name="start")(seen)
        features = _blocks(layers.Reshape((length, width))(features), width)
    logits = layers.Dense(vocabulary_size, name="logits")(features)
    logits = layers.Rescaling(1 / temperature, name="temperature")(logits)
    # From here in float32 under any policy.
    text = layers.Softmax(dtype="float32", name="probabilities")(logits)
    if output == "straight_through":
        text = StraightThrough(dtype="float32", name="one_hot")(text)
    return keras.Model(code, text, name=name)


def text_discriminator(
    data_shape: tuple[int, int],
    width: int = 64,
    kind: str = "gru",
    name: str = "discriminator",
) -> keras.Model:
    """A discriminator of text: probabilities of characters or words to a score.

    It has no batch statistics, so that a sample's score is its own. For
    gradient penalties (`R1Penalty`, `R2Penalty`) choose `"convolutional"`: on
    GPUs a GRU may run in kernels that cannot be differentiated twice.

    Args:
        data_shape: `(length, vocabulary_size)`.
        width: units of the embedding and of each layer after it.
        kind: `"gru"` (default) or `"convolutional"`.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, length, vocabulary_size)` to scores
        `(batch, 1)`, logits without an activation: high means real.

    Raises:
        ValueError: for an unknown `kind`, or a `data_shape` that is not text's.

    Example:

    ```python
    discriminator = text_discriminator((32, 96), kind="convolutional")
    ```

    Reference:
        - [Improved Training of Wasserstein GANs](
          https://arxiv.org/abs/1704.00028), section 5.4
    """
    text, features = _read(data_shape, width, kind)
    score = layers.Dense(1, name="score")(features)
    return keras.Model(text, score, name=name)


def _checked(data_shape, kind):
    if kind not in _KINDS:
        raise ValueError(
            f"Expected kind to be one of {_KINDS}. Received: kind={kind!r}"
        )
    if len(data_shape) != 2 or not all(
        isinstance(side, int) and side > 0 for side in data_shape
    ):
        raise ValueError(
            "Expected data_shape=(length, vocabulary_size) of two positive "
            f"integers. Received: data_shape={data_shape}. Text goes in as "
            "one-hot vectors: `keras.ops.one_hot(ids, vocabulary_size)`."
        )
    return data_shape


def _read(data_shape, width, kind):
    """The input for text, and one vector for all of it."""
    text = keras.Input(_checked(data_shape, kind), name="text")
    # A product takes probabilities too, which a table of ids would not.
    features = layers.Dense(width, use_bias=False, name="embedding")(text)
    if kind == "gru":
        return text, layers.GRU(width, name="gru")(features)
    return text, layers.Flatten()(_blocks(features, width))


def _blocks(features, width):
    """Residual blocks over the positions, whose number stays."""
    for block in range(_BLOCKS):
        change = features
        for half in range(2):
            change = LeakyReLU(0.2)(change)
            change = layers.Conv1D(
                width,
                5,
                padding="same",
                data_format="channels_last",
                name=f"block_{block}_conv_{half}",
            )(change)
        # The reference's factor, for a start near the identity.
        change = layers.Rescaling(0.3, name=f"block_{block}_scale")(change)
        features = layers.Add(name=f"block_{block}")([features, change])
    return features
