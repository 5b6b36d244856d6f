"""Presets on a Hub, through the Hub's own client: see `hub_server`."""

import pathlib

import keras
import numpy as np
import pytest
from huggingface_hub import HfApi, constants, hf_hub_download

from keras_aegan import AEGAN
from keras_aegan.hub import (
    PresetAccessError,
    PresetConnectionError,
    PresetError,
    PresetFormatError,
    PresetNotFoundError,
    PresetRevisionError,
    PresetWeightsError,
    upload_preset,
    weights,
)

pytestmark = pytest.mark.filterwarnings(
    # The client sends LFS files in a way that its HTTP library discourages.
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
ADDRESS = "hf://me/mine"
PARTS = {
    "config.json",
    "metadata.json",
    "model.safetensors",
    "model.ema.safetensors",
}


@pytest.fixture
def published(hub, make_model):
    """A model whose preset is on the Hub."""
    model = make_model()
    upload_preset(ADDRESS, model)
    hub.requests.clear()
    return model


def fetched(hub, method="GET"):
    """The names of the files that were asked for, one for each request."""
    return sorted(
        path.rsplit("/", 1)[1]
        for asked, path in hub.requests
        if asked == method and "/resolve/" in path
    )


def assert_same(model, loaded):
    for name, network in model.networks.items():
        for a, b in zip(
            network.weights, loaded.networks[name].weights, strict=True
        ):
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b)
            )


# === What is fetched ===


def test_each_file_is_fetched_once(hub, published):
    assert_same(published, AEGAN.from_preset(ADDRESS))
    small = {"config.json", "metadata.json"}
    assert small <= set(fetched(hub)) <= PARTS
    assert fetched(hub).count("config.json") == 1
    # Counted by the Hub as downloads, too.
    assert fetched(hub, "HEAD").count("config.json") == 1


def test_only_what_is_needed_is_fetched(hub, published):
    fresh = AEGAN.from_preset(ADDRESS, load_weights=False)
    assert set(fetched(hub, "HEAD")) == {"config.json", "metadata.json"}
    assert int(fresh.step) == 0
    hub.requests.clear()
    raw = AEGAN.from_preset(ADDRESS, variant="raw")
    assert "model.ema.safetensors" not in fetched(hub, "HEAD")
    assert "model.safetensors" in fetched(hub, "HEAD")
    assert raw.ema_generator is None
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(raw.generator.weights[0]),
        keras.ops.convert_to_numpy(published.generator.weights[0]),
    )


def test_a_warm_cache_asks_for_the_newest_commit_alone(hub, published):
    AEGAN.from_preset(ADDRESS)
    (newest,) = hub.commits("me/mine")[:1]
    hub.requests.clear()
    AEGAN.from_preset(ADDRESS)
    assert hub.requests == [("HEAD", "/me/mine/resolve/main/metadata.json")]
    hub.requests.clear()
    AEGAN.from_preset(ADDRESS, revision=newest)
    AEGAN.from_preset(ADDRESS, local_files_only=True)
    assert hub.requests == []


def test_another_cache(hub, published, tmp_path):
    AEGAN.from_preset(ADDRESS, cache_dir=tmp_path / "other")
    assert (tmp_path / "other" / "models--me--mine").is_dir()
    assert not (tmp_path / "cache").exists()


def test_old_revisions(hub, published, make_model):
    first = hub.commits("me/mine")[0]
    HfApi().create_tag("me/mine", tag="v1")
    newer = make_model(seed=1)
    upload_preset(ADDRESS, newer)
    assert_same(newer, AEGAN.from_preset(ADDRESS))
    assert_same(published, AEGAN.from_preset(f"{ADDRESS}@v1"))
    assert_same(published, AEGAN.from_preset(ADDRESS, revision="v1"))
    assert_same(published, AEGAN.from_preset(f"{ADDRESS}@{first}"))


# === Without a connection ===


def test_offline_with_a_warm_cache(hub, published, naps):
    AEGAN.from_preset(ADDRESS)
    hub.stop()
    assert_same(published, AEGAN.from_preset(ADDRESS))
    assert naps == []


def test_offline_with_a_cold_cache(hub, published, naps):
    hub.stop()
    with pytest.raises(PresetConnectionError, match="cannot be reached"):
        AEGAN.from_preset(ADDRESS)
    assert naps == []


def test_offline_with_half_a_cache(hub, published, naps):
    AEGAN.from_preset(ADDRESS, load_weights=False)
    hub.stop()
    with pytest.raises(PresetConnectionError, match="model.safetensors of"):
        AEGAN.from_preset(ADDRESS)
    assert naps == []


@pytest.mark.parametrize("asked", [True, False])
def test_offline_by_wish(hub, published, monkeypatch, naps, asked):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", not asked)
    with pytest.raises(PresetConnectionError, match="local_files_only"):
        AEGAN.from_preset(ADDRESS, local_files_only=asked)
    assert naps == []
    assert hub.requests == []


# === What is not there, or not for everyone ===


def test_no_such_repository(hub):
    with pytest.raises(PresetNotFoundError, match="no repository hf://me/no"):
        AEGAN.from_preset("hf://me/none")
    with pytest.raises(PresetAccessError, match="does not exist, or is priv"):
        AEGAN.from_preset("hf://me/none", token=False)


def test_a_private_repository(hub, make_model):
    model = make_model()
    upload_preset(ADDRESS, model, private=True)
    assert_same(model, AEGAN.from_preset(ADDRESS, token="hf_me"))
    for token, error in (
        (False, PresetAccessError),
        ("hf_you", PresetNotFoundError),
    ):
        with pytest.raises(error, match="hf://me/mine"):
            AEGAN.from_preset(ADDRESS, token=token, cache_dir="elsewhere")


def test_a_gated_repository(hub, published, tmp_path):
    HfApi().update_repo_settings("me/mine", gated="manual")
    for token in (False, "hf_you"):
        with pytest.raises(PresetAccessError, match="is gated.*accept"):
            AEGAN.from_preset(ADDRESS, token=token)
    assert_same(published, AEGAN.from_preset(ADDRESS, token="hf_me"))


def test_no_such_revision(hub, published):
    HfApi().create_tag("me/mine", tag="v1")
    with pytest.raises(PresetRevisionError, match=r"@v2.*\(main, v1\)"):
        AEGAN.from_preset(f"{ADDRESS}@v2")


def test_a_repository_without_a_preset(hub):
    HfApi().create_repo("me/mine")
    with pytest.raises(PresetFormatError, match="has no metadata.json"):
        AEGAN.from_preset(ADDRESS)


def test_a_preset_without_its_weights(hub, published):
    HfApi().delete_file("model.safetensors", "me/mine")
    with pytest.raises(PresetWeightsError, match="no model.safetensors in hf"):
        AEGAN.from_preset(ADDRESS)


# === Faults ===


@pytest.mark.parametrize("name", sorted(PARTS))
@pytest.mark.parametrize(
    "fault", [401, 403, 404, 409, 429, 500, "cut", "drop", "wrong-bytes"]
)
def test_after_a_fault_the_next_call_succeeds(
    hub, published, naps, fault, name
):
    stored = {k: v for k, v in hub.files("me/mine").items() if k in PARTS}
    hub.fail(fault, path=name, times=1 if isinstance(fault, str) else 8)
    try:
        loaded = AEGAN.from_preset(ADDRESS)
    except PresetError as error:
        assert "me/mine" in str(error)
    else:
        assert_same(published, loaded)
    hub.clear_faults()
    assert_same(published, AEGAN.from_preset(ADDRESS))
    cache = constants.HF_HUB_CACHE
    whole = AEGAN.from_preset(ADDRESS, cache_dir=cache, local_files_only=True)
    assert_same(published, whole)
    assert stored.items() <= hub.files("me/mine").items()


@pytest.mark.parametrize(
    "fault, error, message",
    [
        (403, PresetAccessError, "hf auth login"),
        (429, PresetConnectionError, "Wait a little"),
        (500, PresetConnectionError, "status 500"),
        ("drop", PresetConnectionError, "Check the connection"),
    ],
)
def test_a_fault_is_told_from_the_others(
    hub, published, naps, fault, error, message
):
    hub.fail(fault, path="metadata.json", times=99)
    with pytest.raises(error, match=message):
        AEGAN.from_preset(ADDRESS)


@pytest.mark.parametrize("name", sorted(PARTS))
def test_wrong_bytes_do_not_stay_in_the_cache(hub, published, name):
    hub.fail("wrong-bytes", path=name)
    with pytest.raises(PresetError):
        AEGAN.from_preset(ADDRESS)
    assert_same(published, AEGAN.from_preset(ADDRESS))


# === Checked once ===


@pytest.fixture
def hashed(monkeypatch):
    """The number of weights files whose SHA-256 was compared, in a list."""
    calls, check = [], weights._check_hash

    def note(*args):
        calls.append(args)
        check(*args)

    monkeypatch.setattr(weights, "_check_hash", note)
    return calls


def test_a_file_in_the_cache_is_hashed_once(hub, published, hashed):
    AEGAN.from_preset(ADDRESS, variant="raw")
    assert len(hashed) == 1
    assert_same(published, AEGAN.from_preset(ADDRESS))
    assert len(hashed) == 2  # The averages, which were not fetched before.
    assert_same(published, AEGAN.from_preset(ADDRESS, local_files_only=True))
    assert len(hashed) == 2


@pytest.mark.parametrize("name", ["model.safetensors", "model.ema.safetensors"])
def test_what_others_put_into_the_cache_is_hashed(hub, published, name):
    """By `hf download`, or by a process that was killed before it did."""
    path = pathlib.Path(hf_hub_download("me/mine", name))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(PresetWeightsError, match="arrived damaged"):
        AEGAN.from_preset(ADDRESS)
    assert_same(published, AEGAN.from_preset(ADDRESS))


def test_a_cache_of_somebody_else_is_hashed_each_time(
    hub, published, hashed, monkeypatch
):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    AEGAN.from_preset(ADDRESS)
    for path in pathlib.Path(constants.HF_HUB_CACHE).rglob("blobs/*"):
        path.chmod(0o644)
    monkeypatch.setattr(pathlib.Path, "chmod", refuse)
    for count in (4, 6):
        assert_same(published, AEGAN.from_preset(ADDRESS))
        assert len(hashed) == count


def test_training_leaves_the_cache_as_it_is(hub, published):
    """Whose files are mapped, once they are checked."""
    AEGAN.from_preset(ADDRESS)
    blobs = pathlib.Path(constants.HF_HUB_CACHE).rglob("blobs/*")
    content = {path: path.read_bytes() for path in blobs}
    model = AEGAN.from_preset(ADDRESS)
    model.fit(np.zeros((8, 2, 2, 1), "uint8"), verbose=0)
    moved = [
        not np.array_equal(a, b)
        for name in ("generator", "encoder", "ema_generator")
        for a, b in zip(
            model.networks[name].get_weights(),
            published.networks[name].get_weights(),
            strict=True,
        )
    ]
    assert sum(moved) > len(moved) / 2
    assert {path: path.read_bytes() for path in content} == content
    assert_same(published, AEGAN.from_preset(ADDRESS))


def test_another_commit_is_hashed_anew(hub, published, hashed, make_model):
    AEGAN.from_preset(ADDRESS)
    other = make_model(seed=7)
    upload_preset(ADDRESS, other)
    assert_same(other, AEGAN.from_preset(ADDRESS))
    assert len(hashed) == 4
