"""What watching a training costs: `fit` with and without GameMonitor.

    KERAS_BACKEND=jax python tests/benchmarks/monitor_cost.py

The default recipe on made-up images of 28x28, batch 64. Both train in turns,
each turn for so many steps, after a turn that compiles both; it prints the
median time of a turn with the monitor over that without, and the seconds that
compiling the first look took.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_aegan import recipes
from keras_aegan.callbacks import GameMonitor


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    shape = (64 * args.steps, 28, 28, 1)
    images = rng.integers(0, 256, shape, dtype="uint8")
    held_out = images[:64]
    model = recipes.aegan((28, 28, 1), seed=0)
    # What is compiled or recorded, is, with what is due every fourth step.
    model.fit(images[:256], batch_size=64, epochs=16, verbose=0)

    def turn(callbacks):
        begin = time.perf_counter()
        model.fit(images, batch_size=64, callbacks=callbacks, verbose=0)
        return time.perf_counter() - begin

    # The look is compiled once and kept, as within a longer training.
    diagnosis = model.diagnosis()
    begin = time.perf_counter()
    keras.tree.map_structure(float, diagnosis(held_out, held_out))
    compiling = time.perf_counter() - begin
    model.diagnosis = lambda: diagnosis
    ratios, looks = [], []
    for _ in range(args.turns):
        alone = turn([])
        monitor = GameMonitor(images, held_out)
        ratios.append(turn([monitor]) / alone)
        looks.append(len(monitor.history))
    print(
        f"{keras.backend.backend()}: with the monitor "
        f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to "
        f"{max(ratios):.3f}) times the time without; {looks[0]} looks in "
        f"{args.steps} steps of {1000 * alone / args.steps:.0f} ms; the first "
        f"look took {compiling:.1f} s"
    )


if __name__ == "__main__":
    main()
