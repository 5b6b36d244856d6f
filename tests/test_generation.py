"""Generating many samples: the same ones, wherever they go, in little memory.

`python test_generation.py COUNT OUT` is the process that is measured.
"""

import resource
import subprocess
import sys

import numpy as np
import pytest

from keras_aegan import networks, recipes
from keras_aegan.cli import main
from keras_aegan.generation import batch_sizes
from keras_aegan.images import read_data

VALUES, LATENT = 64, 32


def vectors():
    return recipes.gan(
        (VALUES,),
        LATENT,
        hidden_units=(8,),
        data_range=None,
        data_dtype="float32",
        seed=0,
    )


def trained_prior(tiny_model):
    prior = networks.dense_generator(
        (4,), 3, (8,), output_activation=None, name="prior"
    )
    return tiny_model(("encoder", "discriminator"), prior=prior)


# === The samples ===


def test_batches_are_alike_but_the_last():
    assert batch_sizes(5, 8) == [5]
    assert batch_sizes(8, 8) == [8]
    assert batch_sizes(30, 8) == [8, 8, 14]
    with pytest.raises(ValueError, match="n to be a whole number.*n=0"):
        batch_sizes(0, 8)
    with pytest.raises(ValueError, match="batch_size to be a whole.*=2.5"):
        batch_sizes(3, 2.5)


@pytest.mark.parametrize("prior", ["normal", "uniform", "sphere", "network"])
@pytest.mark.parametrize("batch_size", [3, 8, 64])
def test_samples_are_those_of_codes_drawn_at_once(
    prior, batch_size, tiny_model
):
    if prior == "network":
        model = trained_prior(tiny_model)
    else:
        model = tiny_model(prior=prior)
    codes = model.sample_codes(29, 5, batch_size)
    made = model.generate(29, 5, batch_size)
    np.testing.assert_array_equal(made, model.decode(codes, batch_size))
    # A generator goes on where it stopped.
    random = np.random.default_rng(5)
    parts = [model.generate(n, random, batch_size) for n in (13, 16)]
    difference = np.concatenate(parts).astype(int) - made
    assert np.abs(difference).max() <= 1  # other batches, other rounding


def test_a_fitted_sampler_gives_the_same_in_pieces():
    model = recipes.autoencoder(
        (VALUES,), 4, data_range=None, data_dtype="float32", seed=0
    )
    data = np.random.default_rng(0).normal(size=(100, VALUES))
    model.fit_sampler("gaussian", data.astype("float32"))
    codes = model.sample_codes(30, 1, 8)
    np.testing.assert_array_equal(
        model.generate(30, 1, 8), model.decode(codes, 8)
    )


# === Where they go ===


def test_an_array_or_a_mapped_file_is_filled(tiny_model, tmp_path):
    model = tiny_model()
    wanted = model.generate(10, seed=0)
    shape = (10, *model.data_shape)
    mapped = np.lib.format.open_memmap(
        tmp_path / "mine.npy", "w+", "uint8", shape
    )
    for out in (np.zeros(shape, "uint8"), mapped):
        assert model.generate(10, 0, 4, out) is out
        np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(np.load(tmp_path / "mine.npy"), wanted)

    read_only = np.zeros(shape, "uint8")
    read_only.flags.writeable = False
    for out in (read_only, np.zeros(shape), np.zeros((9, *shape[1:]), "uint8")):
        with pytest.raises(ValueError, match="writable array of uint8"):
            model.generate(10, out=out)


def test_a_file_is_whole_or_not_there(tiny_model, tmp_path, monkeypatch):
    model, path = tiny_model(), tmp_path / "new" / "samples.npy"
    made = model.generate(np.int64(10), 0, 4, out=path)
    assert isinstance(made, np.memmap) and not made.flags.writeable
    wanted = model.generate(10, seed=0)
    np.testing.assert_array_equal(np.load(path), wanted)
    np.testing.assert_array_equal(made, wanted)
    del made

    decode, calls = model.decode, []

    def interrupted(codes, batch_size):
        calls.append(len(codes))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return decode(codes, batch_size)

    monkeypatch.setattr(model, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.generate(12, 1, 4, out=str(path))
    np.testing.assert_array_equal(np.load(path), wanted)
    assert list(path.parent.iterdir()) == [path]

    folder, calls[:] = tmp_path / "pictures", []
    with pytest.raises(KeyboardInterrupt):
        model.generate(12, 0, 4, out=folder)
    assert [each.name for each in sorted(folder.iterdir())] == [
        "00.png",
        "01.png",
        "02.png",
        "03.png",
    ]
    np.testing.assert_array_equal(read_data(folder), wanted[:4])


def test_a_folder_of_pictures(tiny_model, tmp_path):
    model = tiny_model()
    assert model.generate(11, 0, 4, tmp_path / "a") == tmp_path / "a"
    np.testing.assert_array_equal(
        read_data(tmp_path / "a"), model.generate(11, seed=0)
    )
    # From their own range to black and white.
    model = tiny_model(data_range=(-1, 1), data_dtype="float32")
    model.generate(3, 0, out=tmp_path / "b")
    np.testing.assert_array_equal(
        read_data(tmp_path / "b"),
        np.rint((model.generate(3, seed=0) + 1) * 127.5),
    )


def test_folders_and_files_that_will_not_do(tiny_model, tmp_path):
    model = tiny_model()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    for out, problem in (
        (tmp_path / "full", "an empty folder.*has files"),
        (tmp_path / "full" / "mine", "mine is a file"),
        (tmp_path / "samples.npz", "ends in .npy or, as PNG"),
        (tmp_path / "sample.PNG", "ends in .npy or, as PNG"),
    ):
        with pytest.raises(ValueError, match=problem):
            model.generate(3, out=out)
    with pytest.raises(ValueError, match="A folder is for pictures"):
        vectors().generate(3, out=tmp_path / "vectors")
    assert [each.name for each in tmp_path.iterdir()] == ["full"]


def test_without_a_prior_nothing_is_written(tmp_path):
    model = recipes.autoencoder((4, 4, 1), 3, seed=0)
    for out in ("samples.npy", "pictures"):
        with pytest.raises(ValueError, match="follow no known distribution"):
            model.generate(3, out=tmp_path / out)
    assert not list(tmp_path.iterdir())


def test_a_bar_shows_how_far_it_is(tiny_model, capsys):
    model = tiny_model()
    model.generate(20, 0, 8)
    assert not capsys.readouterr().out
    model.generate(20, 0, 8, verbose=1)
    shown = capsys.readouterr().out
    assert "8/20" in shown and "20/20" in shown


def test_the_command(tiny_model, tmp_path, monkeypatch, capsys):
    model = tiny_model()
    model.save_to_preset(tmp_path / "preset")
    monkeypatch.chdir(tmp_path)
    argv = ["generate", "--preset", "./preset", "--count", "7", "--seed", "1"]
    argv += ["--batch-size", "4", "--output"]
    wanted = model.generate(7, 1, 4)
    for output in ("new/pictures", "new/samples.npy"):
        assert main([*argv, output]) == 0
        np.testing.assert_array_equal(read_data(output), wanted)
    assert capsys.readouterr().out.endswith(
        "Wrote 7 samples to new/samples.npy\n"
    )
    assert main([*argv, "new"]) == 2
    assert "new is there already" in capsys.readouterr().err


# === Memory ===


def test_many_samples_take_the_memory_of_a_few(tmp_path):
    """200,000 samples of 51 MB, of codes of 26 MB, in less than 10 MB."""
    path = tmp_path / "samples.npy"
    grown = subprocess.run(
        [sys.executable, __file__, "200000", str(path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    assert np.load(path, mmap_mode="r").shape == (200_000, VALUES)
    assert path.stat().st_size > 200_000 * VALUES * 4
    assert int(grown.split()[-1]) < 10e6


def _peak():
    """The most memory that this process has had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    model = vectors()
    # What the backend takes once, for its programs and pools.
    model.generate(50_000, 0, 1000, sys.argv[2])
    before = _peak()
    model.generate(int(sys.argv[1]), 0, 1000, sys.argv[2])
    print(_peak() - before)
