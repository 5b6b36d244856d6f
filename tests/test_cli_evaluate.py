import json
import shutil

import numpy as np
import PIL.Image
import pytest
from huggingface_hub import ModelCard

from keras_aegan import AEGAN, losses
from keras_aegan.cli import main
from keras_aegan.hub.save import has_edited_card
from keras_aegan.metrics import evaluate_model

SHAPE = (11, 12, 1)
OLD = {"sharpness": {"value": 0.5, "samples": 7}}


def run(*argv):
    return main([str(argument) for argument in argv])


def mistake(capsys, *argv):
    """The one line on stderr that explains exit code 2."""
    capsys.readouterr()
    assert run("evaluate", *argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-aegan: error: ")
    return line


@pytest.fixture
def data(images, tmp_path):
    """Test and training data, and labels of which every fourth is a 3."""
    path = tmp_path / "digits.npz"
    labels = np.arange(160) % 4
    arrays = {"x_test": images(160, SHAPE), "x_train": images(150, SHAPE, 1)}
    np.savez(path, y_test=labels, **arrays)
    return path


@pytest.fixture
def preset(tiny_model, tmp_path):
    folder = tmp_path / "preset"
    about = {"datasets": ["me/digits"], "measured": OLD, "steps": 3}
    tiny_model(shape=SHAPE).save_to_preset(folder, about)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def metadata(preset):
    return json.loads((preset / "metadata.json").read_text("utf-8"))


def arrays(data):
    with np.load(data) as file:
        return {name: file[name] for name in file.files}


# What is measured and told


def test_the_table_tells_what_was_measured(preset, data, capsys):
    before = contents(preset)
    assert run("evaluate", "--preset", preset, "--data", data) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Measuring on digits.npz x_test"
    assert lines[2].split() == ["measure", "value", "samples", "how"]
    assert len(lines) == 3 + 6 + 9 + 2
    measured = evaluate_model(AEGAN.from_preset(preset), arrays(data)["x_test"])
    error = measured["mean_absolute_error"]["value"]
    (row,) = (line for line in lines if line.startswith("mean_absolute"))
    assert row.split()[:3] == ["mean_absolute_error", f"{error:.5g}", "160"]
    assert row.endswith(
        "data: digits.npz x_test, range: 0 to 255, seed: 0, "
        "by: model.reconstruct"
    )
    assert contents(preset) == before


def test_the_output_holds_measures_and_pictures(preset, data, tmp_path):
    out = tmp_path / "new" / "out"
    argv = ["--preset", preset, "--data", data, "--train", data]
    argv += ["--count", 145, "--seed", 2, "--output", out]
    argv += ["--labels-key", "y_test", "--normal", 0, 1, 2, 4]
    argv += ["--anomaly-kind", "latent"]
    with pytest.warns(UserWarning, match="120 real and 120 made"):
        assert run("evaluate", *argv) == 0
    assert sorted(contents(out)) == [
        "measured.md",
        "metrics.json",
        "reconstructions.png",
        "samples.png",
    ]
    found = arrays(data)
    model = AEGAN.from_preset(preset)
    with pytest.warns(UserWarning, match="120 real and 120 made"):
        measured = evaluate_model(
            model,
            found["x_test"],
            found["x_train"],
            anomaly_kind="latent",
            is_odd=found["y_test"] == 3,
            samples=145,
            seed=2,
            test_name="digits.npz x_test",
            train_name="digits.npz x_train",
        )
    assert json.loads((out / "metrics.json").read_text()) == measured

    with PIL.Image.open(out / "samples.png") as image:
        first = np.asarray(image)[4 : 4 + 2 * 11 : 2, 4 : 4 + 2 * 12 : 2]
    np.testing.assert_array_equal(first, model.generate(64, seed=2)[0, ..., 0])
    with PIL.Image.open(out / "reconstructions.png") as image:
        pixels = np.asarray(image)[4 : 4 + 2 * 22 : 2, 4 : 4 + 2 * 12 : 2]
    np.testing.assert_array_equal(pixels[:11], found["x_test"][0, ..., 0])


def test_the_block_for_the_card_is_as_the_hub_reads_it(preset, data, tmp_path):
    out = tmp_path / "out"
    argv = ["--preset", f"{preset}/", "--data", data, "--output", out]
    assert run("evaluate", *argv) == 0
    measured = json.loads((out / "metrics.json").read_text())
    text = (out / "measured.md").read_text("utf-8")
    block = ModelCard(text)
    assert block.data.model_name == "preset"
    assert {r.metric_name: r.metric_value for r in block.data.eval_results} == {
        name: measured[name]["value"]
        for name in ("mean_absolute_error", "round_trip_error")
    }
    assert "| sharpness | 0.5 | 7 |  |" in text


@pytest.mark.filterwarnings("ignore:A Fréchet distance from 44:UserWarning")
def test_what_was_not_trained_on_is_split_off(preset, data, tmp_path, capsys):
    x, labels = arrays(data)["x_test"], arrays(data)["y_test"]
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    np.savez(one, x=x, y=labels)
    np.savez(two, x_train=x[:70], x_test=x[70:], y_test=labels[70:])
    common = ["--preset", preset, "--normal", 0, 1, "--labels-key"]
    split = ["y", "--data", one, "--split", 70]
    assert run("evaluate", *common, *split, "--output", tmp_path / "a") == 0
    apart = ["y_test", "--data", two, "--train", two]
    assert run("evaluate", *common, *apart, "--output", tmp_path / "b") == 0
    found, expected = (
        json.loads((tmp_path / name / "metrics.json").read_text())
        for name in "ab"
    )
    assert set(expected) == set(found) >= {"anomaly_auroc"}
    for name in found:
        assert found[name]["value"] == expected[name]["value"], name
    assert "one.npz x, from 70 on" in str(found["mean_absolute_error"])
    options = ["--preset", preset, "--data", one]
    line = mistake(capsys, *options, "--split", 160)
    assert "leaves nothing to measure on of the 160 samples" in line
    line = mistake(capsys, *options, "--split", 9, "--train", two)
    assert "Leave one out" in line


@pytest.mark.parametrize("seats", [("encoder",), ("discriminator",)])
def test_models_without_a_prior_or_an_encoder_have_their_files_too(
    tiny_model, data, tmp_path, seats
):
    options = {}
    if seats == ("encoder",):
        options["prior"] = None
        options["losses"] = [losses.ReconstructionLoss("mae")]
    preset, out = tmp_path / "preset", tmp_path / "out"
    tiny_model(seats, SHAPE, **options).save_to_preset(preset)
    argv = ["--preset", preset, "--data", data, "--output", out]
    assert run("evaluate", *argv) == 0
    has_encoder = seats == ("encoder",)
    assert (out / "reconstructions.png").exists() == has_encoder
    assert (out / "samples.png").exists() != has_encoder
    text = (out / "measured.md").read_text("utf-8")
    assert text.startswith("---\nmetrics: " if has_encoder else "## Measured")


def test_a_bundled_preset_is_measured_on_pictures(images, tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, pixels in enumerate(images(70, (28, 28))):
        PIL.Image.fromarray(pixels).save(folder / f"{index:02}.png")
    argv = ["--preset", "aegan_mnist", "--data", folder]
    assert run("evaluate", *argv, "--extractor", "mnist") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Measuring on pictures"
    assert lines[3].startswith("frechet_distance_mnist")


# The card


def test_the_card_is_renewed_whole(preset, data, capsys):
    before, told = contents(preset), metadata(preset)
    argv = ["--preset", preset, "--data", data, "--update-card"]
    assert run("evaluate", *argv) == 0
    assert "Renewed its card" in capsys.readouterr().out
    after, renewed = contents(preset), metadata(preset)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"README.md", "metadata.json"}
    assert set(before) == set(after)
    assert not has_edited_card(preset)
    assert [path.name for path in preset.parent.glob(".preset.*")] == []

    measured = renewed.pop("measured")
    assert measured.pop("sharpness") == OLD["sharpness"]
    of_model = evaluate_model(
        AEGAN.from_preset(preset),
        arrays(data)["x_test"],
        test_name="digits.npz x_test",
    )
    assert measured == of_model
    kept = {**told, "card_sha256": renewed["card_sha256"]}
    assert {**renewed, "measured": OLD} == kept

    card = ModelCard.load(preset / "README.md")
    assert {r.metric_name: r.metric_value for r in card.data.eval_results} == {
        name: measured[name]["value"]
        for name in ("mean_absolute_error", "round_trip_error")
    }
    assert card.data.eval_results[0].dataset_type == "me/digits"
    assert "| codes_mmd | " in card.text


def test_measuring_again_replaces_what_was_measured(preset, data):
    argv = ["--preset", preset, "--data", data, "--update-card"]
    for seed in (0, 1):
        assert run("evaluate", *argv, "--seed", seed) == 0
    measured = metadata(preset)["measured"]
    assert measured["codes_mmd"]["seed"] == 1
    assert (preset / "README.md").read_text("utf-8").count("| codes_mmd |") == 1


def test_the_preset_can_be_the_output_too(preset, data):
    argv = ["--preset", preset, "--data", data, "--output", preset]
    assert run("evaluate", *argv, "--update-card") == 0
    card = (preset / "README.md").read_text("utf-8")
    assert "![samples.png](samples.png)" in card
    assert "metrics.json" in contents(preset)
    AEGAN.from_preset(preset)


def test_an_edited_card_is_kept(preset, data, tmp_path, capsys):
    with (preset / "README.md").open("a") as file:
        file.write("\nBy hand.\n")
    before = contents(preset)
    out = tmp_path / "out"
    argv = ["--preset", preset, "--data", data, "--update-card"]
    assert run("evaluate", *argv) == 0
    assert "an --output would hold" in capsys.readouterr().out
    assert run("evaluate", *argv, "--output", out) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert "was edited and is kept" in line
    assert f"{out / 'measured.md'} holds" in line
    after = contents(preset)
    assert after["README.md"] == before["README.md"]
    assert "ssim" in metadata(preset)["measured"]
    assert has_edited_card(preset)


def test_a_tested_memory_is_not_called_untested(preset, data):
    card = preset / "README.md"
    argv = ["--preset", preset, "--data", data, "--update-card"]
    assert run("evaluate", *argv) == 0
    assert "not tested for reproducing" in card.read_text("utf-8")
    assert run("evaluate", *argv, "--train", data) == 0
    assert "not tested for reproducing" not in card.read_text("utf-8")


def test_a_failure_leaves_the_preset_as_it_was(
    preset, data, monkeypatch, capsys
):
    before = contents(preset)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    argv = ["--preset", preset, "--data", data, "--update-card"]
    line = mistake(capsys, *argv)
    assert "No space left on device. Nothing was changed" in line
    assert contents(preset) == before
    assert [path.name for path in preset.parent.glob(".preset.*")] == []


# Mistakes


@pytest.mark.parametrize(
    ("preset", "kind"),
    [("aegan_mnist", "is bundled"), ("hf://me/mine", "is on the Hub")],
)
def test_only_a_folder_of_ones_own_is_changed(preset, kind, capsys):
    argv = ["--preset", preset, "--data", "no.npz", "--update-card"]
    line = mistake(capsys, *argv)
    assert f"{preset} {kind}" in line and "such as ./my_preset" in line


def test_the_working_directory_cannot_be_changed(
    preset, data, monkeypatch, capsys
):
    monkeypatch.chdir(preset)
    argv = ["--preset", ".", "--data", data, "--update-card"]
    assert "is the working directory" in mistake(capsys, *argv)


def test_training_data_are_never_taken_for_test_data(
    preset, images, tmp_path, capsys
):
    path = tmp_path / "data.npz"
    np.savez(path, x_train=images(150, SHAPE), y_train=np.arange(150))
    argv = ["--preset", preset, "--data", path]
    line = mistake(capsys, *argv)
    assert "x_train, y_train, and no x_test" in line
    assert run("evaluate", *argv, "--key", "x_train") == 0
    assert "data: data.npz x_train" in capsys.readouterr().out


def test_arrays_have_to_be_named_where_it_is_not_plain(
    preset, images, data, tmp_path, capsys
):
    path = tmp_path / "data.npz"
    np.savez(path, a=images(150, SHAPE), b=images(150, SHAPE))
    argv = ["--preset", preset, "--data"]
    line = mistake(capsys, *argv, path)
    assert "arrays a, b, and no x_test. Say with --key which" in line
    line = mistake(capsys, *argv, data, "--train", path)
    assert "no x_train. Say with --train-key which" in line
    line = mistake(capsys, *argv, data, "--key", "z")
    assert "key 'z'" in line
    for one in ("x", "only"):
        np.savez(path, **{one: images(150, SHAPE)})
        assert run("evaluate", *argv, path) == 0
        assert f"data.npz {one}\n" in capsys.readouterr().out


def test_labels_that_cannot_be_used(preset, data, tmp_path, images, capsys):
    argv = ["--preset", preset, "--data"]
    line = mistake(capsys, *argv, data, "--labels-key", "y")
    assert "x_test, x_train" in line and "--labels-key y" in line
    line = mistake(capsys, *argv, data, "--labels-key", "x_train")
    assert "a number for each of the 160 samples" in line
    labels = ["--labels-key", "y_test", "--normal", 7]
    line = mistake(capsys, *argv, data, *labels)
    assert "0 normal and 160 odd" in line
    single = tmp_path / "x.npy"
    np.save(single, images(150, SHAPE))
    line = mistake(capsys, *argv, single, "--labels-key", "y_test")
    assert "an array beside the data in an .npz file" in line
    for option in (["--normal", 1], ["--anomaly-kind", "density"]):
        line = mistake(capsys, *argv, data, *option)
        assert f"{option[0]} is for telling anomalies" in line


def test_other_mistakes_are_one_line(preset, data, tmp_path, images, capsys):
    argv = ["--preset", preset, "--data"]
    assert "does not exist" in mistake(capsys, *argv, tmp_path / "no.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 not an archive")
    assert "cannot be read as plain arrays" in mistake(capsys, *argv, broken)
    content = bytearray(data.read_bytes())
    content[content.rindex(b"PK\x01\x02")] = 0
    broken.write_bytes(content)
    labels = ["--key", "x_test", "--labels-key", "y_test"]
    for options in ([], labels):
        line = mistake(capsys, *argv, broken, *options)
        assert "cannot be read as plain arrays" in line
    other = tmp_path / "other.npy"
    np.save(other, images(150, (6, 4, 1)))
    assert "the model's shape" in mistake(capsys, *argv, other)
    few = tmp_path / "few.npy"
    np.save(few, images(5, SHAPE))
    assert "test to have 6 samples or more" in mistake(capsys, *argv, few)
    line = mistake(capsys, "--preset", "./no", "--data", data)
    assert "There is no folder no" in line
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    line = mistake(capsys, *argv, data, "--output", blocked)
    assert "cannot be written to" in line


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as exit:
        run("evaluate", "--help")
    assert exit.value.code == 0
    assert "example:\n  keras-aegan evaluate --pre" in capsys.readouterr().out
