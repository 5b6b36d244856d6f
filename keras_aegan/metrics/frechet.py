"""The Fréchet distance: how far apart two sets lie if both were Gaussian."""

import warnings

import keras
import numpy as np

from keras_aegan.metrics.feature_sets import as_features, as_pair
from keras_aegan.metrics.features import Extractor, extractor_for
from keras_aegan.metrics.metric import SampleMetric


class Moments:
    """Mean and covariance of features that come in batches.

    In float64, and the same to rounding however the samples are batched. They
    take `8 d^2` bytes.

    Example:

    ```python
    moments = Moments()
    for batch in batches:
        moments.update(batch)
    moments.count, moments.mean, moments.covariance
    ```

    Reference:
        - [Updating Formulae and a Pairwise Algorithm for Computing Sample
          Variances](https://doi.org/10.1007/978-3-642-51461-6_3), equation 2.1,
          here for vectors
    """

    def __init__(self):
        self.count = 0
        self.mean = None
        self._scatter = None

    def update(self, features):
        """Takes in more samples.

        Args:
            features: array `(n, d)` of finite numbers, `n` of 1 or more.

        Raises:
            ValueError: for anything else, or another `d` than before.
        """
        features = as_features(features, "features")
        count, d = features.shape
        if self.mean is None:
            self.mean, self._scatter = np.zeros(d), np.zeros((d, d))
        elif len(self.mean) != d:
            raise ValueError(
                f"Expected {len(self.mean)} features, as before. Received: {d}"
            )
        mean = features.mean(axis=0)
        step = mean - self.mean
        total = self.count + count
        # The way between the two means counts as one more row.
        weight = np.sqrt(self.count * count / total)
        rows = np.concatenate([features - mean, weight * step[None]])
        self._scatter += rows.T @ rows
        self.mean = self.mean + step * (count / total)
        self.count = total

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance `(d, d)`, from 2 samples on."""
        if self.count < 2:
            raise ValueError(
                "Expected 2 samples or more for a covariance. Received: "
                f"{self.count}. Call update first."
            )
        return self._scatter / (self.count - 1)


def frechet_distance(real, generated) -> float:
    """The Fréchet distance of two sets of features, each taken as Gaussian.

    `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`, `m` the means and `S` the
    unbiased covariances: 0 for equal moments, and never below. On features of
    an Inception network it is called FID.

    It is biased upwards, by more the fewer samples there are: compare numbers
    of equally many samples, and use more samples than features.

    With `S1 = A^T A` and `S2 = B^T B` the last trace is the sum of the singular
    values of `A B^T`, which loses no digits to a singular covariance, as a
    square root of the product does, and is never complex. From fewer samples
    than features, `A` are the samples themselves, and the cost falls with them.

    Args:
        real: array `(n, d)`, `n` of 2 or more.
        generated: array `(m, d)`, `m` of 2 or more.

    Returns:
        The distance, 0 or more.

    Raises:
        ValueError: for features that are not finite numbers of that shape.

    Example:

    ```python
    frechet_distance(extractor(images), extractor(model.generate(10_000)))
    ```

    Reference:
        - [GANs Trained by a Two Time-Scale Update Rule Converge to a Local
          Nash Equilibrium](https://arxiv.org/abs/1706.08500), equation 6
    """
    real, generated = as_pair(real, generated)
    _warn_of_few(len(real), len(generated), real.shape[1])
    return _distance(*_of_samples(real), *_of_samples(generated))


class FrechetDistance(SampleMetric):
    """`frechet_distance` of what a model makes, beside real data.

    It keeps no samples, only their moments: `16 d^2` bytes for `d` features.

    Args:
        extractor: what it compares: `"pixels"` (default), another name that
            `extractor_for` knows, a `keras.Model` or an `Extractor`.
        data_range: `(low, high)` of the data, `(0, 255)` by default, or `None`
            for data without a range.
        name: the name in the logs, by default `"frechet_distance_"` and the
            extractor's.

    Example:

    ```python
    model.compile(metrics=[FrechetDistance("mnist")])
    model.evaluate(test_images, return_dict=True)["frechet_distance_mnist"]
    ```

    Reference:
        - [GANs Trained by a Two Time-Scale Update Rule Converge to a Local
          Nash Equilibrium](https://arxiv.org/abs/1706.08500), equation 6
    """

    least = 2

    def __init__(
        self,
        extractor: "str | keras.Model | Extractor" = "pixels",
        data_range: tuple[float, float] | None = (0, 255),
        name: str | None = None,
    ):
        self.extractor = extractor_for(extractor, data_range)
        super().__init__(name or f"frechet_distance_{self.extractor.name}")

    def update_state(self, real, made):
        self._real.update(self.extractor(real))
        self._made.update(self.extractor(made))

    def result(self) -> float:
        moments = self._real, self._made
        if min(m.count for m in moments) < self.least:
            raise ValueError(
                f"{self.name} needs {self.least} samples or more of each kind. "
                f"Received: {self._real.count} real and {self._made.count} "
                "made. Call update_state with more."
            )
        _warn_of_few(*(m.count for m in moments), len(self._real.mean))
        return _distance(*_of_moments(self._real), *_of_moments(self._made))

    def reset_state(self):
        self._real, self._made = Moments(), Moments()


def _of_samples(features):
    """The mean, and a root `A` with `A^T A` the covariance."""
    count, d = features.shape
    if count < d:
        mean = features.mean(axis=0)
        return mean, (features - mean) / np.sqrt(count - 1)
    moments = Moments()
    moments.update(features)
    return _of_moments(moments)


def _of_moments(moments):
    return moments.mean, _root(moments.covariance)


def _root(covariance):
    rounding = len(covariance) * np.finfo("float64").eps
    try:
        root = np.linalg.cholesky(covariance).T  # A tenth of the other's time.
        pivots = np.diag(root) ** 2
        if pivots.min() > rounding * pivots.max():
            return root
    except np.linalg.LinAlgError:
        pass  # It is singular.
    values, vectors = np.linalg.eigh(covariance)
    # What is this small is a zero that was rounded. Kept, each would add its
    # root, 1e-8 of the largest: too much where there are thousands.
    kept = values > rounding * values[-1]
    return (vectors[:, kept] * np.sqrt(values[kept])).T


def _distance(mean1, root1, mean2, root2):
    shared = np.linalg.svd(root1 @ root2.T, compute_uv=False).sum()
    apart = np.sum((mean1 - mean2) ** 2)
    spread = np.sum(root1**2) + np.sum(root2**2)
    return max(0.0, float(apart + spread - 2 * shared))


def _warn_of_few(real, generated, features):
    if min(real, generated) < features:
        warnings.warn(
            f"A Fréchet distance from {real} real and {generated} made "
            f"samples of {features} features is biased and noisy: give more "
            "samples than features, take features that are fewer, or use the "
            "kernel distance, which has no bias.",
            stacklevel=3,
        )
