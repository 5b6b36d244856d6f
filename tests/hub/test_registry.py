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
        config = registry.resolve(name).path / "config.json"
        assert json.loads(config.read_text("utf-8"))
        assert {"description", "data_shape", "latent_dim"} <= about.keys()


def test_no_bundled_presets(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "bundled_root", lambda: tmp_path / "none")
    assert bundled_presets() == {}
    with pytest.raises(PresetNotFoundError, match="none in this install"):
        load_preset("aegan_mnist")


def test_a_bundled_name_is_found(bundled):
    assert registry.resolve("aegan_mnist").path == bundled / "aegan_mnist"
    card = (bundled / "aegan_mnist" / "README.md").read_text("utf-8")
    assert 'from_preset("aegan_mnist")' in card


def test_a_bundled_name_wins_over_a_folder(bundled, tmp_path, monkeypatch):
    (tmp_path / "aegan_mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert registry.resolve("aegan_mnist").path == bundled / "aegan_mnist"


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
        assert registry.resolve(path).path.samefile(save)


def test_home_is_expanded(bundled, monkeypatch):
    monkeypatch.setenv("HOME", str(bundled))
    assert registry.resolve("~/aegan_mnist").path == bundled / "aegan_mnist"


@pytest.mark.parametrize("preset", [None, 3, b"aegan_mnist", ["a"]])
def test_neither_string_nor_path(preset):
    with pytest.raises(TypeError, match="must be a string or a path"):
        load_preset(preset)


def test_an_address_elsewhere():
    with pytest.raises(PresetNotFoundError, match="kaggle://me/mine"):
        load_preset("kaggle://me/mine")


@pytest.mark.parametrize(
    "address, repository, revision",
    [
        ("hf://me/mine", "me/mine", None),
        ("hf://me/mine@v1", "me/mine", "v1"),
        ("hf://me/my.own_one-2@refs/pr/3", "me/my.own_one-2", "refs/pr/3"),
    ],
)
def test_addresses_on_the_hub(address, repository, revision):
    found = registry.resolve(address, token="t", cache_dir="c")
    assert (found.repo_id, found.revision) == (repository, revision)
    assert (found.token, found.cache_dir) == ("t", "c")
    assert registry.resolve("hf://me/mine", "v1").revision == "v1"
    assert registry.resolve("hf://me/mine@v1", "v1").revision == "v1"


@pytest.mark.parametrize(
    "address, problem",
    [
        ("hf://", "other parts"),
        ("hf://mine", "other parts"),
        ("hf://me/mine/samples", "other parts"),
        ("hf://me/..", "Received"),
        ("hf:///mine", "Received"),
        ("hf://me/mi ne", "Received"),
        ("hf://me/mine@", "not the name of a revision"),
        ("hf://me/mine@../../x", "not the name of a revision"),
        ("hf://me/mine@/etc", "not the name of a revision"),
        ("hf://me/mine@v1@v2", "not the name of a revision"),
        ("hf://me/mine@v2", "`revision` is another"),
    ],
)
def test_addresses_that_are_none(address, problem):
    with pytest.raises(PresetNotFoundError, match=problem) as caught:
        load_preset(address, revision="v1")
    assert "hf://OWNER/NAME@REVISION" in str(caught.value)


def test_only_the_hub_has_revisions(bundled):
    for preset in ("aegan_mnist", bundled / "aegan_mnist"):
        with pytest.raises(PresetNotFoundError, match="revision='v1'"):
            load_preset(preset, revision="v1")


def test_folder_that_is_no_preset(tmp_path):
    with pytest.raises(PresetNotFoundError, match=r"has no config\.json"):
        load_preset(tmp_path)
    with pytest.raises(PresetNotFoundError, match="There is no folder"):
        load_preset(tmp_path / "none")
    (tmp_path / "model.keras").touch()
    with pytest.raises(PresetNotFoundError, match="is a file"):
        load_preset(tmp_path / "model.keras")
