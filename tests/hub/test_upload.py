"""Publishing, through the Hub's own client: see `hub_server`."""

import json
import re

import numpy as np
import pytest
from huggingface_hub import CommitOperationAdd, HfApi, ModelCard, constants

import keras_aegan
from keras_aegan import AEGAN
from keras_aegan.hub import (
    PresetAccessError,
    PresetConnectionError,
    PresetError,
    PresetFormatError,
    PresetNotFoundError,
    PresetWeightsError,
    save_preset,
    upload_preset,
)

pytestmark = pytest.mark.filterwarnings(
    # The client sends LFS files in a way that its HTTP library discourages.
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
ADDRESS = "hf://me/mine"
BY_HAND = b"---\nlicense: mit\n---\n# By hand\n"
PARTS = {
    "README.md",
    "config.json",
    "metadata.json",
    "model.safetensors",
    "model.ema.safetensors",
}

STATUSES = [401, 403, 404, 409, 429, 500]


@pytest.fixture
def preset(make_model, tmp_path):
    return save_preset(make_model(), tmp_path / "preset")


def kernel(model):
    """A value that tells one of the models from the others."""
    return np.asarray(model.generator.get_weights()[0])


def files(hub, revision="main"):
    """What is published, without what the Hub itself adds."""
    found = hub.files("me/mine", revision)
    return {k: v for k, v in found.items() if k != ".gitattributes"}


# === What is published ===


def test_a_model(hub, make_model):
    model = make_model()
    page = keras_aegan.upload_preset(ADDRESS, model)
    newest, *_ = hub.commits("me/mine")
    assert page.endswith(f"me/mine/commit/{newest}")
    assert set(files(hub)) == PARTS
    loaded = AEGAN.from_preset(ADDRESS)
    np.testing.assert_array_equal(kernel(loaded), kernel(model))


def test_a_folder_in_one_commit(hub, preset):
    (preset / "samples.png").write_bytes(b"\x89PNG")
    (preset / "notes.txt").write_text("Not for the world.")
    upload_preset(ADDRESS, preset, commit_message="Digits, 5 epochs")
    assert set(files(hub)) == PARTS | {"samples.png"}
    assert len(hub.commits("me/mine")) == 2  # The first one is the Hub's.
    (commit, _) = HfApi().list_repo_commits("me/mine")
    assert commit.title == "Digits, 5 epochs"


def test_a_bundled_preset(hub):
    upload_preset(ADDRESS, "aegan_mnist")
    assert {"samples.png", "reconstructions.png"} < set(files(hub))


def test_the_card_says_where_it_is(hub, preset):
    before = (preset / "README.md").read_text()
    upload_preset(ADDRESS, preset)
    card = ModelCard(files(hub)["README.md"].decode())
    assert 'AEGAN.from_preset("hf://me/mine")' in card.text
    assert card.data.library_name == "keras-aegan"
    assert (preset / "README.md").read_text() == before


def test_publishing_the_same_again_changes_nothing(hub, preset):
    upload_preset(ADDRESS, preset)
    before = hub.commits("me/mine")
    page = upload_preset(ADDRESS, preset)
    assert hub.commits("me/mine") == before
    assert before[0] in page


def test_what_the_new_preset_lacks_is_removed(hub, make_model, tmp_path):
    model = make_model()
    sharded = save_preset(model, tmp_path / "preset", max_shard_size=500)
    upload_preset(ADDRESS, sharded)
    HfApi().upload_file(
        path_or_fileobj=b"kept", path_in_repo="notes.txt", repo_id="me/mine"
    )
    assert "model.safetensors.index.json" in files(hub)
    loaded = AEGAN.from_preset(ADDRESS)
    np.testing.assert_array_equal(kernel(loaded), kernel(model))
    upload_preset(ADDRESS, model)
    assert set(files(hub)) == PARTS | {"notes.txt"}


# === Cards that somebody edited ===


def test_a_card_that_was_edited_there_is_kept(hub, make_model):
    upload_preset(ADDRESS, make_model())
    HfApi().upload_file(
        path_or_fileobj=BY_HAND,
        path_in_repo="README.md",
        repo_id="me/mine",
    )
    publish_models_beside_it(hub, make_model)


def publish_models_beside_it(hub, make_model):
    """Publishes models one after the other, which leave the card as it is."""
    for seed in (1, 2):
        model = make_model(seed=seed)
        upload_preset(ADDRESS, model)
        assert files(hub)["README.md"] == BY_HAND
        loaded = AEGAN.from_preset(ADDRESS)
        np.testing.assert_array_equal(kernel(loaded), kernel(model))


def test_a_card_that_was_edited_here_is_published(hub, preset, make_model):
    upload_preset(ADDRESS, preset)
    for title in ("Mine", "Meines, schöner"):
        text = f"---\nlicense: mit\n---\n# {title}\n"
        (preset / "README.md").write_text(text, "utf-8")
        upload_preset(ADDRESS, preset)
        assert files(hub)["README.md"].decode() == text


def test_a_card_that_was_edited_here_outlives_the_next_model(
    hub, preset, make_model, tmp_path
):
    upload_preset(ADDRESS, preset)
    (preset / "README.md").write_bytes(BY_HAND)
    upload_preset(ADDRESS, preset)
    publish_models_beside_it(hub, make_model)
    # A copy of the repository keeps it too, when a model is saved there.
    for name, content in files(hub).items():
        (tmp_path / name).write_bytes(content)
    save_preset(make_model(), tmp_path)
    assert (tmp_path / "README.md").read_bytes() == BY_HAND
    # And it can be edited here again.
    (preset / "README.md").write_bytes(BY_HAND + b"More.")
    upload_preset(ADDRESS, preset)
    assert files(hub)["README.md"] == BY_HAND + b"More."


def test_a_card_that_is_no_text_is_refused(hub, preset):
    upload_preset(ADDRESS, preset)
    before = files(hub)
    (preset / "README.md").write_bytes("# schöner".encode("latin-1"))
    with pytest.raises(PresetFormatError, match="README.md.*not UTF-8"):
        upload_preset(ADDRESS, preset)
    assert files(hub) == before


def test_a_card_that_nobody_edited_is_renewed(hub, make_model, tmp_path):
    for text in ("Digits.", "Better digits."):
        about = {"description": text}
        path = save_preset(make_model(), tmp_path / "preset", metadata=about)
        upload_preset(ADDRESS, path)
        assert text in files(hub)["README.md"].decode()


# === Where to ===


def test_private(hub, preset):
    upload_preset(ADDRESS, preset, private=True)
    assert HfApi().model_info("me/mine").private
    upload_preset("hf://me/open", preset, private=False)
    assert not HfApi().model_info("me/open").private


@pytest.mark.parametrize("status", STATUSES)
def test_a_repository_that_cannot_be_made(hub, preset, status):
    hub.fail(status, path="/api/repos/create")
    with pytest.raises(PresetError, match="me/mine"):
        upload_preset(ADDRESS, preset)
    assert hub.repos == []
    upload_preset(ADDRESS, preset)
    assert set(files(hub)) == PARTS


@pytest.mark.parametrize("how", ["address", "argument"])
def test_a_branch(hub, preset, make_model, how):
    upload_preset(ADDRESS, preset)
    before = files(hub)
    if how == "address":
        upload_preset(f"{ADDRESS}@next", make_model(seed=1))
    else:
        upload_preset(ADDRESS, make_model(seed=1), revision="next")
    assert files(hub) == before
    assert files(hub, "next") != before


def test_a_pull_request(hub, preset, make_model, monkeypatch):
    upload_preset(ADDRESS, preset)
    before = files(hub)
    model = make_model(seed=1)
    upload_preset(ADDRESS, model, create_pr=True)
    assert files(hub) == before
    loaded = AEGAN.from_preset(f"{ADDRESS}@refs/pr/1")
    np.testing.assert_array_equal(kernel(loaded), kernel(model))


# === What is refused ===


def test_a_damaged_preset_is_refused_before_anything_is_sent(hub, preset):
    path = preset / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(PresetWeightsError, match="SHA-256"):
        upload_preset(ADDRESS, preset)
    assert hub.requests == []


def test_what_is_no_preset_here(hub, tmp_path):
    with pytest.raises(PresetNotFoundError, match="There is no folder"):
        upload_preset(ADDRESS, tmp_path / "none")
    with pytest.raises(PresetNotFoundError, match="on this machine"):
        upload_preset(ADDRESS, "hf://me/other")
    with pytest.raises(PresetNotFoundError, match="hf://OWNER/NAME"):
        upload_preset("me/mine", tmp_path)
    assert hub.requests == []


def test_others_repositories(hub, preset):
    upload_preset(ADDRESS, preset)
    before = files(hub)
    for token in ("hf_you", False):
        with pytest.raises(PresetAccessError, match="hf auth login"):
            upload_preset(ADDRESS, preset, token=token)
    assert files(hub) == before


def test_someone_else_commits_at_the_same_time(hub, preset, monkeypatch):
    upload_preset(ADDRESS, preset)
    commit, theirs = HfApi.create_commit, {}

    def late(self, repo_id, operations, **kwargs):
        if not theirs:
            theirs["card"] = CommitOperationAdd("README.md", BY_HAND)
            commit(self, repo_id, [theirs["card"]], commit_message="theirs")
        return commit(self, repo_id, operations, **kwargs)

    monkeypatch.setattr(HfApi, "create_commit", late)
    metadata = json.loads((preset / "metadata.json").read_text())
    metadata["description"] = "Newer."
    (preset / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(PresetConnectionError, match="somebody else"):
        upload_preset(ADDRESS, preset)
    assert files(hub)["README.md"] == BY_HAND
    upload_preset(ADDRESS, preset)
    assert files(hub)["README.md"] == BY_HAND
    assert b"Newer." in files(hub)["metadata.json"]


# === Faults ===


REQUESTS = [
    ("GET", "/api/models/me/mine"),
    ("POST", "/preupload/"),
    ("POST", "/info/lfs/objects/batch"),
    ("PUT", "/lfs-objects/"),
    ("POST", "/commit/"),
]


@pytest.mark.parametrize(
    "fault, method, path",
    [
        *((f, *r) for f in (*STATUSES, "drop") for r in REQUESTS),
        ("cut", "PUT", "/lfs-objects/"),
        ("wrong-bytes", "PUT", "/lfs-objects/"),
        ("cut", "POST", "/commit/"),
        ("lost-answer", "POST", "/commit/"),
    ],
)
def test_the_hub_has_the_old_preset_or_the_new_one(
    hub, make_model, preset, naps, fault, method, path
):
    upload_preset(ADDRESS, preset)
    before = files(hub)
    newer = make_model(seed=1)
    status = isinstance(fault, int)
    hub.fail(fault, method=method, path=path, times=8 if status else 1)
    try:
        upload_preset(ADDRESS, newer)
    except PresetError as error:
        assert "me/mine" in str(error)
        assert fault == "lost-answer" or files(hub) == before
    else:
        assert files(hub) != before
    now = files(hub)
    if now != before:
        assert set(now) == PARTS
    hub.clear_faults()
    upload_preset(ADDRESS, newer)
    loaded = AEGAN.from_preset(ADDRESS)
    np.testing.assert_array_equal(kernel(loaded), kernel(newer))


def test_offline(hub, preset, naps):
    hub.stop()
    with pytest.raises(PresetConnectionError, match="Check the connection"):
        upload_preset(ADDRESS, preset)
    assert naps == []


def test_offline_by_wish(hub, preset, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(PresetConnectionError, match=re.escape("HF_HUB_OFF")):
        upload_preset(ADDRESS, preset)
    assert hub.requests == []
