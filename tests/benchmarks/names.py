"""What a preset of names draws, beside names that it was not trained on.

    python tests/benchmarks/names.py names.npz arae_names

Of the held-out tenth, of as many samples, and of as many training names:

* how far the frequencies of pairs and of triples of neighbouring letters are
  from the held-out ones', in total variation, in percent;
* how many are training names (some are in both parts), and how many differ.

And how many letters of the held-out names `reconstruct` gets wrong.
"""

import argparse
import pathlib

import numpy as np
from data_sets import load

from keras_aegan import AEGAN

LETTERS = 27  # The first fills names up.


def frequencies(ids, length):
    """How often each run of so many neighbouring letters occurs."""
    columns = ids.shape[1] - length + 1
    runs = sum(
        ids[:, start : start + columns].astype(int) * LETTERS**start
        for start in range(length)
    )
    counts = np.bincount(runs.ravel(), minlength=LETTERS**length)
    return counts / counts.sum()


def apart(ids, others, length):
    difference = frequencies(ids, length) - frequencies(others, length)
    return 50 * np.abs(difference).sum()


def as_bytes(ids):
    return [row.astype("uint8").tobytes() for row in ids]


def words(ids):
    rows = ("".join(" abcdefghijklmnopqrstuvwxyz"[i] for i in r) for r in ids)
    return ", ".join(row.rstrip() for row in rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("preset")
    args = parser.parse_args()
    train, _, test, _ = load(args.data)
    known = set(as_bytes(train))
    model = AEGAN.from_preset(args.preset)
    made = model.generate(len(test), seed=0, batch_size=500)
    print("| | pairs | triples | training names | different |")
    print("|---|---|---|---|---|")
    for name, ids in {
        "training names": train[: len(test)],
        "held-out names": test,
        "samples": made,
    }.items():
        rows = as_bytes(ids)
        cells = [
            f"{percent:.1f} %"
            for percent in (
                apart(ids, test, 2),
                apart(ids, test, 3),
                100 * np.mean([row in known for row in rows]),
                100 * len(set(rows)) / len(rows),
            )
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    wrong = 100 * np.mean(model.reconstruct(test, batch_size=500) != test)
    print(f"wrong letters of reconstructed held-out names: {wrong:.2f} %")
    print(words(made[:30]))


if __name__ == "__main__":
    main()
