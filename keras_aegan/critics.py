"""What a critic says: a score, and whatever else its network gives by name."""

import keras
from keras import ops

#: `"seen"` is the data as augmented, where they are reconstructed.
RESULTS = ("score", "features", "reconstruction", "seen")


def outputs_of(network: keras.Model):
    """A network's symbolic output, or its dict of outputs by name."""
    if isinstance(network, keras.Sequential):
        return network.outputs[0]
    return _only(network.output)


def _only(outputs):
    """Of a list of one output, as `keras.Model([x], [y])` gives it, that one.

    A list of several is left as it is.
    """
    is_one = isinstance(outputs, (list, tuple)) and len(outputs) == 1
    return outputs[0] if is_one else outputs


def results_of(network: keras.Model) -> tuple[str, ...]:
    """The names of what a critic gives.

    Args:
        network: a model with one output, a score (or, of its input's shape, a
            reconstruction), or with a dict of outputs by these names.

    Raises:
        ValueError: for outputs that are not known by name.
    """
    outputs = outputs_of(network)
    if isinstance(outputs, dict):
        if not outputs or not set(outputs) <= set(RESULTS):
            raise ValueError(
                f"Expected the {network.name} to give one output or a dict of "
                f"some of {RESULTS}. Received: {sorted(outputs)}"
            )
        return tuple(outputs)
    if isinstance(outputs, (list, tuple)):
        raise ValueError(
            f"Expected the {network.name} to give one output or a dict of "
            f"some of {RESULTS}. Received: a list of {len(outputs)}. Name "
            "them: `keras.Model(inputs, {'score': ..., 'features': ...})`."
        )
    inputs = network.inputs[0].shape[1:]
    # A single value is a score, even of data of a single value.
    if tuple(outputs.shape[1:]) == tuple(inputs) and tuple(inputs) != (1,):
        return ("reconstruction",)
    return ("score",)


def judge(network: keras.Model, inputs, training: bool) -> dict:
    """A critic's results on data or codes, in float32.

    An autoencoder has no score of its own: it scores minus its mean squared
    reconstruction error, its energy, of what it saw of the inputs.

    Args:
        network: the critic.
        inputs: what it judges; a list for a critic with two inputs.
        training: whether it runs in training mode.

    Returns:
        A dict with `"score"` and what else the network gives.
    """
    outputs = _only(network(inputs, training=training))
    if not isinstance(outputs, dict):
        outputs = {results_of(network)[0]: outputs}
    results = {k: ops.cast(v, "float32") for k, v in outputs.items()}
    if "reconstruction" in results:  # Without augmentation of what was given.
        results.setdefault("seen", ops.cast(inputs, "float32"))
    if "score" not in results:
        error = results["reconstruction"] - results["seen"]
        axes = tuple(range(1, len(error.shape)))
        results["score"] = -ops.mean(ops.square(error), axis=axes)
    return results
