"""One-stage, simultaneous and alternating updates at equal wall-clock.

    python tests/benchmarks/equal_time.py mnist.npz pixel_art32.npz

The default recipe on digits and on pixel-art faces, with each way of moving and
each seed. First the three are timed in turns, a few steps each and over again,
and the median says how many steps each makes in `--seconds`. That many it then
trains, so that what else the machine does meanwhile is nobody's disadvantage.
After that, on the held-out part of the data:

* reconstruction: the mean absolute error of `reconstruct`, in 0 to 255;
* samples: the Fréchet distance of `--samples` generated images to as many held
  out, on the 64 features of a small classifier of the labels, trained here on
  the digits, or the kinds of hair (its accuracy is printed, and the distance of
  training images to the held-out ones).

Times and results are kept in `--output`, a line of JSON each, and what is there
is not repeated; a training that was stopped goes on from its last checkpoint.
`--table` prints them as Markdown.
"""

import argparse
import json
import pathlib
import statistics
import tempfile
import time

import keras
import numpy as np
from family import classifier

from keras_aegan import recipes
from keras_aegan.callbacks import StopAfter
from keras_aegan.metrics import frechet_distance, mean_absolute_error

UPDATES = ("one_stage", "simultaneous", "alternating")
ROUNDS, STEPS = 6, 12  # A multiple of the penalties' interval.


def load(path):
    """Images and labels to train on, and held out."""
    with np.load(path) as arrays:
        if "x_train" in arrays:
            keys = ("x_train", "y_train", "x_test", "y_test")
            x, y, test, test_y = (arrays[key] for key in keys)
            return x[..., None], y, test[..., None], test_y
        x, y, start = (arrays[k] for k in ("x", "attr_hair", "test_from"))
        return x[:start], y[:start], x[start:], y[start:]


def build(data, updates, seed):
    model = recipes.aegan(data.shape[1:], updates=updates, seed=seed)
    model.compile()
    return model


def step_seconds(data, batch_size):
    """The median time of a step for each way of moving."""
    models = {updates: build(data, updates, 0) for updates in UPDATES}
    times = {updates: [] for updates in UPDATES}
    batches = np.split(data[: batch_size * STEPS], STEPS)
    for turn in range(ROUNDS):
        for updates, model in models.items():
            begin = time.perf_counter()
            for batch in batches:
                model.train_on_batch(batch)
            took = (time.perf_counter() - begin) / STEPS
            if turn:  # The first compiles.
                times[updates].append(took)
    return {
        updates: statistics.median(found) for updates, found in times.items()
    }


def train(data, updates, seed, steps, batch_size, folder):
    """Trains for so many steps, from the last checkpoint if there is one."""
    keras.utils.set_random_seed(seed)
    model = build(data, updates, seed)
    model.fit(
        np.random.default_rng(seed).permutation(data),
        batch_size=batch_size,
        epochs=steps,
        shuffle=False,  # A training that goes on sees the same order.
        callbacks=[
            StopAfter(steps=steps),
            keras.callbacks.BackupAndRestore(folder),
        ],
        verbose=0,
    )
    return model


def measure(model, test, features, samples):
    made = model.generate(samples, seed=0, batch_size=500)
    return {
        "samples": frechet_distance(features(test[:samples]), features(made)),
        "reconstruction": mean_absolute_error(
            test[:samples], model.reconstruct(test[:samples], 500)
        ),
    }


def run(args, known, add):
    for path in args.data:
        name = path.stem
        data, labels, test, test_labels = load(path)
        # Whole batches alone: another shape would be compiled.
        data = data[: len(data) // args.batch_size * args.batch_size]
        labels = labels[: len(data)]
        times = known.get((name,))
        if times is None:
            times = step_seconds(data, args.batch_size)
            add({"data": name, **times})
        features = None
        for seed in args.seeds:
            for updates in UPDATES:
                if (name, updates, seed) in known:
                    continue
                if features is None:
                    features = classifier(data, labels, test, test_labels)
                    real = data[: args.samples], test[: args.samples]
                    apart = frechet_distance(*map(features, real))
                    print(f"{name}: real against real {apart:.2f}", flush=True)
                steps = round(args.seconds / times[updates])
                with tempfile.TemporaryDirectory() as folder:
                    folder = args.backups or folder
                    folder = f"{folder}/{name}-{updates}-{seed}"
                    model = train(
                        data, updates, seed, steps, args.batch_size, folder
                    )
                found = measure(model, test, features, args.samples)
                add(
                    {
                        "data": name,
                        "updates": updates,
                        "seed": seed,
                        "steps": steps,
                        **found,
                    }
                )
                keras.backend.clear_session()


def table(lines):
    print(
        "| data | updates | steps | sample distance | held-out error |\n"
        "|---|---|---|---|---|"
    )
    results = [line for line in lines if "seed" in line]
    for name in dict.fromkeys(r["data"] for r in results):
        for updates in UPDATES:
            runs = [
                r
                for r in results
                if (r["data"], r["updates"]) == (name, updates)
            ]
            cells = [name, f"`{updates}`", f"{runs[0]['steps']:,}"]
            for key in ("samples", "reconstruction"):
                found = [r[key] for r in runs]
                cell = f"{statistics.mean(found):.2f}"
                if found[1:]:
                    cell += f" ± {statistics.stdev(found):.2f}"
                cells.append(cell)
            print(f"| {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", nargs="+", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--output", default="equal_time.jsonl")
    parser.add_argument("--backups", help="folder to go on from, if stopped")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    output = pathlib.Path(args.output)
    lines = []
    if output.exists():
        lines = [json.loads(line) for line in output.read_text().splitlines()]
    if args.table:
        return table(lines)
    known = {
        (line["data"], line["updates"], line["seed"])
        if "seed" in line
        else (line["data"],): line
        for line in lines
    }

    def add(line):
        print(json.dumps(line), flush=True)
        with output.open("a") as file:
            file.write(json.dumps(line) + "\n")

    return run(args, known, add)


if __name__ == "__main__":
    main()
