"""All that a model is for, measured in one call, and told with how."""

import functools
import math
from collections.abc import Callable, Iterator

import keras
import numpy as np
from keras import ops

from keras_aegan.counts import check_count
from keras_aegan.metrics.anomaly import calibrate, detection
from keras_aegan.metrics.codes import active_units, code_moments, mmd_test
from keras_aegan.metrics.features import Extractor, extractor_for
from keras_aegan.metrics.frechet import frechet_distance
from keras_aegan.metrics.kernel import kernel_distance
from keras_aegan.metrics.neighbors import (
    memorization_ratio,
    precision_recall_density_coverage,
)
from keras_aegan.metrics.reconstruction import (
    MeanAbsoluteError,
    PeakSignalToNoiseRatio,
    StructuralSimilarity,
    round_trip_error,
)

#: Values of data that are computed at a time: 64 MB in float32.
_BLOCK = 2**24
_NEIGHBORS = 5
_SUBSETS, _SUBSET_SIZE = 100, 1000
_PERMUTATIONS, _TESTED_CODES = 200, 1000
_WINDOW = 11  # what structural similarity looks at
_FALSE_POSITIVE_RATE = 0.05
_CALIBRATION = 19  # the fewest normal scores for that rate


def evaluate_model(
    model: keras.Model,
    test: np.ndarray,
    train: np.ndarray | None = None,
    *,
    is_odd: np.ndarray | None = None,
    anomaly_kind: str | None = None,
    extractor: "str | keras.Model | Extractor" = "pixels",
    samples: int = 10_000,
    seed: int = 0,
    batch_size: int = 64,
    test_name: str = "test",
    train_name: str = "train",
) -> dict[str, dict]:
    """Measures all that a model can do, on data that it was not trained on.

    | what the model has | measures |
    |---|---|
    | a prior | `frechet_distance`, `kernel_distance`, `precision`, `recall`, \
`density`, `coverage`, each with `_` and the extractor's name |
    | a prior, and `train` is given | `memorization_ratio`, and for comparison \
`frechet_distance_train`, that of training data: what no model is expected to \
beat |
    | an encoder | `mean_absolute_error`, `psnr`, `ssim`, `idempotence_error`, \
`codes_largest_mean`, `codes_smallest_variance`, `codes_largest_variance`, \
`codes_correlation`, `active_units` |
    | both | `codes_mmd` to the prior, `round_trip_error` |
    | an encoder, and `is_odd` is given | `anomaly_auroc`, \
`anomaly_average_precision`, `anomaly_threshold`, `anomaly_false_alarms`, \
`anomaly_detected` |

    `psnr` is left out for data without a range, `ssim` also for what is no
    picture of 11 x 11 pixels or more.

    As many samples are generated as there are real ones, those that
    `model.generate(n, seed=seed)` gives. With `is_odd`, all but the detection
    is measured on the normal test data alone. Half of them, drawn at random,
    calibrate the threshold at a false positive rate of 5 %; the other half
    and the odd ones are what detection is measured on.

    Data, samples and reconstructions are worked on some at a time; features
    are kept, 4 bytes a value, and the distances make float64 of them. Of
    large pictures `"pixels"` are very many features: take fewer samples, or
    another extractor.

    Args:
        model: an `AEGAN`, of data and not of tokens.
        test: `(n, *data_shape)` in the data's range, 6 or more; best more
            than the extractor has features.
        train: `(m, *data_shape)` of the training data, 6 or more, or `None`.
        is_odd: `(n,)` of bools, which of `test` are anomalies, or `None`. At
            least one has to be, and 38 must not.
        anomaly_kind: the score that tells them, see `AEGAN.anomaly_score`; by
            default the model's own.
        extractor: what samples are compared on: `"pixels"` (default), another
            name that `extractor_for` knows, a `keras.Model` or an `Extractor`.
        samples: use no more than so many of each kind, 6 or more, by default
            10,000. Of more, so many are drawn at random.
        seed: integer seed of all that is random, by default 0.
        batch_size: samples that the networks compute at a time, by default 64.
        test_name: what results call the test data, by default `"test"`.
        train_name: what they call the training data, by default `"train"`.

    Returns:
        A dict from each measure's name to a dict, as a preset's metadata have
        it under `measured`: `"value"`; `"samples"`, how many of the test data
        (or codes) it is of; `"type"`, where the Hugging Face Hub has a name
        for it; and how it was measured. Numbers and strings, nothing else.

    Raises:
        ValueError: for data that do not suit the model or the extractor, too
            few of them, a model of tokens, `is_odd` without an encoder, or an
            argument out of its range.
        ImportError: for `is_odd`, if scikit-learn is not installed.

    Example:

    ```python
    measured = evaluate_model(model, x_test, x_train, extractor="mnist")
    measured["frechet_distance_mnist"]["value"]
    model.save_to_preset("mine", metadata={"measured": measured})
    ```
    """
    check_count("samples", samples, least=_NEIGHBORS + 1)
    check_count("batch_size", batch_size)
    if model.data_settings["tokens"]:
        raise ValueError(
            "Token ids are names and not quantities: no distance, error or "
            "similarity of them means anything. Received: a model of tokens. "
            "Compare `model.reconstruct(x)` with x, and measure "
            "`model.encode(x)` by `code_moments` and `mmd_test`."
        )
    extractor = extractor_for(extractor, model.data_range)
    test = _checked(model, test, "test")
    if train is not None:
        train = _drawn(_checked(model, train, "train"), samples, seed)
    run = _Run(model, batch_size, seed)
    measured, anomalies = {}, {}
    if is_odd is not None:
        test, odd = _divided(model, test, is_odd, samples)
        test, odd = (_drawn(x, samples, seed) for x in (test, odd))
        anomalies = _of_anomalies(run, test, odd, test_name, anomaly_kind)
        test_name = f"the normal ones of {test_name}"
    test = _drawn(test, samples, seed)
    names = test_name, train_name

    if model.prior is not None:
        codes = model.sample_codes(len(test), seed, batch_size)
        measured |= _of_samples(run, test, train, codes, extractor, names)
    if model.encoder is not None:
        measured |= _of_reconstructions(run, test, test_name)
        encoded = run.blocks(model.encode, test)
        measured |= _of_codes(encoded, test_name, seed)
        if model.prior is not None:
            measured |= _of_both(run, encoded, codes, test_name)
    return measured | anomalies


class _Run:
    """A model's functions on many samples, some at a time."""

    def __init__(self, model, batch_size, seed):
        self.model, self.batch_size, self.seed = model, batch_size, seed
        in_batch = batch_size * math.prod(model.data_shape)
        # Whole batches: each other size would be compiled for itself.
        self.size = batch_size * max(1, _BLOCK // in_batch)

    def parts(self, x: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(x), self.size):
            yield x[start : start + self.size]

    def blocks(self, verb: Callable, x: np.ndarray) -> np.ndarray:
        """What one of the model's verbs makes of all `x`."""
        made = [verb(x, batch_size=self.batch_size) for x in self.parts(x)]
        return np.concatenate(made)

    def generate(self, codes: np.ndarray) -> Iterator[np.ndarray]:
        for part in self.parts(codes):
            yield self.model.decode(part, batch_size=self.batch_size)


def _of_samples(run, test, train, codes, extractor, names):
    def features(parts):
        return np.concatenate([extractor(part) for part in parts])

    # The real ones first: what does not suit the extractor fails at once.
    real = features(run.parts(test))
    made = features(run.generate(codes))
    test_name, train_name = names
    of_test = {"samples": len(real), "data": test_name}
    compared = {
        "extractor": extractor.name,
        "resize": extractor.resize,
        "seed": run.seed,
    }
    how = {**of_test, "made": len(made), **compared}
    kernel = kernel_distance(real, made, _SUBSETS, _SUBSET_SIZE, run.seed)
    neighbors = precision_recall_density_coverage(real, made, _NEIGHBORS)
    found = {
        "frechet_distance": {"value": frechet_distance(real, made), **how},
        "kernel_distance": {
            "value": kernel.value,
            **how,
            "standard_error": kernel.standard_error,
            # Smaller sets are compared whole.
            "subsets": 1 if len(real) <= _SUBSET_SIZE else _SUBSETS,
            "subset_size": min(_SUBSET_SIZE, len(real)),
        },
        **{
            name: {"value": value, **how, "neighbor": _NEIGHBORS}
            for name, value in neighbors.items()
        },
    }
    if train is not None:
        known = features(run.parts(train))
        size = min(len(known), len(real))
        found["memorization_ratio"] = {
            "value": memorization_ratio(made, known, real, run.seed),
            **how,
            "references": f"{size} of {train_name}, {size} of {test_name}",
        }
        # No more than are made: the fewer, the larger the distance.
        known = _drawn(known, len(made), run.seed)
        found["frechet_distance_train"] = {
            "value": frechet_distance(real, known),
            **of_test,
            "against": f"{len(known)} of {train_name}",
            **compared,
        }
    return {f"{name}_{extractor.name}": each for name, each in found.items()}


def _of_reconstructions(run, test, name):
    shape, data_range = run.model.data_shape, run.model.data_range
    metrics = {"mean_absolute_error": MeanAbsoluteError()}
    if data_range is not None:
        metrics["psnr"] = PeakSignalToNoiseRatio(data_range)
        if len(shape) == 3 and min(shape[:2]) >= _WINDOW:
            metrics["ssim"] = StructuralSimilarity(data_range)
    idempotence = MeanAbsoluteError()
    for x in run.parts(test):
        once = run.model.reconstruct(x, run.batch_size)
        for metric in metrics.values():
            metric.update_state(x, once)
        twice = run.model.reconstruct(once, run.batch_size)
        idempotence.update_state(once, twice)
    how = {
        "samples": len(test),
        "data": name,
        "range": _text(data_range),
        "seed": run.seed,
    }
    found = {
        key: {"value": metric.result(), **how, "by": "model.reconstruct"}
        for key, metric in metrics.items()
    }
    found["mean_absolute_error"]["type"] = "mae"
    found["idempotence_error"] = {
        "value": idempotence.result(),
        **how,
        "by": "model.reconstruct, once and twice",
    }
    return found


def _of_codes(codes, name, seed):
    how = {
        "samples": len(codes),
        "data": name,
        "seed": seed,
        "by": "model.encode",
    }
    moments = code_moments(codes)
    size = math.prod(codes.shape[1:])
    return {
        **{
            f"codes_{key}": {"value": moments[key], **how}
            for key in (
                "largest_mean",
                "smallest_variance",
                "largest_variance",
                "correlation",
            )
        },
        "active_units": {
            "value": active_units(codes),
            **how,
            "of": size,
            "threshold": 0.01,
        },
    }


def _of_both(run, encoded, codes, name):
    """How encoder and prior, and encoder and generator, go together."""
    model = run.model
    prior = model.prior if isinstance(model.prior, str) else "network"
    test = mmd_test(encoded, codes, _PERMUTATIONS, run.seed, _TESTED_CODES)
    recovered = np.concatenate(
        [run.blocks(model.encode, made) for made in run.generate(codes)]
    )
    drawn = {"prior": prior, "seed": run.seed}
    return {
        "codes_mmd": {
            "value": test.value,
            "samples": min(len(encoded), _TESTED_CODES),
            "data": name,
            "by": "model.encode",
            "p_value": test.p_value,
            "permutations": _PERMUTATIONS,
            **drawn,
        },
        "round_trip_error": {
            "value": float(round_trip_error(codes, recovered).mean()),
            "type": "mse",
            "samples": len(codes),
            "data": "codes from the prior",
            "by": "model.encode(model.decode(codes))",
            "prior_variance": float(code_moments(codes)["variance"].mean()),
            **drawn,
        },
    }


def _of_anomalies(run, normal, odd, name, kind):
    score = functools.partial(run.model.anomaly_score, kind=kind)
    scores, odd_scores = run.blocks(score, normal), run.blocks(score, odd)
    order = np.random.default_rng(run.seed).permutation(len(scores))
    held_out, scores = np.split(scores[order], [len(order) // 2])
    found = detection(scores, odd_scores)
    limit = calibrate(held_out, _FALSE_POSITIVE_RATE)
    told = {"by": "model.anomaly_score", "seed": run.seed}
    if kind is not None:
        told["kind"] = kind
    how = {
        "samples": len(scores) + len(odd_scores),
        "data": name,
        "normal": len(scores),
        "odd": len(odd_scores),
        **told,
    }
    threshold = {"threshold": "anomaly_threshold"}
    return {
        "anomaly_auroc": {"value": found["auroc"], "type": "roc_auc", **how},
        "anomaly_average_precision": {
            "value": found["average_precision"],
            **how,
        },
        "anomaly_threshold": {
            "value": limit.threshold,
            "samples": len(held_out),
            "data": f"a random half of the normal ones of {name}, which is in "
            "no other anomaly measure",
            "false_positive_rate": _FALSE_POSITIVE_RATE,
            **told,
        },
        "anomaly_false_alarms": {
            "value": float(limit.is_anomalous(scores).mean()),
            **how,
            **threshold,
        },
        "anomaly_detected": {
            "value": float(limit.is_anomalous(odd_scores).mean()),
            **how,
            **threshold,
        },
    }


def _drawn(x, samples, seed):
    """So many at random, in their order; all of them where there are fewer."""
    if len(x) <= samples:
        return x
    random = np.random.default_rng(seed)
    return x[np.sort(random.choice(len(x), samples, replace=False))]


def _text(data_range):
    if data_range is None:
        return "none"
    low, high = data_range
    return f"{low:g} to {high:g}"


# === Checks ===


def _checked(model, x, name):
    x = x if isinstance(x, np.ndarray) else ops.convert_to_numpy(x)
    model.spec.check(x, name)
    if len(x) <= _NEIGHBORS:
        raise ValueError(
            f"Expected {name} to have {_NEIGHBORS + 1} samples or more, and "
            f"some thousands for numbers to trust. Received: {len(x)}"
        )
    return x


def _divided(model, test, is_odd, samples):
    """The test data that are normal, and those that are odd."""
    is_odd = np.asarray(is_odd)
    if is_odd.shape != (len(test),) or is_odd.dtype != bool:
        raise ValueError(
            "Expected is_odd to say True or False of each test sample: shape "
            f"({len(test)},) and dtype bool. Received: shape {is_odd.shape} "
            f"and dtype {is_odd.dtype}. Compare labels with the normal one: "
            "`labels != 0`."
        )
    if model.encoder is None:
        raise ValueError(
            "Anomalies are told by the codes or reconstructions of a model, "
            "and this one has no encoder. Leave is_odd out."
        )
    normal, odd = test[~is_odd], test[is_odd]
    if not len(odd) or min(len(normal), samples) < 2 * _CALIBRATION:
        raise ValueError(
            f"Expected {2 * _CALIBRATION} normal test samples or more, half of "
            "them to calibrate a threshold, and at least one odd. Received: "
            f"{len(normal)} normal and {len(odd)} odd, of which no more than "
            f"samples={samples} are used."
        )
    return normal, odd
