import errno
import threading

import numpy as np
import pytest

from keras_aegan import AEGAN
from keras_aegan.callbacks import PushToHub, push_to_hub
from keras_aegan.hub import (
    PresetConnectionError,
    PresetFormatError,
    PresetNotFoundError,
    PresetWriteError,
    weights,
)
from keras_aegan.hub.upload import publish

pytestmark = pytest.mark.filterwarnings(
    # The client sends LFS files in a way that its HTTP library discourages.
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
ADDRESS = "hf://me/mine"


def train(model, images, push, epochs):
    return model.fit(
        images(8), batch_size=4, epochs=epochs, callbacks=[push], verbose=0
    )


def wait_for_each(push):
    """Makes each epoch wait for the upload before it, so that none is left."""

    def on_epoch_begin(epoch, logs=None):
        if push._upload is not None:
            push._upload.result()

    push.on_epoch_begin = on_epoch_begin


def titles(hub):
    """The messages of the commits, the newest first, without the Hub's own."""
    from huggingface_hub import HfApi

    return [c.title for c in HfApi().list_repo_commits("me/mine")][:-1]


def test_what_was_trained_is_published(hub, tiny_model, images):
    model, push = tiny_model(), PushToHub(ADDRESS, metadata={"steps": 4})
    train(model, images, push, 2)
    assert push.errors == []
    assert push.commits[-1].endswith(hub.commits("me/mine")[0])
    assert titles(hub)[0] == "Epoch 2"
    loaded = AEGAN.from_preset(ADDRESS)
    assert int(loaded.step) == int(model.step) == 4
    np.testing.assert_array_equal(
        loaded.generate(2, seed=0), model.generate(2, seed=0)
    )
    assert b"* Steps: 4" in hub.files("me/mine")["README.md"]


@pytest.mark.parametrize(
    "epochs, every, published", [(4, 2, {2, 4}), (5, 3, {3, 5}), (1, 7, {1})]
)
def test_every_so_many_epochs_and_at_the_end(
    hub, tiny_model, images, epochs, every, published
):
    push = PushToHub(ADDRESS, every)
    wait_for_each(push)
    train(tiny_model(), images, push, epochs)
    assert titles(hub) == [f"Epoch {n}" for n in sorted(published)[::-1]]


def test_the_training_does_not_wait_for_the_network(
    hub, tiny_model, images, monkeypatch
):
    arrived = threading.Event()

    def late(*args, **kwargs):
        assert arrived.wait(60)
        return publish(*args, **kwargs)

    monkeypatch.setattr(push_to_hub, "publish", late)
    push = PushToHub(ADDRESS)
    begun = []

    def on_epoch_begin(epoch, logs=None):
        begun.append(len(push.commits))
        if epoch == 4:
            arrived.set()

    push.on_epoch_begin = on_epoch_begin
    train(tiny_model(), images, push, 5)
    assert begun == [0] * 5
    assert push.errors == []
    assert titles(hub) == ["Epoch 5", "Epoch 1"]


@pytest.mark.parametrize("fault", [500, 403, "drop"])
def test_a_failed_upload_does_not_stop_the_training(
    hub, tiny_model, images, naps, caplog, fault
):
    hub.fail(fault, path="/commit/", times=1)
    push = PushToHub(ADDRESS, epochs=1)
    wait_for_each(push)
    history = train(tiny_model(), images, push, 2)
    assert len(history.epoch) == 2
    assert len(push.errors) == 1 and "me/mine" in str(push.errors[0])
    assert "was not published on hf://me/mine after epoch 1" in caplog.text
    assert titles(hub) == ["Epoch 2"]


def test_what_cannot_be_saved_does_not_stop_the_training(
    hub, tiny_model, images, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    model, push = tiny_model(), PushToHub(ADDRESS)
    with monkeypatch.context() as patched:
        patched.setattr(weights, "_write", full)
        train(model, images, push, 2)
    # After each epoch, and the last once more at the end.
    assert [type(error) for error in push.errors] == [PresetWriteError] * 3
    assert "No space left on device" in str(push.errors[0])
    push = PushToHub(ADDRESS, metadata={"measured": {"a": np.float32(1)}})
    train(model, images, push, 1)
    assert [type(error) for error in push.errors] == [PresetFormatError] * 2
    assert hub.repos == []


def test_without_a_network(hub, tiny_model, images, naps):
    hub.stop()
    push = PushToHub(ADDRESS)
    history = train(tiny_model(), images, push, 2)
    assert len(history.epoch) == 2
    assert push.commits == []
    assert isinstance(push.errors[-1], PresetConnectionError)


def test_a_training_goes_on_from_what_was_published(hub, tiny_model, images):
    whole, first = tiny_model(), tiny_model()
    first.set_weights(whole.get_weights())
    data = images(8)
    plain = {"batch_size": 4, "shuffle": False, "verbose": 0}
    whole.fit(data, epochs=2, **plain)
    push = PushToHub(ADDRESS, include_optimizer=True)
    first.fit(data, epochs=1, callbacks=[push], **plain)
    second = AEGAN.from_preset(ADDRESS)
    second.fit(data, epochs=1, **plain)
    for expected, found in zip(
        whole.get_weights(), second.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(expected, found)


def test_mistakes_are_told_before_the_training():
    with pytest.raises(PresetNotFoundError, match="hf://OWNER/NAME"):
        PushToHub("me/mine")
    for epochs in (0, -1, 1.5):
        with pytest.raises(ValueError, match=f"epochs={epochs}"):
            PushToHub(ADDRESS, epochs)
