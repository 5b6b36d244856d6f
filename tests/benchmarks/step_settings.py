"""A step in several settings side by side, as a table.

    KERAS_BACKEND=tensorflow python tests/benchmarks/step_settings.py precision
    KERAS_BACKEND=torch python tests/benchmarks/step_settings.py recording

Each recipe on made-up 28x28 pictures, batch 64. The settings take turns of 12
steps, after so many that what is compiled or recorded is. Medians, least and
most, in milliseconds a step, and how many times as fast as the first setting.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_aegan import recipes

BATCH, STEPS = 64, 12
#: PyTorch records a step that was made 16 times, with penalties as without,
#: which come every fourth step.
WARM = 4 * 16
#: The policy and `jit_compile` of each setting.
QUESTIONS = {
    "precision": {
        "float32": ("float32", "auto"),
        "bfloat16": ("mixed_bfloat16", "auto"),
    },
    "recording": {
        "as it is": ("float32", False),
        "recorded": ("float32", "auto"),
        "compiled": ("float32", True),
    },
}


def build(name, policy, jit_compile):
    keras.config.set_dtype_policy(policy)
    model = recipes.get(name)((28, 28, 1), seed=0)
    model.compile(jit_compile=jit_compile)
    return model


def measure(name, settings, turns):
    """Milliseconds a step of each turn, by setting."""
    random = np.random.default_rng(0)
    data = random.integers(0, 256, (STEPS, BATCH, 28, 28, 1), "uint8")
    models = {s: build(name, *settings[s]) for s in settings}
    times = {setting: [] for setting in settings}
    # A compiled record is so on its first use: one more than those.
    warm = WARM // STEPS + 2
    for turn in range(warm + turns):
        for setting, model in models.items():
            begin = time.perf_counter()
            for batch in data:
                model.train_on_batch(batch)
            if turn >= warm:
                took = 1000 * (time.perf_counter() - begin) / STEPS
                times[setting].append(took)
    return times


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument(
        "--recipes", nargs="+", default=["aegan", "gan", "began"]
    )
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    settings = QUESTIONS[args.question]
    print(f"| recipe | {' | '.join(settings)} |")
    print("|---" * (1 + len(settings)) + "|")
    for name in args.recipes:
        times = measure(name, settings, args.turns)
        first = statistics.median(next(iter(times.values())))
        cells = [
            f"{statistics.median(t):.1f} ({min(t):.1f} to {max(t):.1f}), "
            f"{first / statistics.median(t):.2f}"
            for t in times.values()
        ]
        print(f"| `{name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
