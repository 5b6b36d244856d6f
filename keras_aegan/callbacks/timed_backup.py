import time

import keras


class TimedBackup(keras.callbacks.BackupAndRestore):
    """Keras's `BackupAndRestore`, within long epochs too.

    Keras backs up at the end of each epoch or after a number of batches. This
    does the first, and also whenever so many minutes have passed since the
    last backup. A run that resumes from within an epoch begins that epoch
    again, with the weights of the backup.

    Args:
        backup_dir: Folder for the backup, for this run alone.
        minutes: Minutes between backups within an epoch. Defaults to none
            within an epoch.
        **kwargs: As of `BackupAndRestore`, but for `save_freq`.

    Raises:
        ValueError: If there is a `save_freq`, which `minutes` is instead of.

    Example:

    ```python
    model.fit(images, epochs=10, callbacks=[TimedBackup("backup", minutes=5)])
    ```
    """

    def __init__(
        self,
        backup_dir: str,
        minutes: float | None = None,
        **kwargs,
    ):
        if "save_freq" in kwargs:
            raise ValueError(
                "Expected `minutes` for backups within an epoch. Received: "
                f"save_freq={kwargs['save_freq']!r}. Use Keras's own "
                "`BackupAndRestore` for backups after so many batches."
            )
        super().__init__(backup_dir, **kwargs)
        self.minutes = minutes

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._saved = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if self.minutes is None:
            return
        if time.monotonic() - self._saved >= 60 * self.minutes:
            # The end of the epoch before is the state that resumes with this
            # epoch's beginning.
            self.on_epoch_end(self._epoch - 1)
            self._saved = time.monotonic()
