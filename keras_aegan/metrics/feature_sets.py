"""Sets of features: what one is, and metrics that keep two of them."""

import keras
import numpy as np

from keras_aegan.metrics.features import Extractor, extractor_for
from keras_aegan.metrics.metric import SampleMetric


def as_features(features, argument: str, least: int = 1) -> np.ndarray:
    """Features in float64, checked.

    Args:
        features: array `(n, d)` of finite numbers.
        argument: what it is called in the error.
        least: as many samples it has to have.

    Returns:
        A float64 array `(n, d)`.

    Raises:
        ValueError: for another shape, too few samples, or anything that is not
            a finite number.
    """
    features = np.asarray(features)
    if features.ndim != 2 or not features.shape[1]:
        raise ValueError(
            f"Expected {argument} to be features of shape (n, d). Received: "
            f"shape {features.shape}. Flatten what one sample has: "
            "`x.reshape(len(x), -1)`."
        )
    if features.dtype.kind not in "fiub":
        raise ValueError(
            f"Expected {argument} to be real numbers. Received: dtype "
            f"{features.dtype}. Convert them: `x.astype('float32')`."
        )
    if len(features) < least:
        raise ValueError(
            f"Expected {argument} to have {least} samples or more. Received: "
            f"{len(features)}"
        )
    features = features.astype("float64", copy=False)
    if not np.isfinite(features).all():
        raise ValueError(
            f"Expected {argument} to be finite. Received: features with NaN or "
            "infinity. Look for a network that has diverged."
        )
    return features


def as_pair(
    real, generated, least: int = 2, names=("real", "generated")
) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of the same features in float64, checked.

    Args:
        real: array `(n, d)` of finite numbers.
        generated: array `(m, d)` of finite numbers.
        least: as many samples each has to have, 2 by default.
        names: what they are called in the error.

    Returns:
        Two float64 arrays, `(n, d)` and `(m, d)`.

    Raises:
        ValueError: as `as_features`, or if the features differ in number.
    """
    real = as_features(real, names[0], least)
    generated = as_features(generated, names[1], least)
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            f"Expected {names[0]} and {names[1]} to have equally many "
            f"features. Received: {real.shape[1]} and {generated.shape[1]}. "
            "Take both from one extractor."
        )
    return real, generated


class FeatureSetsMetric(SampleMetric):
    """A metric that needs every sample's features at the end.

    It keeps them as the extractor gives them: 4 d bytes a sample.

    Args:
        extractor: whatever `extractor_for` takes.
        kind: the metric's kind, which its default name starts with.
        data_range: `(low, high)` of the data, or `None`.
        name: the name in the logs, by default the kind and the extractor's.
    """

    least = 2

    def __init__(
        self,
        extractor: "str | keras.Model | Extractor",
        kind: str,
        data_range: tuple[float, float] | None = (0, 255),
        name: str | None = None,
    ):
        self.extractor = extractor_for(extractor, data_range)
        super().__init__(name=name or f"{kind}_{self.extractor.name}")

    def update_state(self, real, made):
        self._real.append(self.extractor(real))
        self._made.append(self.extractor(made))

    def reset_state(self):
        self._real, self._made = [], []

    def feature_sets(self) -> tuple[np.ndarray, np.ndarray]:
        """The features `(n, d)` of the real and of the made samples so far."""
        if not self._real:
            raise ValueError(
                f"{self.name} has seen no samples. Call update_state first."
            )
        return np.concatenate(self._real), np.concatenate(self._made)
