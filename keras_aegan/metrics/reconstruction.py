"""How near reconstructions come to the data, and codes to their recovery."""

import math
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from keras_aegan.data import DataSpec
from keras_aegan.metrics.codes import paired_codes
from keras_aegan.metrics.metric import SampleMetric

#: Structural similarity's window and constants, as in Wang's section III.C.
_SIZE = 11
_WINDOW = np.exp(-0.5 * ((np.arange(_SIZE) - _SIZE // 2) / 1.5) ** 2)
_WINDOW /= _WINDOW.sum()
_K1, _K2 = 0.01, 0.03

#: Values that are worked on at a time; 16 MB in float64.
_BLOCK = 2**21


def mean_absolute_error(real: np.ndarray, made: np.ndarray) -> float:
    """The mean of `|real - made|` over all samples and their values.

    Args:
        real: `(n, *data_shape)`.
        made: `(n, *data_shape)`, for each of `real`, in the same range.

    Returns:
        The error in the data's own unit, 0 or more.

    Raises:
        ValueError: for shapes that differ, no samples, values that are not
            finite, or pixels beside fractions of them.

    Example:

    ```python
    mean_absolute_error(images, model.reconstruct(images))
    ```
    """
    return _mean_absolute({"real": real, "made": made})


def idempotence_error(once: np.ndarray, twice: np.ndarray) -> float:
    """How much a second reconstruction changes the first.

    The mean of `|G(E(x)) - G(E(G(E(x))))|`. What the model can make it should
    keep; an error as large as the first reconstruction's says that the codes
    drift, whatever a single reconstruction looks like.

    Args:
        once: `(n, *data_shape)`, reconstructions.
        twice: `(n, *data_shape)`, their reconstructions.

    Returns:
        The error in the data's own unit, 0 or more.

    Raises:
        ValueError: as `mean_absolute_error`.

    Example:

    ```python
    once = model.reconstruct(images)
    idempotence_error(once, model.reconstruct(once))
    ```
    """
    return _mean_absolute({"once": once, "twice": twice})


def peak_signal_to_noise_ratio(
    real: np.ndarray,
    made: np.ndarray,
    data_range: tuple[float, float] = (0, 255),
) -> float:
    """The mean over the samples of `10 log10(range^2 / squared error)`.

    A perfect copy's ratio is infinite, and one such sample would make the
    mean infinite. So a sample's mean squared error counts as no less than the
    smallest that a copy in 8 bits can have: one value of the sample, off by
    one 255th of the range. In 8 bits only perfect copies are touched, and
    nothing ranks above them; a sample of 28 x 28 values gets at most 77.1 dB,
    one of 64 x 64 x 3 at most 89.0.

    Args:
        real: `(n, *data_shape)`.
        made: `(n, *data_shape)`, for each of `real`, in the same range.
        data_range: `(low, high)` that the data can take, by default
            `(0, 255)`. Not the lowest and highest of these samples.

    Returns:
        The mean ratio in decibels; higher is better.

    Raises:
        ValueError: for shapes that differ, no samples, or values that are not
            finite or not in `data_range`.

    Example:

    ```python
    peak_signal_to_noise_ratio(images, model.reconstruct(images))
    ```
    """
    real, made, (low, high) = _ranged(real, made, data_range)
    floor = 1 / (255**2 * math.prod(real.shape[1:]))
    total = 0.0
    for a, b in _blocks(real, made):
        errors = np.square((a - b) / (high - low))
        errors = errors.mean(axis=tuple(range(1, a.ndim)))
        total -= 10 * np.log10(np.maximum(errors, floor)).sum()
    return float(total / len(real))


def structural_similarity(
    real: np.ndarray,
    made: np.ndarray,
    data_range: tuple[float, float] = (0, 255),
) -> float:
    """The mean structural similarity (SSIM) of pictures and their copies.

    Means, variances and covariances in a Gaussian window of 11 x 11 pixels
    (standard deviation 1.5), wherever the whole window lies in the picture,
    each channel for itself; the mean over places, channels and pictures.

    The formula is made for values from 0 up, so `low` is taken off first:
    pictures have the same similarity in any range. In ranges that start at 0
    it is that of `tf.image.ssim`, and of scikit-image with
    `gaussian_weights=True, use_sample_covariance=False`.

    Args:
        real: `(n, height, width, channels)`, 11 x 11 pixels or more.
        made: the same shape, for each of `real`, in the same range.
        data_range: `(low, high)` that the data can take, by default
            `(0, 255)`. Not the lowest and highest of these samples.

    Returns:
        From -1 to 1, for perfect copies.

    Raises:
        ValueError: for shapes that differ, no pictures, pictures smaller than
            the window, or values that are not finite or not in `data_range`.

    Example:

    ```python
    structural_similarity(images, model.reconstruct(images))
    ```

    Reference:
        - [Image Quality Assessment: From Error Visibility to Structural
          Similarity](https://doi.org/10.1109/TIP.2003.819861), equations 13
          to 17
    """
    real, made, (low, high) = _ranged(real, made, data_range)
    if real.ndim != 4 or min(real.shape[1:3]) < _SIZE:
        raise ValueError(
            "Structural similarity compares pictures (n, height, width, "
            f"channels) of {_SIZE}x{_SIZE} pixels or more. Received: shape "
            f"{real.shape}. Use peak_signal_to_noise_ratio for smaller ones "
            "and for other data."
        )
    c1, c2 = ((k * (high - low)) ** 2 for k in (_K1, _K2))
    total = 0.0
    for a, b in _blocks(real, made):
        a, b = a - low, b - low
        mean_a, mean_b = _smooth(a), _smooth(b)
        product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
        covariance = _smooth(a * b) - product
        variances = _smooth(a**2 + b**2) - squares
        similarity = (2 * product + c1) * (2 * covariance + c2)
        similarity /= (squares + c1) * (variances + c2)
        total += similarity.mean(axis=(1, 2, 3)).sum()
    return float(total / len(real))


def round_trip_error(codes: np.ndarray, recovered: np.ndarray) -> np.ndarray:
    """What the encoder gets wrong of the codes of generated data.

    The mean of `(z - E(G(z)))^2` for each value of a code. From a normal
    prior, whose variance is 1, it is the fraction of this value that is lost:
    0 is a perfect recovery, and 1 is as bad as always answering the mean. For
    another prior divide it by `code_moments(codes)["variance"]`.

    Args:
        codes: `(n, *latent_shape)`, `d` values each, drawn from the prior.
        recovered: `(n, *latent_shape)`, their samples' codes.

    Returns:
        A float64 array `(d,)`.

    Raises:
        ValueError: for shapes that differ, fewer than 2 codes, or codes that
            are not finite.

    Example:

    ```python
    codes = np.random.default_rng(0).standard_normal((256, 32))
    round_trip_error(codes, model.encode(model.decode(codes)))
    ```

    Reference:
        - [VEEGAN](https://arxiv.org/abs/1705.07761), section 3: the error of
          noise that is made to data and back
    """
    codes, recovered = paired_codes({"codes": codes, "recovered": recovered})
    if codes.shape != recovered.shape:
        raise ValueError(
            "Expected a recovered code for each code. Received: "
            f"{len(codes)} codes and {len(recovered)} recovered ones."
        )
    return np.square(codes - recovered).mean(axis=0)


class _MeanOverSamples(SampleMetric):
    """A function of samples and reconstructions, as a running mean of it."""

    made = "reconstructed"

    def update_state(self, real, made):
        self.total += len(real) * self.measure(real, made)
        self.count += len(real)

    def result(self) -> float:
        """The mean over all samples so far; NaN if there were none."""
        return self.total / self.count if self.count else math.nan

    def reset_state(self):
        self.total, self.count = 0.0, 0

    def get_config(self):
        return {"name": self.name}


class _InRange(_MeanOverSamples):
    def __init__(self, data_range, name):
        super().__init__(name)
        _spec((), data_range)
        self.data_range = tuple(data_range)

    def get_config(self):
        return {**super().get_config(), "data_range": self.data_range}


@keras.saving.register_keras_serializable(package="keras_aegan")
class MeanAbsoluteError(_MeanOverSamples):
    """The mean of `|x - G(E(x))|`, in the data's own unit.

    Args:
        name: the name in the logs, by default `"mean_absolute_error"`.

    Example:

    ```python
    model.compile(metrics=[MeanAbsoluteError()])
    ```
    """

    def __init__(self, name: str = "mean_absolute_error"):
        super().__init__(name)

    def measure(self, real, made):
        return mean_absolute_error(real, made)


@keras.saving.register_keras_serializable(package="keras_aegan")
class PeakSignalToNoiseRatio(_InRange):
    """The mean peak signal-to-noise ratio of reconstructions, in decibels.

    `peak_signal_to_noise_ratio` says how perfect copies count.

    Args:
        data_range: `(low, high)` of the data, by default `(0, 255)`.
        name: the name in the logs, by default `"psnr"`.

    Raises:
        ValueError: for no range.

    Example:

    ```python
    model.compile(metrics=[PeakSignalToNoiseRatio(data_range=(-1, 1))])
    ```
    """

    def __init__(
        self,
        data_range: tuple[float, float] = (0, 255),
        name: str = "psnr",
    ):
        super().__init__(data_range, name)

    def measure(self, real, made):
        return peak_signal_to_noise_ratio(real, made, self.data_range)


@keras.saving.register_keras_serializable(package="keras_aegan")
class StructuralSimilarity(_InRange):
    """The mean structural similarity of reconstructions to their pictures.

    `structural_similarity` says how it is computed.

    Args:
        data_range: `(low, high)` of the data, by default `(0, 255)`.
        name: the name in the logs, by default `"ssim"`.

    Raises:
        ValueError: for no range.

    Example:

    ```python
    model.compile(metrics=[StructuralSimilarity(data_range=(-1, 1))])
    ```

    Reference:
        - [Image Quality Assessment: From Error Visibility to Structural
          Similarity](https://doi.org/10.1109/TIP.2003.819861), equations 13
          to 17
    """

    def __init__(
        self,
        data_range: tuple[float, float] = (0, 255),
        name: str = "ssim",
    ):
        super().__init__(data_range, name)

    def measure(self, real, made):
        return structural_similarity(real, made, self.data_range)


def _mean_absolute(pair: dict) -> float:
    first, second = _paired(pair)
    errors = (np.abs(a - b).sum() for a, b in _blocks(first, second))
    return float(sum(errors) / first.size)


def _smooth(images: np.ndarray) -> np.ndarray:
    """The window's weighted mean around each place where it fits."""
    for axis in (1, 2):
        windows = np.lib.stride_tricks.sliding_window_view(
            images, _SIZE, axis=axis
        )
        images = windows @ _WINDOW
    return images


def _blocks(
    real: np.ndarray, made: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some samples at a time in float64, so that many need little memory."""
    count = max(1, _BLOCK // math.prod(real.shape[1:]))
    for start in range(0, len(real), count):
        part = slice(start, start + count)
        yield real[part].astype("float64"), made[part].astype("float64")


# === Checks ===


class _PairSpec(DataSpec):
    remedy = "Rescale both to one range, and give that as data_range."


def _spec(shape, data_range):
    if np.shape(data_range) != (2,):
        raise ValueError(
            "This measure is relative to the range of the data: expected "
            f"data_range=(low, high). Received: data_range={data_range}. Use "
            "mean_absolute_error for data without a range."
        )
    return _PairSpec(shape, data_range, "float64")


def _paired(pair: dict) -> list[np.ndarray]:
    """Both sets as arrays, of one shape and finite; errors take the names."""
    arrays = _arrays(pair)
    spec = DataSpec(arrays[0].shape[1:], None, "float64")
    for name, array in zip(pair, arrays, strict=True):
        spec.check(array, name)
    # Whole numbers are pixels. Without a range nothing else tells for sure
    # that the scales differ: floats may be of any.
    for name, array, other in zip(pair, arrays, arrays[::-1], strict=True):
        if other.dtype.kind in "iu":
            _refuse_fractions(array, name, float(np.ptp(other)))
    return arrays


def _ranged(real, made, data_range):
    """Both sets as arrays, of one shape and in the range, and the range."""
    pair = {"real": real, "made": made}
    arrays = _arrays(pair)
    spec = _spec(arrays[0].shape[1:], data_range)
    for name, array in zip(pair, arrays, strict=True):
        spec.check(array, name)
        _refuse_fractions(array, name, spec.range[1] - spec.range[0])
    return *arrays, spec.range


def _arrays(pair):
    arrays = [
        value if isinstance(value, np.ndarray) else ops.convert_to_numpy(value)
        for value in pair.values()
    ]
    first, second = (array.shape for array in arrays)
    if first != second or len(first) < 2:
        raise ValueError(
            f"Expected {' and '.join(pair)} of one shape (n, *data_shape), "
            f"sample beside sample. Received: shapes {first} and {second}."
        )
    return arrays


def _refuse_fractions(values, name, span):
    """Refuses a set in 0 to 1 or -1 to 1 where pixels are expected.

    The set must come near 1, which what a dead generator makes does not.
    """
    if values.dtype.kind != "f" or span < 100:
        return
    peak = np.abs(values).max()
    if 0.5 < peak <= 1 and (values != np.rint(values)).any():
        raise ValueError(
            f"Expected values that span about {span:g}. Received: {name} with "
            f"fractions from {values.min():g} to {values.max():g}, which look "
            "rescaled. Compare data and reconstructions in one range, and "
            "give that as data_range where there is one."
        )
