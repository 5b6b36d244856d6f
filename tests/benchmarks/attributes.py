"""Which attributes a model draws too often, and which hardly ever.

    python tests/benchmarks/attributes.py ./my_preset pixel_art32.npz \\
        --edit hat --picture edited.png

The file holds pictures (see `data_sets.py`), for each attribute `attr_NAME` (a
code a picture) and `values_NAME` (what the codes mean), and `test_from`, from
where on pictures are held out. A classifier of all attributes learns from the
others. It then looks at as many held-out pictures as generated ones, so that
its mistakes are the same on both sides. A row an attribute:

* accuracy: how often it is right on held-out pictures, and how often one would
  be who always says the most frequent value;
* apart: the distance in total variation between the values that it sees in
  held-out and in generated pictures, in percent, and the same between two
  halves of the held-out ones, which is chance;
* values that it sees less than half, or more than twice, as often in generated
  pictures, of those that are at least a hundredth of the held-out ones.

`--edit` learns a direction of codes for an attribute, from pictures without it
(code 0) to pictures with it, and moves held-out pictures along it. Printed is
how often the classifier sees the attribute afterwards, and of all the other
attributes how many stay as they were; strength 0 is the reconstruction. The
picture has the held-out ones in its first row, then these strengths.
"""

import argparse
import pathlib

import data_sets
import keras
import numpy as np
from keras import layers

from keras_aegan import AEGAN
from keras_aegan.images import image_grid, save_image


def load(path):
    """Pictures, their attributes, and where the held-out ones begin."""
    with np.load(path) as arrays:
        attributes = {
            key.removeprefix("attr_"): arrays[key]
            for key in arrays.files
            if key.startswith("attr_")
        }
        start = int(arrays["test_from"])
    x, _, test, _ = data_sets.load(path)
    return np.concatenate([x, test]), attributes, start


def classifier(x, attributes, epochs):
    """A network to the logits of each attribute, a dict."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(x.shape[1:])
    features = layers.Rescaling(1 / 127.5, -1.0)(inputs)
    for filters in (32, 64, 128):
        for _ in range(2):
            features = layers.Conv2D(filters, 3, padding="same")(features)
            features = layers.ReLU()(features)
        features = layers.MaxPooling2D()(features)
    features = layers.Dropout(0.3)(layers.Flatten()(features))
    features = layers.Dense(256, activation="relu")(features)
    heads = {
        name: layers.Dense(int(codes.max()) + 1, name=name)(features)
        for name, codes in attributes.items()
    }
    model = keras.Model(inputs, heads)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", dict.fromkeys(heads, loss))
    model.fit(x, attributes, batch_size=64, epochs=epochs, verbose=2)
    return lambda x: {
        name: logits.argmax(axis=1)
        for name, logits in model.predict(x, 500, verbose=0).items()
    }


def shares(codes, count):
    return np.bincount(codes, minlength=count) / len(codes)


def compare(name, truth, seen, made):
    """A row of the table."""
    count = int(max(truth.max(), seen.max(), made.max())) + 1
    right = np.mean(truth == seen)
    guess = shares(truth, count).max()
    there, drawn = shares(seen, count), shares(made, count)
    apart = 50 * np.abs(there - drawn).sum()
    halves = np.array_split(np.random.default_rng(0).permutation(seen), 2)
    halves = [shares(half, count) for half in halves]
    chance = 50 * np.abs(halves[0] - halves[1]).sum()
    counts = there >= 0.01
    rare = np.sum(counts & (drawn < there / 2))
    often = np.sum(counts & (drawn > 2 * there))
    return (
        f"| {name} | {right:.3f} ({guess:.3f}) | {apart:.1f} ({chance:.1f}) "
        f"| {rare} of {counts.sum()} | {often} |"
    )


def edit(model, name, x, attributes, start, see, picture):
    """Moves held-out pictures without an attribute to where they have it."""
    has = attributes[name][:start] > 0
    some = np.random.default_rng(0).permutation(start)[:5000]
    direction = model.attribute_direction(x[:start][some], has[some])
    without = x[start:][attributes[name][start:] == 0][:1000]
    ways = {s: model.edit(without, direction, s) for s in (0.0, 1.0, 1.5, 2.0)}
    before = see(without)
    others = [other for other in attributes if other != name]
    for strength, edited in ways.items():
        found = see(edited)
        same = np.mean([np.mean(found[o] == before[o]) for o in others])
        print(
            f"strength {strength}: {name} seen in "
            f"{np.mean(found[name] > 0):.3f}, others as before: {same:.3f}"
        )
    if picture:
        rows = [without, *ways.values()]
        rows = np.concatenate([row[:8] for row in rows])
        save_image(picture, image_grid(rows, columns=8), 2)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("preset")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--edit", metavar="NAME")
    parser.add_argument("--picture", type=pathlib.Path)
    args = parser.parse_args()
    model = AEGAN.from_preset(args.preset)
    x, attributes, start = load(args.data)
    training = {name: codes[:start] for name, codes in attributes.items()}
    see = classifier(x[:start], training, args.epochs)
    seen = see(x[start:])
    made = see(model.generate(len(x) - start, seed=0, batch_size=500))
    print(
        "| attribute | accuracy (a guess) | apart, % (chance) | seen less than "
        "half as often | more than twice |\n|---|---|---|---|---|"
    )
    for name, codes in attributes.items():
        print(compare(name, codes[start:], seen[name], made[name]))
    if args.edit:
        edit(model, args.edit, x, attributes, start, see, args.picture)


if __name__ == "__main__":
    main()
