"""A model's parts as programs that run without Keras."""

import contextlib
import importlib.util
import os
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import keras
from keras import ops

from keras_aegan.initializers import zero_initialized
from keras_aegan.tokens import TokenSpec

#: The networks that a part runs, one after another.
PARTS = {
    "generator": ("generator",),
    "encoder": ("encoder",),
    "reconstruction": ("encoder", "generator"),
}

#: What Keras can write on each backend: the package that it needs for it, and
#: the extra of this package that installs it.
_NEEDS = {
    "tensorflow": {
        "tf_saved_model": None,
        "onnx": ("tf2onnx", "export"),
    },
    "jax": {
        "tf_saved_model": ("tensorflow", "export-jax"),
        "onnx": ("jax2onnx", "export-jax"),
    },
    "torch": {
        "torch": None,
        "onnx": ("onnx", "export"),
    },
}
_SAVED_MODEL = "saved_model.pb"
#: All that a SavedModel's folder has.
_OF_SAVED_MODEL = {
    _SAVED_MODEL,
    "assets",
    "assets.extra",
    "fingerprint.pb",
    "keras_metadata.pb",
    "variables",
}


class Part(keras.Model):
    """A part of a model from the user's data to the user's data.

    It gives what `decode`, `encode` and `reconstruct` give, without their
    checks. Its networks are copies that compute in float32, whatever precision
    the model's own compute in.

    Args:
        model: an `AEGAN`.
        part: `"generator"`, `"encoder"` or `"reconstruction"`.

    Call arguments:
        inputs: codes, or data in the model's range and dtype.

    Returns:
        Data in the model's range and dtype, or codes.
    """

    def __init__(self, model: keras.Model, part: str):
        super().__init__(name=part)
        self.spec = model.spec
        self.chain = [_copy(model, seat) for seat in PARTS[part]]
        self.from_data = part != "generator"
        self.to_data = part != "encoder"
        self.signature = keras.InputSpec(
            dtype=self.spec.dtype.name if self.from_data else "float32",
            shape=(
                None,
                *(self.spec.shape if self.from_data else model.latent_shape),
            ),
            name="data" if self.from_data else "codes",
        )
        self.build(self.signature.shape)

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        outputs = inputs
        if self.from_data:
            outputs = self.spec.to_networks(outputs)
        for network in self.chain:
            outputs = network(outputs, training=False)
            if isinstance(outputs, dict):  # an encoder's distribution
                outputs = outputs["mean"]
        return self._finished(outputs) if self.to_data else outputs

    def _finished(self, outputs):
        """`DataSpec.from_networks` and `DataSpec.finish` within the program."""
        spec = self.spec
        if isinstance(spec, TokenSpec):
            # Keras looks for the largest of floats by their bits, for which
            # ONNX Runtime has no operation.
            largest = ops.max(outputs, axis=-1, keepdims=True)
            outputs = ops.cast(ops.equal(outputs, largest), "int32")
            return spec.from_networks(outputs)
        data = spec.from_networks(outputs)
        if spec.range is not None:
            data = ops.clip(data, *spec.range)
        if spec.dtype.kind in "iub":
            data = ops.round(data)
        return ops.cast(data, spec.dtype.name)


def export_part(
    model: keras.Model,
    filepath: str | os.PathLike,
    format: str,
    part: str,
    input_signature=None,
    **kwargs,
) -> None:
    """Writes a part of a model as a program, whole or not at all.

    Args:
        model: an `AEGAN` whose networks for this part are there.
        filepath: the folder (`"tf_saved_model"`) or file to write.
        format: `"tf_saved_model"`, `"onnx"` or `"torch"`.
        part: `"generator"`, `"encoder"` or `"reconstruction"`.
        input_signature: as in `keras.Model.export`; by default what the part
            takes, in batches of any size.
        **kwargs: Keras's options of this format.

    Raises:
        ValueError: for a format that the backend has not, a path where
            something else stands, or a network that ONNX has no operations
            for.
        ImportError: for a package that is missing.
    """
    check_format(format)
    target = Path(filepath).absolute()
    _check_target(target, format)
    program = Part(model, part)
    if input_signature is None:
        input_signature = [program.signature]
        if format == "torch":
            import torch

            kwargs.setdefault("dynamic_shapes", {0: torch.export.Dim("batch")})
    with _replacing(target) as path, warnings.catch_warnings():
        # Of how Keras and its packages write: nothing that a user can change.
        warnings.simplefilter("ignore")
        try:
            program.export(
                str(path),
                format,
                verbose=False,
                input_signature=input_signature,
                **kwargs,
            )
            if format == "onnx":
                _join_and_check(path)
        except NotImplementedError as error:
            raise ValueError(
                f"On {keras.backend.backend()} these networks have something "
                f"that {format!r} has no operation for: {error}. Save the "
                "model as a preset and export it with another KERAS_BACKEND, "
                "'torch' first."
            ) from error


def check_format(format: str) -> None:
    """Refuses a format that Keras cannot write on this backend, here.

    Args:
        format: as in `export_part`.

    Raises:
        ValueError: for an unknown format, or one of another backend.
        ImportError: for a package that is missing.
    """
    backend = keras.backend.backend()
    if format not in _NEEDS[backend]:
        raise ValueError(
            f"On {backend} a model is exported to one of the formats "
            f"{list(_NEEDS[backend])}. Received: format={format!r}. For other "
            "formats save the model as a preset and load it with another "
            "KERAS_BACKEND."
        )
    if _NEEDS[backend][format] is None:
        return
    package, extra = _NEEDS[backend][format]
    if importlib.util.find_spec(package) is None:
        raise ImportError(
            f"On {backend} the export to {format!r} needs {package}, which is "
            f'not installed. Install it with `pip install "keras-aegan'
            f'[{extra}]"`.'
        )


def _copy(model, seat):
    """What is used in a seat, in float32, trainable or not as a backend needs.

    Keras's SavedModel of JAX writes back with each call all that does not
    train; PyTorch's programs give results that ask for gradients of what does.
    """
    network = getattr(model, seat)
    config = _in_float32(zero_initialized(network.get_config()))
    copied = type(network).from_config(config)
    copied.set_weights(model.used(seat).get_weights())
    copied.trainable = keras.backend.backend() == "jax"
    return copied


def _in_float32(config):
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": "float32"}}
        return {key: _in_float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [_in_float32(value) for value in config]
    return config


def _check_target(target, format):
    """Refuses to write where something else than such an export stands."""
    if not target.parent.is_dir():
        problem = f"there is no folder {target.parent}"
    elif not os.path.lexists(target):
        return
    elif format == "tf_saved_model":
        problem = _no_saved_model(target)
    elif target.is_dir():
        problem = "it is a folder, and this format is a file"
    else:
        is_one = _is_onnx if format == "onnx" else _is_torch_program
        problem = None if is_one(target) else "it is another file"
    if problem:
        raise ValueError(
            f"Could not export to {target}: {problem}. Give a new path, or "
            "that of an earlier export of this format to replace."
        )


def _no_saved_model(target):
    """Why this is not a SavedModel alone, or `None`."""
    if not target.is_dir():
        return "it is a file, and a SavedModel is a folder"
    names = {path.name for path in target.iterdir()}
    if names and _SAVED_MODEL not in names:
        return f"it has other files and no {_SAVED_MODEL}"
    if others := sorted(names - _OF_SAVED_MODEL):
        return f"it has other files beside the SavedModel: {others[0]}"
    return None


def _is_onnx(path):
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path, load_external_data=False).ir_version > 0
    except DecodeError:
        return False


def _is_torch_program(path):
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
    return "archive_format" in names


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Gives a path beside the target that then takes its place."""
    with tempfile.TemporaryDirectory(
        prefix=f".{target.name}.", dir=target.parent
    ) as stage:
        # By its own name, which some formats write into themselves.
        new, old = Path(stage, target.name), Path(stage, "old")
        yield new
        if target.is_dir():  # which, unlike a file, nothing can replace
            os.replace(target, old)
        try:
            os.replace(new, target)
        except BaseException:
            if old.exists():
                os.replace(old, target)
            raise


def _join_and_check(path):
    """Joins what was written to one file, and refuses what ONNX has not."""
    import onnx

    written = onnx.load(path)
    try:
        onnx.checker.check_model(written)
    except onnx.checker.ValidationError as error:
        raise NotImplementedError(str(error)) from error
    onnx.save_model(written, path)
