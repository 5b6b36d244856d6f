"""What nearest neighbours tell: coverage, memorisation, duplicates.

Distances are computed a tile at a time, so that memory does not grow with the
square of the samples.
"""

from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np

from keras_aegan.counts import check_count
from keras_aegan.metrics.feature_sets import (
    FeatureSetsMetric,
    as_features,
    as_pair,
)
from keras_aegan.metrics.features import Extractor

_TILE = 1024  # rows and columns: 8 MB of float64
#: Squared distances come as differences of squared norms. What is below this
#: share of them is rounding, and the samples are copies of each other.
_ROUNDING = 1e-13


def precision_recall_density_coverage(
    real, generated, k: int = 5
) -> dict[str, float]:
    """How much of the generated set is real, and of the real is generated.

    Around each sample lies a ball that ends at the k-th nearest other sample of
    its set, whose edge does not belong to it.

    | key | |
    |---|---|
    | `precision` | share of generated samples within a real sample's ball |
    | `recall` | share of real samples within a generated sample's ball |
    | `density` | in how many real balls a generated sample lies, over `k`; \
can be above 1 |
    | `coverage` | share of real samples with a generated one in their ball |

    A single outlier widens precision and recall; density and coverage are
    sturdier. Read them together: blurred samples, which shrink towards the
    middle, lie in many balls, and only recall or coverage tells (see
    `tests/benchmarks/good_from_bad.py`). The samples must be many, and of both
    kinds about equally many.

    A ball between copies is empty: of samples that are all the same, every
    number is 0.

    Args:
        real: array `(n, d)`, `n` above `k`.
        generated: array `(m, d)`, `m` above `k`.
        k: which neighbour ends the ball, 5 by default.

    Returns:
        A dict of four floats.

    Raises:
        ValueError: for features that are not finite numbers of that shape, or
            not more than `k` of each kind.

    Example:

    ```python
    found = precision_recall_density_coverage(
        extractor(images), extractor(model.generate(len(images)))
    )
    ```

    Reference:
        - [Improved Precision and Recall Metric for Assessing Generative
          Models](https://arxiv.org/abs/1904.06991), equations 1 and 2
        - [Reliable Fidelity and Diversity Metrics for Generative Models](
          https://arxiv.org/abs/2002.09797), equations 3 and 4
    """
    check_count("k", k)
    real, generated = as_pair(real, generated, least=k + 1)
    radii, generated_radii = _radii(real, k), _radii(generated, k)
    covered = np.zeros(len(real), bool)
    recalled = np.zeros(len(real), bool)
    balls = np.zeros(len(generated), int)
    for rows in _tiles(real):
        for columns in _tiles(generated):
            squares = _squares(real[rows], generated[columns])
            within = squares < radii[rows, None]
            covered[rows] |= within.any(axis=1)
            balls[columns] += np.count_nonzero(within, axis=0)
            within = squares < generated_radii[columns]
            recalled[rows] |= within.any(axis=1)
    return {
        "precision": float(np.mean(balls > 0)),
        "recall": float(recalled.mean()),
        "density": float(1 / k * balls.mean()),
        "coverage": float(covered.mean()),
    }


class PrecisionRecallDensityCoverage(FeatureSetsMetric):
    """`precision_recall_density_coverage` of what a model makes.

    In the logs: `precision_mnist` and so on, with the extractor's name, or
    with the metric's where it is given one.

    Args:
        extractor: what it compares: `"pixels"` (default), another name that
            `extractor_for` knows, a `keras.Model` or an `Extractor`.
        k: which neighbour ends a sample's ball, 5 by default.
        data_range: `(low, high)` of the data, `(0, 255)` by default, or `None`
            for data without a range.
        name: what follows in the logs, instead of the extractor's name: one
            for each, where there are several on the same features.

    Example:

    ```python
    model.compile(metrics=[PrecisionRecallDensityCoverage("mnist")])
    model.evaluate(test_images, return_dict=True)["coverage_mnist"]
    ```

    Reference:
        - [Reliable Fidelity and Diversity Metrics for Generative Models](
          https://arxiv.org/abs/2002.09797), equations 3 and 4
    """

    def __init__(
        self,
        extractor: "str | keras.Model | Extractor" = "pixels",
        k: int = 5,
        data_range: tuple[float, float] | None = (0, 255),
        name: str | None = None,
    ):
        check_count("k", k)
        self.k = k
        self.least = k + 1
        kind = "precision_recall_density_coverage"
        super().__init__(extractor, kind, data_range, name)
        self._suffix = name or self.extractor.name

    def result(self) -> dict[str, float]:
        found = precision_recall_density_coverage(*self.feature_sets(), self.k)
        return {f"{kind}_{self._suffix}": v for kind, v in found.items()}


def memorization_ratio(generated, train, held_out, seed: int = 0) -> float:
    """How much nearer generated samples are to training data than to others.

    The mean distance of a generated sample to the nearest of `train`, over the
    same for `held_out`: about 1 for samples that know the distribution and not
    its samples, towards 0 for copies. Of the larger reference set as many are
    drawn as the smaller one has, because in a larger set something is nearer.

    It is the ratio of means, not of medians, because a model copies some
    samples: a share `p` of copies takes the mean down by about `p`, while the
    median hardly notices a third. Samples that are far from everything, which
    the mean weighs more, are equally far from both sets.

    Args:
        generated: array `(n, d)`, `n` of 2 or more.
        train: array `(m, d)` of what the model was trained on.
        held_out: array `(l, d)` of data that it never saw.
        seed: integer seed of the draw.

    Returns:
        The ratio, 0 or more. It is 1 if both distances are 0, and infinite if
        only those to `held_out` are.

    Raises:
        ValueError: for features that are not finite numbers of that shape.

    Example:

    ```python
    memorization_ratio(*map(extractor, (samples, x_train, x_test)))
    ```
    """
    sets = []
    for name, reference in (("train", train), ("held_out", held_out)):
        samples, reference = as_pair(
            generated, reference, names=("generated", name)
        )
        sets.append(reference)
    size = min(map(len, sets))
    random = np.random.default_rng(seed)
    sets = [
        x if len(x) == size else x[random.choice(len(x), size, replace=False)]
        for x in sets
    ]
    to_train, to_held_out = (_nearest(samples, x).mean() for x in sets)
    if to_held_out == 0:
        return 1.0 if to_train == 0 else float("inf")
    return float(to_train / to_held_out)


class MemorizationRatio(FeatureSetsMetric):
    """`memorization_ratio` of what a model makes, beside held-out data.

    The data that `evaluate` gets, or `fit` for validation, are the held-out
    ones.

    Args:
        train: array `(n, *data_shape)` of training data, `n` of 2 or more, best
            as many as there are held-out ones. Its features are kept.
        extractor: what it compares: `"pixels"` (default), another name that
            `extractor_for` knows, a `keras.Model` or an `Extractor`.
        seed: integer seed of the draw that makes the sets equally large.
        data_range: `(low, high)` of the data, `(0, 255)` by default, or `None`
            for data without a range.
        name: the name in the logs, by default `"memorization_ratio_"` and the
            extractor's.

    Example:

    ```python
    model.compile(metrics=[MemorizationRatio(x_train[:10_000], "mnist")])
    model.evaluate(x_test, return_dict=True)["memorization_ratio_mnist"]
    ```
    """

    def __init__(
        self,
        train,
        extractor: "str | keras.Model | Extractor" = "pixels",
        seed: int = 0,
        data_range: tuple[float, float] | None = (0, 255),
        name: str | None = None,
    ):
        super().__init__(extractor, "memorization_ratio", data_range, name)
        self.seed = seed
        self._train = self.extractor(train)
        as_features(self._train, "train", least=2)

    def result(self) -> float:
        held_out, generated = self.feature_sets()
        return memorization_ratio(generated, self._train, held_out, self.seed)


class BirthdayTest(NamedTuple):
    """The closest pairs, and how many different samples there seem to be."""

    indices: np.ndarray
    distances: np.ndarray
    support: float | None


def birthday_test(
    features, pairs: int = 20, threshold: float | None = None
) -> BirthdayTest:
    """The pairs of generated samples that are most alike, to be looked at.

    Among `s` samples of a model that makes `N` different ones, about
    `s^2 / (2 N)` pairs are the same. Look at the closest pairs, decide from
    which distance down they are duplicates, and call it again with that.

    Args:
        features: array `(s, d)` of generated samples, `s` of 2 or more.
        pairs: return no more than this many, 20 by default.
        threshold: distance up to which two samples are the same one. `None`
            (default) gives no estimate of the support.

    Returns:
        A `BirthdayTest`: `indices`, an array `(pairs, 2)` of the closest pairs,
        closest first; their `distances`, `(pairs,)`; and `support`, the pairs
        that there are over those that are duplicates, infinite if none are,
        `None` without a threshold. Where some samples are more likely than
        others, it counts the likely ones.

    Raises:
        ValueError: for features that are not finite numbers of that shape, or
            an impossible setting.

    Example:

    ```python
    samples = model.generate(2000)
    closest = birthday_test(extractor(samples), pairs=8).indices
    grid = image_grid(samples[closest.ravel()], columns=2)
    ```

    Reference:
        - [Do GANs actually learn the distribution? An empirical study](
          https://arxiv.org/abs/1706.08224), the birthday paradox test
    """
    check_count("pairs", pairs)
    if threshold is not None and not threshold >= 0:
        raise ValueError(
            "Expected threshold to be a distance, 0 or more, or None. "
            f"Received: threshold={threshold!r}"
        )
    features = as_features(features, "features", least=2)
    count = len(features)
    indices, closest = np.zeros((0, 2), int), np.zeros(0)
    farthest, duplicates = np.inf, 0
    if threshold is not None:
        # A pair's own distance counts it, however its square is rounded.
        largest = np.einsum("ij,ij->i", features, features).max()
        most = threshold**2 + 2 * _ROUNDING * largest
    for rows, columns, squares in _upper_tiles(features):
        if rows == columns:
            squares[np.tril_indices(len(squares))] = np.inf
        if threshold is not None:
            duplicates += np.count_nonzero(squares <= most)
        near = np.argwhere(squares < farthest)
        closest = np.concatenate([closest, squares[tuple(near.T)]])
        near += rows.start, columns.start
        order = np.argsort(closest, kind="stable")[:pairs]
        closest = closest[order]
        indices = np.concatenate([indices, near])[order]
        if len(closest) == pairs:
            farthest = closest[-1]
    distances = np.linalg.norm(
        features[indices[:, 0]] - features[indices[:, 1]], axis=1
    )
    support = None
    if threshold is not None:
        among = count * (count - 1) / 2
        support = among / duplicates if duplicates else float("inf")
    return BirthdayTest(indices, distances, support)


def _radii(features, k):
    """The squared distance of each sample to its k-th nearest other one."""
    nearest = np.full((len(features), k), np.inf)

    def keep(rows, squares):
        both = np.concatenate([nearest[rows], squares], axis=1)
        nearest[rows] = np.partition(both, k - 1, axis=1)[:, :k]

    for rows, columns, squares in _upper_tiles(features):
        if rows == columns:
            np.fill_diagonal(squares, np.inf)
        else:
            keep(columns, squares.T)
        keep(rows, squares)
    # A copy of the neighbour that ends the ball is on its edge, and must not
    # fall inside because its distance was rounded differently.
    return nearest.max(axis=1) * (1 - 1e-12)


def _nearest(samples, reference):
    """The distance of each sample to the nearest of the reference."""
    distances = np.empty(len(samples))
    for rows in _tiles(samples):
        part = samples[rows]
        least = np.full(len(part), np.inf)
        index = np.zeros(len(part), int)
        for columns in _tiles(reference):
            squares = _squares(part, reference[columns])
            found = squares.argmin(axis=1)
            square = squares[np.arange(len(part)), found]
            index = np.where(square < least, columns.start + found, index)
            least = np.minimum(square, least)
        # Once more, without a rounded difference of large numbers.
        distances[rows] = np.linalg.norm(part - reference[index], axis=1)
    return distances


def _upper_tiles(features) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Each tile of the squared distances among samples, or its transpose."""
    for rows in _tiles(features):
        for columns in _tiles(features):
            if rows.start <= columns.start:
                yield rows, columns, _squares(features[rows], features[columns])


def _tiles(samples):
    return [slice(i, i + _TILE) for i in range(0, len(samples), _TILE)]


def _squares(a, b):
    norms = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
    squares = a @ b.T
    squares *= -2.0
    squares += norms
    norms *= _ROUNDING
    squares[squares < norms] = 0.0
    return squares
