"""Are spoken digits still understood, reconstructed and turned to sound?

    python tests/benchmarks/spoken_digits.py fsdd_spec64.npz aegan_spoken_digits

How often a classifier, trained here on the training part, is right on the
held-out spectrograms, on a preset's reconstructions of them, and on what they
are after `keras_aegan.audio.waveforms` and back.
"""

import argparse
import pathlib

import librosa
import numpy as np
from data_sets import load
from family import classifier

from keras_aegan import AEGAN, audio

HOP = 128


def spectrograms(sounds, rows):
    """Pictures of sounds, as `waveforms` reads them."""
    loudness = np.abs(librosa.stft(sounds, n_fft=4 * rows, hop_length=HOP))
    bands = loudness[:, 1:].reshape(len(sounds), rows, 2, -1).max(axis=2)
    decibels = librosa.amplitude_to_db(bands, ref=np.max, top_db=80)
    pictures = np.clip(255 * (1 + decibels / 80), 0, 255)
    return pictures[:, ::-1, :, None].astype("uint8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("preset")
    args = parser.parse_args()
    data, labels, test, test_labels = load(args.data)
    thrice = [np.concatenate([part] * 3) for part in (data, labels)]
    judge = classifier(*thrice, test, test_labels, outputs="classes")
    sounds = audio.waveforms(test)
    for name, pictures in {
        "held out": test,
        "reconstructed": AEGAN.from_preset(args.preset).reconstruct(test),
        "sound and back": spectrograms(sounds, test.shape[1]),
    }.items():
        found = judge.predict(pictures, verbose=0).argmax(axis=-1)
        print(f"{name}: {np.mean(found == test_labels):.3f}")


if __name__ == "__main__":
    main()
