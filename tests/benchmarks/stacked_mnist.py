"""How many of the 1,000 modes of Stacked MNIST a method's samples have.

    python tests/benchmarks/stacked_mnist.py mnist.npz --methods aegan dcgan

A picture is three digits, drawn at random from the training part, as its three
channels: 1,000 kinds. Each method of `equal_time.py`'s baselines or stages
trains for `--steps` with each seed on 100,000 of them. Then a classifier of
digits (trained here once; its accuracy is printed) reads `--samples` of its
samples:

* modes: how many of the 1,000 kinds were seen;
* KL: the divergence of the kinds' frequencies from uniform ones, in nats. The
  same for as many real pictures is printed: what counting alone gives.

Metz et al. (2017), "Unrolled Generative Adversarial Networks", section 3.3.1,
and Lin et al. (2018), "PacGAN", section 4.1, have the measure. Results go to
`--output`, a line of JSON each, and what is there is not repeated.
"""

import argparse
import json
import pathlib
import time

import keras
import numpy as np
from contestants import QUESTIONS
from data_sets import load
from equal_time import train
from family import classifier

from keras_aegan import AEGAN


def stacked(images, count, random):
    """Pictures of three of these digits each."""
    rows = random.integers(len(images), size=(count, 3))
    return np.moveaxis(images[rows, :, :, 0], 1, -1)


def modes(pictures, digits):
    """Frequencies of the 1,000 kinds."""
    kinds = [digits(pictures[..., i : i + 1]) for i in range(3)]
    kinds = kinds[0] * 100 + kinds[1] * 10 + kinds[2]
    return np.bincount(kinds, minlength=1000) / len(kinds)


def measured(pictures, digits):
    """How many kinds, and their divergence from uniform frequencies."""
    found = modes(pictures, digits)
    seen = found[found > 0]
    return {
        "modes": len(seen),
        "kl": float(np.sum(seen * np.log(1000 * seen))),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--methods", nargs="+", default=["aegan"])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=26_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument(
        "--output", type=pathlib.Path, default="stacked_mnist.jsonl"
    )
    parser.add_argument("--backups", help="folder to go on from, if stopped")
    args = parser.parse_args()
    done = set()
    if args.output.exists():
        lines = map(json.loads, args.output.read_text().splitlines())
        done = {(line["method"], line["seed"]) for line in lines}
    sets = load(args.data)
    file = args.output.parent / "mnist.classes.keras"
    judge = classifier(*sets, file=file, outputs="classes")

    def digits(images):
        return judge.predict(images, batch_size=500, verbose=0).argmax(-1)

    print(f"accuracy {np.mean(digits(sets[2]) == sets[3]):.4f} of digits")
    random = np.random.default_rng(0)
    print("real:", measured(stacked(sets[2], args.samples, random), digits))
    data = stacked(sets[0], 100_000, random)
    data = data[: len(data) // args.batch_size * args.batch_size]
    methods = QUESTIONS["stages"] | QUESTIONS["baselines"]
    for seed in args.seeds:
        for name in args.methods:
            if (name, seed) in done:
                continue
            keras.utils.set_random_seed(seed)
            build = methods[name]
            model = build(data.shape[1:], seed, args.steps)
            if isinstance(model, AEGAN):
                model.compile()
            begin = time.perf_counter()
            folder = args.backups and f"{args.backups}/stacked-{name}-{seed}"
            train(model, data, seed, args.steps, args.batch_size, folder)
            took = time.perf_counter() - begin
            made = model.generate(args.samples, seed=0, batch_size=500)
            line = {
                "method": name,
                "seed": seed,
                "steps": args.steps,
                "seconds": round(took),
                **measured(made, digits),
            }
            print(json.dumps(line), flush=True)
            with args.output.open("a") as file:
                file.write(json.dumps(line) + "\n")
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
