"""From anomaly scores to decisions whose false alarms are known."""

import dataclasses
import math

import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class AnomalyThreshold:
    """The scores of held-out normal data, which new scores are held against.

    `calibrate` makes it, and says what of.

    Args:
        normal_scores: `(n,)`; kept as a sorted tuple of floats.
        false_positive_rate: above 0 and below 1.

    Raises:
        ValueError: as `calibrate`.
    """

    normal_scores: tuple[float, ...]
    false_positive_rate: float

    def __post_init__(self):
        rate = self.false_positive_rate
        if not isinstance(rate, (float, np.floating)) or not 0 < rate < 1:
            raise ValueError(
                "Expected false_positive_rate to be a share above 0 and below "
                f"1. Received: false_positive_rate={rate!r}"
            )
        scores = np.sort(_checked(self.normal_scores, "normal_scores"))
        if not _alarms(len(scores), rate):
            raise ValueError(
                f"Expected {_fewest(rate)} normal scores or more for a false "
                f"positive rate of {rate:g}. Received: {len(scores)}. Score "
                "more held-out normal data, or allow a higher rate."
            )
        # The dataclass is frozen for others.
        object.__setattr__(self, "normal_scores", tuple(scores.tolist()))
        object.__setattr__(self, "false_positive_rate", float(rate))

    @property
    def threshold(self) -> float:
        """The score above which a sample is called anomalous."""
        n = len(self.normal_scores)
        return self.normal_scores[n - _alarms(n, self.false_positive_rate)]

    def p_values(self, scores: np.ndarray) -> np.ndarray:
        """How rare scores as high as these are among normal data.

        `(1 + #{normal >= score}) / (n + 1)`, for `n` normal scores. For a
        normal sample it is at most `a` with a probability of at most `a`, for
        every `a`; it is never below `1 / (n + 1)`. Each sample's is its own:
        nothing depends on the others. Among many samples some normal ones
        have small p-values: correct for their number, for instance by
        Benjamini and Hochberg's procedure.

        Args:
            scores: `(n,)`, of the same kind as the normal ones.

        Returns:
            A float64 array `(n,)`, above 0 and at most 1.

        Raises:
            ValueError: for another shape, or scores that are not finite.

        Example:

        ```python
        limit.p_values(model.anomaly_score(images))
        ```

        Reference:
            - [Testing for Outliers with Conformal p-values](
              https://arxiv.org/abs/2104.08279), section 1, marginal p-values
        """
        count = len(self.normal_scores)
        below = np.searchsorted(self.normal_scores, _checked(scores, "scores"))
        return (1 + count - below) / (count + 1)

    def is_anomalous(self, scores: np.ndarray) -> np.ndarray:
        """Which scores are above the threshold.

        They are those with `p_values` of at most `false_positive_rate`.

        Args:
            scores: `(n,)`, of the same kind as the normal ones.

        Returns:
            A bool array `(n,)`.

        Raises:
            ValueError: for another shape, or scores that are not finite.

        Example:

        ```python
        odd = images[limit.is_anomalous(model.anomaly_score(images))]
        ```
        """
        return _checked(scores, "scores") > self.threshold

    def get_config(self) -> dict:
        """All of it as a dict for JSON, about 20 bytes a normal score."""
        return {
            "normal_scores": list(self.normal_scores),
            "false_positive_rate": self.false_positive_rate,
        }

    @classmethod
    def from_config(cls, config: dict) -> "AnomalyThreshold":
        """The threshold that a dict of `get_config` describes.

        Args:
            config: dict of `"normal_scores"` and `"false_positive_rate"`.

        Returns:
            An `AnomalyThreshold`.

        Raises:
            ValueError: for other keys, or as `calibrate` does.

        Example:

        ```python
        limit = AnomalyThreshold.from_config(json.loads(text))
        ```
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if set(config) != names:
            raise ValueError(
                f"Expected a dict of {sorted(names)}. Received: a dict of "
                f"{sorted(config)}."
            )
        return cls(**config)


def calibrate(
    normal_scores: np.ndarray, false_positive_rate: float = 0.05
) -> AnomalyThreshold:
    """A threshold for anomaly scores with a known rate of false alarms.

    Of `n` normal scores it is the one of rank `ceil((n + 1) (1 - rate))`, from
    the lowest. A new normal sample scores above it with a probability of at
    most `rate`, whatever the distribution of scores, as long as normal data to
    come are like those that it was calibrated with. That is the mean over
    calibrations: the rate of one of them is off by about
    `sqrt(rate (1 - rate) / n)`, 0.7 points of 5 % for 1,000 scores.

    Calibrate on normal data that the model was not trained on, because it
    knows its training data better than any other. And never on the batch that
    is to be judged: a threshold from its own scores finds the same share of
    anomalies in every batch, however many there are.

    Args:
        normal_scores: `(n,)`, of held-out normal data; at least
            `1 / false_positive_rate - 1`, better 1,000 or more.
        false_positive_rate: above 0 and below 1, by default 0.05.

    Returns:
        An `AnomalyThreshold`.

    Raises:
        ValueError: for too few scores for the rate, another shape, scores
            that are not finite, or a rate out of its range.

    Example:

    ```python
    limit = calibrate(model.anomaly_score(held_out), 0.01)
    odd = limit.is_anomalous(model.anomaly_score(images))
    ```

    Reference:
        - [Testing for Outliers with Conformal p-values](
          https://arxiv.org/abs/2104.08279), section 1, marginal p-values
    """
    return AnomalyThreshold(normal_scores, false_positive_rate)


def detection(normal_scores: np.ndarray, odd_scores: np.ndarray) -> dict:
    """How well scores tell odd samples from normal ones, at any threshold.

    For the comparison of models and of kinds of scores, on labelled data. No
    threshold comes from it: that is calibrated on other, normal data.

    Args:
        normal_scores: `(n,)`, of normal test data.
        odd_scores: `(m,)`, of anomalous test data.

    Returns:
        A dict of `"auroc"`, the probability that an odd sample scores higher
        than a normal one, 0.5 by chance; and `"average_precision"`, the mean
        precision over recall, by chance the share of odd ones among these
        samples, with which it grows.

    Raises:
        ValueError: for no scores, another shape, or scores that are not
            finite.
        ImportError: if scikit-learn is not installed.

    Example:

    ```python
    detection(model.anomaly_score(digits), model.anomaly_score(letters))
    ```
    """
    scores = [
        _checked(normal_scores, "normal_scores"),
        _checked(odd_scores, "odd_scores"),
    ]
    try:
        from sklearn import metrics
    except ImportError as error:
        raise ImportError(
            "Detection is measured with scikit-learn, which is not installed. "
            'Install it with `pip install "keras-aegan[sklearn]"`.'
        ) from error
    labels = np.repeat([0, 1], [len(part) for part in scores])
    scores = np.concatenate(scores)
    return {
        "auroc": float(metrics.roc_auc_score(labels, scores)),
        "average_precision": float(
            metrics.average_precision_score(labels, scores)
        ),
    }


def _alarms(count: int, rate: float) -> int:
    """The rank of the threshold among so many normal scores, from the highest.

    `(n + 1) rate` can be a whole number that comes out a little below itself.
    """
    return min(math.floor((count + 1) * rate + 1e-9), count)


def _fewest(rate: float) -> int:
    """How many normal scores a rate needs at least."""
    count = math.floor(1 / rate) - 1
    return count if _alarms(count, rate) else count + 1


def _checked(scores, name):
    scores = np.asarray(ops.convert_to_numpy(scores), "float64")
    if scores.ndim != 1 or not len(scores):
        raise ValueError(
            f"Expected {name} of shape (n,), one a sample, at least one. "
            f"Received: shape {scores.shape}."
        )
    if not np.isfinite(scores).all():
        bad = len(scores) - np.count_nonzero(np.isfinite(scores))
        raise ValueError(
            f"Expected finite scores. Received: {name} with {bad} that are "
            "NaN or infinite. Look at these samples: the model gives no number."
        )
    return scores
