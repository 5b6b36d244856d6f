"""Whether codes are spread like the prior that the generator knows."""

import math
from typing import NamedTuple

import numpy as np
from keras import ops

from keras_aegan.counts import check_count
from keras_aegan.losses.codes import SCALES

#: Rows of a kernel matrix that are in memory at a time.
_ROWS = 512


def code_moments(codes: np.ndarray) -> dict:
    """Means, variances and correlations of codes, to hold against the prior's.

    A normal prior has means of 0, variances of 1 and no correlations. Of `n`
    codes that are just so, correlations are still about `1 / sqrt(n)`.

    Args:
        codes: `(n, *latent_shape)`, `d` values each, 2 codes or more.

    Returns:
        A dict of

        - `"mean"`: array `(d,)`;
        - `"variance"`: array `(d,)`, the unbiased estimate;
        - `"largest_mean"`: float, the largest `|mean|`;
        - `"smallest_variance"`, `"largest_variance"`: floats;
        - `"correlation"`: float, the root mean square of the correlations of
          each value with each other, among those that vary; 0 for fewer than
          two of them.

    Raises:
        ValueError: for fewer than 2 codes, or codes that are not finite.

    Example:

    ```python
    code_moments(model.encode(images))["largest_mean"]
    ```
    """
    codes = _flat(codes, "codes")
    mean, variance = codes.mean(axis=0), codes.var(axis=0, ddof=1)
    # What is constant may still differ from its mean in the last digit.
    varies = np.ptp(codes, axis=0) > 0
    units = (codes[:, varies] - mean[varies]) / np.sqrt(variance[varies])
    correlations = units.T @ units / (len(codes) - 1)
    size = len(correlations)
    squares = (
        np.square(correlations).sum() - np.square(correlations.diagonal()).sum()
    )
    return {
        "mean": mean,
        "variance": variance,
        "largest_mean": float(np.abs(mean).max()),
        "smallest_variance": float(variance.min()),
        "largest_variance": float(variance.max()),
        "correlation": math.sqrt(max(squares, 0) / max(size * (size - 1), 1)),
    }


def active_units(codes: np.ndarray, threshold: float = 0.01) -> int:
    """How many values of a code the encoder uses.

    A value is active if it varies over the data by more than the threshold.
    The others say nothing of the data, and the generator cannot use them.

    Args:
        codes: `(n, *latent_shape)` of data, 2 codes or more; of an encoder
            that gives distributions, their means, as `AEGAN.encode` returns.
        threshold: variance above which a value counts, 0 or more, by default
            0.01; meant for a prior of variance 1.

    Returns:
        From 0 to the number of values in a code.

    Raises:
        ValueError: for a threshold below 0, fewer than 2 codes, or codes that
            are not finite.

    Example:

    ```python
    active_units(model.encode(images))
    ```

    Reference:
        - [Importance Weighted Autoencoders](https://arxiv.org/abs/1509.00519),
          section 5.2
    """
    if not threshold >= 0:
        raise ValueError(
            "Expected threshold to be a variance, 0 or more. Received: "
            f"threshold={threshold}"
        )
    variance = _flat(codes, "codes").var(axis=0, ddof=1)
    return int(np.count_nonzero(variance > threshold))


def maximum_mean_discrepancy(
    codes: np.ndarray, prior_codes: np.ndarray
) -> float:
    """The distance of codes to prior codes, by kernels.

    The unbiased estimate of the squared maximum mean discrepancy, with the
    inverse multiquadric kernels of `MaximumMeanDiscrepancyLoss`. It is around
    0 for codes that are spread like the prior's, and can be below. What is
    far from 0 depends on the number of codes: ask `mmd_test`.

    Time grows with the square of the number of codes, memory with the number.

    Args:
        codes: `(n, *latent_shape)`, 2 codes or more.
        prior_codes: `(m, *latent_shape)`, drawn from the prior, 2 or more.

    Returns:
        The squared discrepancy.

    Raises:
        ValueError: for shapes of codes that differ, fewer than 2 codes, or
            codes that are not finite.

    Example:

    ```python
    codes = model.encode(images)
    normal = np.random.default_rng(0).standard_normal(codes.shape)
    maximum_mean_discrepancy(codes, normal)
    ```

    Reference:
        - [A Kernel Two-Sample Test](
          https://jmlr.org/papers/v13/gretton12a.html), lemma 6
        - [Wasserstein Auto-Encoders](https://arxiv.org/abs/1711.01558),
          algorithm 2 and section 4, for the kernels
    """
    codes, prior_codes = paired_codes(
        {"codes": codes, "prior_codes": prior_codes}
    )
    n, m = len(codes), len(prior_codes)
    # Each code's kernel with itself is 1 a scale, whatever the rounding.
    among = _kernel_sum(codes, codes) - n * len(SCALES)
    among_prior = _kernel_sum(prior_codes, prior_codes) - m * len(SCALES)
    between = _kernel_sum(codes, prior_codes)
    return float(
        among / (n * (n - 1))
        + among_prior / (m * (m - 1))
        - 2 * between / (n * m)
    )


class MMDTest(NamedTuple):
    """What `mmd_test` found."""

    value: float
    p_value: float


def mmd_test(
    codes: np.ndarray,
    prior_codes: np.ndarray,
    permutations: int = 200,
    seed: int | None = 0,
    samples: int = 1000,
) -> MMDTest:
    """Whether codes can be told from prior codes, by their discrepancy.

    The p-value is the share of random divisions of all codes into two groups
    whose discrepancy is at least the one observed, which counts as one of
    them. A small one says that generator and encoder do not work on the same
    codes; a large one only that so many codes do not show a difference.

    The kernels are computed once for all permutations. They take
    `8 (n + m)^2` bytes, four times while they are computed: 130 MB for 1,000
    codes on each side.

    Args:
        codes: `(n, *latent_shape)`, 2 codes or more.
        prior_codes: `(m, *latent_shape)`, drawn from the prior, 2 or more.
        permutations: random divisions, 1 or more, by default 200. The p-value
            is never below `1 / (permutations + 1)`.
        seed: integer seed of the divisions and of the choice of codes, by
            default 0; `None` for a random one.
        samples: codes of either set that are used at most, 2 or more, by
            default 1,000. Of more, that many are drawn at random.

    Returns:
        `MMDTest(value, p_value)`: the squared discrepancy of the codes used,
        and the p-value, above 0 and at most 1.

    Raises:
        ValueError: for shapes of codes that differ, fewer than 2 codes, codes
            that are not finite, or numbers out of their range.

    Example:

    ```python
    codes = model.encode(images)
    normal = np.random.default_rng(0).standard_normal(codes.shape)
    mmd_test(codes, normal).p_value
    ```

    Reference:
        - [A Kernel Two-Sample Test](
          https://jmlr.org/papers/v13/gretton12a.html), lemma 6
        - [Permutation P-values Should Never Be Zero](
          https://arxiv.org/abs/1603.05766)
    """
    check_count("permutations", permutations)
    check_count("samples", samples, least=2)
    rng = np.random.default_rng(seed)
    codes, prior_codes = (
        part
        if len(part) <= samples
        else part[rng.choice(len(part), samples, replace=False)]
        for part in paired_codes({"codes": codes, "prior_codes": prior_codes})
    )
    n, m = len(codes), len(prior_codes)
    both = np.concatenate([codes, prior_codes])
    kernel = _kernel(both, both)
    np.fill_diagonal(kernel, 0)

    # A division is a column of ones and zeros; the first is the true one.
    first = np.zeros((n + m, permutations + 1))
    first[:n] = 1
    first[:, 1:] = rng.permuted(first[:, 1:], axis=0)
    near_first = kernel @ first
    among = (first * near_first).sum(axis=0)
    between = near_first.sum(axis=0) - among
    among_rest = kernel.sum() - among - 2 * between
    values = (
        among / (n * (n - 1))
        + among_rest / (m * (m - 1))
        - 2 * between / (n * m)
    )
    # Divisions that are the same but for rounding are as large.
    as_large = np.count_nonzero(values[1:] >= values[0] - 1e-10)
    return MMDTest(float(values[0]), float((1 + as_large) / (1 + permutations)))


def paired_codes(pair: dict) -> list[np.ndarray]:
    """Two sets of codes of one latent shape, checked, each `(n, d)`.

    Args:
        pair: dict of two names, for errors, to codes `(n, *latent_shape)`.

    Returns:
        A list of two float64 arrays.

    Raises:
        ValueError: for shapes of codes that differ, fewer than 2 codes, or
            codes that are not finite.
    """
    first, second = (np.shape(codes)[1:] for codes in pair.values())
    if first != second:
        raise ValueError(
            f"Expected {' and '.join(pair)} of one latent shape. Received: "
            f"codes of shape {first} and of shape {second}."
        )
    return [_flat(codes, name) for name, codes in pair.items()]


def _flat(codes, name):
    codes = np.asarray(ops.convert_to_numpy(codes), "float64")
    if codes.ndim < 2 or len(codes) < 2 or not codes.size:
        raise ValueError(
            f"Expected {name} of shape (n, *latent_shape) with n of 2 or "
            f"more. Received: shape {codes.shape}."
        )
    codes = codes.reshape(len(codes), -1)
    if not np.isfinite(codes).all():
        raise ValueError(
            f"Expected finite codes. Received: {name} with NaN or infinity."
        )
    return codes


def _kernel(a, b):
    """The kernels of each row of `a` with each of `b`, their scales added."""
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)
    squares -= 2 * (a @ b.T)
    # Rounding can leave less than nothing between two codes that are the same.
    np.maximum(squares, 0, out=squares)
    total = np.zeros_like(squares)
    for scale in SCALES:
        c = scale * 2 * a.shape[1]
        total += c / (c + squares)
    return total


def _kernel_sum(a, b):
    starts = range(0, len(a), _ROWS)
    return sum(_kernel(a[i : i + _ROWS], b).sum() for i in starts)
