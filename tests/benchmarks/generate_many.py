"""What it takes to generate many samples: time and memory, by where they go.

    KERAS_BACKEND=jax python tests/benchmarks/generate_many.py --count 100000

Each row is a process of its own. Memory is the peak above that of a first
small call: of a new array it has to hold the array, of the others not.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DESTINATIONS = ("an array", "a .npy file", "a folder of pictures")
FIRST = 1000


def measure(destination, arguments):
    import keras

    from keras_aegan import AEGAN

    def peak():
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    model = AEGAN.from_preset("aegan_mnist")
    count = arguments.count
    if destination == DESTINATIONS[2]:
        count = min(count, arguments.pictures)
    with tempfile.TemporaryDirectory() as folder:

        def out(name):
            return {
                DESTINATIONS[0]: None,
                DESTINATIONS[1]: Path(folder, f"{name}.npy"),
                DESTINATIONS[2]: Path(folder, name),
            }[destination]

        model.generate(FIRST, 0, arguments.batch_size, out("first"))
        before, start = peak(), time.perf_counter()
        model.generate(count, 0, arguments.batch_size, out("all"))
        seconds = time.perf_counter() - start
        grown = (peak() - before) / 1e6
    whole = count * model.spec.dtype.itemsize
    for side in model.data_shape:
        whole *= side
    print(
        f"| {keras.backend.backend()} | {destination} | {count:,} | "
        f"{count / seconds:,.0f} | {grown:.0f} | {whole / 1e6:.0f} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument(
        "--pictures", type=int, default=20_000, help="at most, in a folder"
    )
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--only", choices=DESTINATIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        measure(arguments.only, arguments)
        return
    print(
        "| backend | to | samples | samples/s | memory, MB | "
        "the samples' size, MB |"
    )
    print("|---|---|---|---|---|---|", flush=True)
    for destination in DESTINATIONS:
        subprocess.run(
            [sys.executable, *sys.argv, "--only", destination], check=True
        )


if __name__ == "__main__":
    main()
