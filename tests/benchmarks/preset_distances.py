"""A preset's samples, with and without a mixture, and its reconstructions.

    python tests/benchmarks/preset_distances.py pixel_art32.npz \\
        aegan_pixel_art_32 latent_gan_pixel_art_32

How far each are from as many held-out images: the Fréchet distance on the
features of `equal_time.py`'s classifier. The mixture has 40 Gaussians and is
fitted to the codes of the training images, where a model draws from a prior
that did not learn.
"""

import argparse
import functools
import pathlib

from data_sets import load
from family import classifier

from keras_aegan import AEGAN
from keras_aegan.metrics import frechet_distance


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--samples", type=int, default=2_000)
    args = parser.parse_args()
    data, labels, test, test_labels = load(args.data)
    judge = classifier(data, labels, test, test_labels)
    features = functools.partial(judge.predict, batch_size=500, verbose=0)
    test = test[: args.samples]

    def distance(images):
        return f"{frechet_distance(features(test), features(images)):.1f}"

    print(f"training images: {distance(data[: args.samples])}")
    print("| preset | samples | by a mixture | reconstructions |")
    print("|---|---|---|---|")
    for name in args.presets:
        model = AEGAN.from_preset(name)
        draw = functools.partial(
            model.generate, len(test), seed=0, batch_size=500
        )
        cells = [distance(draw()), ""]
        again = distance(model.reconstruct(test, batch_size=500))
        if isinstance(model.prior, str):
            model.fit_sampler("gmm", data, components=40, seed=0)
            cells[1] = distance(draw())
        print(f"| `{name}` | {' | '.join([*cells, again])} |", flush=True)


if __name__ == "__main__":
    main()
