"""A step in bfloat16 beside one in float32, as a table.

    KERAS_BACKEND=tensorflow python tests/benchmarks/half_precision.py

Each recipe on made-up 28x28 pictures, batch 64; the two take turns of 12 steps,
of which the first turn, in which they compile, is not counted. Medians, least
and most, in milliseconds a step.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_aegan import recipes

BATCH, STEPS = 64, 12
POLICIES = ("float32", "mixed_bfloat16")


def build(name, policy):
    keras.config.set_dtype_policy(policy)
    model = recipes.get(name)((28, 28, 1), seed=0)
    model.compile()
    return model


def measure(name, turns):
    random = np.random.default_rng(0)
    data = random.integers(0, 256, (STEPS, BATCH, 28, 28, 1), "uint8")
    models = {policy: build(name, policy) for policy in POLICIES}
    times = {policy: [] for policy in POLICIES}
    for turn in range(turns + 1):
        for policy, model in models.items():
            begin = time.perf_counter()
            for batch in data:
                model.train_on_batch(batch)
            if turn:
                took = 1000 * (time.perf_counter() - begin) / STEPS
                times[policy].append(took)
    return times


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--recipes", nargs="+", default=["aegan", "gan", "began"]
    )
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    print("| recipe | float32, ms | bfloat16, ms | times |\n|---|---|---|---|")
    for name in args.recipes:
        times = measure(name, args.turns)
        cells = [
            f"{statistics.median(t):.1f} ({min(t):.1f} to {max(t):.1f})"
            for t in times.values()
        ]
        whole, half = map(statistics.median, times.values())
        print(f"| `{name}` | {' | '.join(cells)} | {whole / half:.2f} |")


if __name__ == "__main__":
    main()
