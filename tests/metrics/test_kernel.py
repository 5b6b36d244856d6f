import numpy as np
import pytest

from keras_aegan.metrics.features import Extractor
from keras_aegan.metrics.kernel import KernelDistance, kernel_distance


def drawn(count, d=4, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, d)) + shift


def by_definition(real, generated):
    """Sample by sample, as the estimate is written in the paper."""
    d = real.shape[1]

    def mean(a, b, same):
        values = [
            (x @ y / d + 1) ** 3
            for i, x in enumerate(a)
            for j, y in enumerate(b)
            if not (same and i == j)
        ]
        return sum(values) / len(values)

    return (
        mean(real, real, True)
        + mean(generated, generated, True)
        - 2 * mean(real, generated, False)
    )


@pytest.mark.parametrize(("n", "m", "d"), [(2, 2, 1), (5, 5, 3), (9, 4, 2)])
def test_is_the_unbiased_estimate(n, m, d):
    real, generated = drawn(n, d), drawn(m, d, seed=1, shift=0.3)
    found = kernel_distance(real, generated)
    wanted = by_definition(real, generated)
    assert found.value == pytest.approx(wanted, rel=1e-12)
    assert np.isfinite(found.standard_error)


def test_equals_torchmetrics_on_whole_sets():
    import torch
    from torchmetrics.image.kid import KernelInceptionDistance

    real, generated = drawn(60, 16), drawn(60, 16, seed=1, shift=0.2)
    with pytest.warns(UserWarning, match="save all extracted features"):
        metric = KernelInceptionDistance(
            feature=torch.nn.Identity(), subsets=1, subset_size=60
        )
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(generated), real=False)
    found = kernel_distance(real, generated, subset_size=60).value
    assert found == pytest.approx(float(metric.compute()[0]), rel=1e-9)


def test_is_the_mean_over_the_subsets_of_the_seed():
    import torch
    from torchmetrics.image.kid import poly_mmd

    real, generated = drawn(80), drawn(50, seed=1, shift=0.2)
    found = kernel_distance(real, generated, 7, 30, seed=5).value
    rng = np.random.default_rng(5)
    values = []
    for _ in range(7):
        parts = [
            torch.from_numpy(x[rng.choice(len(x), 30, replace=False)])
            for x in (real, generated)
        ]
        values.append(float(poly_mmd(*parts)))
    assert found == pytest.approx(np.mean(values), rel=1e-9)
    assert found != kernel_distance(real, generated, 7, 30, seed=6).value
    # What is no larger than a subset is taken whole.
    whole = kernel_distance(real[:30], generated[:20], 7, 30)
    assert whole.value == pytest.approx(
        by_definition(real[:30], generated[:20]), rel=1e-9
    )


def repeated(count, repeats, shift=0.0, m=None, **kwargs):
    """Values and standard errors over new draws of both sets."""
    found = [
        kernel_distance(
            drawn(count, seed=2 * i),
            drawn(m or count, seed=2 * i + 1, shift=shift),
            seed=i,
            **kwargs,
        )
        for i in range(repeats)
    ]
    return np.array(found).T


@pytest.mark.parametrize("settings", [{}, {"subsets": 5, "subset_size": 20}])
def test_one_distribution_is_at_distance_zero_on_average(settings):
    values, _ = repeated(40, 400, **settings)
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    assert (values < 0).mean() > 0.3  # Not clipped, which would be a bias.


@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
@pytest.mark.parametrize(
    ("count", "m", "settings"),
    [
        (60, 60, {}),
        (40, 120, {}),
        (120, 120, {"subsets": 1, "subset_size": 30}),
        (120, 120, {"subsets": 12, "subset_size": 30}),
    ],
)
def test_standard_error_is_the_spread_over_new_draws(count, m, settings, shift):
    # The spread itself is known to about one part in ten. Of distributions
    # that are hardly different, the error is on the safe side.
    values, errors = repeated(count, 300, shift, m, **settings)
    ratio = np.sqrt(np.mean(errors**2)) / values.std()
    assert 0.85 < ratio < 1.35


def test_different_distributions_are_many_errors_apart():
    found = kernel_distance(drawn(500), drawn(500, seed=1, shift=0.5))
    assert found.value > 5 * found.standard_error


def test_constants_are_at_the_distance_of_their_kernels():
    ones = np.ones((6, 2), "uint8")
    value, error = kernel_distance(ones, ones)
    assert (value, error) == (0, 0)
    # 2 2 1 0 kernels: (1 + 1)^3 + (4 + 1)^3 - 2 (2 + 1)^3
    assert kernel_distance(ones, 2 * ones).value == 8 + 125 - 54
    assert kernel_distance(ones, 2 * ones).standard_error == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subsets": 0}, "subsets to be a whole number, 1 or more.*subsets=0"),
        ({"subset_size": 1}, "subset_size to be a whole number, 2 or more"),
        ({"subset_size": 10.0}, "Received: subset_size=10.0"),
    ],
)
def test_refuses_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        kernel_distance(drawn(5), drawn(5), **settings)
    with pytest.raises(ValueError, match=message):
        KernelDistance(**settings)


def test_refuses_what_are_no_features():
    with pytest.raises(ValueError, match="generated to be finite"):
        kernel_distance(drawn(5), np.full((5, 4), np.nan))
    with pytest.raises(ValueError, match="real to have 2 samples or more"):
        kernel_distance(drawn(1), drawn(5))


def test_metric_equals_the_function_on_all_batches():
    extractor = Extractor("some", lambda x: x, data_range=None)
    real, generated = (drawn(50, seed=i).astype("float32") for i in (0, 1))
    metric = KernelDistance(extractor, subsets=3, subset_size=20, seed=4)
    assert metric.name == "kernel_distance_some"
    with pytest.raises(ValueError, match="has seen no samples.*update_state"):
        metric.result()
    for _ in range(2):
        for i in range(0, 50, 25):
            metric.update_state(real[i : i + 25], generated[i : i + 25])
        wanted = kernel_distance(real, generated, 3, 20, seed=4)
        assert metric.estimate() == wanted
        assert metric.result() == wanted.value
        metric.reset_state()
    assert KernelDistance(name="kid").name == "kid"
