import json
import math

import keras
import numpy as np
import pytest
import skimage.metrics
from keras import ops

from keras_aegan.metrics.reconstruction import (
    MeanAbsoluteError,
    PeakSignalToNoiseRatio,
    StructuralSimilarity,
    idempotence_error,
    mean_absolute_error,
    peak_signal_to_noise_ratio,
    round_trip_error,
    structural_similarity,
)

#: Not square, so that no mistake about axes goes unnoticed.
SHAPE = (14, 19, 3)

measures = pytest.mark.parametrize(
    "measure",
    [mean_absolute_error, peak_signal_to_noise_ratio, structural_similarity],
)
in_range = pytest.mark.parametrize(
    "measure", [peak_signal_to_noise_ratio, structural_similarity]
)


def noise(count=4, shape=SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    real = rng.integers(0, 256, (count, *shape), dtype="uint8")
    made = np.clip(real + rng.normal(0, 40, real.shape), 0, 255)
    return real, np.rint(made).astype("uint8")


def drawings(count=4, shape=SHAPE, seed=0):
    """Smooth pictures with flat parts, and copies that are a little off."""
    rng = np.random.default_rng(seed)
    y, x, c = np.meshgrid(*map(np.arange, shape), indexing="ij")
    waves = rng.uniform(0.1, 0.6, (count, 3, 1, 1, 1))
    real = 127 + 127 * np.sin(waves[:, 0] * x + waves[:, 1] * y + c)
    real[:, :6, :7] = 0
    made = np.clip(0.8 * np.roll(real, 1, axis=2) + 10, 0, 255)
    return np.rint(real).astype("uint8"), np.rint(made).astype("uint8")


def skimage_ssim(real, made, span):
    return np.mean(
        [
            skimage.metrics.structural_similarity(
                a.astype("float64"),
                b.astype("float64"),
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=span,
                channel_axis=-1,
            )
            for a, b in zip(real, made, strict=True)
        ]
    )


# === Against other implementations ===


@pytest.mark.parametrize("shape", [(14, 19, 3), (28, 28, 1), (11, 11, 1)])
@pytest.mark.parametrize("pictures", [noise, drawings])
def test_ssim_is_that_of_scikit_image(pictures, shape):
    real, made = pictures(shape=shape)
    ours = structural_similarity(real, made)
    assert 0.1 < ours < 0.95
    assert ours == pytest.approx(skimage_ssim(real, made, 255), abs=1e-10)
    # Floats in another range, and a range wider than the values.
    real, made = real / 255, made / 255
    assert structural_similarity(real, made, (0, 1)) == pytest.approx(
        ours, abs=1e-10
    )
    assert structural_similarity(real, made, (0, 3)) == pytest.approx(
        skimage_ssim(real, made, 3), abs=1e-10
    )


@pytest.mark.parametrize("pictures", [noise, drawings])
@pytest.mark.parametrize("shape", [(14, 19, 3), (28, 28, 1)])
def test_ssim_is_that_of_tensorflow(pictures, shape):
    import tensorflow as tf

    real, made = pictures(shape=shape)
    theirs = tf.image.ssim(*map(tf.constant, (real, made)), max_val=255)
    assert structural_similarity(real, made) == pytest.approx(
        float(np.mean(theirs)), abs=1e-5
    )


@pytest.mark.parametrize("pictures", [noise, drawings])
@pytest.mark.parametrize("shape", [SHAPE, (50,), (20, 2)])
def test_psnr_is_the_mean_of_scikit_images(pictures, shape):
    real, made = pictures() if shape == SHAPE else noise(shape=shape)
    theirs = [
        skimage.metrics.peak_signal_noise_ratio(a, b, data_range=255)
        for a, b in zip(real, made, strict=True)
    ]
    assert np.ptp(theirs) > 0.01
    ours = peak_signal_to_noise_ratio(real, made)
    assert ours == pytest.approx(np.mean(theirs), abs=1e-10)


@in_range
@pytest.mark.parametrize("pictures", [noise, drawings])
def test_measures_are_the_same_in_any_range(measure, pictures):
    real, made = pictures()
    wanted = measure(real, made)
    for low, high in ((-1, 1), (0, 1), (-1024, 3071)):
        moved = [low + x / 255 * (high - low) for x in (real, made)]
        assert measure(*moved, (low, high)) == pytest.approx(wanted, abs=1e-9)
        moved = [x.astype("float32") for x in moved]
        assert measure(*moved, (low, high)) == pytest.approx(wanted, abs=1e-4)


# === Closed forms ===


def test_mean_absolute_error_of_bytes_does_not_wrap_around():
    real = np.array([[0, 255], [10, 10]], "uint8")
    made = np.array([[255, 0], [11, 7]], "uint8")
    assert mean_absolute_error(real, made) == (255 + 255 + 1 + 3) / 4
    assert mean_absolute_error(made, real) == (255 + 255 + 1 + 3) / 4


@pytest.mark.parametrize("shift", [1, 5, 80])
def test_psnr_of_a_constant_shift(shift):
    real = np.full((3, *SHAPE), 100, "uint8")
    wanted = 20 * math.log10(255 / shift)
    measured = peak_signal_to_noise_ratio(real, real + np.uint8(shift))
    assert measured == pytest.approx(wanted, abs=1e-10)
    halves = real / 510
    measured = peak_signal_to_noise_ratio(halves, halves + 0.1, (0, 1))
    assert measured == pytest.approx(20, abs=1e-10)


def test_a_perfect_copy_counts_as_one_that_is_off_by_a_single_step():
    real, made = noise()
    size = math.prod(SHAPE)
    most = 20 * math.log10(255) + 10 * math.log10(size)
    off = real[:1].copy()
    off[0, 0, 0, 0] ^= 1
    for copy in (real[:1], off):
        measured = peak_signal_to_noise_ratio(real[:1], copy)
        assert measured == pytest.approx(most, abs=1e-9)
    # In floats as well, and beside others it is one of their mean.
    halves = real / 510
    measured = peak_signal_to_noise_ratio(halves, halves + 1e-9, (0, 1))
    assert measured == pytest.approx(most, abs=1e-9)
    rest = peak_signal_to_noise_ratio(real[1:], made[1:])
    made[0] = real[0]
    measured = peak_signal_to_noise_ratio(real, made)
    assert measured == pytest.approx((most + 3 * rest) / 4, abs=1e-9)


def test_ssim_of_copies_negatives_and_flat_pictures():
    real, _ = noise()
    assert structural_similarity(real, real) == pytest.approx(1, abs=1e-12)
    assert structural_similarity(real, 255 - real) < -0.5
    black, grey = np.zeros((2, *SHAPE)), np.full((2, *SHAPE), 100.0)
    # Without contrast only the luminance is left: C1 / (100^2 + C1).
    c1 = 2.55**2
    assert structural_similarity(black, grey) == pytest.approx(
        c1 / (100**2 + c1), rel=1e-9
    )


def test_idempotence_is_the_change_of_the_second_time():
    once = np.array([[0, 10], [20, 30]], "uint8")
    twice = np.array([[2, 10], [20, 26]], "uint8")
    assert idempotence_error(once, twice) == 1.5
    assert idempotence_error(once, once) == 0


def test_round_trip_error_is_each_values_own():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((20_000, 2, 2)).astype("float32")
    recovered = codes.copy()
    recovered[:, 0, 1] = 0
    recovered[:, 1, 0] += 0.5
    recovered[:, 1, 1] = rng.standard_normal(20_000)
    error = round_trip_error(codes, recovered)
    assert error.shape == (4,)
    # Four standard errors: a lost value costs 1, an unrelated one 2.
    assert error[0] == 0
    assert error[1] == pytest.approx(1, abs=0.04)
    assert error[2] == pytest.approx(0.25, abs=1e-6)
    assert error[3] == pytest.approx(2, abs=0.08)


# === Many samples, batches, tensors ===


@measures
def test_blocks_do_not_change_the_result(measure, monkeypatch):
    real, made = noise(7)
    wanted = measure(real, made)
    for block in (1, 2 * math.prod(SHAPE)):
        monkeypatch.setattr("keras_aegan.metrics.reconstruction._BLOCK", block)
        assert measure(real, made) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    "metric, measure, name",
    [
        (MeanAbsoluteError, mean_absolute_error, "mean_absolute_error"),
        (PeakSignalToNoiseRatio, peak_signal_to_noise_ratio, "psnr"),
        (StructuralSimilarity, structural_similarity, "ssim"),
    ],
)
def test_metrics_stream_to_what_one_pass_gives(metric, measure, name):
    real, made = noise(10)
    metric = metric()
    assert (metric.name, metric.made) == (name, "reconstructed")
    assert math.isnan(metric.result())
    for part in (slice(0, 4), slice(4, 9), slice(9, 10)):
        metric.update_state(
            ops.convert_to_tensor(real[part]), ops.convert_to_tensor(made[part])
        )
    assert metric.result() == pytest.approx(measure(real, made), rel=1e-10)
    assert isinstance(metric.result(), float)
    metric.reset_state()
    metric.update_state(real[:2], made[:2])
    assert metric.result() == pytest.approx(
        measure(real[:2], made[:2]), rel=1e-10
    )


@pytest.mark.parametrize(
    "metric", [PeakSignalToNoiseRatio, StructuralSimilarity]
)
def test_metrics_keep_their_range_in_a_file(metric):
    serialize = keras.saving.serialize_keras_object
    text = json.dumps(serialize(metric(data_range=(-1, 1), name="mine")))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(again) is metric
    assert (again.name, again.data_range) == ("mine", (-1, 1))
    real, made = noise()
    wanted = metric()
    wanted.update_state(real, made)
    again.update_state(real / 127.5 - 1, made / 127.5 - 1)
    assert again.result() == pytest.approx(wanted.result(), rel=1e-9)


# === Refusals ===


@measures
def test_sets_that_are_not_paired_are_refused(measure):
    real, made = noise()
    with pytest.raises(
        ValueError,
        match=r"real and made of one shape.*\(4, 14, 19, 3\) and \(3, 14,",
    ):
        measure(real, made[:3])
    with pytest.raises(ValueError, match=r"one shape.*\(4, 14, 19\)"):
        measure(real, made[..., 0])
    with pytest.raises(ValueError, match=r"\(n, \*data_shape\).*shapes \(5,\)"):
        measure(np.zeros(5), np.zeros(5))
    with pytest.raises(ValueError, match="at least one sample.*real with none"):
        measure(real[:0], made[:0])
    with pytest.raises(ValueError, match="Expected real to be numbers"):
        measure(np.full((1, *SHAPE), "a"), made[:1])


@measures
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(measure, value):
    real, made = noise()
    made = made.astype("float32")
    made[1, 0, 0] = value
    with pytest.raises(ValueError, match="made with 3 values that are NaN"):
        measure(real, made)


@in_range
def test_values_outside_of_the_range_are_refused(measure):
    real, made = noise()
    with pytest.raises(
        ValueError,
        match=r"data_range=\(0.0, 1.0\). Received: real from 0 to 255. Rescale",
    ):
        measure(real, made, (0, 1))
    with pytest.raises(ValueError, match="Received: made from -1 to 1. Resc"):
        measure(real / 255, made / 127.5 - 1, (0, 1))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_sets_of_two_scales_are_refused(dtype):
    real, made = noise()
    real, fractions = real.astype(dtype), made / made.max()
    for measure in (peak_signal_to_noise_ratio, structural_similarity):
        with pytest.raises(ValueError, match="about 255.*made.*from 0 to 1,"):
            measure(real, fractions)
        with pytest.raises(ValueError, match="about 255. Received: real with"):
            measure(real / 255, fractions)
    if dtype == "uint8":
        with pytest.raises(ValueError, match="about 255.*made with fractions"):
            mean_absolute_error(real, fractions)
        with pytest.raises(ValueError, match="about 255.*once with fractions"):
            idempotence_error(fractions, real)


def test_what_a_dead_generator_makes_is_measured():
    real, _ = drawings()
    dead = np.full(real.shape, 0.3)
    assert mean_absolute_error(real, dead) > 50
    assert peak_signal_to_noise_ratio(real, dead) < 10
    assert structural_similarity(real, dead) < 0.5
    # And so are the floats of any scale, where there is no range.
    wide = np.random.default_rng(0).normal(0, 100, (50, 3))
    assert mean_absolute_error(wide, wide / abs(wide).max()) > 50


@pytest.mark.parametrize("shape", [(10, 14, 1), (14, 10, 1), (14, 14), (200,)])
def test_ssim_refuses_what_its_window_does_not_fit_in(shape):
    data = np.zeros((2, *shape))
    with pytest.raises(ValueError, match="11x11 pixels or more.*Use peak_sig"):
        structural_similarity(data, data)


@pytest.mark.parametrize("data_range", [None, 255, (0, 1, 2)])
def test_a_range_is_needed(data_range):
    data = np.zeros((2, *SHAPE))
    for measure in (peak_signal_to_noise_ratio, structural_similarity):
        with pytest.raises(ValueError, match="expected data_range=.*Use mean_"):
            measure(data, data, data_range)
    for metric in (PeakSignalToNoiseRatio, StructuralSimilarity):
        with pytest.raises(ValueError, match="expected data_range=.*Use mean_"):
            metric(data_range=data_range)
        with pytest.raises(ValueError, match="with low < high"):
            metric(data_range=(1, 0))


def test_round_trips_need_a_pair_of_codes_each():
    codes = np.zeros((4, 3))
    with pytest.raises(ValueError, match="4 codes and 3 recovered"):
        round_trip_error(codes, codes[:3])
    with pytest.raises(ValueError, match=r"codes and recovered of one latent"):
        round_trip_error(codes, codes[:, :2])
    with pytest.raises(ValueError, match="Received: recovered with NaN"):
        round_trip_error(codes, codes * np.nan)
