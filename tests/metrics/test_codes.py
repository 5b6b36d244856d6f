import types

import numpy as np
import pytest
from keras import ops

from keras_aegan.losses import MaximumMeanDiscrepancyLoss
from keras_aegan.metrics.codes import (
    active_units,
    code_moments,
    maximum_mean_discrepancy,
    mmd_test,
)


def normal(count=50, shape=(4,), seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    return shift + rng.standard_normal((count, *shape))


def by_hand(codes, prior_codes):
    """The discrepancy from its definition, a pair of codes at a time."""

    def kernel(a, b):
        scales = 2 * a.size * np.array([0.1, 0.2, 0.5, 1, 2, 5, 10])
        return np.sum(scales / (scales + np.sum((a - b) ** 2)))

    def mean(one, other, skip):
        kernels = [
            kernel(a, b)
            for i, a in enumerate(one)
            for j, b in enumerate(other)
            if not (skip and i == j)
        ]
        return np.mean(kernels)

    return (
        mean(codes, codes, True)
        + mean(prior_codes, prior_codes, True)
        - 2 * mean(codes, prior_codes, False)
    )


# === Moments ===


def test_moments_of_normal_codes():
    moments = code_moments(normal(10_000, (2, 3)))
    assert moments["mean"].shape == moments["variance"].shape == (6,)
    # Four standard errors for 10,000 codes.
    assert moments["largest_mean"] < 0.04
    assert 0.94 < moments["smallest_variance"] < 1
    assert 1 < moments["largest_variance"] < 1.06
    assert 0.005 < moments["correlation"] < 0.015


def test_summaries_are_of_the_values():
    codes = normal(200) * [1, 2, 0.5, 3] + [0, -7, 1, 2]
    moments = code_moments(codes)
    np.testing.assert_allclose(moments["mean"], codes.mean(0), rtol=1e-12)
    np.testing.assert_allclose(
        moments["variance"], codes.var(0, ddof=1), rtol=1e-12
    )
    assert moments["largest_mean"] == -moments["mean"][1]
    assert moments["smallest_variance"] == moments["variance"][2]
    assert moments["largest_variance"] == moments["variance"][3]
    matrix = np.corrcoef(codes.T)
    wanted = np.sqrt(np.mean(matrix[~np.eye(4, dtype=bool)] ** 2))
    assert moments["correlation"] == pytest.approx(wanted, rel=1e-10)


def test_correlations_are_of_those_values_that_vary():
    one = normal(1000, (1,))
    collapsed = np.full((1000, 1), 0.1)
    codes = np.concatenate([one, collapsed, -3 * one], axis=1)
    assert code_moments(codes)["correlation"] == pytest.approx(1, rel=1e-9)
    assert code_moments(codes)["smallest_variance"] < 1e-20
    assert code_moments(codes[:, :2])["correlation"] == 0
    assert code_moments(collapsed)["correlation"] == 0


def test_active_units_are_those_above_the_threshold():
    scales = np.array([1, 0.5, 0.12, 0.08, 0])
    codes = 5 + normal(5000, (5,)) * scales
    assert active_units(codes) == 3
    assert active_units(codes, threshold=0.005) == 4
    assert active_units(codes, threshold=0) == 4
    assert active_units(codes.reshape(5000, 5, 1), threshold=0.2) == 2
    with pytest.raises(ValueError, match="0 or more.*threshold=-1"):
        active_units(codes, threshold=-1)
    with pytest.raises(ValueError, match="0 or more.*threshold=nan"):
        active_units(codes, threshold=np.nan)


# === Discrepancy ===


@pytest.mark.parametrize("shape", [(1,), (5,), (2, 3)])
def test_discrepancy_is_its_definition(shape):
    codes, prior_codes = normal(7, shape), normal(9, shape, seed=1, shift=0.3)
    assert maximum_mean_discrepancy(codes, prior_codes) == pytest.approx(
        by_hand(codes, prior_codes), rel=1e-9
    )
    assert mmd_test(codes, prior_codes).value == pytest.approx(
        by_hand(codes, prior_codes), rel=1e-9
    )


@pytest.mark.parametrize("shift", [0, 0.3, 2])
@pytest.mark.parametrize("shape", [(4,), (2, 8)])
def test_discrepancy_is_that_of_the_loss(shift, shape):
    codes = normal(64, shape, shift=shift).astype("float32")
    prior_codes = normal(64, shape, seed=1).astype("float32")
    rollout = types.SimpleNamespace(
        codes=ops.convert_to_tensor(codes),
        prior_codes=ops.convert_to_tensor(prior_codes),
    )
    loss = MaximumMeanDiscrepancyLoss().values(rollout)["mmd"]
    assert maximum_mean_discrepancy(codes, prior_codes) == pytest.approx(
        float(ops.convert_to_numpy(loss)), abs=1e-5
    )


def test_rows_at_a_time_add_up(monkeypatch):
    codes, prior_codes = normal(50), normal(33, seed=1)
    wanted = maximum_mean_discrepancy(codes, prior_codes)
    monkeypatch.setattr("keras_aegan.metrics.codes._ROWS", 8)
    assert maximum_mean_discrepancy(codes, prior_codes) == pytest.approx(
        wanted, rel=1e-9
    )


def test_discrepancy_is_unbiased_and_grows_with_the_shift():
    values = [
        maximum_mean_discrepancy(normal(20, seed=s), normal(30, seed=1000 + s))
        for s in range(200)
    ]
    assert min(values) < 0
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(200)
    far = [
        maximum_mean_discrepancy(normal(200, shift=s), normal(200, seed=1))
        for s in (0, 0.2, 0.5, 1, 2)
    ]
    assert far == sorted(far)
    # Of two far apart points only the kernels within each are left.
    apart = maximum_mean_discrepancy(np.zeros((3, 2)), np.full((3, 2), 1e6))
    assert apart == pytest.approx(2 * 7, rel=1e-6)


# === The test ===


def test_p_values_are_uniform_for_codes_like_the_priors():
    p_values = np.sort(
        [
            mmd_test(
                normal(25, seed=s),
                normal(25, seed=1000 + s),
                permutations=99,
                seed=s,
            ).p_value
            for s in range(200)
        ]
    )
    steps = np.arange(1, 201) / 200
    distance = np.abs(steps - p_values).max()
    # Kolmogorov and Smirnov's distance at 1 %, and one step of a p-value.
    assert distance < 1.63 / np.sqrt(200) + 0.01


def test_p_values_of_other_codes_are_as_small_as_can_be():
    prior_codes = normal(200, seed=1)
    shifted = normal(200, shift=0.5)
    assert mmd_test(shifted, prior_codes).p_value == 1 / 201
    assert mmd_test(shifted, prior_codes, permutations=19).p_value == 1 / 20
    narrow = 0.5 * normal(200)
    assert mmd_test(narrow, prior_codes).p_value == 1 / 201
    assert mmd_test(prior_codes, prior_codes[::-1]).p_value > 0.9


def test_codes_that_are_all_the_same_are_no_evidence():
    same = np.full((6, 3), 0.1)
    value, p_value = mmd_test(same, same)
    assert value == pytest.approx(0, abs=1e-12)
    assert p_value == 1


def test_p_values_count_every_division_of_a_small_set():
    # Two and two points: one division in three is the true one, or as good.
    codes, prior_codes = np.array([[0.0], [0.1]]), np.array([[9.0], [9.1]])
    found = mmd_test(codes, prior_codes, permutations=3000)
    assert found.p_value == pytest.approx(1 / 3, abs=4 * 0.0086)


def test_seeds_and_samples():
    codes, prior_codes = normal(300), normal(400, seed=1)
    first = mmd_test(codes, prior_codes, seed=1)
    assert first == mmd_test(codes, prior_codes, seed=1)
    assert first.value == mmd_test(codes, prior_codes, seed=2).value
    assert first.value == pytest.approx(
        maximum_mean_discrepancy(codes, prior_codes), abs=1e-12
    )
    fewer = mmd_test(codes, prior_codes, samples=50)
    assert fewer == mmd_test(codes, prior_codes, samples=50)
    assert fewer.value != mmd_test(codes, prior_codes, seed=1, samples=50).value
    # Drawn from all of them, not the first ones.
    codes[:50] += 100
    assert mmd_test(codes, prior_codes, samples=50, seed=0).value < 1


# === Refusals ===


@pytest.mark.parametrize("measure", [maximum_mean_discrepancy, mmd_test])
def test_sets_of_codes_must_fit(measure):
    codes = normal()
    with pytest.raises(
        ValueError,
        match=r"codes and prior_codes of one latent shape.*\(4,\) and.*\(3,\)",
    ):
        measure(codes, normal(shape=(3,)))
    with pytest.raises(ValueError, match=r"prior_codes of shape.*\(1, 4\)"):
        measure(codes, codes[:1])
    with pytest.raises(ValueError, match="Received: prior_codes with NaN"):
        measure(codes, codes * np.nan)


@pytest.mark.parametrize("measure", [code_moments, active_units])
def test_codes_must_be_some_and_finite(measure):
    for codes in (np.zeros((1, 4)), np.zeros(4), np.zeros((4, 0))):
        with pytest.raises(ValueError, match=r"\(n, \*latent_shape\) with n"):
            measure(codes)
    with pytest.raises(ValueError, match="Received: codes with NaN"):
        measure(np.full((4, 2), np.inf))


@pytest.mark.parametrize(
    "setting, message",
    [
        ({"permutations": 0}, "permutations to be a whole number, 1 or more"),
        ({"permutations": 9.5}, "Received: permutations=9.5"),
        ({"samples": 1}, "samples to be a whole number, 2 or more"),
    ],
)
def test_impossible_settings_of_the_test_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        mmd_test(normal(), normal(), **setting)
