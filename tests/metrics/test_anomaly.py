import dataclasses
import json
import sys

import numpy as np
import pytest
import sklearn.metrics
from keras import ops

from keras_aegan.metrics.anomaly import AnomalyThreshold, calibrate, detection


def scores_of(count, seed=0):
    return np.random.default_rng(seed).gamma(2.0, size=count).astype("float32")


# === Calibration ===


@pytest.mark.parametrize(
    "count, rate, rank",
    [
        (19, 0.05, 19),
        (20, 0.05, 20),
        (39, 0.05, 38),
        (99, 0.07, 93),
        (99, 0.29, 71),  # 100 * 0.29 comes out below 29
        (2, 1 - 1e-12, 1),
    ],
)
def test_threshold_is_the_conformal_quantile(count, rate, rank):
    scores = np.random.default_rng(0).permutation(count) + 1.0
    # The scores are their own ranks: ceil((n + 1) (1 - rate)).
    assert calibrate(scores, rate).threshold == rank


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("count", [120, 500])
def test_false_alarms_on_new_normal_data_are_as_rare_as_asked(count, rate):
    repeats, fresh = 40, 1000
    alarms = [
        calibrate(scores_of(count, seed), rate)
        .is_anomalous(scores_of(fresh, 1000 + seed))
        .mean()
        for seed in range(repeats)
    ]
    # Exactly this on average, whatever the distribution: at most the rate.
    expected = np.floor((count + 1) * rate + 1e-9) / (count + 1)
    assert expected <= rate + 1e-12
    error = np.sqrt(rate * (1 - rate) * (1 / count + 1 / fresh) / repeats)
    assert abs(np.mean(alarms) - expected) < 3 * error


def test_p_values_are_ranks_among_normal_scores():
    limit = calibrate([4.0, 1.0, 2.0, 2.0], 0.5)
    p_values = limit.p_values([5.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    np.testing.assert_allclose(p_values, [0.2, 0.4, 0.4, 0.8, 1, 1])
    assert limit.threshold == 2
    assert limit.is_anomalous([2.0, 2.1]).tolist() == [False, True]


@pytest.mark.parametrize("rate", [0.03, 0.05, 0.29, 0.5, 0.99])
@pytest.mark.parametrize("count", [99, 100, 333])
def test_decisions_are_those_of_the_p_values(count, rate):
    rng = np.random.default_rng(0)
    # Few different scores, so that many are the same.
    limit = calibrate(rng.integers(0, 50, count), rate)
    scores = np.arange(-1, 52)
    np.testing.assert_array_equal(
        limit.is_anomalous(scores), limit.p_values(scores) <= rate + 1e-12
    )


def test_p_values_of_normal_data_are_uniform():
    p_values = np.concatenate(
        [
            calibrate(scores_of(99, seed)).p_values(scores_of(50, 1000 + seed))
            for seed in range(200)
        ]
    )
    for share in (0.01, 0.1, 0.5, 0.9):
        # Those of one calibration depend on each other.
        error = np.sqrt(share * (1 - share) * (1 / 50 + 1 / 99) / 200)
        assert abs(np.mean(p_values <= share + 1e-12) - share) < 4 * error


def test_a_samples_result_does_not_depend_on_its_batch(tiny_model, images):
    model = tiny_model()
    limit = calibrate(model.anomaly_score(images(99, seed=1)), 0.1)
    batch = images(16)
    batch[1:] = 255 * (batch[1:] > 127)
    together = model.anomaly_score(batch)
    alone = model.anomaly_score(batch[:1])
    np.testing.assert_allclose(alone, together[:1], rtol=1e-5)
    assert limit.p_values(alone) == limit.p_values(together)[:1]
    # A batch of nothing but anomalies is one.
    assert limit.is_anomalous(together[1:]).mean() > 0.9
    assert calibrate(together, 0.1).is_anomalous(together).mean() < 0.1


def test_tensors_lists_and_arrays_are_scores():
    scores = scores_of(30)
    limit = calibrate(ops.convert_to_tensor(scores), 0.1)
    assert limit == calibrate(scores.tolist(), 0.1) == calibrate(scores, 0.1)
    # A score of the calibration itself is not above itself.
    again = limit.is_anomalous(ops.convert_to_tensor(scores))
    assert again.sum() == 2
    assert again.dtype == bool


# === In a file ===


def test_a_threshold_goes_through_json():
    limit = calibrate(scores_of(50), 0.1)
    again = AnomalyThreshold.from_config(
        json.loads(json.dumps(limit.get_config()))
    )
    assert again == limit
    scores = scores_of(200, 1)
    np.testing.assert_array_equal(
        again.p_values(scores), limit.p_values(scores)
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        limit.false_positive_rate = 0.5


def test_a_damaged_dict_is_refused():
    config = calibrate(scores_of(50)).get_config()
    with pytest.raises(ValueError, match="normal_scores.*a dict of .'thr"):
        AnomalyThreshold.from_config({"threshold": 3})
    with pytest.raises(ValueError, match="Expected finite scores"):
        AnomalyThreshold.from_config({**config, "normal_scores": [np.nan] * 50})
    with pytest.raises(ValueError, match="above 0 and below 1"):
        AnomalyThreshold.from_config({**config, "false_positive_rate": 0.0})


# === Detection ===


def test_detection_is_that_of_scikit_learn():
    normal, odd = scores_of(300), 1 + scores_of(60, 1)
    found = detection(normal, odd)
    labels = [0] * 300 + [1] * 60
    scores = [*normal, *odd]
    assert found == pytest.approx(
        {
            "auroc": sklearn.metrics.roc_auc_score(labels, scores),
            "average_precision": sklearn.metrics.average_precision_score(
                labels, scores
            ),
        }
    )
    pairs = np.mean(odd[:, None] > normal)
    assert found["auroc"] == pytest.approx(pairs, abs=1e-6)
    assert 0.6 < found["auroc"] < 0.95


def test_detection_at_its_ends():
    normal = np.arange(30.0)
    best = detection(normal, normal[:10] + 50)
    assert best == {"auroc": 1, "average_precision": 1}
    assert detection(normal, normal[:10] - 50)["auroc"] == 0
    # Scores that tell nothing: the share of odd samples is left.
    blind = detection(np.ones(30), np.ones(10))
    assert blind == {"auroc": 0.5, "average_precision": 0.25}


def test_without_scikit_learn_detection_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r'pip install "keras-aegan\[sklea'):
        detection([1.0], [2.0])


# === Refusals ===


@pytest.mark.parametrize(
    "rate, fewest", [(0.05, 19), (0.01, 99), (0.07, 14), (0.5, 1), (0.3, 3)]
)
def test_too_few_normal_scores_are_refused(rate, fewest):
    assert calibrate(np.arange(fewest), rate).threshold == fewest - 1
    if fewest > 1:
        message = f"Expected {fewest} .*of {rate:g}. Received: {fewest - 1}"
        with pytest.raises(ValueError, match=message):
            calibrate(np.arange(fewest - 1), rate)


@pytest.mark.parametrize("rate", [0, 1, 0.0, 1.0, -0.1, np.nan, "5%", None])
def test_rates_are_shares(rate):
    with pytest.raises(ValueError, match="a share above 0 and below 1"):
        calibrate(scores_of(50), rate)


def test_scores_are_one_finite_number_a_sample():
    limit = calibrate(scores_of(50))
    for use in (limit.p_values, limit.is_anomalous):
        with pytest.raises(ValueError, match=r"scores of shape \(n,\).*\(3, 1"):
            use(np.zeros((3, 1)))
        # NaN is above no threshold, and would pass for normal.
        with pytest.raises(ValueError, match="scores with 1 that are NaN"):
            use([1.0, np.nan])
    with pytest.raises(ValueError, match=r"normal_scores of shape.*\(0,\)"):
        calibrate([])
    with pytest.raises(ValueError, match="odd_scores with 2 that are NaN"):
        detection([1.0], [np.inf, np.nan])
