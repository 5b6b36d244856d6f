import errno
import sys

import keras
import numpy as np
import PIL.Image
import pytest
from keras import ops

from keras_aegan import AEGAN
from keras_aegan.callbacks import sample_grid
from keras_aegan.callbacks.sample_grid import SampleGrid
from keras_aegan.images import image_grid, save_image
from keras_aegan.losses import DataAdversarialLoss, ReconstructionLoss

SIZE = {"count": 6, "columns": 3}


@pytest.fixture
def model(tiny_model):
    """A function that makes a model whose step is compiled in no time."""

    def make(**kwargs):
        reconstruction = [ReconstructionLoss("mae")]
        return tiny_model(("encoder",), losses=reconstruction, **kwargs)

    return make


def train(model, callbacks, data, epochs=2, **kwargs):
    kwargs = {"batch_size": 4, "verbose": 0, **kwargs}
    return model.fit(data, epochs=epochs, callbacks=callbacks, **kwargs)


class Watch(keras.callbacks.Callback):
    """Does something with the model, by the epochs that it was trained."""

    def __init__(self, look):
        super().__init__()
        self.look = look
        self.seen = {}

    def on_epoch_begin(self, epoch, logs=None):
        if not self.seen:
            self.seen[epoch] = self.look(self.model)

    def on_epoch_end(self, epoch, logs=None):
        self.seen[epoch + 1] = self.look(self.model)


def pixels(path):
    with PIL.Image.open(path) as image:
        read = np.asarray(image)
    return read[..., None] if read.ndim == 2 else read


def frames(path):
    """The pixels of each picture of an animation."""
    with PIL.Image.open(path) as image:
        count = getattr(image, "n_frames", 1)
        read = []
        for index in range(count):
            image.seek(index)
            read.append(np.asarray(image.convert("L"))[..., None])
    return read


def names(folder, kind="samples"):
    return sorted(path.name for path in folder.glob(f"{kind}_*"))


# === What is drawn ===


def test_samples_are_of_the_same_noise_and_the_weights_then(
    tmp_path, model, images
):
    watch = Watch(lambda model: model.generate(6, seed=3))
    grid = SampleGrid(tmp_path, seed=3, scale=2, **SIZE)
    train(model(), [watch, grid], images(8))
    assert sorted(watch.seen) == [0, 1, 2]
    assert (watch.seen[0] != watch.seen[2]).any()
    for epoch, samples in watch.seen.items():
        expected = image_grid(samples, columns=3).repeat(2, 0).repeat(2, 1)
        drawn = pixels(tmp_path / f"samples_{epoch:04d}.png")
        np.testing.assert_array_equal(drawn, expected)
    assert grid.errors == []


@pytest.mark.parametrize("data_range", [(0, 255), (-1, 1), None])
def test_each_original_is_above_its_reconstruction(
    tmp_path, model, images, data_range
):
    dtype = "uint8" if data_range == (0, 255) else "float32"
    game = model(data_range=data_range, data_dtype=dtype)
    data = images(8)
    if dtype == "float32":
        data = data.astype("float32") / 127.5 - 1
    grid = SampleGrid(tmp_path, data, scale=1, **SIZE)
    train(game, [grid], data, epochs=1)
    made = game.reconstruct(data[:6])
    low, high = data_range or (
        min(data[:6].min(), made.min()),
        max(data[:6].max(), made.max()),
    )
    drawn = pixels(tmp_path / "reconstructions_0001.png")
    # Two rows of three pairs, each 12 high and 4 wide, white lines of two.
    assert drawn.shape == (2 + 2 * 14, 2 + 3 * 6, 1)
    for index, pair in enumerate(zip(data, made, strict=False)):
        top, left = 2 + 14 * (index // 3), 2 + 6 * (index % 3)
        tile = drawn[top : top + 12, left : left + 4]
        wanted = (np.concatenate(pair).astype("float64") - low) / (high - low)
        np.testing.assert_array_equal(tile, np.rint(wanted * 255))


def test_interpolations_go_from_each_first_to_each_second(
    tmp_path, model, images
):
    game, data = model(), images(5)
    # Not as many ways as fit: the fifth of the data has nothing to go to.
    grid = SampleGrid(tmp_path, data, count=12, columns=4, scale=1)
    train(game, [grid], images(8), epochs=1)
    drawn = pixels(tmp_path / "interpolations_0001.png")
    ways = game.interpolate(data[[0, 2]], data[[1, 3]], steps=4)
    expected = image_grid(ways.reshape(8, 6, 4, 1), columns=4)
    np.testing.assert_array_equal(drawn, expected)
    ends = game.reconstruct(data[:2])
    np.testing.assert_array_equal(drawn[2:8, 2:6], ends[0])
    np.testing.assert_array_equal(drawn[2:8, 20:24], ends[1])


def test_no_more_ways_than_fill_the_picture(tmp_path, model, images):
    grid = SampleGrid(tmp_path, images(40), count=7, columns=3, scale=1)
    train(model(), [grid], images(8), epochs=1)
    assert len(grid.data) == 7
    drawn = pixels(tmp_path / "interpolations_0001.png")
    assert drawn.shape == (2 + 2 * 8, 2 + 3 * 6, 1)


def test_data_may_be_tensors(tmp_path, model, images):
    data = images(4)
    grid = SampleGrid(tmp_path, ops.convert_to_tensor(data), **SIZE)
    np.testing.assert_array_equal(grid.data, data)


def test_a_model_without_an_encoder_draws_samples_alone(
    tmp_path, tiny_model, images
):
    model = tiny_model(("discriminator",), losses=[DataAdversarialLoss()])
    grid = SampleGrid(tmp_path, images(4), animation=False, **SIZE)
    train(model, [grid], images(8), epochs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "samples_0000.png",
        "samples_0001.png",
    ]


def test_a_model_that_cannot_generate_draws_its_data(tmp_path, model, images):
    game = model(prior=None)
    grid = SampleGrid(tmp_path, images(4), animation=False, **SIZE)
    train(game, [grid], images(8), epochs=1)
    assert grid.errors == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "interpolations_0000.png",
        "interpolations_0001.png",
        "reconstructions_0000.png",
        "reconstructions_0001.png",
    ]
    with pytest.raises(ValueError, match="nothing to generate.*folder, data"):
        train(game, [SampleGrid(tmp_path)], images(8))


# === When ===


@pytest.mark.parametrize(
    "epochs, every, drawn",
    [(4, 2, [0, 2, 4]), (5, 3, [0, 3, 5]), (1, 7, [0, 1])],
)
def test_the_start_every_so_many_epochs_and_the_end(
    tmp_path, model, images, epochs, every, drawn
):
    grid = SampleGrid(tmp_path, epochs=every, animation=False, **SIZE)
    train(model(), [grid], images(8), epochs)
    assert names(tmp_path) == [f"samples_{n:04d}.png" for n in drawn]


def test_a_training_that_stops_early_draws_where_it_stopped(
    tmp_path, model, images
):
    def stop(epoch, logs=None):
        grid.model.stop_training = epoch == 2

    grid = SampleGrid(tmp_path, epochs=10, animation=False, **SIZE)
    stopping = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    train(model(), [grid, stopping], images(8), epochs=9)
    assert names(tmp_path) == ["samples_0000.png", "samples_0003.png"]


@pytest.mark.parametrize("backup_comes_first", [True, False])
def test_a_resumed_training_goes_on_with_its_pictures(
    tmp_path, model, images, backup_comes_first
):
    class Crash(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def callbacks(folder):
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        grid = SampleGrid(tmp_path / folder, **SIZE)
        return [backup, grid][:: 1 if backup_comes_first else -1]

    plain = {"shuffle": False, "epochs": 4}
    whole = SampleGrid(tmp_path / "whole", **SIZE)
    train(model(), [whole], images(8), **plain)
    keras.utils.set_random_seed(0)
    with pytest.raises(KeyboardInterrupt):
        train(model(), [*callbacks("cut"), Crash()], images(8), **plain)
    assert names(tmp_path / "cut") == [f"samples_000{n}.png" for n in range(3)]
    train(model(), callbacks("cut"), images(8), **plain)
    expected = [f"samples_000{n}.png" for n in range(5)]
    assert names(tmp_path / "cut") == [*expected, "samples_animated.png"]
    for name in [*expected, "samples_animated.png"]:
        once = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "cut" / name).read_bytes() == once


# === The animation ===


def test_the_animation_has_all_pictures_in_their_order(tmp_path, model, images):
    game, data = model(), images(8)
    grid = SampleGrid(tmp_path, data, **SIZE)
    train(game, [grid], data, epochs=2)
    train(game, [grid], data, epochs=6, initial_epoch=2)
    for kind in ("samples", "reconstructions", "interpolations"):
        moving = frames(tmp_path / f"{kind}_animated.png")
        assert len(moving) == 7
        for epoch, frame in enumerate(moving):
            still = pixels(tmp_path / f"{kind}_{epoch:04d}.png")
            np.testing.assert_array_equal(frame, still)


def test_pictures_of_a_future_that_was_left_are_not_in_the_animation(
    tmp_path, model, images
):
    grid = SampleGrid(tmp_path, **SIZE)
    train(model(), [grid], images(8), epochs=4)
    (tmp_path / "samples_of_mine.png").write_bytes(b"")
    train(model(), [grid], images(8), epochs=2)
    assert grid.errors == []
    moving = frames(tmp_path / "samples_animated.png")
    assert len(moving) == 3
    last = pixels(tmp_path / "samples_0002.png")
    np.testing.assert_array_equal(moving[-1], last)


def test_a_long_animation_is_thinned_evenly(
    tmp_path, model, images, monkeypatch
):
    monkeypatch.setattr(sample_grid, "_FRAMES", 3)
    train(model(), [SampleGrid(tmp_path, **SIZE)], images(8), epochs=6)
    moving = frames(tmp_path / "samples_animated.png")
    assert len(moving) == 3
    for frame, epoch in zip(moving, (0, 3, 6), strict=True):
        still = pixels(tmp_path / f"samples_{epoch:04d}.png")
        # The middle of 0 to 6 is 3, and each stands for itself alone.
        np.testing.assert_array_equal(frame, still)


# === TensorBoard ===


def test_tensorboard_gets_the_same_pictures(tmp_path, model, images):
    from tensorboard.backend.event_processing import event_accumulator

    game, logs = model(shape=(6, 4, 3)), tmp_path / "logs"
    data = images(8, (6, 4, 3))
    grid = SampleGrid(tmp_path, data, tensorboard=logs, **SIZE)
    train(game, [grid], data, epochs=1)
    train(game, [grid], data, epochs=2, initial_epoch=1)
    assert grid.errors == []
    events = event_accumulator.EventAccumulator(
        str(logs), size_guidance={event_accumulator.IMAGES: 0}
    ).Reload()
    assert sorted(events.Tags()["images"]) == [
        "interpolations",
        "reconstructions",
        "samples",
    ]
    for kind in events.Tags()["images"]:
        logged = events.Images(kind)
        # The second training draws its start, which was the first one's end.
        assert [image.step for image in logged] == [0, 1, 1, 2]
        for image in logged:
            path = tmp_path / f"{kind}_{image.step:04d}.png"
            assert image.encoded_image_string == path.read_bytes()
            height, width, _ = pixels(path).shape
            assert (image.height, image.width) == (height, width)


def test_tensorboard_needs_no_tensorflow(tmp_path, monkeypatch):
    save_image(tmp_path / "a.png", np.zeros((3, 4, 1), "uint8"))
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    sample_grid._log_pictures(tmp_path, 1, {"samples": tmp_path / "a.png"})
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) == 1


# === The training does not notice ===


def test_the_training_ends_with_the_same_weights(tmp_path, tiny_model, images):
    def weights(*callbacks):
        keras.utils.set_random_seed(0)
        game = [DataAdversarialLoss(), ReconstructionLoss("mae")]
        model = tiny_model(("encoder", "discriminator"), losses=game)
        for start in (0, 2):  # the second `fit` draws anew
            train(model, callbacks, data, start + 2, initial_epoch=start)
        state = [*model.variables, *model.optimizer.variables]
        return [ops.convert_to_numpy(variable) for variable in state]

    data = images(16)
    grid = SampleGrid(tmp_path, data, tensorboard=tmp_path / "logs", **SIZE)
    plain, drawn = weights(), weights(grid)
    assert grid.errors == [] and len(names(tmp_path)) == 6
    for expected, found in zip(plain, drawn, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_fails_is_logged_and_the_training_goes_on(
    tmp_path, model, images, monkeypatch, caplog
):
    write, full = sample_grid.save_image, [False, True, False]

    def on_a_small_disk(path, *args):
        if full.pop(0):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, *args)

    monkeypatch.setattr(sample_grid, "save_image", on_a_small_disk)
    grid = SampleGrid(tmp_path, **SIZE)
    history = train(model(), [grid], images(8), epochs=2)
    assert len(history.epoch) == 2
    assert [error.errno for error in grid.errors] == [errno.ENOSPC]
    assert "epoch 1 were not all drawn" in caplog.text
    assert "No space left on device" in caplog.text
    assert names(tmp_path) == [
        "samples_0000.png",
        "samples_0002.png",
        "samples_animated.png",
    ]


def test_pictures_of_another_size_fail_the_animation_alone(
    tmp_path, model, images, caplog
):
    first = SampleGrid(tmp_path, count=4, columns=2)
    train(model(), [first], images(8), epochs=1)
    second = SampleGrid(tmp_path, count=6, columns=3)
    train(model(), [second], images(8), epochs=2, initial_epoch=1)
    assert "epoch 2 were not all animated" in caplog.text
    assert "samples_0001.png, which differs" in caplog.text
    assert len(frames(tmp_path / "samples_animated.png")) == 2


# === Mistakes ===


@pytest.mark.parametrize(
    "wrong, least",
    [
        ({"epochs": 0}, 1),
        ({"count": 1}, 2),
        ({"columns": 1}, 2),
        ({"seed": None}, 0),
        ({"scale": 1.5}, 1),
    ],
)
def test_numbers_out_of_their_range(tmp_path, wrong, least):
    ((name, value),) = wrong.items()
    with pytest.raises(
        ValueError,
        match=f"{name} to be a whole number, {least}.*{name}={value}",
    ):
        SampleGrid(tmp_path, **wrong)


def test_data_that_do_not_suit(tmp_path, model, images):
    with pytest.raises(ValueError, match="Expected data to be an array"):
        SampleGrid(tmp_path, iter([images(8)]))
    with pytest.raises(ValueError, match=r"two or more.*\(1, 6, 4, 1\)"):
        SampleGrid(tmp_path, images(1))
    with pytest.raises(ValueError, match=r"batch, 6, 4, 1.*\(8, 4, 6, 1\)"):
        grid = SampleGrid(tmp_path, images(8, (4, 6, 1)))
        train(model(), [grid], images(8))
    with pytest.raises(ValueError, match="Received: data from 0 to 300"):
        grid = SampleGrid(tmp_path, np.array([0, 300.0]).repeat(24)[:, None])
        grid.data = grid.data.reshape(2, 6, 4, 1)
        train(model(), [grid], images(8))


@pytest.mark.parametrize("shape", [(12,), (8, 3), (6, 4, 2)])
def test_data_that_are_no_pictures(tmp_path, shape):
    flat = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(int(np.prod(shape))),
            keras.layers.Reshape(shape),
        ]
    )
    judge = keras.Sequential(
        [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model = AEGAN(flat, discriminator=judge, losses=[DataAdversarialLoss()])
    with pytest.raises(ValueError, match="SampleGrid draws pictures.*of shape"):
        train(model, [SampleGrid(tmp_path)], np.zeros((8, *shape), "uint8"))
    assert int(model.step) == 0


def test_a_folder_that_cannot_be_written_to(tmp_path, model, images):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="file cannot be written to.*exists"):
        train(model(), [SampleGrid(tmp_path / "file")], images(8))
    grid = SampleGrid(tmp_path, tensorboard=tmp_path / "file")
    with pytest.raises(ValueError, match="file cannot be written to"):
        train(model(), [grid], images(8))


def test_missing_packages_are_told_at_once(tmp_path, monkeypatch):
    name = "tensorboard.compat.proto.event_pb2"
    monkeypatch.setitem(sys.modules, name, None)
    SampleGrid(tmp_path)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        SampleGrid(tmp_path, tensorboard=tmp_path)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match="needs Pillow"):
        SampleGrid(tmp_path)
