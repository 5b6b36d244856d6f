import json
import logging

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan import losses
from keras_aegan.callbacks import GameMonitor


def arrays(model):
    return [np.array(ops.convert_to_numpy(v)) for v in model.variables]


def lines(folder):
    text = (folder / "monitor.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def kinds(folder):
    return [line["kind"] for line in lines(folder)]


def test_the_training_ends_with_the_same_weights(tiny_model, images):
    x, trained = images(16), []
    for watched in (False, True):
        keras.utils.set_random_seed(0)
        model = tiny_model(penalty_interval=2)
        monitor = GameMonitor(x, images(8, seed=1), count=8, share=1.0)
        model.fit(
            x,
            batch_size=4,
            epochs=3,
            callbacks=[monitor] if watched else [],
            verbose=0,
        )
        trained.append(arrays(model))
    assert len(monitor.history) > 3
    for a, b in zip(*trained, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_size_of_a_step(tiny_model, images):
    """Of plain descent it is the learning rate times the gradient."""
    model = tiny_model(("encoder",), losses=[losses.ReconstructionLoss("mse")])
    rate = 0.01
    model.compile(keras.optimizers.SGD(rate))
    x = images(8)
    before = model.generator.get_weights()
    norm = np.sqrt(sum(np.sum(np.square(w)) for w in before))
    gradient = model.diagnosis()(x, None)["gradient_norm/generator"]
    monitor = GameMonitor(x, count=8)
    model.fit(x, batch_size=8, callbacks=[monitor], verbose=0)
    found = monitor.history[0]["values"]["update_ratio/generator"]
    assert found == pytest.approx(rate * float(gradient) / norm, rel=1e-3)


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_it_takes_no_more_than_its_share(tiny_model, images, clock, share):
    """Batches of a second, looks of two, of which the first takes ten."""
    model = tiny_model(("encoder",))
    monitor = GameMonitor(images(8), count=8, share=share)
    looks = []

    def diagnosis():
        def look(*data):
            clock.now += 2.0 if looks else 10.0
            looks.append(clock.now)
            return {}

        return look

    model.diagnosis = diagnosis

    def work(batch, logs):
        clock.now += 1.0

    # Before the monitor, which looks when a batch is done.
    busy = keras.callbacks.LambdaCallback(on_train_batch_end=work)
    model.fit(
        images(400),
        batch_size=4,
        epochs=4,
        callbacks=[busy, monitor],
        verbose=0,
    )
    spent = 2.0 * (len(looks) - 1)  # And one more look when all is over.
    assert spent - 2.0 <= share * (clock.now - 10.0)
    assert spent >= 0.8 * share * (clock.now - 10.0)
    assert len(monitor.history) == len(looks)


def test_each_look_is_at_the_next_samples(tiny_model, images):
    model = tiny_model(("encoder",))
    x, seen = images(10), []
    model.diagnosis = lambda: lambda data, held_out: seen.append(data) or {}
    monitor = GameMonitor(x, count=4, share=1.0)
    model.fit(x, batch_size=5, epochs=2, callbacks=[monitor], verbose=0)
    assert len(seen) >= 3
    for data, wanted in zip(
        seen, ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]), strict=False
    ):
        np.testing.assert_array_equal(data, x[wanted])


# === What is written ===


def test_the_log(tiny_model, images, tmp_path):
    model, x = tiny_model(), images(16)
    model.compile(keras.optimizers.SGD(1e-12))
    folder = tmp_path / "new" / "watched"
    monitor = GameMonitor(x, folder=folder, count=8, share=1.0)
    model.fit(x, batch_size=2, epochs=2, callbacks=[monitor], verbose=0)
    found = lines(folder)
    assert found[0]["kind"] == "start" and found[-1]["kind"] == "end"
    start = found[0]
    assert start["players"] == model.players and start["step"] == 0
    counted = model.generator.count_params()
    assert start["parameters"]["generator"] == counted
    assert start["backend"] == keras.backend.backend()
    watched = [line for line in found if line["kind"] == "watch"]
    assert [line["step"] for line in watched] == [
        watch["step"] for watch in monitor.history
    ]
    assert watched[-1]["step"] == 16 == found[-1]["step"]
    epochs = [line for line in found if line["kind"] == "epoch"]
    assert [(line["epoch"], line["step"]) for line in epochs] == [
        (1, 8),
        (2, 16),
    ]
    assert epochs[0]["logs"]["generator_loss"] > 0
    verdicts = [line for line in found if line["kind"] == "verdict"]
    assert {line["name"] for line in verdicts} == set(monitor.verdicts)
    assert "player_stands_still" in monitor.verdicts
    seconds = [line["seconds"] for line in found]
    assert seconds == sorted(seconds)


def test_a_training_that_goes_on_goes_on_with_the_log(
    tiny_model, images, tmp_path
):
    model, x = tiny_model(("encoder",)), images(8)
    train = {"batch_size": 8, "verbose": 0}
    model.fit(x, callbacks=[GameMonitor(x, folder=tmp_path)], **train)
    whole = (tmp_path / "monitor.jsonl").read_bytes()
    # As a kill leaves it.
    (tmp_path / "monitor.jsonl").write_bytes(whole[:-9])
    model.fit(x, callbacks=[GameMonitor(x, folder=tmp_path)], **train)
    text = (tmp_path / "monitor.jsonl").read_text()
    assert text.startswith(whole[:-9].decode() + "\n")
    rest = text[len(whole) - 8 :].splitlines()
    assert json.loads(rest[0])["step"] == 1


def test_what_is_not_finite_is_null(tiny_model, images, tmp_path):
    model, x = tiny_model(("encoder",)), images(8)
    model.compile(keras.optimizers.SGD(1e30))
    monitor = GameMonitor(x, folder=tmp_path, share=1.0)
    model.fit(x, batch_size=8, epochs=4, callbacks=[monitor], verbose=0)
    assert "NaN" not in (tmp_path / "monitor.jsonl").read_text()
    last = [line for line in lines(tmp_path) if line["kind"] == "watch"][-1]
    assert None in last["values"].values()
    assert "diverged" in kinds(tmp_path) or "diverged" in monitor.verdicts


def test_a_log_that_cannot_be_written_ends_no_training(
    tiny_model, images, tmp_path, caplog
):
    (tmp_path / "file").write_text("")
    model, x = tiny_model(("encoder",)), images(8)
    monitor = GameMonitor(x, folder=tmp_path / "file")
    model.fit(x, batch_size=8, callbacks=[monitor], verbose=0)
    assert int(ops.convert_to_numpy(model.step)) == 1
    assert caplog.text.count("Nothing is written to") == 1
    assert monitor.history


def test_a_verdict_is_told_once(tiny_model, images, caplog):
    model, x = tiny_model(("encoder",)), images(8)
    model.compile(keras.optimizers.SGD(1e-12))
    monitor = GameMonitor(x, share=1.0)
    with caplog.at_level(logging.WARNING):
        model.fit(x, batch_size=8, epochs=20, callbacks=[monitor], verbose=0)
    assert caplog.text.count("encoder hardly moves") == 1
    assert "raise its learning rate" in monitor.verdicts["player_stands_still"]


# === A training that diverges ===


def bursting(model, epoch):
    """A callback that spoils the generator at the end of an epoch."""

    def spoil(done, logs):
        if done == epoch:
            kernel = model.generator.trainable_variables[0]
            kernel.assign(np.full(kernel.shape, np.nan))

    return keras.callbacks.LambdaCallback(on_epoch_end=spoil)


def test_it_stops_with_the_last_good_weights(tiny_model, images, caplog):
    model, x = tiny_model(), images(8)
    monitor = GameMonitor(x, share=1.0, stop=True)
    kept = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append(
            model.ema_generator.get_weights()
        )
    )
    history = model.fit(
        x,
        batch_size=8,
        epochs=50,
        callbacks=[monitor, keep, bursting(model, 4)],
        verbose=0,
    )
    assert len(history.epoch) == 6  # The one after it, which looks.
    for network in model.networks.values():
        assert all(np.isfinite(w).all() for w in network.get_weights())
    assert np.isfinite(model.generate(4, seed=0)).all()
    for a, b in zip(model.ema_generator.get_weights(), kept[4], strict=True):
        np.testing.assert_array_equal(a, b)
    assert "weights are those of step 5 again" in caplog.text


def test_it_does_not_stop_unasked(tiny_model, images):
    model, x = tiny_model(), images(8)
    monitor = GameMonitor(x, share=1.0)
    history = model.fit(
        x,
        batch_size=8,
        epochs=8,
        callbacks=[monitor, bursting(model, 2)],
        verbose=0,
    )
    assert len(history.epoch) == 8
    assert "diverged" in monitor.verdicts


# === Mistakes ===


def test_mistakes(tiny_model, images):
    x = images(8)
    with pytest.raises(ValueError, match="count to be a whole number, 2"):
        GameMonitor(x, count=1)
    for share in (0, 1.5, -0.1):
        with pytest.raises(ValueError, match="share to be above 0"):
            GameMonitor(x, share=share)
    model = tiny_model()
    fit = {"x": x, "batch_size": 8, "verbose": 0}
    with pytest.raises(ValueError, match="Expected data of shape"):
        model.fit(**fit, callbacks=[GameMonitor(x[:, :3])])
    with pytest.raises(ValueError, match="held_out to have 2 samples"):
        model.fit(**fit, callbacks=[GameMonitor(x, x[:1])])
    assert int(ops.convert_to_numpy(model.step)) == 0
