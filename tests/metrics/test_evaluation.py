import json
import sys

import numpy as np
import pytest

from keras_aegan import losses, metrics, networks, recipes
from keras_aegan.metrics import evaluation
from keras_aegan.metrics.evaluation import evaluate_model

SAMPLES = {
    "frechet_distance_pixels",
    "kernel_distance_pixels",
    "precision_pixels",
    "recall_pixels",
    "density_pixels",
    "coverage_pixels",
}
OF_TRAIN = {"memorization_ratio_pixels", "frechet_distance_train_pixels"}
ENCODER = {
    "mean_absolute_error",
    "psnr",
    "idempotence_error",
    "codes_largest_mean",
    "codes_smallest_variance",
    "codes_largest_variance",
    "codes_correlation",
    "active_units",
}
BOTH = {"codes_mmd", "round_trip_error"}
ANOMALIES = {
    "anomaly_auroc",
    "anomaly_average_precision",
    "anomaly_threshold",
    "anomaly_false_alarms",
    "anomaly_detected",
}


def values(measured):
    return {name: each["value"] for name, each in measured.items()}


# === Which measures there are ===


@pytest.mark.parametrize(
    ("seats", "prior", "expected"),
    [
        (("encoder", "discriminator"), "normal", SAMPLES | ENCODER | BOTH),
        (("discriminator",), "normal", SAMPLES),
        (("encoder",), None, ENCODER),
    ],
)
def test_a_model_is_measured_by_what_it_has(
    tiny_model, images, seats, prior, expected
):
    options = {}
    if prior is None:  # Then no loss may draw codes.
        options["losses"] = [losses.ReconstructionLoss("mae")]
    model = tiny_model(seats, prior=prior, **options)
    assert set(evaluate_model(model, images(32))) == expected
    of_train = OF_TRAIN if prior else set()
    measured = evaluate_model(model, images(32), images(32, seed=1))
    assert set(measured) == expected | of_train


@pytest.mark.parametrize(
    ("shape", "data_range", "more"),
    [
        ((11, 12, 1), (0, 255), {"psnr", "ssim"}),
        ((10, 12, 1), (0, 255), {"psnr"}),
        ((12,), (0, 255), {"psnr"}),
        ((11, 12, 1), None, set()),
    ],
)
def test_similarity_is_of_pictures_and_ratios_of_a_range(
    tiny_model, images, shape, data_range, more
):
    dtype = "float32" if data_range is None else "uint8"
    model = tiny_model(
        ("encoder", "discriminator"),
        shape,
        data_range=data_range,
        data_dtype=dtype,
    )
    test = images(140, shape).astype(dtype)
    measured = evaluate_model(model, test)
    assert set(measured) & {"psnr", "ssim"} == more
    wanted = "none" if data_range is None else "0 to 255"
    assert measured["mean_absolute_error"]["range"] == wanted


# === The values ===


def test_values_are_those_of_the_functions_on_the_same_arrays(
    tiny_model, images
):
    shape = (11, 12, 1)
    model = tiny_model(shape=shape)
    test, train = images(150, shape), images(160, shape, seed=1)
    found = values(evaluate_model(model, test, train, seed=3))

    extractor = metrics.extractor_for("pixels")
    made = extractor(model.generate(150, seed=3))
    real, known = extractor(test), extractor(train)
    kernel = metrics.kernel_distance(real, made, seed=3)
    pairs = metrics.precision_recall_density_coverage(real, made)
    drawn = np.random.default_rng(3).choice(160, 150, replace=False)
    once = model.reconstruct(test)
    codes = model.encode(test)
    moments = metrics.code_moments(codes)
    prior = np.random.default_rng(3).standard_normal((150, 4), "float32")
    recovered = model.encode(model.decode(prior))
    expected = {
        "frechet_distance_pixels": metrics.frechet_distance(real, made),
        "kernel_distance_pixels": kernel.value,
        **{f"{name}_pixels": value for name, value in pairs.items()},
        "memorization_ratio_pixels": metrics.memorization_ratio(
            made, known, real, 3
        ),
        "frechet_distance_train_pixels": metrics.frechet_distance(
            real, known[drawn]
        ),
        "mean_absolute_error": metrics.mean_absolute_error(test, once),
        "psnr": metrics.peak_signal_to_noise_ratio(test, once),
        "ssim": metrics.structural_similarity(test, once),
        "idempotence_error": metrics.idempotence_error(
            once, model.reconstruct(once)
        ),
        "codes_largest_mean": moments["largest_mean"],
        "codes_smallest_variance": moments["smallest_variance"],
        "codes_largest_variance": moments["largest_variance"],
        "codes_correlation": moments["correlation"],
        "active_units": metrics.active_units(codes),
        "codes_mmd": metrics.mmd_test(codes, prior, seed=3).value,
        "round_trip_error": metrics.round_trip_error(prior, recovered).mean(),
    }
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("prior", ["uniform", "sphere", "network"])
def test_any_prior_is_measured_by_what_generate_gives(
    tiny_model, images, prior
):
    named = prior
    if prior == "network":
        prior = networks.dense_encoder((3,), 4, (8,))
    model = tiny_model(("encoder", "discriminator"), prior=prior)
    test = images(70)
    measured = evaluate_model(model, test, seed=5)
    extractor = metrics.extractor_for("pixels")
    sets = extractor(test), extractor(model.generate(70, seed=5))
    assert measured["frechet_distance_pixels"]["value"] == pytest.approx(
        metrics.frechet_distance(*sets), rel=1e-6
    )
    assert measured["round_trip_error"]["prior"] == named


def test_neither_batches_nor_blocks_matter(tiny_model, images, monkeypatch):
    model = tiny_model()
    data = images(60), images(50, seed=1)
    is_odd = np.arange(60) % 4 == 0
    whole = evaluate_model(model, *data, is_odd=is_odd)
    monkeypatch.setattr(evaluation, "_BLOCK", 1)
    parts = evaluate_model(model, *data, is_odd=is_odd, batch_size=7)
    assert values(parts) == pytest.approx(values(whole), rel=1e-4, abs=1e-6)


def test_blocks_bound_what_is_computed_at_a_time(
    tiny_model, images, monkeypatch
):
    model = tiny_model(("encoder", "discriminator"))
    monkeypatch.setattr(evaluation, "_BLOCK", 20 * 24)
    seen = []
    for verb in ("decode", "encode", "reconstruct"):
        run = getattr(model, verb)
        monkeypatch.setattr(
            model,
            verb,
            lambda x, batch_size, run=run: (
                seen.append(len(x)) or run(x, batch_size)
            ),
        )
    evaluate_model(model, images(50), batch_size=8)
    # Whole batches of 8 until 20 samples would be exceeded.
    assert set(seen) == {16, 2}


def test_of_many_samples_some_are_drawn(tiny_model, images):
    model = tiny_model()
    test, train = images(90), images(80, seed=1)
    measured = evaluate_model(model, test, train, samples=40, seed=2)
    drawn = [
        x[np.sort(np.random.default_rng(2).choice(len(x), 40, replace=False))]
        for x in (test, train)
    ]
    assert measured == evaluate_model(model, *drawn, seed=2)
    distance = measured["frechet_distance_pixels"]
    assert distance["samples"] == distance["made"] == 40


def test_the_yardstick_of_the_test_data_themselves_is_zero(tiny_model, images):
    test = images(40)
    measured = evaluate_model(tiny_model(), test, test)
    assert measured["frechet_distance_train_pixels"]["value"] < 1e-9
    assert measured["memorization_ratio_pixels"]["value"] == 1


def test_a_network_as_extractor_gives_the_measures_its_name(tiny_model, images):
    model = tiny_model(("discriminator",))
    judge = networks.dense_encoder((6, 4, 1), 3, (8,), name="judge")
    measured = evaluate_model(model, images(40), extractor=judge)
    assert "frechet_distance_judge" in measured
    assert measured["coverage_judge"]["extractor"] == "judge"


def test_results_say_how_and_are_plain(tiny_model, images):
    model = tiny_model()
    measured = evaluate_model(
        model,
        images(64),
        images(30, seed=1),
        is_odd=np.arange(64) % 4 == 0,
        test_name="digits",
        train_name="more digits",
    )
    assert json.loads(json.dumps(measured, allow_nan=False)) == measured
    for name, each in measured.items():
        kinds = {type(value) for value in each.values()}
        assert kinds <= {int, float, str}, name
    assert measured["kernel_distance_pixels"] == {
        "value": measured["kernel_distance_pixels"]["value"],
        "samples": 48,
        "data": "the normal ones of digits",
        "made": 48,
        "extractor": "pixels",
        "resize": "none",
        "seed": 0,
        "standard_error": measured["kernel_distance_pixels"]["standard_error"],
        "subsets": 1,
        "subset_size": 48,
    }
    yardstick = measured["frechet_distance_train_pixels"]
    assert yardstick["against"] == "30 of more digits"
    assert measured["memorization_ratio_pixels"]["references"] == (
        "30 of more digits, 30 of the normal ones of digits"
    )
    assert {
        name: each["type"] for name, each in measured.items() if "type" in each
    } == {
        "mean_absolute_error": "mae",
        "round_trip_error": "mse",
        "anomaly_auroc": "roc_auc",
    }


# === Anomalies ===


def test_detection_is_measured_on_what_did_not_calibrate(tiny_model, images):
    model = tiny_model(("encoder", "discriminator"))
    test = images(64)
    is_odd = np.arange(64) >= 50
    test[is_odd] = 255
    measured = evaluate_model(model, test, is_odd=is_odd, seed=4)
    assert set(measured) == SAMPLES | ENCODER | BOTH | ANOMALIES
    # All but the detection is of the normal ones.
    plain = evaluate_model(model, test[~is_odd], seed=4)
    for name, value in values(plain).items():
        assert measured[name]["value"] == value, name

    scores = model.anomaly_score(test)
    order = np.random.default_rng(4).permutation(50)
    held_out, normal = scores[order[:25]], scores[order[25:]]
    limit = metrics.calibrate(held_out, 0.05)
    expected = metrics.detection(normal, scores[is_odd])
    assert {name: measured[name]["value"] for name in ANOMALIES} == {
        "anomaly_auroc": expected["auroc"],
        "anomaly_average_precision": expected["average_precision"],
        "anomaly_threshold": limit.threshold,
        "anomaly_false_alarms": limit.is_anomalous(normal).mean(),
        "anomaly_detected": limit.is_anomalous(scores[is_odd]).mean(),
    }
    assert measured["anomaly_threshold"]["samples"] == 25
    auroc = measured["anomaly_auroc"]
    assert (auroc["normal"], auroc["odd"], auroc["samples"]) == (25, 14, 39)


def test_anomalies_are_told_by_the_kind_of_score_that_is_asked_for(
    tiny_model, images
):
    model = tiny_model(("encoder",), prior=None)
    model.fit_sampler("gaussian", images(64), seed=0)
    test, is_odd = images(64), np.arange(64) >= 50
    test[is_odd] //= 2
    scores = model.anomaly_score(test, "density")
    order = np.random.default_rng(4).permutation(50)
    measured = evaluate_model(
        model, test, is_odd=is_odd, anomaly_kind="density", seed=4
    )
    expected = metrics.detection(scores[order[25:]], scores[is_odd])
    assert measured["anomaly_auroc"]["value"] == expected["auroc"]
    limit = metrics.calibrate(scores[order[:25]], 0.05)
    assert measured["anomaly_threshold"]["value"] == limit.threshold
    assert all(measured[name]["kind"] == "density" for name in ANOMALIES)
    own = evaluate_model(model, test, is_odd=is_odd, seed=4)
    assert own["anomaly_auroc"]["value"] != expected["auroc"]
    assert "kind" not in own["anomaly_auroc"]
    with pytest.raises(ValueError, match="Expected kind to be one of"):
        evaluate_model(model, test, is_odd=is_odd, anomaly_kind="oddness")


def test_odd_data_do_not_move_the_threshold(tiny_model, images):
    model = tiny_model(("encoder", "discriminator"))
    test = images(60)
    is_odd = np.arange(60) >= 50
    found = []
    for fill in (0, 255):
        test[is_odd] = fill
        measured = evaluate_model(model, test, is_odd=is_odd)
        found.append(measured["anomaly_threshold"])
    assert found[0] == found[1]


def test_as_many_normal_ones_as_the_rate_needs(tiny_model, images):
    rate, fewest = evaluation._FALSE_POSITIVE_RATE, evaluation._CALIBRATION
    metrics.calibrate(np.arange(fewest), rate)
    with pytest.raises(ValueError, match="19 normal scores"):
        metrics.calibrate(np.arange(fewest - 1), rate)
    model = tiny_model(("encoder", "discriminator"))
    is_odd = np.arange(39) == 0
    measured = evaluate_model(model, images(39), is_odd=is_odd)
    assert measured["anomaly_threshold"]["samples"] == fewest
    message = "Expected 38 normal test samples.*37 normal and 2 odd"
    with pytest.raises(ValueError, match=message):
        evaluate_model(model, images(39), is_odd=np.arange(39) < 2)
    with pytest.raises(ValueError, match="38 normal and 1 odd.*samples=37"):
        evaluate_model(model, images(39), is_odd=is_odd, samples=37)
    with pytest.raises(ValueError, match="39 normal and 0 odd"):
        evaluate_model(model, images(39), is_odd=is_odd & False)


def test_labels_are_no_answer_to_which_are_odd(tiny_model, images):
    model = tiny_model(("encoder", "discriminator"))
    with pytest.raises(ValueError, match="labels != 0"):
        evaluate_model(model, images(40), is_odd=np.arange(40) % 2)
    with pytest.raises(ValueError, match=r"shape \(40,\).*shape \(39,\)"):
        evaluate_model(model, images(40), is_odd=np.ones(39, bool))
    without = tiny_model(("discriminator",))
    with pytest.raises(ValueError, match="no encoder. Leave is_odd out"):
        evaluate_model(without, images(40), is_odd=np.arange(40) == 0)


def test_detection_needs_scikit_learn(tiny_model, images, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    model = tiny_model(("encoder", "discriminator"))
    monkeypatch.setattr(model, "generate", None)
    with pytest.raises(ImportError, match=r"keras-aegan\[sklearn\]"):
        evaluate_model(model, images(40), is_odd=np.arange(40) == 0)


# === Refusals ===


def test_what_cannot_be_measured_is_refused_before_anything_is_made(
    tiny_model, images, monkeypatch
):
    model = tiny_model()
    monkeypatch.setattr(model, "decode", None)
    with pytest.raises(ValueError, match="Received: shape .32, 4, 6, 1."):
        evaluate_model(model, images(32, (4, 6, 1)))
    with pytest.raises(ValueError, match="Expected test to have 6 .*: 5"):
        evaluate_model(model, images(5))
    with pytest.raises(ValueError, match="Expected train to have 6 .*: 1"):
        evaluate_model(model, images(32), images(1))
    with pytest.raises(ValueError, match="train with 1 values that are NaN"):
        bad = images(32).astype("float32")
        bad[3, 2, 1] = np.nan
        evaluate_model(model, images(32), bad)
    with pytest.raises(ValueError, match="samples to be a whole number, 6 or"):
        evaluate_model(model, images(32), samples=5)
    with pytest.raises(ValueError, match="batch_size to be a whole number"):
        evaluate_model(model, images(32), batch_size=0)
    with pytest.raises(ValueError, match="'pixels', 'mnist', 'inception'"):
        evaluate_model(model, images(32), extractor="fid")


def test_a_set_that_does_not_suit_the_extractor_is_refused_at_once(
    tiny_model, images, monkeypatch
):
    model = tiny_model(("discriminator",), (12,))
    monkeypatch.setattr(model, "decode", None)
    with pytest.raises(ValueError, match="This extractor is for pictures"):
        evaluate_model(model, images(32, (12,)), extractor="mnist")


def test_tokens_are_refused():
    model = recipes.arae((8,), vocabulary_size=5, seed=0)
    with pytest.raises(ValueError, match="Token ids are names"):
        evaluate_model(model, np.zeros((40, 8), "int32"))
