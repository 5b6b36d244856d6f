"""What importing this package and loading a preset cost.

    KERAS_BACKEND=tensorflow python tests/benchmarks/load_time.py

Each in a process of its own, several times; the median counts.
"""

import argparse
import statistics
import subprocess
import sys

_PROGRAM = """
import time
import keras
a = time.perf_counter()
import keras_aegan
b = time.perf_counter()
model = keras_aegan.AEGAN.from_preset("{preset}")
c = time.perf_counter()
model.generate(16)
d = time.perf_counter()
print(b - a, c - b, d - c)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="aegan_mnist")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()

    runs = []
    for _ in range(args.runs + 1):
        output = subprocess.run(
            [sys.executable, "-c", _PROGRAM.format(preset=args.preset)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        runs.append([1e3 * float(seconds) for seconds in output.split()])
    # The first run fills the disk's cache.
    columns = zip(*runs[1:], strict=True)
    imported, loaded, generated = map(statistics.median, columns)

    import keras

    print("| backend | import keras_aegan | from_preset | first generate |")
    print("|---|---|---|---|")
    print(
        f"| {keras.backend.backend()} | {imported:.0f} ms | {loaded:.0f} ms "
        f"| {generated:.0f} ms |"
    )


if __name__ == "__main__":
    main()
