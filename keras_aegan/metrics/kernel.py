"""The kernel distance: without bias, and with a standard error."""

from typing import NamedTuple

import keras
import numpy as np

from keras_aegan.counts import check_count
from keras_aegan.metrics.feature_sets import FeatureSetsMetric, as_pair
from keras_aegan.metrics.features import Extractor


class KernelEstimate(NamedTuple):
    """A distance, and its standard deviation over new draws of everything."""

    value: float
    standard_error: float


def kernel_distance(
    real,
    generated,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> KernelEstimate:
    """The squared maximum mean discrepancy with a cubic kernel, unbiased.

    `mean k(x, x') + mean k(y, y') - 2 mean k(x, y)` over different samples,
    `k(a, b) = (a.b / d + 1)^3`: 0 on average, and therefore also below 0, for
    two sets from one distribution. On features of an Inception network it is
    called KID.

    Sets of no more than `subset_size` samples are compared whole. Else the
    value is the mean over random subsets: for each, in turn, `seed`'s NumPy
    generator chooses the real and the generated samples, without replacement.

    The standard error is the standard deviation that the value would have over
    new draws of both sets and of the subsets. By Hoeffding's decomposition its
    square is a sum of variances, each estimated from the kernel's values: that
    of one sample's mean kernel, and of what is left between two samples. So it
    holds for equal distributions, where the first vanishes, as for different
    ones. (The spread of the subsets, which others report beside a KID, says how
    good one subset is, not their mean.) No variance is taken as below 0, which
    makes the error up to a quarter too large where the distributions are equal;
    with fewer than about 20 samples it is too small.

    Args:
        real: array `(n, d)`, `n` of 2 or more.
        generated: array `(m, d)`, `m` of 2 or more.
        subsets: number of subsets, 100 by default.
        subset_size: samples of either set in a subset, 2 or more, 1,000 by
            default. A few arrays of `8 subset_size^2` bytes are needed.
        seed: integer seed of the subsets.

    Returns:
        `(value, standard_error)`, a `KernelEstimate`.

    Raises:
        ValueError: for features that are not finite numbers of that shape, or
            an impossible setting.

    Example:

    ```python
    value, error = kernel_distance(extractor(images), extractor(samples))
    ```

    Reference:
        - [Demystifying MMD GANs](https://arxiv.org/abs/1801.01401), equation 4
          and section 4
        - [Unbiased estimators for the variance of MMD estimators](
          https://arxiv.org/abs/1906.02104), for the variance's parts
    """
    check_count("subsets", subsets)
    check_count("subset_size", subset_size, least=2)
    sets = as_pair(real, generated)
    sizes = [min(len(x), subset_size) for x in sets]
    if sizes == [len(x) for x in sets]:
        subsets = 1  # All would be the same.
    random = np.random.default_rng(seed)
    drawn = [
        _discrepancy(
            *(
                x[random.choice(len(x), size, replace=False)]
                for x, size in zip(sets, sizes, strict=True)
            )
        )
        for _ in range(subsets)
    ]
    values, parts = (np.array(x) for x in zip(*drawn, strict=True))
    # Whole sets vary; subsets of given sets by what they vary more than these.
    whole, subset = _weights(*map(len, sets)), _weights(*sizes)
    weights = whole + (subset - whole) / subsets
    variance = np.maximum(parts.mean(axis=0), 0.0) @ weights
    return KernelEstimate(float(values.mean()), float(np.sqrt(variance)))


class KernelDistance(FeatureSetsMetric):
    """`kernel_distance` of what a model makes, beside real data.

    Args:
        extractor: what it compares: `"pixels"` (default), another name that
            `extractor_for` knows, a `keras.Model` or an `Extractor`.
        subsets: number of subsets, 100 by default.
        subset_size: samples of either set in a subset, 1,000 by default.
        seed: integer seed of the subsets.
        data_range: `(low, high)` of the data, `(0, 255)` by default, or `None`
            for data without a range.
        name: the name in the logs, by default `"kernel_distance_"` and the
            extractor's.

    Example:

    ```python
    model.compile(metrics=[KernelDistance("mnist")])
    model.evaluate(test_images, return_dict=True)["kernel_distance_mnist"]
    ```

    Reference:
        - [Demystifying MMD GANs](https://arxiv.org/abs/1801.01401), section 4
    """

    def __init__(
        self,
        extractor: "str | keras.Model | Extractor" = "pixels",
        subsets: int = 100,
        subset_size: int = 1000,
        seed: int = 0,
        data_range: tuple[float, float] | None = (0, 255),
        name: str | None = None,
    ):
        check_count("subsets", subsets)
        check_count("subset_size", subset_size, least=2)
        self.subsets = subsets
        self.subset_size = subset_size
        self.seed = seed
        super().__init__(extractor, "kernel_distance", data_range, name)

    def estimate(self) -> KernelEstimate:
        """The value over all batches so far, with its standard error."""
        return kernel_distance(
            *self.feature_sets(), self.subsets, self.subset_size, self.seed
        )

    def result(self) -> float:
        return self.estimate().value


def _weights(n, m):
    """What each part's variance counts for in that of the distance."""
    return np.array(
        [4 / n, 4 / m, 2 / (n * (n - 1)), 2 / (m * (m - 1)), 4 / (n * m)]
    )


def _discrepancy(real, generated):
    """The distance, and the variances of the parts that add up to it."""
    n, m = len(real), len(generated)
    rows, left = _among(real)
    generated_rows, generated_left = _among(generated)
    kernel = _kernel(real, generated)
    across, generated_across = kernel.mean(axis=1), kernel.mean(axis=0)
    cross_left = _squares_left(kernel, across, generated_across) / (n * m)
    value = rows.mean() + generated_rows.mean() - 2 * across.mean()
    # The means of one sample's kernels still contain what is left of them.
    single = np.var(rows - across, ddof=1) - left / n - cross_left / m
    generated_single = (
        np.var(generated_rows - generated_across, ddof=1)
        - generated_left / m
        - cross_left / n
    )
    parts = single, generated_single, left, generated_left, cross_left
    return value, np.array(parts)


def _among(samples):
    """Each sample's mean kernel with the others, and the rest's variance."""
    count = len(samples)
    kernel = _kernel(samples, samples)
    np.fill_diagonal(kernel, 0.0)
    rows = kernel.sum(axis=1) / (count - 1)
    np.fill_diagonal(kernel, rows + rows - rows.mean())  # Nothing left there.
    return rows, _squares_left(kernel, rows, rows) / (count * (count - 1))


def _kernel(a, b):
    base = a @ b.T
    base /= a.shape[1]
    base += 1.0
    cube = base * base
    cube *= base
    return cube


def _squares_left(kernel, rows, columns):
    """The sum of squares of what the means leave; overwrites the kernel."""
    kernel -= rows[:, None]
    kernel -= columns - columns.mean()
    return np.vdot(kernel, kernel)
