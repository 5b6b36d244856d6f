import hashlib
import json
import os
import time

import keras
import numpy as np
import pytest

from keras_aegan import AEGAN, losses
from keras_aegan.hub import (
    PresetFormatError,
    PresetNotFoundError,
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


# === What is asked for ===


def test_the_averages_or_the_networks_alone(make_model, preset):
    model = make_model()
    assert load_preset(preset, variant="ema").networks.keys() == (
        model.networks.keys()
    )
    (preset / "model.ema.safetensors").unlink()
    raw = load_preset(preset, variant="raw")
    assert set(raw.networks) == {"generator", "encoder", "discriminator"}
    assert raw.get_config()["ema_momentum"] is None
    expected = values(model)
    for name, value in values(raw).items():
        np.testing.assert_array_equal(value, expected[name], name)
    model.ema_generator.set_weights(model.generator.get_weights())
    np.testing.assert_array_equal(
        raw.generate(2, seed=0), model.generate(2, seed=0)
    )
    with pytest.raises(PresetWeightsError, match="no model.ema.safetensors"):
        load_preset(preset)
    with pytest.raises(ValueError, match="variant='half'"):
        load_preset(preset, variant="half")
    save_preset(raw, preset)
    with pytest.raises(ValueError, match="no averages"):
        load_preset(preset, variant="ema")
    assert load_preset(preset).ema_generator is None


def test_another_dtype(make_model, preset):
    loaded = load_preset(preset, dtype="mixed_bfloat16")
    policies = {
        layer.dtype_policy.name
        for network in loaded.networks.values()
        for layer in network._flatten_layers()
    }
    # The encoder's last layer is bfloat16 throughout, by its own wish; inputs
    # compute nothing.
    assert policies == {"mixed_bfloat16", "bfloat16", "float32"}
    assert loaded.dtype_policy.name == "mixed_bfloat16"
    assert loaded.generator.weights[0].dtype == "float32"
    exact = make_model().decode(np.ones((2, 3)) / 2)
    rounded = loaded.decode(np.ones((2, 3)) / 2)
    assert np.abs(rounded.astype(int) - exact.astype(int)).max() < 4
    half = load_preset(preset, dtype="bfloat16")
    assert half.generator.weights[0].dtype == "bfloat16"
    with pytest.raises(ValueError, match="float31"):
        load_preset(preset, dtype="float31")


def test_other_arguments(make_model, preset):
    other = losses.ReconstructionLoss("mse", weight=3.0)
    game = [losses.DataAdversarialLoss("hinge"), other]
    loaded = load_preset(
        preset, seed=7, losses=game, ema_momentum=0.5, data_range=(0, 100)
    )
    assert loaded.seed == 7 and loaded.ema_momentum == 0.5
    assert loaded.objectives == game
    assert loaded.data_range == (0, 100)
    expected = values(make_model())
    for name, value in values(loaded).items():
        np.testing.assert_array_equal(value, expected[name], name)
    with pytest.raises(TypeError, match="'latent_dim'.*which takes generator"):
        load_preset(preset, latent_dim=3)
    with pytest.raises(ValueError, match="ema_momentum=7"):
        load_preset(preset, ema_momentum=7)


def test_a_network_of_ones_own(make_model, preset):
    mine = keras.models.clone_model(make_model(seed=5).discriminator)
    before = [np.array(w) for w in mine.get_weights()]
    loaded = load_preset(preset, discriminator=mine)
    assert loaded.discriminator is mine
    for a, b in zip(mine.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    expected = values(make_model())
    kernel = "ema_generator/dense/kernel"
    np.testing.assert_array_equal(values(loaded)[kernel], expected[kernel])
    smaller = load_preset(
        preset,
        discriminator=None,
        losses=[losses.ReconstructionLoss("mae")],
    )
    assert "discriminator" not in smaller.networks


def test_half_precision_and_shards(make_model, tmp_path):
    model = make_model()
    whole = save_preset(model, tmp_path / "whole")
    half = save_preset(
        model, tmp_path / "half", dtype="bfloat16", max_shard_size=300
    )
    shards = [*half.glob("model-*.safetensors")]
    assert len(shards) > 1 and not (half / "model.safetensors").exists()
    sizes = [
        sum(p.stat().st_size for p in folder.glob("model.ema*.safetensors"))
        for folder in (whole, half)
    ]
    assert sizes[1] < sizes[0] + 2000 * len(shards)
    loaded = load_preset(half)
    for name, value in values(loaded).items():
        np.testing.assert_allclose(
            value.astype("float32"),
            values(model)[name].astype("float32"),
            rtol=2**-8,
        )
    assert values(loaded)["progress/step"] == 12
    save_preset(model, half)
    assert set(os.listdir(half)) == FILES
    with pytest.raises(ValueError, match="dtype='float64'"):
        save_preset(model, half, dtype="float64")


# === Trainings that go on ===


@pytest.fixture
def fit(images):
    """A function that trains a `tiny_model` for so many epochs."""

    def fit(model, epochs):
        model.fit(
            images(8), batch_size=4, epochs=epochs, shuffle=False, verbose=0
        )

    return fit


@pytest.mark.parametrize("optimizer", [None, "scheduled"])
def test_with_its_optimizer_a_training_goes_on(
    tiny_model, fit, tmp_path, optimizer
):
    def compiled():
        keras.utils.set_random_seed(0)
        model = tiny_model()
        if optimizer == "scheduled":
            rate = keras.optimizers.schedules.CosineDecay(1e-2, 4)
            model.compile(keras.optimizers.AdamW(rate, clipnorm=1.0))
        return model

    whole, first = compiled(), compiled()
    fit(whole, 2)
    fit(first, 1)
    folder = save_preset(first, tmp_path / "mine", include_optimizer=True)
    assert set(os.listdir(folder)) == FILES | {"optimizer.safetensors"}
    second = load_preset(folder)
    assert second.compiled
    fit(second, 1)
    expected, found = values(whole), values(second)
    for name in expected:
        np.testing.assert_array_equal(expected[name], found[name], name)
    states = zip(
        whole.optimizer.variables, second.optimizer.variables, strict=True
    )
    for a, b in states:
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b)
        )
    # Without it, or with anything changed, the model begins anew.
    for loaded in (
        load_preset(folder, load_weights=False),
        load_preset(folder, seed=1),
        load_preset(save_preset(first, folder)),
    ):
        assert not loaded.compiled
    assert set(os.listdir(folder)) == FILES


def test_mixed_precision_is_kept_with_the_optimizer(tiny_model, fit, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = tiny_model()
    keras.config.set_dtype_policy("float32")
    fit(model, 1)
    path = save_preset(model, tmp_path / "mine", include_optimizer=True)
    assert load_preset(path).dtype_policy.name == "mixed_bfloat16"
    assert load_preset(save_preset(model, path)).dtype_policy.name == "float32"


def test_an_optimizer_of_the_user_s_own(make_model, tmp_path):
    @keras.saving.register_keras_serializable("mine")
    class Slow(keras.optimizers.SGD):
        pass

    model = make_model()
    model.compile(Slow(1e-3))
    path = save_preset(model, tmp_path / "mine")
    about = json.loads((path / "metadata.json").read_text("utf-8"))
    told = about["optimizers"]["generator"]
    assert told["class"] == "Slow"
    assert told["learning_rate"] == pytest.approx(1e-3)


def test_an_optimizer_that_is_not_there(make_model, tmp_path):
    with pytest.raises(ValueError, match="not compiled"):
        save_preset(make_model(), tmp_path / "a", include_optimizer=True)
    model = make_model()
    model.compile()
    with pytest.raises(ValueError, match="dtype='float16' beside"):
        save_preset(
            model, tmp_path / "a", include_optimizer=True, dtype="float16"
        )
    assert os.listdir(tmp_path) == []


# === What the folder says ===


def test_the_config_names_no_backend_s_own_classes(make_model, tmp_path):
    model = make_model()
    model.compile("adam")
    path = save_preset(model, tmp_path / "mine", include_optimizer=True)
    assert "keras.src.backend" not in (path / "config.json").read_text()


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


def test_an_open_log_in_the_folder_goes_on(make_model, preset, monkeypatch):
    (preset / "logs").mkdir()
    for name in ("log.csv", "logs/events"):
        with open(preset / name, "a") as log:
            log.write("before\n")
            log.flush()
            save_preset(make_model(), preset)
            log.write("after\n")
        assert (preset / name).read_text() == "before\nafter\n"

    def refused(*args):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refused)
    save_preset(make_model(), preset)
    assert (preset / "logs" / "events").read_text() == "before\nafter\n"


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


def test_a_writer_killed_between_its_two_renames(make_model, preset):
    newer = save_preset(make_model(seed=1), preset.parent / "newer")
    expected = snapshot(newer)
    stage = preset.parent / ".mine.abcd1234"
    stage.mkdir()
    os.replace(preset, stage / "old")
    os.replace(newer, stage / "new")
    load_preset(preset)
    assert snapshot(preset) == expected
    assert os.listdir(preset.parent) == ["mine"]


def test_what_was_deleted_stays_deleted(preset):
    stage = preset.parent / ".mine.abcd1234"
    stage.mkdir()
    os.replace(preset, stage / "old")
    with pytest.raises(PresetNotFoundError, match="There is no folder"):
        load_preset(preset)


def test_remains_of_killed_writers_are_removed_in_time(make_model, preset):
    stages = [preset.parent / f".mine.abcd123{i}" for i in range(3)]
    for i, parts in enumerate((["new"], ["new"], ["new", "old"])):
        for part in parts:
            (stages[i] / part).mkdir(parents=True)
        if i:
            two_days_ago = time.time() - 2 * 24 * 60 * 60
            os.utime(stages[i], (two_days_ago, two_days_ago))
    save_preset(make_model(), preset)
    # The first may still be written, and the last may be the only copy.
    assert [stage.exists() for stage in stages] == [True, False, True]


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
