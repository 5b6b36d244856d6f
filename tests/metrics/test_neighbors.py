import contextlib
import io

import numpy as np
import pytest
from prdc import compute_prdc

from keras_aegan.metrics import neighbors
from keras_aegan.metrics.features import Extractor
from keras_aegan.metrics.neighbors import (
    MemorizationRatio,
    PrecisionRecallDensityCoverage,
    birthday_test,
    memorization_ratio,
    precision_recall_density_coverage,
)


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles that do not go evenly into any of the sets below."""
    monkeypatch.setattr(neighbors, "_TILE", 7)


def drawn(count, d=4, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, d)) + shift


def reference(real, generated, k):
    with contextlib.redirect_stdout(io.StringIO()):
        return compute_prdc(real, generated, nearest_k=k)


some = Extractor("some", lambda x: x, data_range=None)

# === Precision, recall, density, coverage ===


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(
    ("n", "m", "d"), [(40, 40, 4), (50, 23, 2), (9, 60, 300), (70, 70, 1)]
)
def test_equals_prdc(small_tiles, n, m, d, k):
    real, generated = drawn(n, d), 0.8 * drawn(m, d, seed=1, shift=0.1)
    found = precision_recall_density_coverage(real, generated, k)
    assert found == reference(real, generated, k)
    assert found["density"] > 0


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("values", [2, 4])
def test_equals_prdc_with_copies_and_ties(small_tiles, values, k):
    # Whole numbers, whose distances are exact in both.
    rng = np.random.default_rng(0)
    real, generated = rng.integers(0, values, (2, 60, 3))
    assert len(np.unique(real, axis=0)) < 60
    found = precision_recall_density_coverage(real, generated, k)
    assert found == reference(real.astype(float), generated.astype(float), k)


def test_more_than_a_tile_equals_prdc():
    real, generated = drawn(1300, 8), drawn(1100, 8, seed=1)
    found = precision_recall_density_coverage(real, generated)
    assert found == reference(real, generated, 5)


def test_a_line_has_known_numbers():
    real = np.array([[0.0], [1.0], [3.0]])  # balls of 1, 1 and 2
    generated = np.array([[0.5], [9.0], [9.5], [2.5]])  # 2, 0.5, 0.5, 2
    found = precision_recall_density_coverage(real, generated, k=1)
    assert found == {
        "precision": 2 / 4,  # 0.5 and 2.5
        "recall": 3 / 3,
        "density": 3 / 4,  # 0.5 in two balls, 2.5 in one
        "coverage": 3 / 3,
    }


def test_copies_of_real_samples_lie_on_the_edge_of_each_others_balls():
    # In float64 these ties are rounded one way or the other.
    real = drawn(40, 300)
    found = precision_recall_density_coverage(real, real, k=3)
    assert found == {
        "precision": 1,
        "recall": 1,
        "density": 3 / 3,  # its own ball, and the two whose edge is farther
        "coverage": 1,
    }


def test_samples_that_are_all_the_same_have_no_balls():
    same = np.full((20, 3), 0.1)
    found = precision_recall_density_coverage(same, same)
    assert set(found.values()) == {0}


def test_needs_more_samples_than_neighbors():
    with pytest.raises(ValueError, match="real to have 6 samples or more"):
        precision_recall_density_coverage(drawn(5), drawn(9))
    with pytest.raises(ValueError, match="generated to have 4 samples or more"):
        precision_recall_density_coverage(drawn(5), drawn(3), k=3)
    precision_recall_density_coverage(drawn(4), drawn(4), k=3)
    with pytest.raises(ValueError, match="k to be a whole number, 1 or more"):
        precision_recall_density_coverage(drawn(5), drawn(5), k=0)
    with pytest.raises(ValueError, match="Received: k=2.5"):
        PrecisionRecallDensityCoverage(k=2.5)


def test_metric_equals_the_function_on_all_batches():
    real, generated = (drawn(50, seed=i).astype("float32") for i in (0, 1))
    metric = PrecisionRecallDensityCoverage(some, k=2)
    for i in range(0, 50, 25):
        metric.update_state(real[i : i + 25], generated[i : i + 25])
    wanted = precision_recall_density_coverage(real, generated, 2)
    assert metric.result() == {f"{k}_some": v for k, v in wanted.items()}
    # Two on the same features, told apart.
    named = PrecisionRecallDensityCoverage(some, k=3, name="far")
    named.update_state(real, generated)
    wanted = precision_recall_density_coverage(real, generated, 3)
    assert named.result() == {f"{k}_far": v for k, v in wanted.items()}
    metric.reset_state()
    with pytest.raises(ValueError, match="has seen no samples"):
        metric.result()


# === Memorisation ===


def test_copies_are_memorised_and_fresh_samples_are_not(small_tiles):
    train, held_out = drawn(300), drawn(300, seed=1)
    assert memorization_ratio(train[:100], train, held_out) == 0
    fresh = drawn(1000, seed=2)
    assert memorization_ratio(fresh, train, held_out) == pytest.approx(
        1, abs=0.05
    )
    # The share of copies is what it falls by.
    fresh[:300] = train
    assert memorization_ratio(fresh, train, held_out) == pytest.approx(
        0.7, abs=0.05
    )


def test_equals_the_definition(small_tiles):
    generated, train, held_out = (drawn(30, seed=i) for i in range(3))

    def to(reference):
        apart = generated[:, None] - reference
        return np.linalg.norm(apart, axis=-1).min(axis=1).mean()

    assert memorization_ratio(generated, train, held_out) == pytest.approx(
        to(train) / to(held_out), rel=1e-12
    )


def test_a_larger_training_set_is_no_memory():
    # Among 50 times as many, the nearest is less than half as far.
    train, held_out = drawn(10_000), drawn(200, seed=1)
    generated = drawn(500, seed=2)
    found = [memorization_ratio(generated, train, held_out, s) for s in (0, 1)]
    assert found == pytest.approx([1, 1], abs=0.15)
    assert found[0] != found[1]


def test_samples_that_are_all_the_same_are_nearer_to_neither():
    same = np.full((5, 3), 0.1)
    assert memorization_ratio(same, same, same) == 1
    assert memorization_ratio(same, same + 1, same) == np.inf


def test_memorization_ratio_names_the_set_that_will_not_do():
    with pytest.raises(ValueError, match="train and generated|generated and"):
        memorization_ratio(drawn(5), drawn(5, 3), drawn(5))
    with pytest.raises(ValueError, match="held_out to have 2 samples or more"):
        memorization_ratio(drawn(5), drawn(5), drawn(1))
    with pytest.raises(ValueError, match="train to have 2 samples or more"):
        MemorizationRatio(drawn(1), some)


def test_memorization_metric_compares_to_what_it_is_fed():
    train, held_out, made = (
        drawn(50, seed=i).astype("float32") for i in range(3)
    )
    metric = MemorizationRatio(train, some)
    assert metric.name == "memorization_ratio_some"
    for i in range(0, 50, 25):
        metric.update_state(held_out[i : i + 25], made[i : i + 25])
    assert metric.result() == memorization_ratio(made, train, held_out)


# === Duplicates ===


def test_closest_pairs_are_found_in_order(small_tiles):
    features = drawn(40)
    features[33] = features[2] + 1e-3
    features[17] = features[29]
    found = birthday_test(features, pairs=60)
    apart = np.linalg.norm(features[:, None] - features, axis=-1)
    i, j = np.triu_indices(40, 1)
    order = np.argsort(apart[i, j])[:60]
    np.testing.assert_array_equal(
        found.indices, np.stack([i, j], axis=1)[order]
    )
    assert found.indices[:2].tolist() == [[17, 29], [2, 33]]
    np.testing.assert_allclose(found.distances, apart[i, j][order], rtol=1e-12)
    assert found.support is None


def test_no_more_pairs_than_there_are():
    assert len(birthday_test(drawn(4)).indices) == 6


def test_support_is_estimated_from_duplicates(small_tiles):
    # 200 samples of a model that knows 500.
    known = drawn(500, 30)
    supports = [
        birthday_test(
            known[np.random.default_rng(seed).integers(0, 500, 200)],
            threshold=0.0,
        ).support
        for seed in range(20)
    ]
    # The mean of what it divides by: about 40 duplicates each time.
    assert 1 / np.mean(1 / np.array(supports)) == pytest.approx(500, rel=0.1)
    assert birthday_test(known, threshold=0.0).support == np.inf
    three = np.array([[0.0], [1.0], [5.0]])
    assert birthday_test(three, threshold=1.0).support == 3
    assert birthday_test(three, threshold=4.0).support == 1.5


@pytest.mark.parametrize("seed", range(20))
def test_a_pair_is_a_duplicate_at_its_own_distance(seed):
    features = np.random.default_rng(seed).uniform(0, 1, (100, 64))
    features = features.astype("float32")
    closest = birthday_test(features, pairs=2).distances
    found = birthday_test(features, threshold=closest[0])
    assert found.support == 100 * 99 / 2
    between = birthday_test(features, threshold=closest.mean())
    assert between.support == 100 * 99 / 2


def test_birthday_test_refuses_impossible_settings():
    with pytest.raises(ValueError, match="threshold.*Received: threshold=-1"):
        birthday_test(drawn(5), threshold=-1)
    with pytest.raises(ValueError, match="pairs to be a whole number"):
        birthday_test(drawn(5), pairs=0)
    with pytest.raises(ValueError, match="features to have 2 samples or more"):
        birthday_test(drawn(1))
