"""How fast, and in how much memory, sets of samples are compared.

    python tests/benchmarks/sample_metrics.py
    python tests/benchmarks/sample_metrics.py --samples 2000 --features 512

Each in a process of its own, in turns, on the same float64 features:

* `frechet_distance`, against the definition: NumPy's covariances and
  `scipy.linalg.sqrtm` of their product;
* `precision_recall_density_coverage`, against the package `prdc`.

Memory is what a process takes beyond the features and the imports, at most.
`OMP_NUM_THREADS` sets the threads of both.
"""

import argparse
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

PAIRS = {"frechet": "sqrtm", "prdc (ours)": "prdc"}


def features(samples, count):
    """Two sets with a spectrum that falls, as features of networks have."""
    scales = np.arange(1, count + 1) ** -0.5
    mixing = np.random.default_rng(2).normal(size=(count, count)) * scales
    for seed in (0, 1):
        noise = np.random.default_rng(seed).normal(size=(samples, count))
        yield np.maximum(noise @ mixing.T / 3 + 0.1 * seed, 0.0)


def sqrtm(real, generated):
    import scipy.linalg

    s1, s2 = np.cov(real.T), np.cov(generated.T)
    apart = np.sum((real.mean(axis=0) - generated.mean(axis=0)) ** 2)
    root = scipy.linalg.sqrtm(s1 @ s2)
    return float(apart + np.trace(s1 + s2 - 2 * root.real))


def function(way):
    """What is timed, with what it needs imported."""
    from keras_aegan.metrics import frechet, neighbors

    if way == "prdc":
        from prdc import compute_prdc

        return lambda a, b: compute_prdc(a, b, nearest_k=5)
    if way == "sqrtm":
        return sqrtm
    return {
        "frechet": frechet.frechet_distance,
        "prdc (ours)": neighbors.precision_recall_density_coverage,
    }[way]


def resident(field):
    """A line of the process's memory, in bytes."""
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = [x for x in status.splitlines() if x.startswith(field)]
    return int(line.split()[1]) * 1024


def measure(way, samples, count):
    """Prints the seconds and the bytes that one takes, and its result."""
    run = function(way)
    with contextlib.redirect_stdout(sys.stderr):  # prdc prints.
        run(*np.random.default_rng(0).normal(size=(2, 9, 2)))  # Imports, too.
    real, generated = features(samples, count)
    before = resident("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # Resets the peak.
    begin = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        result = run(real, generated)
    seconds = time.perf_counter() - begin
    print(seconds, resident("VmHWM") - before, result, sep="\t")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--measure")
    args = parser.parse_args()
    if args.measure:
        return measure(args.measure, args.samples, args.features)
    ways = [way for pair in PAIRS.items() for way in pair]
    seconds, peaks = ({way: [] for way in ways} for _ in range(2))
    results = {}
    for _ in range(args.turns):
        for way in ways:
            command = [sys.executable, __file__, "--measure", way]
            command += ["--samples", str(args.samples)]
            command += ["--features", str(args.features)]
            output = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True
            ).stdout.splitlines()[-1]
            took, peak, results[way] = output.split("\t")
            seconds[way].append(float(took))
            peaks[way].append(int(peak) / 1e6)
    threads = os.environ.get("OMP_NUM_THREADS", os.cpu_count())
    print(
        f"{args.samples} x {args.samples} samples of {args.features} features, "
        f"{threads} threads, {args.turns} turns"
    )
    for way in ways:
        print(
            f"{way:12} {statistics.median(seconds[way]):7.2f} s, peak "
            f"{statistics.median(peaks[way]):6.0f} MB: {results[way]}"
        )
    for ours, other in PAIRS.items():
        pairs = zip(seconds[ours], seconds[other], strict=True)
        speed = [theirs / own for own, theirs in pairs]
        print(
            f"{ours}: {statistics.median(speed):.2f} times as fast as {other} "
            f"({min(speed):.2f} to {max(speed):.2f}), memory "
            f"{statistics.median(peaks[ours]):.0f} MB to "
            f"{statistics.median(peaks[other]):.0f} MB"
        )
    return None


if __name__ == "__main__":
    main()
