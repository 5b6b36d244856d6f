import logging
import os
import pathlib
import tempfile
import time

import keras
import numpy as np
from keras import ops

from keras_aegan.counts import check_count
from keras_aegan.images import (
    image_grid,
    import_pillow,
    replacing,
    save_animation,
    save_image,
)

_log = logging.getLogger(__name__)
#: Of an animation, at most: 20 seconds, and a file that a browser can hold.
_FRAMES = 100


class SampleGrid(keras.callbacks.Callback):
    """Draws what the model makes, to watch it learn.

    Before the first epoch, every so many epochs and at the end it writes
    pictures (PNG) to a folder, each named by the epochs that were trained
    before it:

    * `samples_0005.png`: of the same noise every time; not of a model whose
      codes follow no prior (`prior=None`).
    * `reconstructions_0005.png`: of `data`, each above its reconstruction.
    * `interpolations_0005.png`: a row is a way from the first of `data` to the
      second, the next from the third to the fourth.

    At the end `samples_animated.png` and so on show the pictures of the folder
    up to the last epoch one after the other, at most 100 of them, evenly
    chosen; those of a training that this one resumes are among them.

    The training does not notice: it ends with the same weights as without.
    Whatever fails once it has begun is logged as a warning and kept in
    `errors`; the training goes on.

    Args:
        folder: Where the pictures go, for this run alone; made where it is
            missing. Pictures of the same epochs are replaced.
        data: `(n, height, width, channels)` in the model's range, two or more,
            such as data that are not trained on; the first `count` are used.
            Unused by a model without an encoder. Defaults to none.
        epochs: Draw every so many epochs. Defaults to each.
        count: Samples, and at most so many pairs, in a picture; interpolations
            fill `count // columns` rows. Defaults to 64.
        columns: In a row. Defaults to 8.
        seed: Of the samples' noise. Defaults to 0.
        scale: Width and height, in pixels of the file, of each pixel. Defaults
            to 2.
        animation: Whether to write the animations. Defaults to `True`.
        tensorboard: Folder of logs for TensorBoard that the pictures also go
            to, under their names, a step an epoch; it may be that of
            `keras.callbacks.TensorBoard`. It shows ten of each; start it with
            `--samples_per_plugin images=100` for more. Defaults to none.

    Attributes:
        errors: What stopped the pictures that could not be drawn.

    Raises:
        ValueError: If an argument is out of its range; when the training
            starts, if the model's data are no pictures, `data` do not suit
            it, there is nothing to draw, or a folder cannot be written to.
        ImportError: If Pillow is not installed, or `tensorboard` for its logs.

    Example:

    ```python
    grid = SampleGrid("pictures", x_test[:32], epochs=5, tensorboard="logs")
    model.fit(x_train, epochs=100, callbacks=[grid])
    ```
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        data=None,
        epochs: int = 1,
        *,
        count: int = 64,
        columns: int = 8,
        seed: int = 0,
        scale: int = 2,
        animation: bool = True,
        tensorboard: str | os.PathLike | None = None,
    ):
        super().__init__()
        import_pillow()
        if tensorboard is not None:
            _import_tensorboard()
            tensorboard = pathlib.Path(tensorboard)
        for name, value, least in (
            ("epochs", epochs, 1),
            ("count", count, 2),
            ("columns", columns, 2),
            ("seed", seed, 0),
            ("scale", scale, 1),
        ):
            check_count(name, value, least)
        if data is not None:
            if not hasattr(data, "shape"):
                raise ValueError(
                    "Expected data to be an array or a tensor. Received: data "
                    f"of {type(data)}. Take some of its samples as an array."
                )
            if len(data) < 2:
                raise ValueError(
                    "Expected two or more samples of data, to go from one to "
                    f"the other. Received: data of shape {tuple(data.shape)}"
                )
            data = ops.convert_to_numpy(data[:count])
        self.folder = pathlib.Path(folder)
        self.data = data
        self.epochs = epochs
        self.count = count
        self.columns = columns
        self.seed = seed
        self.scale = scale
        self.animation = animation
        self.tensorboard = tensorboard
        self.errors = []

    def on_train_begin(self, logs=None):
        self._check()
        self._done = self._drawn = None

    def on_epoch_begin(self, epoch, logs=None):
        # Not when the training begins: only now a backup has been restored,
        # and is it known which epoch goes on.
        if self._drawn is None:
            self._draw(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self._done = epoch + 1
        if self._done % self.epochs == 0:
            self._draw(self._done)

    def on_train_end(self, logs=None):
        if self._done is None:
            return
        if self._drawn != self._done:
            self._draw(self._done)
        if self.animation:
            try:
                self._animate()
            except Exception as error:
                self._note("animated", error)

    def _check(self):
        """Refuses what cannot be drawn, while nothing is lost yet."""
        shape = tuple(self.model.data_shape)
        if len(shape) != 3 or shape[-1] not in (1, 3, 4):
            raise ValueError(
                "SampleGrid draws pictures: expected a model of data of shape "
                "(height, width, channels) with 1, 3 or 4 channels. Received: "
                f"a model of data of shape {shape}. Train it without."
            )
        if self.data is not None:
            self.model.spec.check(self.data, "data")
        if self.model.prior is None and not self._reconstructs():
            raise ValueError(
                "The codes of this model follow no known distribution, so "
                "there is nothing to generate, and there are no data to "
                "reconstruct. Pass SampleGrid(folder, data)."
            )
        for folder in filter(None, (self.folder, self.tensorboard)):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=folder).close()
            except OSError as error:
                raise ValueError(
                    f"The folder {folder} cannot be written to "
                    f"({error.strerror}). Choose another one for SampleGrid."
                ) from error

    def _reconstructs(self):
        return self.data is not None and self.model.encoder is not None

    def _draw(self, epoch):
        self._drawn = epoch
        try:
            files = {}
            for name, tiles in self._tiles().items():
                files[name] = self.folder / f"{name}_{epoch:04d}.png"
                # Data without a range: from the least value to the greatest.
                shown = self.model.data_range or (tiles.min(), tiles.max())
                picture = image_grid(tiles, self.columns, shown)
                save_image(files[name], picture, self.scale)
            if self.tensorboard is not None:
                _log_pictures(self.tensorboard, epoch, files)
        # Whatever it is, it is no reason to lose a training.
        except Exception as error:
            self._note("drawn", error)

    def _tiles(self):
        """What the pictures consist of, by the pictures' names."""
        model, tiles = self.model, {}
        if model.prior is not None:
            tiles["samples"] = model.generate(self.count, seed=self.seed)
        if self._reconstructs():
            # A pair is one tile: a line between pairs, none within.
            tiles["reconstructions"] = np.concatenate(
                [self.data, model.reconstruct(self.data)], axis=1
            )
            rows = max(1, self.count // self.columns)
            ends = self.data[: 2 * min(rows, len(self.data) // 2)]
            ways = model.interpolate(ends[::2], ends[1::2], self.columns)
            tiles["interpolations"] = ways.reshape(-1, *model.data_shape)
        return tiles

    def _animate(self):
        for name in ("samples", "reconstructions", "interpolations"):
            frames = {
                int(number): path
                for path in self.folder.glob(f"{name}_*.png")
                if (number := path.stem.removeprefix(f"{name}_")).isdecimal()
            }
            # Later ones are of a training that went on from here before.
            known = [frames[n] for n in sorted(frames) if n <= self._done]
            if known:
                most = min(len(known), _FRAMES)
                chosen = np.linspace(0, len(known) - 1, most).round()
                save_animation(
                    self.folder / f"{name}_animated.png",
                    [known[int(index)] for index in chosen],
                )

    def _note(self, verb, error):
        self.errors.append(error)
        _log.warning(
            "The pictures of epoch %d were not all %s in %s: %s",
            self._drawn,
            verb,
            self.folder,
            error,
        )


def _log_pictures(folder, epoch, files):
    """Writes an event file of its own, which is whole or not there."""
    Event, Summary, RecordWriter = _import_tensorboard()
    pillow = import_pillow()
    now = time.time_ns()
    values = []
    for name, path in files.items():
        with pillow.Image.open(path) as picture:
            width, height = picture.size
            channels = len(picture.getbands())
        image = Summary.Image(
            height=height,
            width=width,
            colorspace=channels,
            encoded_image_string=path.read_bytes(),
        )
        values.append(Summary.Value(tag=name, image=image))
    events = (
        Event(wall_time=now / 1e9, file_version="brain.Event:2"),
        Event(wall_time=now / 1e9, step=epoch, summary=Summary(value=values)),
    )
    with replacing(folder / f"events.out.tfevents.{now}") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())


def _import_tensorboard():
    """TensorBoard's own records: its writer would import TensorFlow."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError as error:
        raise ImportError(
            "Writing pictures for TensorBoard needs the package tensorboard, "
            "which is not installed. Install it with `pip install "
            "tensorboard`, or leave out SampleGrid's tensorboard=..."
        ) from error
    return Event, Summary, RecordWriter
