"""Steps a second by `steps_per_execution`, on the dense recipe.

    KERAS_BACKEND=jax python tests/benchmarks/dispatch.py

The dense `recipes.gan`, on vectors, where a step takes so little time that
calling it weighs more, and on images, where the arithmetic does. The settings
take turns, each with a model of its own; the ratio is that of each turn to its
single steps.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_aegan import recipes

EXECUTIONS = (1, 8, 32)
# The shape of the data, and the hidden units.
CASES = (((8,), (32,)), ((28, 28, 1), (128,)))


def model_of(per_execution, shape, units):
    model = recipes.gan(shape, hidden_units=units, seed=0)
    model.compile(steps_per_execution=per_execution)
    return model


class _Clock(keras.callbacks.Callback):
    """The epoch alone: TensorFlow may take seconds to let go of an iterator."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        float(logs["generator_loss"])  # Waits for the last step.
        self.seconds = time.perf_counter() - self.start


def steps_per_second(model, images, batch_size):
    clock = _Clock()
    model.fit(images, batch_size=batch_size, callbacks=[clock], verbose=0)
    return len(images) / batch_size / clock.seconds


def measured(shape, units, args):
    """Steps a second of each turn, by steps per execution."""
    size = (args.batch_size * args.steps, *shape)
    images = np.random.default_rng(0).integers(0, 256, size, dtype="uint8")
    models = {n: model_of(n, shape, units) for n in EXECUTIONS}
    for model in models.values():
        steps_per_second(model, images, args.batch_size)  # Compiles.
    rates = {n: [] for n in EXECUTIONS}
    for turn in range(args.turns):
        for n in EXECUTIONS[:: 1 if turn % 2 else -1]:
            rates[n].append(
                steps_per_second(models[n], images, args.batch_size)
            )
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=640)
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()

    print("| backend | data | steps per execution | steps a second | ratio |")
    print("|---|---|---|---|---|")
    for shape, units in CASES:
        rates = measured(shape, units, args)
        for n, found in rates.items():
            ratios = [a / b for a, b in zip(found, rates[1], strict=True)]
            print(
                f"| {keras.backend.backend()} | {shape} | {n} "
                f"| {statistics.median(found):.0f} "
                f"| {statistics.median(ratios):.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f}) |"
            )


if __name__ == "__main__":
    main()
