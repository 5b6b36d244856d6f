"""Loads a preset and writes what it computes: run on another backend.

python backend_case.py hf://me/mine CODES.npy OUTPUTS.npz
"""

import sys

import numpy as np

from keras_aegan import AEGAN


def outputs(model, codes):
    """What the networks make of codes, before it is rounded to pixels."""
    generator, encoder = (model.used(seat) for seat in ("generator", "encoder"))
    data = generator.predict(codes, verbose=0)
    return {
        "data": data,
        "codes": encoder.predict(data, verbose=0).astype("float32"),
        "score": model.discriminator.predict(data, verbose=0),
    }


if __name__ == "__main__":
    address, codes, path = sys.argv[1:]
    np.savez(path, **outputs(AEGAN.from_preset(address), np.load(codes)))
