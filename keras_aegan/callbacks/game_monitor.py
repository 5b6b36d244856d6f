import datetime
import json
import logging
import os
import pathlib
import time

import keras
import numpy as np
from keras import ops

from keras_aegan.callbacks.verdicts import judge_game
from keras_aegan.counts import check_count

_log = logging.getLogger(__name__)
LOG = "monitor.jsonl"


class GameMonitor(keras.callbacks.Callback):
    """Watches the game, and says in plain words what is wrong with it.

    Every so often it looks at a batch, without a move in it: gradient norms of
    each player, what share of the generator's gradient is adversarial, how
    well the critics tell real from made, penalties, the gap to held-out data,
    the codes' moments, errors of both cycles, the size of the players' steps.
    `keras_aegan.training.diagnosis.diagnose` has the whole list. What that
    means is logged as a warning, with the remedy, when it is first seen.

    It looks as often as it may for its `share` of the training's time, and at
    the end. (On TensorFlow and JAX the first look compiles it, and does not
    count.) The training does not notice: it ends with the same weights.

    Args:
        data: `(n, *data_shape)` of training data, in the model's range.
        held_out: `(m, *data_shape)` that it does not train on, to see whether
            the discriminator overfits. Defaults to none.
        folder: Where to write all of it as `monitor.jsonl`, for
            `keras-aegan monitor`; a resumed training goes on with it. Defaults
            to nowhere.
        count: Samples in a look, the next ones each time. Defaults to 64, or
            all where there are fewer.
        share: The share of the training's time that it may take. Defaults to
            0.03.
        stop: Whether to end a training that diverged, with the weights of
            networks and averages as they were when all was finite the last
            time. Defaults to `False`.

    Attributes:
        history: A dict for each look: `"step"`, `"epoch"`, `"seconds"` and
            `"values"`.
        verdicts: A dict from each verdict that was reached to what it says, as
            it was said last.

    Raises:
        ValueError: If an argument is out of its range; when the training
            starts, if the data do not suit the model.

    Example:

    ```python
    monitor = GameMonitor(x_train[:1000], x_test, folder="watched", stop=True)
    model.fit(x_train, epochs=100, callbacks=[monitor])
    print(monitor.verdicts)
    ```

    Reference:
        - [Training Generative Adversarial Networks with Limited Data](
          https://arxiv.org/abs/2006.06676), section 3, for the held-out gap
    """

    def __init__(
        self,
        data,
        held_out=None,
        *,
        folder: str | os.PathLike | None = None,
        count: int = 64,
        share: float = 0.03,
        stop: bool = False,
    ):
        super().__init__()
        check_count("count", count, least=2)
        if not 0 < share <= 1:
            raise ValueError(
                "Expected share to be above 0 and at most 1. Received: "
                f"share={share!r}"
            )
        self.data = np.asarray(ops.convert_to_numpy(data))
        self.held_out = None
        if held_out is not None:
            self.held_out = np.asarray(ops.convert_to_numpy(held_out))
        self.folder = None if folder is None else pathlib.Path(folder)
        self.count = count
        self.share = share
        self.stop = stop
        self.history = []
        self.verdicts = {}

    def on_train_begin(self, logs=None):
        for name, data in (("data", self.data), ("held_out", self.held_out)):
            if data is not None:
                self.model.spec.check(data, name)
                if len(data) < 2:
                    raise ValueError(
                        f"Expected {name} to have 2 samples or more. Received: "
                        f"{len(data)}"
                    )
        self.history, self.verdicts = [], {}
        self._begin = time.monotonic()
        # Seconds spent on looks, on the first one, and on the last.
        self._spent = self._compiling = self._cost = 0.0
        self._diagnosis = self._before = self._good = None
        self._has_started = False
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        if not self._has_started:
            # Only now a backup has been restored.
            self._has_started = True
            self._write("start", **self._facts())

    def on_train_batch_begin(self, batch, logs=None):
        # The model is touched here alone: on JAX each touch copies the
        # training state back into it.
        if self._may_look():
            begin = time.monotonic()
            self._before = self._weights()
            self._cost = time.monotonic() - begin

    def on_train_batch_end(self, batch, logs=None):
        if self._before is not None:
            self._look(logs)

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self._epoch = epoch + 1
        self._write("epoch", epoch=epoch + 1, step=self._step(), logs=logs)

    def on_train_end(self, logs=None):
        if not self._has_started:
            return
        if not self._has_diverged():
            self._look(logs)
        if self._has_diverged() and self._good:
            step, weights = self._good
            for variable, value in weights:
                variable.assign(value)
            _log.warning("The weights are those of step %d again.", step)
        self._write("end", step=self._step())

    def _may_look(self):
        if self._diagnosis is None:
            return True
        seconds = time.monotonic() - self._begin - self._compiling
        return self._spent + self._cost <= self.share * seconds

    def _look(self, logs):
        begin = time.monotonic()
        is_first = self._diagnosis is None
        if is_first:
            self._diagnosis = self.model.diagnosis()
        values = self._diagnosis(
            self._next(self.data), self._next(self.held_out)
        )
        values = {name: float(value) for name, value in values.items()}
        values |= self._update_ratios()
        values |= {
            f"loss/{player}": float(logs[f"{player}_loss"])
            for player in self.model.players
            if f"{player}_loss" in (logs or {})
        }
        self._before = None
        watch = {"step": self._step(), "epoch": self._epoch, "values": values}
        watch["seconds"] = time.monotonic() - self._begin
        self.history.append(watch)
        self._write("watch", **watch)
        self._judge(watch["step"])
        self._cost += time.monotonic() - begin
        if is_first:  # What it costs without compiling is not known yet.
            self._compiling, self._cost = self._cost, 0.0
        self._spent += self._cost

    def _judge(self, step):
        for verdict in judge_game([watch["values"] for watch in self.history]):
            if verdict.name not in self.verdicts:
                _log.warning("Step %d: %s", step, verdict.text)
            self.verdicts[verdict.name] = verdict.text
            self._write(
                "verdict", step=step, epoch=self._epoch, **verdict._asdict()
            )
        if self.stop and self._has_diverged():
            self.model.stop_training = True
        elif self.stop:
            networks = self.model.networks.values()
            variables = [v for network in networks for v in network.variables]
            self._good = (step, _copies(variables))

    def _has_diverged(self):
        return "diverged" in self.verdicts

    def _next(self, data):
        """The samples of this look: the next ones, and at the end the first."""
        if data is None:
            return None
        size = min(self.count, len(data))
        start = len(self.history) * size
        return data[np.arange(start, start + size) % len(data)]

    def _weights(self):
        return int(ops.convert_to_numpy(self.model.step)), {
            player: [value for _, value in _copies(owned)]
            for player, owned in self.model.owned.items()
        }

    def _update_ratios(self):
        """The norm of a step over that of the weights, of each player."""
        if self._before is None:
            return {}
        (step, before), (now, after) = self._before, self._weights()
        return {
            f"update_ratio/{player}": _norm(
                [
                    a - b
                    for a, b in zip(after[player], before[player], strict=True)
                ]
            )
            / max(1, now - step)
            / (_norm(before[player]) or 1.0)
            for player in after
        }

    def _step(self):
        return int(ops.convert_to_numpy(self.model.step))

    def _facts(self):
        from keras_aegan import __version__

        networks = self.model.networks
        return {
            "time": datetime.datetime.now().isoformat(timespec="seconds"),
            "model": self.model.name,
            "players": list(self.model.players),
            "parameters": {
                p: networks[p].count_params() for p in self.model.players
            },
            "backend": keras.backend.backend(),
            "keras": keras.__version__,
            "keras_aegan": __version__,
            "step": self._step(),
        }

    def _write(self, kind, **facts):
        """Appends a line, which holds even if the process is killed."""
        if self.folder is None:
            return
        facts.setdefault("seconds", time.monotonic() - self._begin)
        line = json.dumps(_without_nan({"kind": kind, **facts}))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.folder / LOG, "ab+") as file:
                # After a line that a kill cut short.
                is_cut = file.tell() and not _ends_a_line(file)
                file.write(b"\n" * bool(is_cut) + line.encode() + b"\n")
        except OSError as error:  # It is no reason to lose a training.
            _log.warning("Nothing is written to %s: %s", self.folder, error)
            self.folder = None


def _copies(variables):
    # A NumPy array of a tensor may be in the memory of the variable.
    return [(v, np.array(ops.convert_to_numpy(v))) for v in variables]


def _norm(arrays):
    return float(
        np.sqrt(sum(np.sum(np.square(a, dtype="float64")) for a in arrays))
    )


def _ends_a_line(file):
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _without_nan(value):
    """The same for JSON, which has no NaN and no infinity."""
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, float) and value - value != 0:
        return None
    return value
