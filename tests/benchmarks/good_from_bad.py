"""Whether the metrics tell good from bad, as the README's tables.

    python tests/benchmarks/good_from_bad.py mnist.npz

`--count` test images of MNIST are compared with as many

* training images, of the half that is not "seen" below;
* samples of the bundled preset `aegan_mnist`;
* the same samples blurred, and with noise;
* training images of 7 of the 10 digits (samples have no labels, so these are
  to be held against the training images);
* copies: drawn with replacement from 500 training images.

Before that, training images are compared with other ones, at random. This is
what one distribution has: the test images are by other writers.

Memorization is the ratio of the distances to as many "seen" images, of the
other half of the training images, which the 500 belong to, and to the test
images. Then test images are compared with the preset's reconstructions of them.

`set_claims` and `PAIR_CLAIMS` say what follows from each metric's definition
for these rows, and no more: the command fails if one of them does not hold.
With a `--count` well below 10,000, chance is larger than some differences.
"""

import argparse
import math
import pathlib
import sys
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from keras_aegan import AEGAN
from keras_aegan.metrics import (
    extractor_for,
    frechet_distance,
    kernel_distance,
    mean_absolute_error,
    memorization_ratio,
    peak_signal_to_noise_ratio,
    precision_recall_density_coverage,
    structural_similarity,
)

DIGITS, COPIED, NEIGHBORS = 7, 500, 5
SIGMA, NOISE = 1.0, 40.0  # Of the blur, in pixels; of the noise, in 0 to 255.

BOTH = ("mnist", "pixels")
EQUAL = "training images, to others"
DATA, SAMPLES = "training images", "samples"
BLURRED, NOISY = "samples, blurred", "samples, with noise"
FEWER, COPIES = f"{DIGITS} of the 10 digits", f"copies of {COPIED} images"
IMAGES, AGAIN = "the images", "reconstructions"
BLURRED_AGAIN, NOISY_AGAIN = f"{AGAIN}, blurred", f"{AGAIN}, with noise"

#: What is near: the choice of the 500 changes shares by as much, and so does it
#: that the test images are by other writers.
NEAR = 0.05


class Claim(NamedTuple):
    """That a row's metrics are above, below or near those of another row.

    In place of another row stands the number that the definition gives.
    """

    row: str
    metrics: str
    relation: str
    other: str | float
    why: str
    features: tuple[str, ...] = BOTH


def set_claims(count):
    return [
        # One distribution; in the next row, but for the writers.
        Claim(EQUAL, "kernel", "near", 0.0, "it has no bias"),
        Claim(EQUAL, "density", "near", 1.0, "balls hold k of either set"),
        Claim(EQUAL, "coverage", "near", _coverage(count, count), "by chance"),
        Claim(EQUAL, "memorization", "near", 1.0, "none of them was seen"),
        Claim(DATA, "memorization", "near", 1.0, "none of them was seen"),
        # Another one. In pixels the kernel sees brightness first, in which
        # the samples may be nearer to test images than training images are.
        Claim(SAMPLES, "Fréchet", "above", DATA, "data are nearest"),
        Claim(SAMPLES, "kernel", "above", DATA, "data are nearest", BOTH[:1]),
        # Less variance, so nearer to each other. Nearer to data, too: in
        # precision and density, blur may well be better.
        Claim(BLURRED, "Fréchet kernel", "above", SAMPLES, "other moments"),
        Claim(BLURRED, "recall", "below", SAMPLES, "smaller balls"),
        # Farther from data and from each other, by the noise's energy: recall
        # may well be better. Of what features make of noise, nothing follows
        # for neighbours: the classifier hardly heeds it.
        Claim(NOISY, "Fréchet kernel", "above", SAMPLES, "other moments"),
        Claim(
            NOISY,
            "precision density coverage",
            "below",
            SAMPLES,
            "many leave the data's balls",
            BOTH[1:],
        ),
        # All of it is real, but not all that is real is there.
        Claim(FEWER, "Fréchet kernel", "above", DATA, "other moments"),
        Claim(FEWER, "precision", "near", DATA, "each one is real"),
        Claim(FEWER, "recall coverage", "below", DATA, "digits are missing"),
        Claim(FEWER, "memorization", "near", 1.0, "none of them was seen"),
        Claim(COPIES, "Fréchet", "above", DATA, "moments of a few images"),
        Claim(COPIES, "precision", "near", DATA, "each one is real"),
        Claim(COPIES, "recall", "below", DATA, "balls of copies are empty"),
        Claim(
            COPIES, "coverage", "near", _coverage(count, COPIED), "by chance"
        ),
        Claim(COPIES, "memorization", "near", 0.0, "each one was seen"),
    ]


PAIR_CLAIMS = [
    Claim(IMAGES, "MAE", "near", 0.0, "perfect copies"),
    Claim(
        IMAGES, "PSNR", "near", 10 * math.log10(255**2 * 784), "perfect copies"
    ),
    Claim(IMAGES, "SSIM", "near", 1.0, "perfect copies"),
    *(
        Claim(row, metrics, relation, other, "less is left of the images")
        for row, other in [
            (AGAIN, IMAGES),
            (BLURRED_AGAIN, AGAIN),
            (NOISY_AGAIN, AGAIN),
        ]
        for metrics, relation in [("MAE", "above"), ("PSNR SSIM", "below")]
    ),
]


def _coverage(count, distinct):
    """What coverage is expected to be, for so many of one distribution.

    A real sample is not covered if, of the others and of what is made, all its
    nearest are real.
    """
    others = count - 1
    chances = [(others - i) / (others + distinct - i) for i in range(NEIGHBORS)]
    return 1 - math.prod(chances)


def mistakes(title, rows, claims, count):
    """What does not hold, in words."""
    for claim in claims:
        for metric in claim.metrics.split():
            found, error = _estimate(metric, rows[claim.row][metric], count)
            other, other_error, whose = claim.other, 0.0, ""
            if isinstance(other, str):
                whose = f", that of {other}"
                other, other_error = _estimate(
                    metric, rows[other][metric], count
                )
            # Above or below is what is so by more than chance, where known.
            margin = 3 * math.hypot(error, other_error)
            holds = {
                "above": found > other + margin,
                "below": found < other - margin,
                "near": abs(found - other)
                <= (margin if metric == "kernel" else NEAR),
            }
            if not holds[claim.relation]:
                yield (
                    f"{title}: expected {metric} of {claim.row} "
                    f"{claim.relation} {other:.4g}{whose}: {claim.why}. "
                    f"Received: {found:.4g}; three standard errors are "
                    f"{margin:.2g}."
                )


def _estimate(metric, value, count):
    """A value, and its standard error, or 0 where that is not known."""
    if metric == "kernel":
        return value
    if metric in ("precision", "recall", "coverage"):
        return value, math.sqrt(value * (1 - value) / count)
    return value, 0.0


def blurred(images):
    return _pixels(ndimage.gaussian_filter(images * 1.0, (0, SIGMA, SIGMA, 0)))


def noisy(images):
    noise = np.random.default_rng(0).normal(0, NOISE, images.shape)
    return _pixels(images + noise)


def _pixels(values):
    return np.clip(np.rint(values), 0, 255).astype("uint8")


def sets(model, train, labels, seen, count):
    """The rows of the first tables: names, and images."""
    samples = model.generate(count, seed=0)
    drawn = np.random.default_rng(0).integers(COPIED, size=count)
    return {
        DATA: train[:count],
        SAMPLES: samples,
        BLURRED: blurred(samples),
        NOISY: noisy(samples),
        FEWER: train[labels < DIGITS][:count],
        COPIES: seen[drawn],
    }


def compare_sets(real, made, seen):
    return {
        "Fréchet": frechet_distance(real, made),
        "kernel": kernel_distance(real, made),
        **precision_recall_density_coverage(real, made, NEIGHBORS),
        "memorization": memorization_ratio(made, seen, real),
    }


def compare_pairs(real, made):
    return {
        "MAE": mean_absolute_error(real, made),
        "PSNR": peak_signal_to_noise_ratio(real, made),
        "SSIM": structural_similarity(real, made),
    }


def print_table(title, rows):
    columns = next(iter(rows.values()))
    print(f"\n| {title} |", " | ".join(columns), "|")
    print("|---" * (len(columns) + 1) + "|")
    for name, values in rows.items():
        cells = [_number(value) for value in values.values()]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def _number(value):
    if not isinstance(value, tuple):
        return f"{value:.3g}"
    value, error = value
    decimals = max(0, -math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=10_000)
    args = parser.parse_args()
    with np.load(args.data) as data:
        train, labels = data["x_train"][..., None], data["y_train"]
        test = data["x_test"][..., None]
    # At random: the first half of them is by other writers than the second.
    test = np.random.default_rng(0).permutation(test)[: args.count]
    mixed = np.random.default_rng(0).permutation(train)
    half = len(train) // 2
    seen, train, labels = train[half:], train[:half], labels[:half]
    model = AEGAN.from_preset("aegan_mnist")

    made, wrong = sets(model, train, labels, seen, args.count), []
    for name in BOTH:
        features = extractor_for(name)
        real, known = features(test), features(seen[: args.count])
        thirds = (mixed[i::3][: args.count] for i in range(3))
        rows = {EQUAL: compare_sets(*map(features, thirds))}
        for row, images in made.items():
            rows[row] = compare_sets(real, features(images), known)
        print_table(name, rows)
        claims = [c for c in set_claims(args.count) if name in c.features]
        wrong += mistakes(name, rows, claims, args.count)
    again = model.reconstruct(test)
    made = {
        IMAGES: test,
        AGAIN: again,
        BLURRED_AGAIN: blurred(again),
        NOISY_AGAIN: noisy(again),
    }
    rows = {row: compare_pairs(test, images) for row, images in made.items()}
    print_table("pairs", rows)
    wrong += mistakes("pairs", rows, PAIR_CLAIMS, args.count)
    if wrong:
        sys.exit("\n".join(["", "These do not hold:", *wrong]))
    print("\nAll holds that the definitions say.")


if __name__ == "__main__":
    main()
