"""What discriminators of every architecture may have."""

from collections.abc import Callable

import keras
from keras import layers

from keras_aegan.layers import DiffAugment


def augmented(data, policy: tuple[str, ...]):
    """Data as the discriminator sees them: changed at random in training."""
    return DiffAugment(policy)(data) if policy else data


def critic_output(
    outputs: tuple[str, ...], heads: dict[str, Callable], seen=None
):
    """The outputs that were asked for: a dict, or the score alone.

    Args:
        outputs: names of outputs.
        heads: what makes each output that there is, by its name.
        seen: the augmented data, which a reconstruction is to be held to, or
            `None` without augmentation.

    Raises:
        ValueError: if `outputs` is empty or names anything else.
    """
    if isinstance(outputs, str) or not outputs or not set(outputs) <= {*heads}:
        raise ValueError(
            f"Expected outputs to be a tuple of some of {tuple(heads)}. "
            f"Received: outputs={outputs!r}"
        )
    if tuple(outputs) == ("score",):
        return heads["score"]()
    made = {name: heads[name]() for name in outputs}
    if seen is not None and "reconstruction" in made:
        made["seen"] = seen
    return made


def spectrally_normalized(network: keras.Model) -> keras.Model:
    """The same network with each layer's weights of spectral norm 1.

    Models inside the network, such as a decoder that only reconstructs, are
    left as they are: they are not on the way to the score.
    """

    def wrapped(layer):
        if not isinstance(layer, layers.Dense | layers.Conv1D | layers.Conv2D):
            return layer
        plain = type(layer).from_config(layer.get_config())
        # Weights that start at zero would jump to norm 1 after a first step.
        if isinstance(plain.kernel_initializer, keras.initializers.Zeros):
            plain.kernel_initializer = keras.initializers.HeNormal()
        return layers.SpectralNormalization(
            plain, name=f"spectral_{plain.name}"
        )

    return keras.models.clone_model(network, clone_function=wrapped)


def autoencoder(
    encoder: keras.Model, generator: keras.Model, name: str
) -> keras.Model:
    """An encoder and a generator as one critic, whose features are the code."""
    data = keras.Input(encoder.input_shape[1:], name="data")
    code = encoder(data)
    outputs = {"reconstruction": generator(code), "features": code}
    return keras.Model(data, outputs, name=name)
