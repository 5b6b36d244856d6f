"""Methods at equal wall-clock, on image sets.

    python tests/benchmarks/equal_time.py updates mnist.npz pixel_art32.npz
    python tests/benchmarks/equal_time.py baselines mnist.npz fashion_mnist.npz

The question says which methods (see `contestants.py`). First they are timed in
turns, a few steps each and over again, and the shortest turn (others on the
machine make them longer, now and then twice as long) says how many steps each
makes in `--seconds`. That many each then trains with each seed, so that what
else the machine does meanwhile is nobody's disadvantage. After that, on the
held-out part of the data:

* reconstruction: the mean absolute error of `reconstruct`, in 0 to 255;
* samples: the Fréchet distance of `--samples` generated images to as many held
  out, on the 64 features of a small classifier of the labels, trained here
  once (its accuracy is printed, and the distance of training images to the
  held-out ones). A model without a prior gets a mixture of 40 Gaussians.

Times and results are kept in `--output`, a line of JSON each, and what is there
is not repeated; a training that was stopped goes on from its last checkpoint
in `--backups`. On a device that has room for several, start this once for the
times (`--seeds` without a number), and then once more for each `--part`.
`--table` prints the results as Markdown. The data: see `data_sets.py`.
"""

import argparse
import json
import pathlib
import statistics
import time

import keras
import numpy as np
from contestants import QUESTIONS
from data_sets import load
from family import classifier
from two_stages import COMPONENTS, TwoStages

from keras_aegan import AEGAN
from keras_aegan.callbacks import StopAfter
from keras_aegan.metrics import frechet_distance, mean_absolute_error

TURNS = 6


def train(model, data, seed, steps, batch_size, folder=None):
    """Trains for so many steps, from the last checkpoint if there is one."""
    if not isinstance(model, AEGAN):
        return model.train(data, steps, batch_size)
    backups = [keras.callbacks.BackupAndRestore(folder)] if folder else []
    return model.fit(
        np.random.default_rng(seed).permutation(data),
        batch_size=batch_size,
        epochs=steps,
        shuffle=False,  # A training that goes on sees the same order.
        callbacks=[StopAfter(steps=steps), *backups],
        verbose=0,
    )


def step_seconds(data, methods, batch_size, turn_seconds):
    """The least time of a step of each method, over its stages if it has."""
    models, shares = {}, {}
    for name, build in methods.items():
        model = build(data.shape[1:], 0, 1000)
        parts = [(1.0, model)]
        if isinstance(model, TwoStages):
            parts = model.parts(data)
        for stage, (share, part) in enumerate(parts):
            models[name, stage], shares[name, stage] = part, share
    times = {part: [] for part in models}
    lengths = dict.fromkeys(models, 12)  # The penalties' interval, thrice.

    def turn(part):
        model, steps = models[part], lengths[part]
        begin = time.perf_counter()
        if isinstance(model, AEGAN):
            some = data[: steps * batch_size]
            passes = -(-steps * batch_size // len(some))
            model.fit(some, batch_size=batch_size, epochs=passes, verbose=0)
        else:
            model.train(data, steps, batch_size)
        return (time.perf_counter() - begin) / steps

    for part in models:
        turn(part)  # It compiles.
        rounds = turn_seconds / turn(part) / 12
        most = len(data) // batch_size // 12
        lengths[part] = 12 * max(1, min(round(rounds), most))
    for _ in range(TURNS):
        for part in models:
            times[part].append(turn(part))
    steps = dict.fromkeys(methods, 0.0)
    for name, stage in models:
        steps[name] += shares[name, stage] * min(times[name, stage])
    return steps


def features_of(name, sets, folder):
    """The classifier's features; it is trained once and kept."""
    file = folder / f"{name}.features.keras"
    judge = classifier(*sets, file=file)
    return lambda x: judge.predict(x, batch_size=500, verbose=0)


def measure(model, data, test, features, samples):
    if getattr(model, "prior", True) is None:
        model.fit_sampler("gmm", data[:10_000], COMPONENTS, seed=0)
    made = model.generate(samples, seed=0, batch_size=500)
    test = test[:samples]
    found = {"samples": frechet_distance(features(test), features(made))}
    if getattr(model, "encoder", True) is not None:
        copies = model.reconstruct(test, batch_size=500)
        found["reconstruction"] = mean_absolute_error(test, copies)
    return found


def run(args, methods, known, add):
    trainings = [
        (seed, path, name)
        for seed in args.seeds
        for path in args.data
        for name in methods
    ]
    if not trainings:
        for path in args.data:
            if (path.stem,) not in known:
                data = load(path)[0]
                times = step_seconds(
                    data, methods, args.batch_size, args.turn_seconds
                )
                add({"data": path.stem, "times": times})
        return
    number, of = map(int, args.part.split("/"))
    for seed, path, name in trainings[number - 1 :: of]:
        if (path.stem, name, seed) in known:
            continue
        data, labels, test, test_labels = sets = load(path)
        # Whole batches alone: another shape would be compiled.
        data = data[: len(data) // args.batch_size * args.batch_size]
        if (path.stem,) not in known:
            times = step_seconds(
                data, methods, args.batch_size, args.turn_seconds
            )
            known[(path.stem,)] = {"times": times}
            add({"data": path.stem, "times": times})
        steps = round(args.seconds / known[(path.stem,)]["times"][name])
        keras.utils.set_random_seed(seed)
        model = methods[name](data.shape[1:], seed, steps)
        if isinstance(model, AEGAN):
            model.compile()
        folder = args.backups and f"{args.backups}/{path.stem}-{name}-{seed}"
        train(model, data, seed, steps, args.batch_size, folder)
        features = features_of(path.stem, sets, args.output.parent)
        add(
            {
                "data": path.stem,
                "method": name,
                "seed": seed,
                "steps": steps,
                **measure(model, data, test, features, args.samples),
            }
        )
        keras.backend.clear_session()


def table(lines):
    print(
        "| data | method | steps | sample distance | held-out error |\n"
        "|---|---|---|---|---|"
    )
    results = [line for line in lines if "seed" in line]
    for data, method in sorted({(r["data"], r["method"]) for r in results}):
        which = (data, method)
        runs = [r for r in results if (r["data"], r["method"]) == which]
        cells = [data, method, f"{runs[0]['steps']:,}"]
        for key in ("samples", "reconstruction"):
            found = [r[key] for r in runs if key in r]
            cell = f"{statistics.mean(found):.2f}" if found else ""
            if found[1:]:
                cell += f" ± {statistics.stdev(found):.2f}"
            cells.append(cell)
        print(f"| {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("data", nargs="+", type=pathlib.Path)
    parser.add_argument("--methods", nargs="+", help="of the question's")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--turn-seconds", type=float, default=1.5)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--part", default="1/1", help="I/N: every Nth from I")
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument(
        "--output", default="equal_time.jsonl", type=pathlib.Path
    )
    parser.add_argument("--backups", help="folder to go on from, if stopped")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    lines = []
    if args.output.exists():
        lines = map(json.loads, args.output.read_text().splitlines())
    known = {
        (line["data"], line["method"], line["seed"])
        if "seed" in line
        else (line["data"],): line
        for line in lines
    }
    if args.table:
        return table(known.values())

    def add(line):
        print(json.dumps(line), flush=True)
        with args.output.open("a") as file:
            file.write(json.dumps(line) + "\n")

    methods = QUESTIONS[args.question]
    if args.methods:
        methods = {name: methods[name] for name in args.methods}
    return run(args, methods, known, add)


if __name__ == "__main__":
    main()
