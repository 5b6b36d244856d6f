"""All recipes, at equal wall-clock, as the README's table.

    python tests/benchmarks/family.py mnist.npz --anomalies pneumoniamnist.npz

Each recipe trains for `--seconds` with each seed, after a few uncounted steps
that compile it; the second stage of a recipe with two gets half of them. Then,
on the test part of the data:

* reconstruction: the mean absolute error of `reconstruct`, in 0 to 255;
* samples: the Fréchet distance of `--samples` generated images to as many of
  the test part, on the 64 features of a small classifier that is trained here
  on the labels (its accuracy is printed, and the distance of real data to real
  data). Models without a prior get a mixture of ten Gaussians;
* AUROC of the anomaly recipes, trained on the normal part of another set.

Results are kept in `--output` after each run, one line of JSON, and a run that
is there already is not repeated; `--table` prints them as Markdown.
"""

import argparse
import json
import pathlib
import statistics
import time

import keras
import numpy as np
from scipy import linalg
from sklearn.metrics import roc_auc_score

from keras_aegan import recipes
from keras_aegan.callbacks import StopAfter

#: What each recipe is for: encoding, generating, telling what is odd.
PURPOSES = {
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
    "soft_introvae": "encode, generate",
    "vae_gan": "encode, generate",
    "wae_gan": "encode, generate",
    "wae_mmd": "encode, generate",
}
#: Settings for short trainings; what is not here is the recipe's default.
OPTIONS = {
    "autoencoder": {"hidden_units": (512, 128)},
    "began": {"rate": 0.1, "latent_dim": 16},
    "image_autoencoder": {"start": 500, "ramp": 500},
}


def load(path, *parts):
    with np.load(path) as arrays:
        found = [arrays[part] for part in parts]
    return [a[..., None] if a.ndim == 3 else a for a in found]


def build(name, shape, seed, train):
    """A recipe's model, and the steps it takes to get there."""
    options = {"seed": seed, **OPTIONS.get(name, {})}
    if name == "latent_gan":
        first = recipes.aae(shape, latent_dim=32, seed=seed)
        return recipes.latent_gan(train(first, 0.5), seed=seed), 0.5
    if name == "f_anogan":
        first = recipes.gan(shape, formulation="wasserstein", seed=seed)
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


def classifier(data, labels, test, test_labels):
    """A small network whose features the samples are compared on."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input(data.shape[1:])
    x = layers.Rescaling(1 / 127.5, -1.0)(inputs)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    features = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    model = keras.Model(inputs, layers.Dense(10)(features))
    model.compile(
        "adam",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(data, labels, batch_size=256, epochs=3, verbose=0)
    _, accuracy = model.evaluate(test, test_labels, verbose=0)
    print(f"classifier: accuracy {accuracy:.4f} on the test part")
    judge = keras.Model(inputs, features)
    return lambda x: judge.predict(x, batch_size=500, verbose=0)


def frechet_distance(a, b):
    """Between two arrays of features, in float64."""
    a, b = a.astype("float64"), b.astype("float64")
    difference = a.mean(0) - b.mean(0)
    a, b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = linalg.sqrtm(a @ b)
    return float(
        difference @ difference
        + np.trace(a)
        + np.trace(b)
        - 2 * np.trace(np.real(root))
    )


def measure(name, seed, args, images, odd, features):
    """One training and what came of it, a dict."""
    anomalies = PURPOSES[name] == "anomalies"
    data, test = odd[:2] if anomalies else images
    train, speeds = trainer(data, args.seconds, args.batch_size)
    model, share = build(name, data.shape[1:], seed, train)
    train(model, share)
    result = {
        "recipe": name,
        "seed": seed,
        "seconds_per_1000": sum(speeds) / len(speeds),
        "device": str(model.generator.variables[0].value.device),
    }
    if anomalies:
        scores = model.anomaly_score(test)
        result["auroc"] = roc_auc_score(odd[2], scores)
        return result
    if model.encoder is not None:
        error = model.reconstruct(test).astype("float32") - test
        result["reconstruction"] = float(np.abs(error).mean())
    if model.prior is None:
        model.fit_sampler("gmm", data[: args.samples], seed=seed)
        result["sampler"] = "gmm"
    made = model.generate(args.samples, seed=seed, batch_size=500)
    result["samples"] = frechet_distance(
        features(made), features(test[: args.samples])
    )
    return result


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
            cell = ""
            if found:
                cell = f"{statistics.mean(found):.{digits}f}"
                if len(found) > 1 and key != "seconds_per_1000":
                    cell += f" ± {statistics.stdev(found):.{digits}f}"
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
    parser.add_argument("--recipes", nargs="+", default=sorted(PURPOSES))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--output", default="family.jsonl", type=pathlib.Path)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.table:
        return table(args.output)
    data, labels, test, test_labels = load(
        args.data, "x_train", "y_train", "x_test", "y_test"
    )
    features = classifier(data, labels, test, test_labels)
    real = features(data[: args.samples]), features(test[: args.samples])
    print(f"real data against real data: {frechet_distance(*real):.3f}")
    odd = None
    if args.anomalies:
        x, y, x_test, y_test = load(
            args.anomalies, "x_train", "y_train", "x_test", "y_test"
        )
        odd = x[y.ravel() == 0], x_test, y_test.ravel() != 0
    done = set()
    if args.output.exists():
        lines = map(json.loads, args.output.read_text().splitlines())
        done = {(line["recipe"], line["seed"]) for line in lines}
    for name in args.recipes:
        if PURPOSES[name] == "anomalies" and odd is None:
            continue
        for seed in args.seeds:
            if (name, seed) in done:
                continue
            result = measure(name, seed, args, (data, test), odd, features)
            print(json.dumps(result), flush=True)
            with args.output.open("a") as file:
                file.write(json.dumps(result) + "\n")
            keras.backend.clear_session()
    return None


if __name__ == "__main__":
    main()
