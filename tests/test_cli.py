import json
import shlex
import shutil
import sys

import keras
import numpy as np
import PIL.Image
import pytest

from keras_aegan import AEGAN
from keras_aegan.callbacks import StopAfter
from keras_aegan.cli import main
from keras_aegan.cli import train as cli_train
from keras_aegan.cli.arguments import parse
from keras_aegan.cli.stages import stages
from keras_aegan.images import read_data

SMALL = "--batch-size 8 --option width=4 --option latent_dim=4".split()
TINY = ["--recipe", "aegan", *SMALL]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for index in range(16):
        pixels = random.integers(0, 256, (28, 28), dtype="uint8")
        PIL.Image.fromarray(pixels).save(folder / f"{index:02}.png")
    return folder


@pytest.fixture(scope="module")
def preset(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "preset"
    argv = ["train", "--data", data, "--output", folder, "--steps", 3, *TINY]
    assert run(*argv, "--watch", folder.with_name("watched")) == 0
    return folder


def run(*argv):
    return main([str(argument) for argument in argv])


def mistake(capsys, *argv):
    """The one line on stderr that explains exit code 2."""
    assert run(*argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-aegan: error: ")
    return line


def size(path):
    with PIL.Image.open(path) as image:
        return image.size


def options(command):
    """A command's options with their values, in whatever order."""
    _, _, *words = shlex.split(command)
    return sorted(zip(words[::2], words[1::2], strict=True))


def logged(folder):
    """The kinds and steps of what was watched."""
    lines = (folder / "monitor.jsonl").read_text().splitlines()
    return [(line["kind"], line["step"]) for line in map(json.loads, lines)]


def grid_side(tiles, pixels, scale=2):
    return scale * (tiles * (pixels + 2) + 2)


# train


def test_train_writes_a_preset_that_tells_how_it_was_made(data, preset):
    metadata = json.loads((preset / "metadata.json").read_text())
    assert metadata["recipe"] == "aegan"
    assert metadata["steps"] == 3
    assert metadata["epochs"] == 1.5
    assert metadata["seed"] == 0
    assert metadata["batch_size"] == 8
    assert metadata["latent_dim"] == 4
    assert metadata["command"].startswith("keras-aegan train --data ")
    assert "--recipe aegan" in metadata["command"]
    assert metadata["trained_on"] == (
        f"{data.name}: 16 samples of 28x28x1, uint8"
    )
    assert keras.backend.backend() in metadata["hardware"]
    assert np.isfinite(list(metadata["logs"].values())).all()
    wide, tall = grid_side(8, 28), grid_side(8, 28)
    assert size(preset / "samples.png") == (wide, tall)
    assert size(preset / "reconstructions.png") == (wide, grid_side(2, 56))
    assert "samples.png" in (preset / "README.md").read_text()
    assert not preset.with_name("preset.backup").exists()


def test_a_preset_is_trained_again(preset, data, tmp_path, monkeypatch, capsys):
    presets = preset.parent
    monkeypatch.setattr(
        "keras_aegan.hub.registry.bundled_root", lambda: presets
    )
    again = ["train", "--preset-recipe", "preset", "--data", data]
    assert run(*again, "--output", tmp_path / "again") == 0
    about, before = (
        json.loads((folder / "metadata.json").read_text())
        for folder in (tmp_path / "again", preset)
    )
    same = ("recipe", "steps", "batch_size", "seed", "logs", "networks")
    assert [about[key] for key in same] == [before[key] for key in same]
    assert options(about["command"]) == options(
        before["command"]
        .replace(f"--output {preset}", f"--output {tmp_path / 'again'}")
        .replace(f"--watch {preset.with_name('watched')}", "")
    )
    weights = (tmp_path / "again" / "model.safetensors").read_bytes()
    assert weights == (preset / "model.safetensors").read_bytes()

    wrong = [*again, "--output", tmp_path / "wrong"]
    line = mistake(capsys, *wrong, "--steps", 5)
    assert "--steps is settled by --preset-recipe" in line
    line = mistake(
        capsys, "train", "--preset-recipe", "no", *again[3:], *wrong[-2:]
    )
    assert "expected one of preset" in line


def test_train_on_the_first_samples_alone(data, tmp_path):
    argv = ["train", "--data", data, "--output", tmp_path / "few", *TINY]
    assert run(*argv, "--steps", 1, "--count", 9) == 0
    about = json.loads((tmp_path / "few" / "metadata.json").read_text())
    assert about["trained_on"].endswith("9 samples of 28x28x1, uint8")


def test_a_second_stage_starts_from_the_first(data, preset, tmp_path):
    folder = tmp_path / "second"
    argv = ["train", "--recipe", "latent_gan", "--first", preset]
    argv += ["--data", data, "--output", folder, "--steps", 2]
    argv += ["--batch-size", 8, "--option", "noise_dim=3"]
    assert run(*argv) == 0
    second, first = (AEGAN.from_preset(each) for each in (folder, preset))
    assert second.prior.input_shape == (None, 3)
    codes = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(second.decode(codes), first.decode(codes))


def test_a_second_stage_computes_in_the_dtype_throughout(
    data, preset, tmp_path, monkeypatch
):
    found = set()

    def look(callback, batch, logs=None):
        for network in callback.model.networks.values():
            # Averages have no layers, and run their network's.
            found.update(x.dtype_policy.name for x in network.layers[-1:])
        raise KeyboardInterrupt

    monkeypatch.setattr(StopAfter, "on_train_batch_end", look)
    argv = ["train", "--recipe", "latent_gan", "--first", preset]
    argv += ["--data", data, "--output", tmp_path / "second", "--steps", 1]
    assert run(*argv, "--dtype", "mixed_bfloat16") == 130
    assert found == {"mixed_bfloat16"}


def test_two_stages_are_trained_again_with_one_command(
    data, tmp_path, monkeypatch, capsys
):
    presets = tmp_path / "presets"
    first, second = tmp_path / "first", presets / "second"
    argv = ["train", "--data", data, "--steps", 2, "--batch-size", 8]
    rae = ["--recipe", "rae", "--output", first, *SMALL, "--mixture", 2]
    assert run(*argv, *rae) == 0
    game = ["--recipe", "mixture_aegan", "--output", second]
    assert run(*argv, *game, "--first", first, "--option", "width=4") == 0
    before = json.loads((second / "metadata.json").read_text())
    assert before["command"].count("keras-aegan train") == 2
    assert before["command"].index("rae") < before["command"].index("&&")
    model = AEGAN.from_preset(second)
    assert model.prior.get_layer("mixture").components == 2
    assert model.generate(3, seed=0).shape == (3, 28, 28, 1)

    monkeypatch.setattr(
        "keras_aegan.hub.registry.bundled_root", lambda: presets
    )
    again = ["train", "--preset-recipe", "second", "--data", data]
    assert run(*again, "--output", tmp_path / "again") == 0
    weights = (tmp_path / "again" / "model.safetensors").read_bytes()
    assert weights == (second / "model.safetensors").read_bytes()
    # Stopped in the last stage, it goes on with that one alone.
    third = [*again, "--output", tmp_path / "third", "--checkpoint-every", 1e-9]
    with monkeypatch.context() as patched:
        patched.setattr(StopAfter, "on_train_batch_end", interrupt_the_game)
        capsys.readouterr()
        assert run(*third) == 130
    error = capsys.readouterr().err.rstrip()
    assert "train --preset-recipe second" in error
    assert error.endswith("--checkpoint-every 1e-09 --resume")
    stage = tmp_path / "third.stage_1" / "model.safetensors"
    made = stage.stat().st_mtime_ns
    assert run(*third, "--resume") == 0
    assert stage.stat().st_mtime_ns == made
    about = json.loads((tmp_path / "third" / "metadata.json").read_text())
    assert about["recipe"] == "mixture_aegan"
    assert about["command"].count("keras-aegan train") == 2


def test_without_a_recipe_the_two_stages_are_trained(
    data, tmp_path, monkeypatch, capsys
):
    """Most of it is the autoencoder's, and each takes its own options."""
    folder, watched = tmp_path / "mine", tmp_path / "watched"
    argv = ["train", "--data", data, "--output", folder, *SMALL]
    argv += ["--option", "gamma=2.0", "--image-size", 28, "--epochs", 3]
    with monkeypatch.context() as patched:
        patched.setattr(StopAfter, "on_train_batch_end", interrupt_the_game)
        assert run(*argv, "--watch", watched, "--checkpoint-every", 1e-9) == 130
    error = capsys.readouterr().err.rstrip()
    assert error.endswith("--checkpoint-every 1e-09 --resume")
    assert run(*argv, "--watch", watched, "--resume") == 0
    about = json.loads((folder / "metadata.json").read_text())
    assert about["recipe"] == "mixture_aegan"
    first, second = about["command"].split(" && ")
    first, second = options(first), options(second)
    stage = tmp_path / "mine.stage_1"
    told = {"--epochs": "2", "--mixture": "auto", "--image-size": "28"}
    assert told.items() <= dict(first).items()
    assert ("--recipe", "rae") in first and ("--output", str(stage)) in first
    assert ("--option", "width=4") in first
    assert ("--option", "width=4") in second
    assert ("--option", "latent_dim=4") in first
    assert ("--option", "gamma=2.0") in second
    told = {"--epochs": "1", "--first": str(stage), "--output": str(folder)}
    assert told.items() <= dict(second).items()
    assert ("--option", "latent_dim=4") not in second
    assert ("--option", "gamma=2.0") not in first
    model = AEGAN.from_preset(folder)
    assert model.generate(3, seed=0).shape == (3, 28, 28, 1)
    # 16 samples of 4 values a code are enough for no more.
    assert model.prior.get_layer("mixture").components == 1
    assert logged(watched)[0] == ("start", 0)
    assert ("end", 4) in logged(tmp_path / "watched.stage_1")

    # Trained anew and stopped early, it goes on from there, and not from what
    # the training before left.
    made = (stage / "model.safetensors").stat().st_mtime_ns
    argv += ["--checkpoint-every", 1e-9]
    with monkeypatch.context() as patched:
        patched.setattr(StopAfter, "on_train_batch_end", interrupt)
        assert run(*argv) == 130
    assert run(*argv, "--resume") == 0
    assert (stage / "model.safetensors").stat().st_mtime_ns > made


@pytest.mark.parametrize(
    ("length", "first", "second"),
    [
        ([], ("epochs", 9), ("epochs", 1)),
        (["--epochs", "2"], ("epochs", 1), ("epochs", 1)),
        (["--steps", "3000"], ("steps", 2700), ("steps", 300)),
        (["--minutes", "30"], ("minutes", 27), ("minutes", 3)),
    ],
)
def test_nine_tenths_of_the_time_are_the_first_stages(length, first, second):
    argv = ["train", "--data", "d", "--output", "o", *length]
    args = parse(argv)
    args.command_line = "keras-aegan " + " ".join(argv)
    found = stages(args)
    for stage, (name, value) in zip(found, (first, second), strict=True):
        assert getattr(stage, name) == pytest.approx(value)
        given = ("epochs", "steps", "minutes")
        assert sum(getattr(stage, each) is not None for each in given) == 1
        # What the card names is the same again.
        again = parse(shlex.split(stage.command_line)[1:])
        assert getattr(again, name) == pytest.approx(value, rel=1e-5)
        assert (again.recipe, again.mixture) == (stage.recipe, stage.mixture)


@pytest.mark.parametrize("seed", ["-1", "4294967296", "x"])
def test_a_seed_is_what_random_numbers_start_from(seed, capsys):
    argv = ["train", "--data", "d", "--output", "o", "--seed", seed]
    with pytest.raises(SystemExit):
        run(*argv)
    assert "expected a whole number from 0 to" in capsys.readouterr().err


def test_a_mixture_is_fitted_to_no_more_samples_than_it_needs(
    data, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(cli_train, "_MOST_FITTED", 12)
    argv = ["train", "--recipe", "rae", "--data", data, "--epochs", 1]
    argv += ["--image-size", 28, *SMALL, "--mixture", 1]
    assert run(*argv, "--output", tmp_path / "some") == 0
    assert "Fitting a mixture to 12 samples' codes" in capsys.readouterr().out
    monkeypatch.undo()
    assert run(*argv, "--output", tmp_path / "all") == 0
    assert "Fitting a mixture to 16 samples' codes" in capsys.readouterr().out


def test_a_mixture_of_codes_is_fitted_anew_where_the_codes_have_moved(
    data, tmp_path, capsys
):
    argv = ["train", "--data", data, "--epochs", 1, *SMALL[:2]]
    rae = ["--recipe", "rae", "--image-size", 28, *SMALL[2:], "--mixture", 2]
    first = tmp_path / "first"
    assert run(*argv, *rae, "--output", first) == 0
    argv += ["--preset", first]
    assert run(*argv, "--output", tmp_path / "auto") == 0
    assert run(*argv, "--output", tmp_path / "two", "--mixture", 2) == 0

    pixels = read_data(data)
    for folder, components in (("first", 2), ("auto", 1), ("two", 2)):
        model = AEGAN.from_preset(tmp_path / folder)
        mixture = model.prior.get_layer("mixture")
        assert mixture.components == components
        # Expectation maximization keeps the codes' mean.
        shares, means, _ = mixture.get_weights()
        codes = model.encode(pixels).mean(axis=0)
        np.testing.assert_allclose(shares @ means, codes, atol=1e-5)

    game = ["--recipe", "mixture_aegan", "--first", first, *argv[1:5]]
    assert run("train", *game, *SMALL[:2], "--output", tmp_path / "game") == 0
    line = mistake(
        capsys,
        *(*argv[:5], *SMALL[:2], "--preset", tmp_path / "game"),
        *("--output", tmp_path / "no", "--mixture", 2),
    )
    assert "--mixture is for models with an encoder and no prior" in line


def test_two_stages_refuse_what_they_cannot_do(data, tmp_path, capsys):
    argv = ["train", "--data", data, "--output", tmp_path / "no"]
    line = mistake(capsys, *argv, "--epochs", 1)
    assert "--epochs 1 is too short for two stages" in line
    line = mistake(capsys, *argv, "--first", "aegan_mnist")
    assert "name it with --recipe" in line
    line = mistake(capsys, *argv, "--option", "gama=2")
    assert "of the recipe rae, which has" in line
    assert "or of the recipe mixture_aegan, which has" in line
    assert "gamma=1.0" in line and "latent_dim=32" in line
    # Of the second stage's alone, and told before the first one is trained.
    line = mistake(capsys, *argv, *SMALL, "--option", "penalty_interval=0")
    assert "Received: interval=0" in line
    assert list(tmp_path.iterdir()) == []


def test_two_stages_go_on_where_the_second_had_not_come_far(
    data, tmp_path, monkeypatch, capsys
):
    """However it ended: the first stage is not trained again."""
    argv = ["train", "--data", data, "--output", tmp_path / "mine", *SMALL]
    argv += ["--epochs", 2]
    with monkeypatch.context() as patched:
        patched.setattr(StopAfter, "on_train_batch_end", interrupt_the_game)
        assert run(*argv) == 130
    error = capsys.readouterr().err.rstrip()
    first = tmp_path / "mine.stage_1"
    assert f"The stage before is kept, in {first}. Go on with: " in error
    assert error.endswith(" --resume")
    made = (first / "model.safetensors").stat().st_mtime_ns
    # What a process leaves that is killed there.
    backup = tmp_path / "mine.backup"
    backup.mkdir()
    (backup / "run.json").write_text("{}")
    assert run(*argv, "--resume") == 0
    assert (first / "model.safetensors").stat().st_mtime_ns == made
    about = json.loads((tmp_path / "mine" / "metadata.json").read_text())
    assert about["recipe"] == "mixture_aegan"
    # Now it has ended.
    line = mistake(capsys, *argv, "--resume")
    assert f"no interrupted training in {backup}" in line


def test_two_stages_in_the_working_directory_are_refused(
    data, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    line = mistake(capsys, "train", "--data", data, "--output", ".", *SMALL)
    assert "it is the working directory" in line


def test_a_mixture_is_fitted_anew_where_a_critic_does_not_go_by_it(
    data, tmp_path
):
    argv = ["train", "--data", data, "--epochs", 1, "--batch-size", 8]
    first = ["--recipe", "autoencoder_gan", "--image-size", 28, "--mixture", 1]
    first += ["--option", "encoding_dim=4"]
    assert run(*argv, *first, "--output", tmp_path / "first") == 0
    again = ["--preset", tmp_path / "first", "--output", tmp_path / "again"]
    assert run(*argv, *again) == 0
    model = AEGAN.from_preset(tmp_path / "again")
    _, means, _ = model.prior.get_layer("mixture").get_weights()
    codes = model.encode(read_data(data)).mean(axis=0)
    np.testing.assert_allclose(means[0], codes, atol=1e-5)


def test_a_preset_is_not_written_among_the_data(data, capsys):
    argv = ["train", "--data", data, "--output", data / "model", *TINY]
    line = mistake(capsys, *argv)
    assert "pictures of the preset would be taken for such" in line
    assert not (data / "model").exists()


def interrupt(callback, batch, logs=None):
    raise KeyboardInterrupt


def interrupt_the_game(callback, batch, logs=None):
    if callback.model.name == "mixture_aegan":
        raise KeyboardInterrupt


def test_a_mixture_that_cannot_be_fitted_is_refused_before_the_training(
    data, tmp_path, capsys
):
    argv = ["train", "--data", data, "--output", tmp_path / "no", *TINY]
    line = mistake(capsys, *argv, "--mixture", 1)
    assert "no prior of their own, such as --recipe rae" in line
    line = mistake(capsys, *argv, "--recipe", "rae", "--mixture", 4)
    assert "--mixture 4 needs 20 samples" in line
    assert "or a smaller number" in line
    few = [*argv, "--recipe", "rae", "--mixture", "auto", "--count", 4]
    line = mistake(capsys, *few)
    assert "--mixture 1 needs 5 samples" in line
    assert "such as --recipe aegan" in line
    assert not (tmp_path / "no").exists()


def test_an_array_of_three_axes_can_hold_signals(tmp_path):
    file, folder = tmp_path / "signals.npy", tmp_path / "preset"
    signals = np.random.default_rng(0).normal(size=(16, 32, 2))
    np.save(file, signals.astype("float32"))
    argv = ["train", "--data", file, "--output", folder, "--steps", 1, *TINY]
    for option in ("data_range=None", "data_dtype=float32"):
        argv += ["--option", option]
    assert run(*argv, "--signals") == 0
    assert AEGAN.from_preset(folder).data_shape == (32, 2)
    command = json.loads((folder / "metadata.json").read_text())["command"]
    assert command.endswith("--signals")


def test_train_goes_on_with_a_preset_until_the_time_is_up(
    preset, tmp_path, monkeypatch, capsys
):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 28, 28), "uint8")
    np.savez(tmp_path / "data.npz", digits=pixels)
    argv = ["--data", tmp_path / "data.npz", "--key", "digits"]
    argv += ["--preset", preset, "--output", tmp_path / "tuned"]
    assert run("train", *argv, "--minutes", 1e-9, "--batch-size", 8) == 0
    metadata = json.loads((tmp_path / "tuned" / "metadata.json").read_text())
    assert metadata["steps"] == 1
    assert metadata["latent_dim"] == 4
    assert metadata["preset"] == str(preset) and metadata["recipe"] is None
    policies = set()

    def noted(self, *args, **kwargs):
        policies.add(self.generator.layers[-1].dtype_policy.name)
        return fit(self, *args, **kwargs)

    fit = AEGAN.fit
    monkeypatch.setattr(AEGAN, "fit", noted)
    half = ["--dtype", "mixed_bfloat16", "--steps", 1, "--batch-size", 8]
    assert run("train", *argv, *half) == 0
    assert policies == {"mixed_bfloat16"}
    model = AEGAN.from_preset(preset, dtype="mixed_bfloat16")
    model.compile()
    model.save_to_preset(tmp_path / "half", include_optimizer=True)
    other = ["--preset", tmp_path / "half", "--dtype", "mixed_float16"]
    line = mistake(capsys, "train", *argv, *other)
    assert "half is in mixed_bfloat16. Leave it out." in line
    option = ["--option", "width=8"]
    line = mistake(capsys, "train", *argv, *option)
    assert "--option belongs to a --recipe" in line


def test_what_cannot_generate_is_trained_and_shown_by_reconstructions(
    data, tmp_path
):
    argv = ["train", "--recipe", "autoencoder", "--data", data, "--steps", 2]
    assert run(*argv, "--batch-size", 8, "--output", tmp_path / "preset") == 0
    pictures = sorted(path.name for path in (tmp_path / "preset").glob("*.png"))
    assert pictures == ["reconstructions.png"]


def test_an_interrupted_training_resumes(data, tmp_path, monkeypatch, capsys):
    folder, watched = tmp_path / "preset", tmp_path / "watched"
    backup = tmp_path / "preset.backup"
    argv = ["train", "--data", data, "--output", folder, "--epochs", 2, *TINY]
    argv += ["--watch", watched]

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(AEGAN, "fit", interrupt)
        assert run(*argv) == 130
    assert "nothing is kept" in capsys.readouterr().err
    assert not backup.exists()

    def interrupt_in_the_second_epoch(self, batch, logs=None):
        if self._steps_before > 0:
            interrupt()

    monkeypatch.setattr(
        StopAfter, "on_train_batch_end", interrupt_in_the_second_epoch
    )
    assert run(*argv) == 130
    out, error = capsys.readouterr()
    assert f"Backup in {backup}" in error
    assert error.rstrip().endswith("--resume")
    assert not folder.exists()
    assert f"Wrote the report {watched / 'report.html'}\n" in out
    page = (watched / "report.html").read_text()
    assert "<strong>1</strong> epoch<" in page
    assert "was cut short" in page
    monkeypatch.undo()

    assert "Add --resume" in mistake(capsys, *argv)
    other = mistake(capsys, *argv, "--resume", "--option", "gamma=1")
    assert "option was" in other

    epochs = []

    def on_epoch_end(self, epoch, logs=None):
        updates = self.model.optimizer["generator"].iterations
        epochs.append((epoch, int(self.model.step), int(updates)))

    monkeypatch.setattr(StopAfter, "on_epoch_end", on_epoch_end, raising=False)
    assert run(*argv, "--resume") == 0
    assert epochs == [(1, 4, 4)]  # the first epoch's two steps came back
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["steps"] == 4 and metadata["epochs"] == 2
    assert metadata["wall_time"].endswith(" s since it was resumed")
    assert not backup.exists()
    assert [line for line in logged(watched) if line[0] != "watch"] == [
        ("start", 0),
        ("epoch", 2),
        ("start", 2),  # in the same folder
        ("epoch", 4),
        ("end", 4),
    ]
    assert "resumed at step 2;" in (watched / "report.html").read_text()
    assert "no interrupted training" in mistake(capsys, *argv, "--resume")


def test_a_backup_within_an_epoch_resumes_with_that_epoch(
    data, tmp_path, monkeypatch, capsys
):
    def interrupt(self, batch, logs=None):
        raise KeyboardInterrupt

    folder = tmp_path / "preset"
    argv = ["train", "--data", data, "--output", folder, "--epochs", 1, *TINY]
    argv += ["--dtype", "mixed_bfloat16"]
    monkeypatch.setattr(StopAfter, "on_train_batch_end", interrupt)
    assert run(*argv, "--checkpoint-every", 1e-9) == 130
    assert "Go on with" in capsys.readouterr().err
    state = tmp_path / "preset.backup" / "training_metadata.json"
    assert json.loads(state.read_text())["epoch"] == 0
    monkeypatch.undo()
    assert run(*argv, "--resume") == 0
    # Presets are float32, whatever they were trained in.
    assert "mixed_bfloat16" not in (folder / "config.json").read_text()


def test_a_backup_is_kept_where_the_output_is_a_link(
    data, preset, tmp_path, monkeypatch, capsys
):
    shutil.copytree(preset, tmp_path / "real")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    argv = ["train", "--data", data, "--output", link, "--epochs", 1, *TINY]
    with monkeypatch.context() as patched:
        patched.setattr(StopAfter, "on_train_batch_end", interrupt)
        assert run(*argv, "--checkpoint-every", 1e-9) == 130
    backup = tmp_path / "real.backup"
    assert f"Backup in {backup}. Go on with" in capsys.readouterr().err
    assert run(*argv, "--resume") == 0
    assert not backup.exists()


def test_training_refuses_a_backup_folder_of_something_else(
    data, tmp_path, capsys
):
    (tmp_path / "preset.backup").mkdir()
    output = tmp_path / "preset"
    line = mistake(capsys, "train", "--data", data, "--output", output)
    assert "holds something else" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "aegon"], "expected one of aae, aegan, aegan_classic"),
        (["--recipe", "aegan", "--option", "widht=4"], "width=32"),
        (["--option", "width"], "expected NAME=VALUE"),
        (["--recipe", "aegan", "--option", "widht=4"], "seed=None"),
        (["--option", "updates=both"], "'one_stage'"),
        (["--recipe", "latent_gan"], "name it with --first"),
        (
            ["--recipe", "aegan", "--first", "aegan_mnist"],
            "starts from data alone",
        ),
        (
            "--recipe latent_gan --first aegan_mnist --image-size 28".split(),
            "--image-size is settled by the model of --first",
        ),
        (["--option", "image_shape=3"], "expected NAME=VALUE"),
        (["--option", "width='many'"], ""),
        (["--key", "x"], "within an .npz file"),
        (["--preset", "./nothing"], "nothing"),
        (["--preset", "aegan_mnits"], "aegan_mnits"),
    ],
)
def test_training_refuses_wrong_arguments(
    data, tmp_path, capsys, arguments, message
):
    output = tmp_path / "preset"
    argv = ["train", "--data", data, "--output", output, *arguments]
    assert message in mistake(capsys, *argv)
    assert list(tmp_path.iterdir()) == []


def test_training_refuses_data_that_cannot_be_used(tmp_path, capsys):
    output = tmp_path / "preset"

    def refused(data, *arguments):
        argv = ["--data", data, "--output", output, *arguments]
        return mistake(capsys, "train", *argv)

    folder = tmp_path / "pictures"
    folder.mkdir()
    assert "holds no pictures" in refused(folder)
    for name, pixels in (("a", 28), ("b", 32)):
        PIL.Image.new("L", (pixels, pixels)).save(folder / f"{name}.png")
    assert "Give one image size" in refused(folder)
    (folder / "c.png").write_text("no picture")
    assert "c.png" in refused(folder, "--image-size", 28)
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([None, 1]))
    assert "never loaded" in refused(objects)
    floats = tmp_path / "floats.npy"
    np.save(floats, np.full((4, 28, 28), np.nan, "float32"))
    assert "NaN" in refused(floats, *TINY)
    assert "are for pictures" in refused(floats, "--image-size", 32)
    np.save(floats, np.zeros((4, 7, 5), "float32"))
    assert "halved at least twice" in refused(floats, *TINY)


def test_outputs_that_cannot_be_written_are_refused_at_once(
    data, tmp_path, capsys
):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    def refused(command, output, *arguments):
        return mistake(capsys, command, "--output", output, *arguments)

    preset = ["--preset", "./nothing"]
    for output in (blocked / "a.png", blocked / "sub" / "a.npy"):
        line = refused("generate", output, *preset)
        assert "cannot be written to" in line
    line = refused("generate", tmp_path / "samples.jpg", *preset)
    assert "ends in .png, .npy, .npz or .wav" in line
    (tmp_path / "a.png").mkdir()
    assert "is a folder" in refused("generate", tmp_path / "a.png", *preset)
    line = refused("train", blocked / "preset", "--data", data)
    assert "cannot be written to" in line
    assert "is a file" in refused("train", blocked, "--data", data)
    assert "other files" in refused("train", tmp_path, "--data", data)


# train --watch, and monitor


def test_a_watched_training_is_shown_on_a_page(preset, tmp_path, capsys):
    watched = preset.with_name("watched")
    log = logged(watched)
    assert log[0] == ("start", 0) and log[-1] == ("end", 3)
    assert {("watch", 1), ("epoch", 2), ("epoch", 3)} <= set(log)
    page = (watched / "report.html").read_text()
    assert "The training has ended." in page
    for epochs in ("0 epochs", "1 epoch", "2 epochs"):
        assert page.count(f"<figcaption>after {epochs}</figcaption>") == 3

    assert run("monitor", watched, "--output", tmp_path / "page.html") == 0
    assert capsys.readouterr().out == (
        f"Wrote the report {tmp_path / 'page.html'}\n"
    )
    again = (tmp_path / "page.html").read_text()
    assert again.count("<svg") == page.count("<svg") > 10
    (watched / "report.html").unlink()
    assert run("monitor", watched) == 0
    assert (watched / "report.html").exists()


def test_what_is_no_picture_is_watched_without_pictures(
    tmp_path, monkeypatch, capsys
):
    def interrupted(self, data, callbacks, **kwargs):
        names.extend(type(callback).__name__ for callback in callbacks)
        raise KeyboardInterrupt

    names = []
    monkeypatch.setattr(AEGAN, "fit", interrupted)
    np.save(tmp_path / "data.npy", np.zeros((16, 8), "uint8"))
    argv = ["train", "--data", tmp_path / "data.npy", *TINY]
    argv += ["--output", tmp_path / "preset", "--watch", tmp_path / "watched"]
    assert run(*argv) == 130
    assert names == ["TimedBackup", "StopAfter", "GameMonitor"]
    # Nothing was watched yet, which is no mistake.
    error = capsys.readouterr().err
    assert "No report was written: " in error
    assert "interrupted. No epoch was complete" in error


def test_watching_refuses_folders_that_will_not_do(data, tmp_path, capsys):
    output = tmp_path / "preset"

    def refused(watch, data=data):
        argv = ["--data", data, "--output", output, "--watch", watch]
        return mistake(capsys, "train", *argv, *TINY)

    assert "preset, which is replaced" in refused(output)
    assert "which is removed" in refused(tmp_path / "preset.backup" / "sub")
    assert "which holds the data. Choose another" in refused(data / "sub")
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert "cannot be written to" in refused(blocked)
    one = tmp_path / "one.npy"
    np.save(one, np.zeros((1, 28, 28), "uint8"))
    assert "two samples or more" in refused(tmp_path / "watched", one)
    assert not output.exists() and not (tmp_path / "preset.backup").exists()


def test_monitor_mistakes(tmp_path, capsys):
    line = mistake(capsys, "monitor", tmp_path / "missing")
    assert "missing, which is no folder" in line and "--watch" in line
    (tmp_path / "monitor.jsonl").write_text("nothing")
    assert "without the line of a start" in mistake(capsys, "monitor", tmp_path)


# generate and reconstruct


def test_generate_writes_a_grid_or_arrays(preset, tmp_path):
    argv = ["generate", "--preset", preset, "--count", 10, "--seed", 1]
    grid = ["--columns", 4, "--scale", 3]
    assert run(*argv, "--output", tmp_path / "new" / "s.png", *grid) == 0
    expected = grid_side(4, 28, scale=3), grid_side(3, 28, scale=3)
    assert size(tmp_path / "new" / "s.png") == expected

    assert run(*argv, "--output", tmp_path / "s.npy") == 0
    samples = np.load(tmp_path / "s.npy")
    assert samples.shape == (10, 28, 28, 1) and samples.dtype == "uint8"
    model = AEGAN.from_preset(preset)
    np.testing.assert_array_equal(samples, model.generate(10, seed=1))
    with PIL.Image.open(tmp_path / "new" / "s.png") as image:
        first = np.asarray(image)[6 : 6 + 3 * 28 : 3, 6 : 6 + 3 * 28 : 3]
    np.testing.assert_array_equal(first, samples[0, ..., 0])

    assert run(*argv, "--output", tmp_path / "s.npz") == 0
    with np.load(tmp_path / "s.npz") as arrays:
        np.testing.assert_array_equal(arrays["x"], samples)


def test_reconstruct_shows_originals_above_reconstructions(
    preset, data, tmp_path
):
    argv = ["reconstruct", "--preset", preset, "--input", data, "--count", 3]
    assert run(*argv, "--output", tmp_path / "r.npz") == 0
    with np.load(tmp_path / "r.npz") as arrays:
        originals, made = arrays["originals"], arrays["reconstructions"]
    with PIL.Image.open(data / "00.png") as image:
        np.testing.assert_array_equal(originals[0, ..., 0], image)
    assert made.shape == originals.shape == (3, 28, 28, 1)

    assert run(*argv, "--output", tmp_path / "r.png", "--scale", 1) == 0
    with PIL.Image.open(tmp_path / "r.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (grid_side(1, 56, 1), grid_side(3, 28, 1))
    np.testing.assert_array_equal(pixels[2:30, 2:30], originals[0, ..., 0])
    np.testing.assert_array_equal(pixels[30:58, 2:30], made[0, ..., 0])


def test_reconstruct_fits_pictures_but_not_arrays_to_the_model(
    preset, tmp_path, capsys
):
    picture = tmp_path / "big.png"
    PIL.Image.new("RGB", (64, 40), (200, 100, 0)).save(picture)
    argv = ["reconstruct", "--preset", preset, "--output", tmp_path / "r.npy"]
    assert run(*argv, "--input", picture) == 0
    assert np.load(tmp_path / "r.npy").shape == (1, 28, 28, 1)
    array = tmp_path / "big.npy"
    np.save(array, np.zeros((2, 32, 32), "uint8"))
    capsys.readouterr()
    line = mistake(capsys, *argv, "--input", array)
    assert "(28, 28, 1), received (32, 32)" in line


def test_a_model_of_no_pictures_is_not_drawn(tmp_path, monkeypatch, capsys):
    class Signals:
        data_shape = (16,)
        data_range = None

        def generate(self, n, seed, batch_size, out, verbose):
            np.save(out, np.zeros((n, 16), "float32"))

    monkeypatch.setattr(AEGAN, "from_preset", lambda preset, dtype: Signals())
    argv = ["generate", "--preset", "signals", "--output"]
    assert ".npy or .npz" in mistake(capsys, *argv, tmp_path / "s.png")
    assert run(*argv, tmp_path / "s.npy") == 0
    assert np.load(tmp_path / "s.npy").shape == (64, 16)


def test_the_missing_pillow_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    argv = ["generate", "--preset", "./p", "--output", tmp_path / "s.png"]
    assert 'pip install "keras-aegan[plot]"' in mistake(capsys, *argv)


# The command itself


def test_presets_are_listed(monkeypatch, capsys):
    metadata = {
        "data_shape": [28, 28, 1],
        "latent_dim": 32,
        "parameter_count": {"total": 1234567},
        "size_in_bytes": 2_500_000,
        "description": "Digits.",
    }
    monkeypatch.setattr(AEGAN, "presets", {"aegan_mnist": metadata})
    assert run("presets") == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "name"
    assert row.split() == (
        "aegan_mnist 28x28x1 32 1,234,567 2.5 MB Digits.".split()
    )


@pytest.mark.parametrize(
    "command", ["generate", "reconstruct", "train", "monitor"]
)
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as exit:
        run(command, "--help")
    assert exit.value.code == 0
    assert f"example:\n  keras-aegan {command} " in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["generate"],
        ["generate", "--preset", "p", "--output", "a.png", "--count", "0"],
        ["train", "--data", "d", "--output", "o", "--minutes", "-1"],
        ["train", "--data", "d", "--output", "o", "--minutes", "long"],
        ["train", "--data", "d", "--output", "o", "--epochs=1", "--steps=1"],
    ],
)
def test_arguments_that_cannot_be_parsed_are_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        run(*arguments)
    assert exit.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_ctrl_c_is_code_130(monkeypatch, tmp_path, capsys):
    def interrupted(preset, dtype):
        raise KeyboardInterrupt

    monkeypatch.setattr(AEGAN, "from_preset", interrupted)
    output = tmp_path / "s.npy"
    assert run("generate", "--preset", "p", "--output", output) == 130
    assert "interrupted" in capsys.readouterr().err


# publish


@pytest.mark.filterwarnings(
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
def test_publish(hub, preset, capsys):
    assert run("publish", "--preset", preset, "--to", "hf://me/mine") == 0
    (newest, *_) = hub.commits("me/mine")
    assert f"me/mine/commit/{newest}" in capsys.readouterr().out
    out = preset.parent / "published.npy"
    assert run("generate", "--preset", "hf://me/mine", "--output", out) == 0
    expected = AEGAN.from_preset(preset).generate(64, seed=0)
    np.testing.assert_array_equal(np.load(out), expected)


@pytest.mark.filterwarnings(
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
def test_publish_in_private_and_as_a_pull_request(hub, preset):
    from huggingface_hub import HfApi

    to = ("publish", "--preset", preset, "--to", "hf://me/mine")
    assert run(*to, "--private", "--message", "Digits") == 0
    assert HfApi().model_info("me/mine").private
    assert HfApi().list_repo_commits("me/mine")[0].title == "Digits"
    before = hub.files("me/mine")
    assert run(*to, "--create-pr") == 0
    assert hub.files("me/mine") == before


def test_publish_mistakes(hub, preset, capsys, tmp_path):
    line = mistake(capsys, "publish", "--preset", preset, "--to", "me/mine")
    assert "hf://OWNER/NAME" in line
    there = ("--to", "hf://you/mine")
    line = mistake(capsys, "publish", "--preset", preset, *there)
    assert "hf auth login" in line
    line = mistake(capsys, "publish", "--preset", tmp_path / "no", *there)
    assert "There is no folder" in line
