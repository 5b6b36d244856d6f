import wave

import numpy as np
import pytest

from keras_aegan import audio, cli

RATE, HOP, ROWS, FRAMES = 8000, 128, 64, 40


def spectrogram(sound):
    """A picture of a sound, as the package expects it, by NumPy alone."""
    length = 2 * HOP
    padded = np.pad(sound, length // 2)
    window = np.hanning(length)
    frames = [
        np.abs(np.fft.rfft(window * padded[start : start + length]))[1:]
        for start in range(0, HOP * FRAMES, HOP)
    ]
    bands = np.stack(frames, axis=1).reshape(ROWS, 2, FRAMES).max(axis=1)
    decibels = 20 * np.log10(np.maximum(bands / bands.max(), 1e-4))
    picture = np.clip(255 * (1 + decibels / 80), 0, 255)
    return picture[::-1].astype("uint8")[None, ..., None]


def chirp(start, end):
    seconds = np.arange(HOP * (FRAMES - 1)) / RATE
    rate = (end - start) / seconds[-1]
    return np.sin(2 * np.pi * (start + rate / 2 * seconds) * seconds)


def loudest(sound, start, length=512):
    part = sound[start : start + length] * np.hanning(length)
    return np.argmax(np.abs(np.fft.rfft(part))) * RATE / length


def test_a_rising_tone_rises_again():
    (sound,) = audio.waveforms(spectrogram(chirp(500, 2500)))
    assert sound.shape == (HOP * (FRAMES - 1),)
    assert sound.dtype == "float32"
    assert np.abs(sound).max() == pytest.approx(1)
    # A row is 62.5 Hz; the tone moves by 205 Hz in the window.
    for start in (500, 2000, 4000):
        middle = 500 + 2000 * (start + 256) / len(sound)
        assert loudest(sound, start) == pytest.approx(middle, abs=125)


def test_its_spectrogram_is_the_picture():
    """The phases fit: guessed ones would leave an error of about 1."""
    picture = spectrogram(chirp(500, 2500))
    again = spectrogram(audio.waveforms(picture)[0])
    few = spectrogram(audio.waveforms(picture, iterations=1)[0])
    loud = picture > 128
    error = np.abs(again.astype(float) - picture)[loud].mean()
    assert error < 40
    assert error < 0.9 * np.abs(few.astype(float) - picture)[loud].mean()


def test_the_seed_settles_it_and_black_is_silence():
    pictures = np.concatenate(
        [spectrogram(chirp(500, 2500)), np.zeros((1, ROWS, FRAMES, 1), "uint8")]
    )
    one, other = (audio.waveforms(pictures, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert not one[1].any()
    assert one[0].any()


def test_shapes_that_are_refused():
    with pytest.raises(ValueError, match=r"\(n, bins, frames\)"):
        audio.waveforms(np.zeros((1, 8, 8, 3), "uint8"))
    # A single one, which looks like 8 of one frame.
    with pytest.raises(ValueError, match=r"`spectrogram\[None\]`"):
        audio.waveforms(np.zeros((8, 8, 1), "uint8"))
    with pytest.raises(ValueError, match="the largest 2"):
        audio.save_wav("never.wav", np.full((1, 8), 2.0))


def test_a_wav_file_holds_the_sounds_and_the_pauses(tmp_path):
    sounds = np.array([[0.0, 1.0], [-1.0, 0.5]])
    path = tmp_path / "sounds.wav"
    audio.save_wav(path, sounds, sample_rate=10, pause=0.3)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (10, 1)
        samples = np.frombuffer(file.readframes(100), "<i2")
    expected = [0, 32767, 0, 0, 0, -32767, 16384, 0, 0, 0]
    np.testing.assert_array_equal(samples, expected)
    assert [p.name for p in tmp_path.iterdir()] == ["sounds.wav"]


def test_the_command_writes_sound(tmp_path, capsys):
    path = tmp_path / "digits.wav"
    words = ["generate", "--preset", "aegan_mnist", "--output", str(path)]
    assert cli.main([*words, "--count", "2"]) == 0
    assert "Wrote 2 samples" in capsys.readouterr().out
    with wave.open(str(path)) as file:  # Any grey picture will do here.
        assert file.getnframes() == 2 * (27 * HOP + 2000)
    words[2] = "aegan_pixel_art_32"
    assert cli.main(words) == 2
    assert "no spectrograms" in capsys.readouterr().err
