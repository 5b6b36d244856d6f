"""Sound from spectrograms: the phases that they lost are found again."""

import wave
from pathlib import Path

import numpy as np

from keras_aegan.images import replacing


def waveforms(
    spectrograms: np.ndarray,
    hop_length: int = 128,
    decibels: float = 80.0,
    iterations: int = 60,
    seed: int = 0,
) -> np.ndarray:
    """Sounds whose spectrograms are these pictures.

    Args:
        spectrograms: `(n, bins, frames, 1)` or `(n, bins, frames)`, in 0 to
            255, as `generate` gives them: frequency upwards, from 0 in the
            last row to half the sample rate in the first; brightness in
            decibels, 255 the loudest.
        hop_length: samples from one column to the next.
        decibels: what lies between 0 and 255.
        iterations: of the algorithm; more of them fit better.
        seed: of the phases that it starts from.

    Returns:
        `(n, hop_length * (frames - 1))`, float32, each with a largest value
        of 1 (or 0 if its picture is black).

    Raises:
        ValueError: if `spectrograms` has another shape, or a single frame.
        ModuleNotFoundError: without librosa: `pip install
            "keras-aegan[audio]"`.

    Example:

    ```python
    model = keras_aegan.AEGAN.from_preset("aegan_spoken_digits")
    sounds = keras_aegan.audio.waveforms(model.generate(10))
    keras_aegan.audio.save_wav("digits.wav", sounds)
    ```

    Reference:
        - [Griffin and Lim (1984), "Signal Estimation from Modified Short-Time
          Fourier Transform"](https://doi.org/10.1109/TASSP.1984.1164317), as
          in librosa, with the momentum of [Perraudin et al. (2013)](
          https://doi.org/10.1109/WASPAA.2013.6701851)
    """
    librosa = import_librosa()
    pictures = np.asarray(spectrograms, "float32")
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim != 3:
        raise ValueError(
            "Expected spectrograms of shape (n, bins, frames) or (n, bins, "
            f"frames, 1). Received: shape {np.shape(spectrograms)}"
        )
    if pictures.shape[2] < 2:
        raise ValueError(
            "Expected spectrograms of two frames or more. Received: shape "
            f"{np.shape(spectrograms)}. One spectrogram by itself is given as "
            "`spectrogram[None]`."
        )
    rising = pictures[:, ::-1]
    # A row is a band. Columns overlap by three quarters, without which phases
    # cannot be found, so there are more frequencies than rows: in between.
    rows = rising.shape[1]
    bands = (np.arange(rows) + 0.5) / rows
    fft_length = 4 * hop_length
    wanted = np.linspace(0, 1, fft_length // 2 + 1)
    between = np.stack([np.interp(wanted, bands, one) for one in np.eye(rows)])
    levels = np.einsum("nrt,rf->nft", rising, between) * (decibels / 255)
    # Black is silence, not the lowest level.
    loudness = np.where(levels > 0, 10 ** ((levels - decibels) / 20), 0)
    sounds = librosa.griffinlim(
        loudness,
        n_iter=iterations,
        hop_length=hop_length,
        n_fft=fft_length,
        random_state=seed,
    )
    peaks = np.abs(sounds).max(axis=1, keepdims=True)
    return (sounds / np.where(peaks > 0, peaks, 1)).astype("float32")


def save_wav(
    path: str | Path,
    sounds: np.ndarray,
    sample_rate: int = 8000,
    pause: float = 0.25,
) -> None:
    """Writes sounds, one after the other, as a WAV file of 16 bits.

    Args:
        path: the file; it is there whole or not at all.
        sounds: `(n, samples)`, in -1 to 1.
        sample_rate: samples in a second.
        pause: seconds of silence after each.

    Raises:
        ValueError: if `sounds` has another shape or values beyond -1 to 1.
    """
    sounds = np.asarray(sounds)
    if sounds.ndim != 2 or not np.all(np.abs(sounds) <= 1):
        raise ValueError(
            "Expected sounds of shape (n, samples) with values from -1 to 1. "
            f"Received: shape {sounds.shape}, the largest "
            f"{np.abs(sounds).max(initial=0):.3g}"
        )
    silence = np.zeros((len(sounds), round(pause * sample_rate)))
    samples = np.concatenate([sounds, silence], axis=1).ravel()
    with replacing(path) as file, wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(sample_rate)
        sound.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


def import_librosa():
    """librosa, which only those who want sound need to have installed."""
    try:
        import librosa
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Finding the phases of a spectrogram needs librosa. Install it "
            'with `pip install "keras-aegan[audio]"`.',
            name=error.name,
        ) from error
    return librosa
