"""Dense networks, for data of any shape: the article's own systems."""

import math

import keras
from keras import layers

from keras_aegan.networks.codes import code_output
from keras_aegan.networks.critic import (
    augmented,
    autoencoder,
    critic_output,
    spectrally_normalized,
)


def stack(features, units: tuple[int, ...], activation: str, name="hidden"):
    """Hidden layers of these many units."""
    for index, width in enumerate(units):
        features = layers.Dense(
            width, activation=activation, name=f"{name}_{index}"
        )(features)
    return features


def dense_encoder(
    data_shape: tuple[int, ...],
    latent_dim: int,
    hidden_units: tuple[int, ...] = (),
    activation: str = "leaky_relu",
    code_activation: str | None = None,
    distribution: bool = False,
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
        distribution: whether to give a normal distribution of codes, as a
            variational encoder does; `code_activation` is then its mean's.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *data_shape)` to `(batch, latent_dim)`,
        or to a dict of two such tensors: `"mean"` and `"log_variance"`, the
        latter clipped to -30 to 20.

    Example:

    ```python
    encoder = dense_encoder((28, 28, 1), 32, code_activation="relu")
    ```
    """
    activations = {"code": code_activation, "mean": code_activation}
    data = keras.Input(data_shape, name="data")
    features = stack(layers.Flatten()(data), hidden_units, activation)
    code = code_output(
        features,
        lambda name: layers.Dense(
            latent_dim, activation=activations.get(name), name=name
        ),
        distribution,
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
        output_activation: `"tanh"` (default), `"sigmoid"` or `"relu"` for
            data with a range, `None` for data without one. All networks here
            work in -1 to 1: a sigmoid's 0 to 1 is spread over it, and a
            ReLU's 0 is moved to -1.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, latent_dim)` to `(batch, *data_shape)`.

    Example:

    ```python
    generator = dense_generator((28, 28, 1), 32, output_activation="sigmoid")
    ```
    """
    code = keras.Input((latent_dim,), name="code")
    features = stack(code, hidden_units, activation)
    data = layers.Dense(
        math.prod(data_shape), activation=output_activation, name="data"
    )(features)
    if output_activation == "sigmoid":
        data = layers.Rescaling(2.0, offset=-1.0)(data)
    elif output_activation == "relu":
        data = layers.Rescaling(1.0, offset=-1.0)(data)
    return keras.Model(code, layers.Reshape(data_shape)(data), name=name)


def dense_discriminator(
    data_shape: tuple[int, ...],
    hidden_units: tuple[int, ...] = (128, 128),
    activation: str = "leaky_relu",
    outputs: tuple[str, ...] = ("score",),
    spectral_norm: bool = False,
    augment: tuple[str, ...] = (),
    output_activation: str | None = "tanh",
    name: str = "discriminator",
) -> keras.Model:
    """A discriminator of dense layers, for data of any shape or for codes.

    It has no batch statistics, so that a sample's score is its own.

    Args:
        data_shape: shape of one sample, without the batch; `(latent_dim,)`
            for a discriminator of codes.
        hidden_units: width of each hidden layer.
        activation: activation of the hidden layers.
        outputs: some of `"score"`, `"features"` (the last hidden layer's) and
            `"reconstruction"` (the data, decoded from the features by the
            mirrored hidden layers; with `augment` it comes with `"seen"`, the
            augmented data). The score alone by default.
        spectral_norm: whether the layers on the way to the score have weights
            of spectral norm 1.
        augment: what `keras_aegan.layers.DiffAugment` does to the data first;
            nothing by default.
        output_activation: of the reconstruction, see `dense_generator`.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *data_shape)` to scores `(batch, 1)`,
        logits without an activation: high means real. With other `outputs`, to
        a dict of them.

    Raises:
        ValueError: if `outputs` is empty or names anything else.

    Example:

    ```python
    latent_discriminator = dense_discriminator((32,), (128, 128))
    ```

    Reference:
        - [Spectral Normalization for Generative Adversarial Networks](
          https://arxiv.org/abs/1802.05957)
        - [Towards Faster and Stabilized GAN Training](
          https://arxiv.org/abs/2101.04775), for the reconstruction
    """
    data = keras.Input(data_shape, name="data")
    seen = augmented(data, augment)
    features = stack(layers.Flatten()(seen), hidden_units, activation)
    mirrored = tuple(reversed(hidden_units[:-1]))
    output = critic_output(
        outputs,
        {
            "score": lambda: layers.Dense(1, name="score")(features),
            "features": lambda: features,
            "reconstruction": lambda: dense_generator(
                data_shape,
                features.shape[-1],
                mirrored,
                activation,
                output_activation,
                name="decoder",
            )(features),
        },
        seen if augment else None,
    )
    network = keras.Model(data, output, name=name)
    return spectrally_normalized(network) if spectral_norm else network


def dense_autoencoder(
    data_shape: tuple[int, ...],
    latent_dim: int,
    hidden_units: tuple[int, ...] = (),
    activation: str = "leaky_relu",
    code_activation: str | None = None,
    output_activation: str | None = "tanh",
    name: str = "discriminator",
) -> keras.Model:
    """A critic that is an autoencoder of dense layers.

    Data that it reconstructs well look real to it.

    Args:
        data_shape: shape of one sample, without the batch.
        latent_dim: number of values in a code.
        hidden_units: width of each hidden layer of the encoder, mirrored in
            the decoder; none by default.
        activation: activation of the hidden layers.
        code_activation: activation of the code; none by default.
        output_activation: of the reconstruction, see `dense_generator`.
        name: the network's name.

    Returns:
        A `keras.Model` from `(batch, *data_shape)` to a dict of
        `"reconstruction"`, of the data's shape, and `"features"`, the code
        `(batch, latent_dim)`.

    Example:

    ```python
    discriminator = dense_autoencoder((28, 28, 1), 32, hidden_units=(128,))
    ```

    Reference:
        - [Energy-based Generative Adversarial Network](
          https://arxiv.org/abs/1609.03126)
    """
    return autoencoder(
        dense_encoder(
            data_shape, latent_dim, hidden_units, activation, code_activation
        ),
        dense_generator(
            data_shape,
            latent_dim,
            tuple(reversed(hidden_units)),
            activation,
            output_activation,
        ),
        name,
    )
