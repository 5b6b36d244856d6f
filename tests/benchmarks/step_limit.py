"""How close a training step comes to what the machine can do.

    KERAS_BACKEND=tensorflow python tests/benchmarks/step_limit.py \\
        --recipe gan --recipe began

For each recipe and each way of updating: the passes over each network and the
arithmetic and traffic that one step needs, from the layers (`counting.py`);
what the backend says that its compiled step does (`compiled_step.py`); and the
time of a step inside `fit`. A step can be no faster than its arithmetic at the
rate of a large matrix product or a large convolution, the faster of them, nor
than its traffic at the rate of a large copy, all measured here in the same
backend; the longer of these two times is the limit. `--shape 784` takes dense
networks. Nothing else may run meanwhile.
"""

import argparse
import inspect
import statistics
import time

import keras
import numpy as np
from compiled_step import compiled_cost
from counting import count_step
from keras import ops

from keras_aegan import recipes

_LETTERS = {"forward": "f", "backward": "b", "through": "i", "penalty": "p"}


class StepClock(keras.callbacks.Callback):
    """Seconds a step, from the end of the epoch's first steps to its end.

    Args:
        skipped: steps that are not measured.
    """

    def __init__(self, skipped: int = 2):
        super().__init__()
        self.skipped = skipped

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.skipped - 1:
            keras.tree.map_structure(float, logs)  # Waits for the device.
            self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        steps = self.params["steps"] - self.skipped
        self.seconds = (time.perf_counter() - self._start) / steps


def step_seconds(model, batch_size: int, steps: int, turns: int) -> float:
    """The median time of a step inside `fit`, after one that warms up.

    Args:
        model: an `AEGAN`.
        batch_size: samples a batch, of made-up data.
        steps: steps an epoch that are measured.
        turns: epochs that are measured.
    """
    clock = StepClock()
    count = batch_size * (steps + clock.skipped)
    data = np.random.default_rng(0).integers(
        0, 256, (count, *model.data_shape), dtype="uint8"
    )
    times = []
    for _ in range(1 + turns):
        model.fit(data, batch_size=batch_size, callbacks=[clock], verbose=0)
        times.append(clock.seconds)
    return statistics.median(times[1:])


def build(recipe: str, shape, **options):
    """A compiled model of a recipe; its own width where `width` is `None`."""
    if options.get("width", 0) is None:
        del options["width"]
    model = recipes.get(recipe)(shape, seed=0, **options)
    model.compile()
    return model


def ceilings() -> dict[str, float]:
    """Operations a second of two kinds, and bytes a second of a copy."""
    side, filters = 3072, 128
    draw = np.random.default_rng(0).standard_normal
    square = draw((side, side), "float32")
    images = draw((64, 32, 32, filters), "float32")
    kernel = draw((3, 3, filters, filters), "float32")
    long = np.zeros(2**26, "float32")
    convolution = lambda x, k: ops.conv(  # noqa: E731
        x, k, padding="same", data_format="channels_last"
    )
    return {
        "product": 2 * side**3 / _seconds(ops.matmul, square, square),
        "convolution": 2
        * (kernel.size * images.size / filters)
        / _seconds(convolution, images, kernel),
        # Adding one reads and writes as a copy does, and is never left out.
        "copy": 2 * long.nbytes / _seconds(lambda x: x + 1, long),
    }


def _seconds(function, *arrays):
    """The best of several runs, compiled as the backend compiles a step."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        function = tf.function(function)
    elif backend == "jax":
        import jax

        function = jax.jit(function)
    tensors = [ops.convert_to_tensor(array) for array in arrays]

    def run():
        start = time.perf_counter()
        result = function(*tensors)
        # One value waits for all of them, wherever they are.
        float(ops.ravel(result)[0])
        return time.perf_counter() - start

    run()
    return min(run() for _ in range(7))


def _passes(count):
    """`G 2f 1b`: the seats' initials with their passes."""
    seats = {}
    for (seat, sweep), times in count.passes.items():
        initials = "".join(word[0] for word in seat.split("_")).upper()
        seats.setdefault(initials, []).append(f"{times:g}{_LETTERS[sweep]}")
    return ", ".join(f"{seat} {' '.join(each)}" for seat, each in seats.items())


def _takes_shape(recipe):
    first = next(iter(inspect.signature(recipes.get(recipe)).parameters))
    return first.endswith("_shape") and recipe != "arae"


def _row(args, recipe, updates, limits):
    try:
        model = build(recipe, args.shape, width=args.width, updates=updates)
    except ValueError as error:
        if updates != "one_stage":
            raise
        return [recipe, updates, "refused: " + str(error).split(",")[0]]
    count = count_step(model, args.batch_size)
    needed, done = count.total, compiled_cost(model, args.batch_size)
    seconds = step_seconds(model, args.batch_size, args.steps, args.turns)
    fastest = max(limits["product"], limits["convolution"])
    least = max(needed.flops / fastest, needed.bytes / limits["copy"])
    return [
        recipe,
        updates,
        _passes(count),
        f"{needed.flops / 1e9:.2f}",
        f"{needed.bytes / 1e9:.3f}",
        f"{done.flops / 1e9:.2f}",
        f"{done.bytes / 1e9:.3f}" if done.bytes else "",
        f"{1e3 * least:.1f}",
        f"{1e3 * seconds:.1f}",
        f"{needed.flops / seconds / 1e9:.0f}",
        f"{least / seconds:.2f}",
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--recipe",
        action="append",
        choices=[name for name in recipes.names() if _takes_shape(name)],
    )
    parser.add_argument(
        "--updates",
        nargs="+",
        default=["simultaneous", "alternating", "one_stage"],
    )
    parser.add_argument("--shape", type=int, nargs="+", default=[28, 28, 1])
    parser.add_argument("--width", type=int)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    args.shape = tuple(args.shape)

    limits = ceilings()
    print(
        f"{keras.backend.backend()}: "
        f"{limits['product'] / 1e9:.0f} GFLOP/s in a product, "
        f"{limits['convolution'] / 1e9:.0f} in a 3x3 convolution, "
        f"{limits['copy'] / 1e9:.1f} GB/s in a copy.\n"
    )
    print(
        "| recipe | updates | passes | needed, GFLOP | needed, GB "
        "| compiled, GFLOP | compiled, GB | least, ms | in `fit`, ms "
        "| GFLOP/s | of the limit |"
    )
    print("|---" * 11 + "|")
    for recipe in args.recipe or ["gan", "began", "aegan"]:
        for updates in args.updates:
            row = _row(args, recipe, updates, limits)
            row += [""] * (11 - len(row))
            print(f"| {' | '.join(row)} |", flush=True)
    print(
        "\nPasses over a batch: f forward, b backward, i to the inputs alone, "
        "p a penalty."
    )


if __name__ == "__main__":
    main()
