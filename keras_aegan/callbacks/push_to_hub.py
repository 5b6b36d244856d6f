import concurrent.futures
import logging
import pathlib
import tempfile

import keras

from keras_aegan.counts import check_count
from keras_aegan.hub import save_preset
from keras_aegan.hub.remote import parse_address
from keras_aegan.hub.upload import publish

_log = logging.getLogger(__name__)


class PushToHub(keras.callbacks.Callback):
    """Publishes the model on the Hugging Face Hub while it trains.

    At the end of an epoch the model is written to a temporary folder, which
    takes as long as saving it; the upload runs beside the training, a commit
    at a time. While one is on its way, epochs that end are not published. At
    the end of the training the last state is, and waited for. Whatever fails
    on the way is logged as a warning and kept in `errors`; the training goes
    on.

    Args:
        uri: `"hf://OWNER/NAME"` or `"hf://OWNER/NAME@BRANCH"`.
        epochs: Publish every so many epochs. Defaults to each.
        metadata: What the card shall say; see `AEGAN.save_to_preset`.
        private: As in `upload_preset`.
        token: As in `upload_preset`.
        include_optimizer: Whether to publish what a training needs to go on
            from there, too.

    Attributes:
        commits: The addresses of the commits that were made.
        errors: What stopped the uploads that failed.

    Raises:
        PresetNotFoundError: If `uri` is no such address.
        ValueError: If `epochs` is not a whole number, 1 or more.

    Example:

    ```python
    push = keras_aegan.callbacks.PushToHub("hf://me/mine", epochs=5)
    model.fit(images, epochs=100, callbacks=[push])
    print(push.commits[-1])
    ```
    """

    def __init__(
        self,
        uri: str,
        epochs: int = 1,
        *,
        metadata: dict | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        include_optimizer: bool = False,
    ):
        super().__init__()
        parse_address(uri)
        check_count("epochs", epochs)
        self.uri = uri
        self.epochs = epochs
        self.metadata = metadata
        self.private = private
        self.token = token
        self.include_optimizer = include_optimizer
        self.commits = []
        self.errors = []

    def on_train_begin(self, logs=None):
        self._uploads = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        self._upload = None
        self._epoch = self._published = None

    def on_epoch_end(self, epoch, logs=None):
        self._epoch = epoch
        is_free = self._upload is None or self._upload.done()
        if (epoch + 1) % self.epochs == 0 and is_free:
            self._push()

    def on_train_end(self, logs=None):
        if self._upload is not None:
            self._upload.result()
        if self._published != self._epoch:
            self._push()
        self._uploads.shutdown()

    def _push(self):
        scratch = tempfile.TemporaryDirectory()
        try:
            preset = save_preset(
                self.model,
                pathlib.Path(scratch.name) / "preset",
                metadata=self.metadata,
                include_optimizer=self.include_optimizer,
            )
        # Whatever it is, it is no reason to lose a training.
        except Exception as error:
            scratch.cleanup()
            self._note(error, self._epoch)
            return
        self._upload = self._uploads.submit(
            self._send, preset, scratch, self._epoch
        )

    def _send(self, preset, scratch, epoch):
        with scratch:
            try:
                page = publish(
                    self.uri,
                    preset,
                    private=self.private,
                    commit_message=f"Epoch {epoch + 1}",
                    token=self.token,
                )
            except Exception as error:
                self._note(error, epoch)
                return
        self.commits.append(page)
        self._published = epoch

    def _note(self, error, epoch):
        self.errors.append(error)
        _log.warning(
            "The model was not published on %s after epoch %d: %s",
            self.uri,
            epoch + 1,
            error,
        )
