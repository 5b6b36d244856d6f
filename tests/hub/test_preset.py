import hashlib
import json
import os

import keras
import numpy as np
import pytest

from keras_aegan import AEGAN
from keras_aegan.hub import (
    PresetFormatError,
    PresetWeightsError,
    PresetWriteError,
    load_preset,
    save_preset,
)
from keras_aegan.hub.names import named_variables

FILES = {
    "config.json",
    "metadata.json",
    "model.safetensors",
    "model.ema.safetensors",
    "README.md",
}


def values(model):
    return {
        name: keras.ops.convert_to_numpy(variable)
        for name, variable in named_variables(model).items()
    }


def snapshot(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def edit(path, **changes):
    content = {**json.loads(path.read_text("utf-8")), **changes}
    path.write_text(json.dumps(content), "utf-8")


@pytest.fixture
def preset(make_model, tmp_path):
    return save_preset(make_model(), tmp_path / "mine")


# === Round trip ===


def test_round_trip(make_model, tmp_path):
    model = make_model()
    folder = save_preset(model, tmp_path / "mine")
    assert folder == tmp_path / "mine"
    assert set(os.listdir(folder)) == FILES
    loaded = load_preset(folder)
    assert type(loaded) is AEGAN
    expected, found = values(model), values(loaded)
    assert list(expected) == list(found)
    for name in expected:
        assert expected[name].dtype == found[name].dtype
        np.testing.assert_array_equal(expected[name], found[name], name)
    np.testing.assert_array_equal(
        model.generate(2, seed=0), loaded.generate(2, seed=0)
    )


def test_whoever_may_read_the_folder_may_read_its_files(preset):
    (preset.parent / "any").touch()
    mode = (preset.parent / "any").stat().st_mode
    assert {path.stat().st_mode for path in preset.iterdir()} == {mode}


def test_saving_what_was_loaded_changes_nothing(preset, tmp_path):
    again = save_preset(load_preset(preset), tmp_path / "again")
    assert snapshot(preset)["config.json"] == snapshot(again)["config.json"]


def test_through_the_model(make_model, tmp_path):
    folder = make_model().save_to_preset(tmp_path / "mine")
    assert isinstance(AEGAN.from_preset(folder), AEGAN)
    assert isinstance(AEGAN.from_preset(str(folder)), AEGAN)
    assert isinstance(AEGAN.presets, dict)


def test_fresh_weights_do_not_open_the_weights_file(preset, make_model):
    (preset / "model.safetensors").unlink()
    fresh = values(load_preset(preset, load_weights=False))
    trained = values(make_model())
    assert fresh.keys() == trained.keys()
    assert fresh["progress/step"] == 0
    kernel = "generator/dense/kernel"
    assert not np.array_equal(fresh[kernel], trained[kernel])
    with pytest.raises(PresetWeightsError, match="no model.safetensors"):
        load_preset(preset)


def test_compile_state_is_not_kept(make_model, tmp_path):
    model = make_model()
    model.compile("adam")
    config = (save_preset(model, tmp_path / "mine") / "config.json").read_text()
    assert "compile_config" not in config and "build_config" not in config


# === What the folder says ===


def test_mixed_precision_is_not_kept(make_model, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = make_model()
    keras.config.set_dtype_policy("float32")
    loaded = load_preset(save_preset(model, tmp_path / "preset"))
    # The encoder's last layer is bfloat16 throughout, by its own wish.
    policies = {
        layer.dtype_policy.name
        for network in loaded.networks.values()
        for layer in network._flatten_layers()
    }
    assert policies == {"float32", "bfloat16"}


def test_metadata(make_model, tmp_path):
    model = make_model()
    given = {"description": "Digits.", "command": "x", "schema_version": 99}
    folder = save_preset(model, tmp_path / "mine", metadata=given)
    about = json.loads((folder / "metadata.json").read_text("utf-8"))
    assert about["schema_version"] == 1
    assert about["keras_version"] == keras.__version__
    assert about["description"] == "Digits."
    assert about["command"] == "x"
    assert about["data_shape"] == [2, 2, 1]
    assert about["latent_dim"] == 3
    assert about["date_saved"].endswith("+00:00")
    counts = about["parameter_count"]
    assert counts["encoder"] == model.encoder.count_params()
    assert counts["total"] == sum(
        network.count_params()
        for name, network in model.networks.items()
        if not name.startswith("ema_")
    )
    card = (folder / "README.md").read_bytes()
    assert about["card_sha256"] == hashlib.sha256(card).hexdigest()


def test_metadata_that_is_not_json(make_model, tmp_path):
    with pytest.raises(PresetFormatError, match="cannot be written"):
        save_preset(
            make_model(), tmp_path / "mine", metadata={"x": np.zeros(1)}
        )
    assert os.listdir(tmp_path) == []


def test_untouched_card_is_renewed_and_edited_card_kept(make_model, preset):
    save_preset(make_model(), preset, metadata={"description": "Newer."})
    card = preset / "README.md"
    assert "Newer." in card.read_text("utf-8")
    card.write_text("# Mine\n", "utf-8")
    for _ in range(2):
        save_preset(make_model(), preset, metadata={"description": "Newest."})
        assert card.read_text("utf-8") == "# Mine\n"


@pytest.mark.parametrize("metadata", [None, "{", "[]"])
def test_card_of_unknown_origin_is_kept(make_model, preset, metadata):
    (preset / "README.md").write_text("# Mine\n", "utf-8")
    (preset / "metadata.json").unlink()
    if metadata is not None:
        (preset / "metadata.json").write_text(metadata, "utf-8")
    save_preset(make_model(), preset)
    assert (preset / "README.md").read_text("utf-8") == "# Mine\n"


def test_pictures_and_other_files_are_kept(make_model, preset):
    (preset / "samples.png").write_bytes(b"picture")
    (preset / ".git").mkdir()
    (preset / ".git" / "HEAD").write_bytes(b"ref")
    save_preset(make_model(seed=1), preset)
    assert (preset / "samples.png").read_bytes() == b"picture"
    assert (preset / ".git" / "HEAD").read_bytes() == b"ref"
    assert "![samples.png](samples.png)" in (preset / "README.md").read_text()
    assert values(load_preset(preset)).keys()


# === Whole or not at all ===


@pytest.mark.parametrize("stage", ["save.save_weights", "save.parts_of"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "full")])
def test_death_in_the_middle_leaves_the_old_one_whole(
    make_model, preset, monkeypatch, stage, error
):
    before = snapshot(preset.parent)

    def die(*args, **kwargs):
        raise error

    monkeypatch.setattr(f"keras_aegan.hub.{stage}", die)
    with pytest.raises((KeyboardInterrupt, PresetWriteError)):
        save_preset(make_model(seed=1), preset)
    assert snapshot(preset.parent) == before
    assert os.listdir(preset.parent) == ["mine"]
    monkeypatch.undo()
    load_preset(preset)


def test_failed_swap_restores_the_old_one(make_model, preset, monkeypatch):
    before = snapshot(preset.parent)
    replace, calls = os.replace, []

    def fail_second(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise OSError(16, "busy")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_second)
    with pytest.raises(PresetWriteError, match="busy"):
        save_preset(make_model(seed=1), preset)
    assert len(calls) == 3
    assert snapshot(preset.parent) == before


def test_failed_restore_does_not_lose_the_old_one(
    make_model, preset, monkeypatch
):
    before = snapshot(preset)
    replace, calls = os.replace, []

    def fail_later(source, target):
        calls.append(source)
        if len(calls) > 1:
            raise OSError(16, "busy")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_later)
    with pytest.raises(PresetWriteError, match="busy"):
        save_preset(make_model(seed=1), preset)
    (stage,) = preset.parent.iterdir()
    assert snapshot(stage / "old") == before


def test_failure_leaves_nothing_new(make_model, tmp_path, monkeypatch):
    def die(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keras_aegan.hub.save.save_weights", die)
    with pytest.raises(PresetWriteError, match="No space left") as caught:
        save_preset(make_model(), tmp_path / "a" / "b" / "mine")
    assert isinstance(caught.value, OSError)
    assert os.listdir(tmp_path) == []


def test_parents_are_made(make_model, tmp_path):
    folder = save_preset(make_model(), tmp_path / "a" / "b" / "mine")
    assert set(os.listdir(folder)) == FILES
    assert os.listdir(tmp_path) == ["a"]


def test_parent_that_is_a_file(make_model, tmp_path):
    (tmp_path / "file").write_text("text")
    target = tmp_path / "file" / "mine"
    with pytest.raises(PresetWriteError, match=str(target)):
        save_preset(make_model(), target)
    assert snapshot(tmp_path) == {"file": b"text"}


def test_target_that_is_not_a_preset(make_model, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("text")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("text")
    before = snapshot(tmp_path)
    for name, problem in {
        "file": "it is a file",
        "folder": "other files",
    }.items():
        with pytest.raises(PresetWriteError, match=problem):
            save_preset(make_model(), tmp_path / name)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(PresetWriteError, match="working directory"):
        save_preset(make_model(), ".")
    assert snapshot(tmp_path) == before
    monkeypatch.chdir(tmp_path)
    assert save_preset(make_model(), "empty") == tmp_path / "empty"


def test_overwrite_false(make_model, preset, tmp_path):
    before = snapshot(tmp_path)
    with pytest.raises(PresetWriteError, match="`overwrite` is False"):
        save_preset(make_model(), preset, overwrite=False)
    assert snapshot(tmp_path) == before
    save_preset(make_model(), tmp_path / "new", overwrite=False)


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    @keras.saving.register_keras_serializable("elsewhere")
    class Foreign(keras.Model):
        networks = progress = {}

    with pytest.raises(PresetFormatError, match="elsewhere>Foreign"):
        save_preset(Foreign(), tmp_path / "mine")
    assert os.listdir(tmp_path) == []


# === Folders that are not what they should be ===


def test_damaged_json(preset):
    for name in ("config.json", "metadata.json"):
        text = (preset / name).read_text("utf-8")
        for bad in ("", text[: len(text) // 2], "[" * 100_000, "\udcff"):
            (preset / name).write_bytes(bad.encode("utf-8", "surrogateescape"))
            with pytest.raises(PresetFormatError, match=f"{name} is not JSON"):
                load_preset(preset)
        (preset / name).write_text(text, "utf-8")
    (preset / "metadata.json").unlink()
    with pytest.raises(PresetFormatError, match="has no metadata.json"):
        load_preset(preset)


@pytest.mark.parametrize("content", ["[]", "{}", "3", "null"])
def test_json_of_something_else(preset, content):
    (preset / "config.json").write_text(content)
    with pytest.raises(PresetFormatError, match="does not describe a model"):
        load_preset(preset)
    (preset / "metadata.json").write_text(content)
    with pytest.raises(PresetFormatError, match="schema_version=None"):
        load_preset(preset)


def test_config_that_builds_nothing(preset):
    edit(preset / "config.json", config={"losses": []})
    with pytest.raises(PresetFormatError, match="can build"):
        load_preset(preset)


def test_oversized_config(preset):
    with open(preset / "config.json", "ab") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(PresetFormatError, match="bytes"):
        load_preset(preset)


@pytest.mark.parametrize(
    "foreign",
    [
        {"module": "os", "class_name": "system", "config": {"command": "x"}},
        {"module": "keras.layers", "class_name": "Lambda", "config": {}},
        {"module": "torch.nn", "class_name": "Linear", "config": {}},
    ],
)
def test_foreign_class(preset, foreign, monkeypatch):
    def build(*args, **kwargs):
        raise AssertionError("built before it was checked")

    config = json.loads((preset / "config.json").read_text("utf-8"))
    config["config"]["losses"].append(foreign)
    edit(preset / "config.json", **config)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", build)
    with pytest.raises(PresetFormatError, match=foreign["class_name"]):
        load_preset(preset)


def test_newer_schema(preset):
    edit(
        preset / "metadata.json",
        schema_version=2,
        keras_aegan_version="9.8.7",
    )
    with pytest.raises(PresetFormatError, match=r"9\.8\.7.*pip install -U"):
        load_preset(preset)


@pytest.mark.parametrize("version", [None, 0, "1", 1.5, [1]])
def test_schema_that_never_was(preset, version):
    edit(preset / "metadata.json", schema_version=version)
    with pytest.raises(PresetFormatError, match="schema_version="):
        load_preset(preset)


def test_expected_class(preset):
    class Narrower(AEGAN):
        pass

    assert isinstance(load_preset(preset, expected_class=keras.Model), AEGAN)
    with pytest.raises(PresetFormatError, match="not a `Narrower`"):
        load_preset(preset, expected_class=Narrower)


def test_weights_of_another_model(make_model, preset, tmp_path):
    other = save_preset(
        make_model(latent_dim=5, encoder=False), tmp_path / "other"
    )
    os.replace(other / "model.safetensors", preset / "model.safetensors")
    with pytest.raises(PresetWeightsError) as caught:
        load_preset(preset)
    message = str(caught.value)
    assert "encoder/dense/kernel: missing" in message
    assert "has shape (5, 16), expected (3, 16)" in message
