"""The data of the benchmarks and of the presets, as plain arrays.

    python tests/benchmarks/data_sets.py packed/toon_head64.npz toon_head64.npz

writes `x_train`, `y_train`, `x_test` and `y_test` to the file that is named
last, from what is named first:

* an `.npz` file with those arrays, images with or without a channel;
* one with `x`, `test_from`, the row from which images are held out, and
  `attr_NAME`, of which the hair is the label;
* the same with the images as `webp_NNNNN`, lossless WebP pictures, each a grid
  of 25 rows of 40 images of 64x64;
* one with `x` alone, texts as token ids, without labels: in random order, the
  last tenth held out;
* a folder of MNIST's four `.gz` files in the IDX format, as Fashion-MNIST has
  them too (Debian: `apt-get install dataset-fashion-mnist`).

With `--label`, only what has this label stays in the training part: what is
normal, for an anomaly recipe.
"""

import argparse
import gzip
import io
import pathlib

import numpy as np
from PIL import Image


def load(path):
    """Data and labels to train on, and data and labels held out."""
    if path.is_dir():
        return tuple(
            _idx(path / f"{part}-{kind}-ubyte.gz")
            for part in ("train", "t10k")
            for kind in ("images-idx3", "labels-idx1")
        )
    with np.load(path) as arrays:
        if "x_train" in arrays:
            keys = ("x_train", "y_train", "x_test", "y_test")
            x, y, test, test_y = (arrays[key] for key in keys)
            if x.ndim == 3:
                x, test = x[..., None], test[..., None]
            return x, y, test, test_y
        if arrays.files == ["x"]:
            x = np.random.default_rng(0).permutation(arrays["x"])
            start = len(x) - len(x) // 10
            return x[:start], None, x[start:], None
        packed = [name for name in arrays.files if name.startswith("webp_")]
        x = np.concatenate(
            [_unpacked(arrays[name]) for name in sorted(packed)]
            or [arrays["x"]]
        )
        y, start = arrays["attr_hair"], arrays["test_from"]
        return x[:start], y[:start], x[start:], y[start:]


def _idx(path):
    """An array of bytes; its last byte of four is the number of axes."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, 4)
    array = np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    return array[..., None] if axes == 3 else array


def _unpacked(picture):
    grid = np.asarray(Image.open(io.BytesIO(picture.tobytes())).convert("RGB"))
    return (
        grid.reshape(25, 64, 40, 64, 3)
        .transpose(0, 2, 1, 3, 4)
        .reshape(-1, 64, 64, 3)
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--label", type=int)
    args = parser.parse_args()
    x, y, test, test_y = load(args.source)
    if args.label is not None:
        is_kept = y.ravel() == args.label
        x, y = x[is_kept], y[is_kept]
    arrays = {"x_train": x, "y_train": y, "x_test": test, "y_test": test_y}
    arrays = {key: a for key, a in arrays.items() if a is not None}
    np.savez_compressed(args.target, **arrays)


if __name__ == "__main__":
    main()
