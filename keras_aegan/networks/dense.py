"""Dense networks, for data of any shape: the article's own systems."""

import math

import keras
from keras import layers


def _stack(features, units, activation):
    for index, width in enumerate(units):
        features = layers.Dense(
            width, activation=activation, name=f"hidden_{index}"
        )(features)
    return features


def dense_encoder(
    data_shape: tuple[int, ...],
    latent_dim: int,
    hidden_units: tuple[int, ...] = (),
    activation: str = "leaky_relu",
    code_activation: str | None = None,
    name: str = "encoder",
) -> keras.Model:
    """An encoder of dense layers: data of any shape to a code.

    Args:
        data_shape: shape of one sample, without the batch.
        latent_dim: number of values in a code.
        hidden_units: width of each hidden layer; none by default.
        activation: activation of the hidden layers.
        code_activation: activation of the code; `"relu"` is the article's,
            `None` (the default) suits a normal prior.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *data_shape)` to `(batch, latent_dim)`.

    Example:

    ```python
    encoder = dense_encoder((28, 28, 1), 32, code_activation="relu")
    ```
    """
    data = keras.Input(data_shape, name="data")
    features = _stack(layers.Flatten()(data), hidden_units, activation)
    code = layers.Dense(latent_dim, activation=code_activation, name="code")(
        features
    )
    return keras.Model(data, code, name=name)


def dense_generator(
    data_shape: tuple[int, ...],
    latent_dim: int,
    hidden_units: tuple[int, ...] = (),
    activation: str = "leaky_relu",
    output_activation: str | None = "tanh",
    name: str = "generator",
) -> keras.Model:
    """A generator (decoder) of dense layers: a code to data of any shape.

    Args:
        data_shape: shape of one sample, without the batch.
        latent_dim: number of values in a code.
        hidden_units: width of each hidden layer; none by default.
        activation: activation of the hidden layers.
        output_activation: `"tanh"` (default) or `"sigmoid"` for data with a
            range, `None` for data without one. A sigmoid's 0 to 1 is spread
            over the -1 to 1 that all networks here work in.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, latent_dim)` to `(batch, *data_shape)`.

    Example:

    ```python
    generator = dense_generator((28, 28, 1), 32, output_activation="sigmoid")
    ```
    """
    code = keras.Input((latent_dim,), name="code")
    features = _stack(code, hidden_units, activation)
    data = layers.Dense(
        math.prod(data_shape), activation=output_activation, name="data"
    )(features)
    if output_activation == "sigmoid":
        data = layers.Rescaling(2.0, offset=-1.0)(data)
    return keras.Model(code, layers.Reshape(data_shape)(data), name=name)


def dense_discriminator(
    data_shape: tuple[int, ...],
    hidden_units: tuple[int, ...] = (128, 128),
    activation: str = "leaky_relu",
    name: str = "discriminator",
) -> keras.Model:
    """A discriminator of dense layers, for data of any shape or for codes.

    It has no batch statistics, so that a sample's score is its own.

    Args:
        data_shape: shape of one sample, without the batch; `(latent_dim,)`
            for a discriminator of codes.
        hidden_units: width of each hidden layer.
        activation: activation of the hidden layers.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *data_shape)` to scores `(batch, 1)`,
        logits without an activation: high means real.

    Example:

    ```python
    latent_discriminator = dense_discriminator((32,), (128, 128))
    ```
    """
    data = keras.Input(data_shape, name="data")
    features = _stack(layers.Flatten()(data), hidden_units, activation)
    score = layers.Dense(1, name="score")(features)
    return keras.Model(data, score, name=name)
