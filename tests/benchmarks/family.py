"""All recipes, at equal wall-clock, as the README's table.

    python tests/benchmarks/family.py mnist.npz \\
        --anomalies pneumoniamnist.npz --text names.npz

Each recipe trains for `--seconds` with each seed, after a few uncounted steps
that compile it; the second stage of a recipe with two gets half of them. Before
that (in the results' `start`) and after it, on the test part of the data:

* reconstruction: the mean absolute error of `reconstruct`, in 0 to 255;
* samples: the Fréchet distance of `--samples` generated images to as many of
  the test part, on the 64 features of a small classifier that is trained here
  on the labels (its accuracy is printed, and the distance of real data to real
  data). Models without a prior get a mixture of ten Gaussians;
* AUROC of the anomaly recipes, trained on the normal part of another set, of
  images or of signals;
* for text, the share of wrong characters in `reconstruct`, and the distance in
  total variation between the pairs of neighbouring characters of samples and
  of the test part, in percent.

A recipe that is not better than it started, in all that it is for and with each
seed, by an AUROC of 0.05 or a tenth of an error, makes the command fail.
Results are kept in `--output` after each run, one line of JSON, and a run that
is there already is not repeated; `--table` prints them as Markdown.
"""

import argparse
import functools
import json
import pathlib
import statistics
import time

import data_sets
import keras
import numpy as np
from names import apart
from sklearn.metrics import roc_auc_score

from keras_aegan import recipes
from keras_aegan.callbacks import StopAfter
from keras_aegan.metrics import frechet_distance

#: What each recipe is for: encoding, generating, telling what is odd.
PURPOSES = {
    "arae": "text",
    "aae": "encode, generate",
    "aegan": "encode, generate",
    "aegan_classic": "encode, generate",
    "ali": "encode, generate",
    "alpha_gan": "encode, generate",
    "autoencoder": "encode",
    "autoencoder_gan": "encode",
    "began": "generate",
    "ebgan": "generate",
    "f_anogan": "anomalies",
    "fastgan": "generate",
    "gan": "generate",
    "ganomaly": "anomalies",
    "image_autoencoder": "encode",
    "latent_gan": "encode, generate",
    "magan": "generate",
    "mixture_aegan": "encode, generate",
    "rae": "encode, generate",
    "soft_introvae": "encode, generate",
    "vae_gan": "encode, generate",
    "wae_gan": "encode, generate",
    "wae_mmd": "encode, generate",
}
#: Settings for short trainings; what is not here is the recipe's default.
OPTIONS = {
    "arae": {"vocabulary_size": 27},
    "autoencoder": {"hidden_units": (512, 128)},
    "image_autoencoder": {"start": 500, "ramp": 500},
}


def load(path):
    """The arrays of a file, images with their channel."""
    with np.load(path) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return {
        name: a[..., None] if a.ndim == 3 and a.dtype == "uint8" else a
        for name, a in found.items()
    }


def normal_and_odd(path):
    """Normal data to train on, data to test on, and which of them are odd."""
    data = load(path)
    normal = data["x_train"]
    if "y_train" in data:  # Else all of them are normal.
        normal = normal[data["y_train"].ravel() == 0]
    if normal.dtype == "float16":
        normal, data["x_test"] = (
            part.astype("float32") for part in (normal, data["x_test"])
        )
    return normal, data["x_test"], data["y_test"].ravel() != 0


def build(name, data, seed, width, train):
    """A recipe's model, and the share of the training that is left for it."""
    shape = data.shape[1:]
    options = {"seed": seed, **OPTIONS.get(name, {})}
    if data.dtype == "float32":
        options |= {"data_range": None, "data_dtype": "float32"}
    if width is not None:
        options["width"] = width
    if name == "latent_gan":
        first = recipes.aae(shape, latent_dim=32, seed=seed)
        return recipes.latent_gan(train(first, 0.5), seed=seed), 0.5
    if name == "mixture_aegan":
        first = train(recipes.rae(shape, seed=seed), 0.5)
        first.fit_sampler("gmm", data[:10_000], seed=seed)
        return recipes.mixture_aegan(first, seed=seed), 0.5
    if name == "f_anogan":
        first = recipes.gan(shape, formulation="wasserstein", **options)
        return recipes.f_anogan(train(first, 0.5), seed=seed), 0.5
    return recipes.get(name)(shape, **options), 1.0


def trainer(data, seconds, batch_size):
    """A function that trains a model on data for a share of the seconds."""
    speeds = []
    # Whole batches alone: another shape would be compiled on the clock.
    data = data[: len(data) // batch_size * batch_size]

    def train(model, share):
        model.fit(data[: 4 * batch_size], batch_size=batch_size, verbose=0)
        stop = StopAfter(minutes=share * seconds / 60)
        steps, begin = int(model.step), time.perf_counter()
        model.fit(
            data,
            batch_size=batch_size,
            epochs=10_000,
            callbacks=[stop],
            verbose=0,
        )
        took = time.perf_counter() - begin
        images = (int(model.step) - steps) * batch_size
        speeds.append(1000 * took / images)
        return model

    return train, speeds


def classifier(data, labels, test, test_labels, file=None, outputs="features"):
    """A small network whose features the samples are compared on.

    Or its `"classes"`. It is read from `file` if that exists, and written
    there if not.
    """
    if file is not None and file.exists():
        return keras.saving.load_model(file)
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input(data.shape[1:])
    x = layers.Rescaling(1 / 127.5, -1.0)(inputs)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    features = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    model = keras.Model(inputs, layers.Dense(int(labels.max()) + 1)(features))
    model.compile(
        "adam",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(data, labels, batch_size=256, epochs=3, verbose=0)
    _, accuracy = model.evaluate(test, test_labels, verbose=0)
    print(f"classifier: accuracy {accuracy:.4f} on the test part")
    judge = keras.Model(inputs, features) if outputs == "features" else model
    if file is not None:
        judge.save(file)
    return judge


def errors(name, model, data, test, odd, args, features, seed):
    """What the model is for, in numbers: the lower, the better."""
    purpose = PURPOSES[name]
    if purpose == "anomalies":
        return {"auroc": roc_auc_score(odd, model.anomaly_score(test))}
    if purpose == "text":
        made = model.generate(args.samples, seed=seed, batch_size=500)
        wrong = np.mean(model.reconstruct(test) != test)
        return {"reconstruction": 100 * wrong, "samples": apart(made, test, 2)}
    found = {}
    if model.encoder is not None:
        error = model.reconstruct(test).astype("float32") - test
        found["reconstruction"] = float(np.abs(error).mean())
    if model.prior is None:
        model.fit_sampler("gmm", data[: args.samples], seed=seed)
    made = model.generate(args.samples, seed=seed, batch_size=500)
    found["samples"] = frechet_distance(
        features(made), features(test[: args.samples])
    )
    return found


def measure(name, seed, args, sets, features):
    """One training and what came of it, a dict."""
    data, test, odd = sets[PURPOSES[name]]
    train, speeds = trainer(data, args.seconds, args.batch_size)
    model, share = build(name, data, seed, args.width, train)
    rest = (data, test, odd, args, features, seed)
    # A mixture is fitted to codes, and no part of the training.
    is_fitted = model.prior is None and PURPOSES[name] != "anomalies"
    sampler = {"sampler": "gmm"} if is_fitted else {}
    start = {} if sampler else errors(name, model, *rest)
    train(model, share)
    return {
        "recipe": name,
        "seed": seed,
        "seconds_per_1000": sum(speeds) / len(speeds),
        "device": str(model.generator.variables[0].value.device),
        "backend": keras.backend.backend(),
        "start": start,
        **sampler,
        **errors(name, model, *rest),
    }


def is_better(result):
    """Whether a training made all it is for better, by 0.05 or a tenth."""
    return all(
        result[key] > before + 0.05
        if key == "auroc"
        else result[key] < 0.9 * before
        for key, before in result.get("start", {}).items()
    )


def table(path):
    results = [json.loads(line) for line in path.read_text().splitlines()]
    print(
        "| recipe | for | held-out error | sample distance | AUROC "
        "| s per 1,000 |\n|---|---|---|---|---|---|"
    )
    for name in sorted({r["recipe"] for r in results}):
        runs = [r for r in results if r["recipe"] == name]
        cells = []
        for key, digits in (
            ("reconstruction", 1),
            ("samples", 2),
            ("auroc", 3),
            ("seconds_per_1000", 3),
        ):
            found = [r[key] for r in runs if key in r]
            starts = [
                r["start"][key] for r in runs if key in r.get("start", ())
            ]
            cell = ""
            if found:
                cell = f"{statistics.mean(found):.{digits}f}"
                if len(found) > 1 and key != "seconds_per_1000":
                    cell += f" ± {statistics.stdev(found):.{digits}f}"
            if starts:
                cell = f"{statistics.mean(starts):.{digits}f} → {cell}"
            if key == "samples" and "sampler" in runs[0]:
                cell += " (mixture)"
            cells.append(cell)
        purpose = PURPOSES.get(name, "")
        print(f"| `{name}` | {purpose} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", help=".npz with x_train, y_train, x_test ...")
    parser.add_argument("--anomalies", help=".npz whose label 0 is normal")
    parser.add_argument(
        "--text", type=pathlib.Path, help=".npz of token ids `x`, 27 kinds"
    )
    parser.add_argument("--recipes", nargs="+", default=sorted(PURPOSES))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, help="not the recipe's own")
    parser.add_argument("--output", default="family.jsonl", type=pathlib.Path)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.table:
        return table(args.output)
    sets, features = {}, None
    if args.anomalies:
        sets["anomalies"] = normal_and_odd(args.anomalies)
    if args.text:
        train, _, test, _ = data_sets.load(args.text)
        sets["text"] = train, test, None
    if any(
        PURPOSES[name] not in ("anomalies", "text") for name in args.recipes
    ):
        found = load(args.data)
        data, test = found["x_train"], found["x_test"]
        judge = classifier(data, found["y_train"], test, found["y_test"])
        features = functools.partial(judge.predict, batch_size=500, verbose=0)
        real = features(data[: args.samples]), features(test[: args.samples])
        print(f"real data against real data: {frechet_distance(*real):.3f}")
        for purpose in set(PURPOSES.values()) - {"anomalies", "text"}:
            sets[purpose] = data, test, None
    done = set()
    if args.output.exists():
        lines = map(json.loads, args.output.read_text().splitlines())
        done = {(line["recipe"], line["seed"]) for line in lines}
    failed = []
    for name in args.recipes:
        if PURPOSES[name] not in sets:
            continue
        for seed in args.seeds:
            if (name, seed) in done:
                continue
            result = measure(name, seed, args, sets, features)
            print(json.dumps(result), flush=True)
            with args.output.open("a") as file:
                file.write(json.dumps(result) + "\n")
            if not is_better(result):
                failed.append(f"{name} with seed {seed}")
            keras.backend.clear_session()
    if failed:
        raise SystemExit(f"Not better than at the start: {', '.join(failed)}")
    return None


if __name__ == "__main__":
    main()
