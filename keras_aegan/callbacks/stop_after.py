import time

import keras


class StopAfter(keras.callbacks.Callback):
    """Ends `fit` at the end of a batch, after so many steps or minutes.

    It complements `fit(epochs=...)`, which ends with an epoch, where the
    budget is a number of steps or a time; give `fit` more epochs than the
    budget can hold.

    Args:
        steps: Steps (batches) of all the epochs together, those of an earlier
            `fit` that this one resumes included. Defaults to no limit.
        minutes: Minutes from the start of this `fit`. Defaults to no limit.

    Example:

    ```python
    model.fit(images, epochs=1000, callbacks=[StopAfter(minutes=30)])
    ```
    """

    def __init__(self, steps: int | None = None, minutes: float | None = None):
        super().__init__()
        self.steps = steps
        self.minutes = minutes

    def on_train_begin(self, logs=None):
        self._begin = time.monotonic()
        self._steps = 0

    def on_epoch_begin(self, epoch, logs=None):
        # From the epoch's number where possible: `fit` may have resumed.
        known = self.params["steps"]
        self._steps_before = self._steps if known is None else epoch * known

    def on_train_batch_end(self, batch, logs=None):
        self._steps = self._steps_before + batch + 1
        minutes = (time.monotonic() - self._begin) / 60
        if (self.steps is not None and self._steps >= self.steps) or (
            self.minutes is not None and minutes >= self.minutes
        ):
            # The model is touched here alone: on JAX each touch copies the
            # training state back into it.
            self.model.stop_training = True
