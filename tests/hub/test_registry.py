import json
import pathlib

import pytest

from keras_aegan.hub import (
    PresetNotFoundError,
    bundled_presets,
    load_preset,
    registry,
    save_preset,
)


@pytest.fixture
def bundled(make_model, tmp_path, monkeypatch):
    root = tmp_path / "presets"
    monkeypatch.setattr(registry, "bundled_root", lambda: root)
    save_preset(
        make_model(), root / "aegan_mnist", metadata={"description": "Digits."}
    )
    return root


def test_bundled_presets_are_read_from_their_folders(bundled):
    (bundled / "no_preset").mkdir()
    presets = bundled_presets()
    assert list(presets) == ["aegan_mnist"]
    about = presets["aegan_mnist"]
    assert about["description"] == "Digits."
    assert about["data_shape"] == [2, 2, 1]
    assert about["latent_dim"] == 3
    assert about["parameter_count"]["total"] > 0
    files = (bundled / "aegan_mnist").iterdir()
    assert about["size_in_bytes"] == sum(f.stat().st_size for f in files)


def test_every_preset_of_this_checkout_has_its_facts():
    for name, about in bundled_presets().items():
        config = registry.resolve(name) / "config.json"
        assert json.loads(config.read_text("utf-8"))
        assert {"description", "data_shape", "latent_dim"} <= about.keys()


def test_no_bundled_presets(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "bundled_root", lambda: tmp_path / "none")
    assert bundled_presets() == {}
    with pytest.raises(PresetNotFoundError, match="none in this install"):
        load_preset("aegan_mnist")


def test_a_bundled_name_is_found(bundled):
    assert registry.resolve("aegan_mnist") == bundled / "aegan_mnist"
    card = (bundled / "aegan_mnist" / "README.md").read_text("utf-8")
    assert 'from_preset("aegan_mnist")' in card


def test_a_bundled_name_wins_over_a_folder(bundled, tmp_path, monkeypatch):
    (tmp_path / "aegan_mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert registry.resolve("aegan_mnist") == bundled / "aegan_mnist"


def test_unknown_name_has_close_matches(bundled):
    with pytest.raises(PresetNotFoundError) as caught:
        load_preset("aegan_mnits")
    assert "Did you mean 'aegan_mnist'?" in str(caught.value)


@pytest.mark.parametrize("name", ["", "zzz"])
def test_unknown_name_without_close_matches(bundled, name):
    with pytest.raises(PresetNotFoundError) as caught:
        load_preset(name)
    assert "Did you mean" not in str(caught.value)
    assert "Bundled presets: 'aegan_mnist'" in str(caught.value)


def test_a_folder_is_not_guessed(bundled, monkeypatch):
    monkeypatch.chdir(bundled.parent)
    save = bundled.parent / "mine"
    (bundled / "aegan_mnist").rename(save)
    with pytest.raises(PresetNotFoundError, match='write "./mine"'):
        load_preset("mine")
    for path in ("./mine", "mine/", pathlib.Path("mine"), str(save)):
        assert registry.resolve(path).samefile(save)


def test_home_is_expanded(bundled, monkeypatch):
    monkeypatch.setenv("HOME", str(bundled))
    assert registry.resolve("~/aegan_mnist") == bundled / "aegan_mnist"


@pytest.mark.parametrize("preset", [None, 3, b"aegan_mnist", ["a"]])
def test_neither_string_nor_path(preset):
    with pytest.raises(TypeError, match="must be a string or a path"):
        load_preset(preset)


@pytest.mark.parametrize("preset", ["hf://me/mine", "kaggle://me/mine"])
def test_addresses(preset):
    with pytest.raises(PresetNotFoundError, match=preset):
        load_preset(preset)


def test_folder_that_is_no_preset(tmp_path):
    with pytest.raises(PresetNotFoundError, match=r"has no config\.json"):
        load_preset(tmp_path)
    with pytest.raises(PresetNotFoundError, match="There is no folder"):
        load_preset(tmp_path / "none")
    (tmp_path / "model.keras").touch()
    with pytest.raises(PresetNotFoundError, match="is a file"):
        load_preset(tmp_path / "model.keras")
