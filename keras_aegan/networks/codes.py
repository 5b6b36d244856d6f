"""What an encoder ends in: a code, or a normal distribution of codes."""

from collections.abc import Callable

import keras
from keras import ops

# Standard deviations from 3e-7 to 2e4: their exponentials stay finite.
LOG_VARIANCE_RANGE = (-30.0, 20.0)


def code_output(
    features, head: Callable[[str], keras.layers.Layer], distribution: bool
):
    """The code, or the mean and the log-variance of codes by name.

    Args:
        features: what the last layers see.
        head: makes a layer from features to code-shaped values, by its name.
        distribution: whether to give `{"mean": ..., "log_variance": ...}`.
    """
    if not distribution:
        return head("code")(features)
    log_variance = head("log_variance")(features)
    return {
        "mean": head("mean")(features),
        "log_variance": ops.clip(log_variance, *LOG_VARIANCE_RANGE),
    }
