"""Tensors in safetensors files: written whole, read straight into variables."""

import collections
import contextlib
import hashlib
import math
import pathlib
import re
import threading
from collections.abc import Callable, Iterator

import keras
import numpy as np

from keras_aegan.hub import documents, layout
from keras_aegan.hub.documents import shortened
from keras_aegan.hub.errors import PresetFormatError, PresetWeightsError

# One entry: of several, safetensors writes now the one and now the other first,
# and the same weights would be other files.
FORMAT = {"format": "keras_aegan"}
#: What safetensors calls the dtypes that a preset's tensors may have.
_KINDS = {
    **dict.fromkeys(("F16", "BF16", "F32", "F64"), "float"),
    **dict.fromkeys(
        ("I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"), "int"
    ),
    "BOOL": "bool",
}
_MOST_LISTED = 100


def save_weights(
    variables: dict[str, keras.Variable],
    folder: pathlib.Path,
    part: str = layout.MODEL,
    *,
    dtype: str | None = None,
    max_shard_size: int | str = "5GB",
) -> dict[str, dict]:
    """Writes variables as one part of a preset's weights.

    Args:
        variables: What to write, by the tensors' names.
        folder: Where to write it.
        part: One of the parts in `layout`, after which the files are named.
        dtype: What floating-point values are stored as, `"float16"` or
            `"bfloat16"`. Defaults to what they are.
        max_shard_size: The largest size of a file, in bytes or as `"5GB"`;
            what is more goes into several files, with an index.

    Returns:
        A dict from each file's name to its `bytes` and `sha256`.

    Raises:
        PresetFormatError: If a value is too large for `dtype`.
    """
    import safetensors.numpy
    from huggingface_hub import split_state_dict_into_shards_factory

    shards = split_state_dict_into_shards_factory(
        variables,
        get_storage_size=lambda variable: _size(variable, dtype),
        filename_pattern=part + "{suffix}.safetensors",
        max_shard_size=max_shard_size,
    )
    facts = {}
    for file_name, names in shards.filename_to_tensors.items():
        tensors = {
            name: _stored(name, variables[name], dtype) for name in names
        }
        path = folder / file_name
        # safetensors writes a file that its owner alone may read.
        path.touch()
        mode = path.stat().st_mode
        safetensors.numpy.save_file(tensors, path, metadata=FORMAT)
        path.chmod(mode)
        facts[file_name] = {
            "bytes": path.stat().st_size,
            "sha256": _sha256(path),
        }
    if shards.is_sharded:
        index = {
            "metadata": shards.metadata,
            "weight_map": shards.tensor_to_filename,
        }
        name = layout.index_of(part)
        (folder / name).write_bytes(documents.to_json(name, index))
    return facts


def check_file(
    path: pathlib.Path, facts: dict, stop: threading.Event | None = None
) -> None:
    """Refuses a file that is not, byte for byte, the one that was saved.

    Args:
        path: The file.
        facts: What `save_weights` said of it.
        stop: Set by another thread to end the reading of a large file, when
            the result is no longer of interest.

    Raises:
        PresetWeightsError: If its size or its hash is another, or if it cannot
            be read.
    """
    try:
        size = path.stat().st_size
        if size != facts["bytes"]:
            difference = f"has {size:,} bytes, expected {facts['bytes']:,}"
        elif _sha256(path, stop) != facts["sha256"]:
            difference = (
                "has not the content that was saved: its SHA-256 differs"
            )
        else:
            return
    except OSError as error:
        difference = f"cannot be read: {error.strerror or error}"
    raise PresetWeightsError(
        f"{path} {difference}. It is truncated, damaged or of another preset. "
        "Copy, download or save the preset again."
    )


@contextlib.contextmanager
def opened(paths: list[pathlib.Path]) -> Iterator["Tensors"]:
    """Opens safetensors files as one set of tensors, which it checks.

    Raises:
        PresetWeightsError: If a file is damaged, of another library or of
            another version, or if two of them hold a tensor of the same name.
    """
    import safetensors

    files = {}
    with contextlib.ExitStack() as stack:
        for path in paths:
            try:
                # Read and not mapped: a mapped file counts as memory that is
                # used, beside the variables that it is copied to.
                file = stack.enter_context(
                    safetensors.safe_open(path, _framework(), backend="pread")
                )
            except (safetensors.SafetensorError, OSError) as error:
                raise PresetWeightsError(
                    f"{path} is not a whole safetensors file: {error}. It is "
                    "truncated, damaged or of another kind. Copy, download or "
                    "save the preset again."
                ) from error
            _check_format(path, file.metadata())
            for name in file.keys():
                if name in files:
                    raise PresetWeightsError(
                        f"{path} holds the tensor {shortened(name)}, which "
                        "another file of the preset holds too. Save the preset "
                        "again."
                    )
                files[name] = file
        yield Tensors(paths, files)


class Tensors:
    """What is in the opened weights files of a preset."""

    def __init__(self, paths: list[pathlib.Path], files: dict):
        self._paths = paths
        self._files = files
        self._slices = {name: f.get_slice(name) for name, f in files.items()}

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of all tensors."""
        return [tuple(each.get_shape()) for each in self._slices.values()]

    def check(
        self,
        variables: dict[str, keras.Variable],
        is_extra: Callable[[str], bool] = lambda name: False,
    ) -> None:
        """Refuses tensors that are not those of the variables.

        Args:
            variables: The variables by the tensors' names.
            is_extra: Whether a tensor or a variable of this name may lack its
                counterpart.

        Raises:
            PresetWeightsError: If tensors are missing, of another shape or
                kind, or are not among the variables; all are named.
        """
        problems = []
        for name, variable in variables.items():
            if name not in self._slices:
                if not is_extra(name):
                    problems.append((name, "missing"))
                continue
            shape = tuple(self._slices[name].get_shape())
            dtype = self._slices[name].get_dtype()
            if shape != tuple(variable.shape):
                expected = tuple(variable.shape)
                problems.append(
                    (name, f"has shape {shape}, expected {expected}")
                )
            elif _KINDS.get(dtype) != _kind(variable.dtype):
                problems.append(
                    (name, f"has dtype {dtype}, expected {variable.dtype}")
                )
        problems += [
            (name, "unexpected")
            for name in self._slices
            if name not in variables and not is_extra(name)
        ]
        if problems:
            raise PresetWeightsError(_told(self._paths, problems))

    def assign_to(self, variables: dict[str, keras.Variable]) -> None:
        """Gives variables, which `check` let through, their values.

        Args:
            variables: The variables by the tensors' names. Those without a
                tensor stay as they are.
        """
        for name, variable in variables.items():
            if name in self._files:
                value = self._files[name].get_tensor(name)
                variable.assign(_converted(value, variable.dtype))


def _told(paths, problems):
    by_network = collections.defaultdict(list)
    for name, problem in problems[:_MOST_LISTED]:
        name, problem = shortened(name, 100), shortened(problem, 200)
        by_network[name.split("/")[0]].append(f"    {name}: {problem}")
    listing = [
        "\n".join([f"  {network}:", *sorted(lines)])
        for network, lines in sorted(by_network.items())
    ]
    if len(problems) > _MOST_LISTED:
        listing.append(f"  and {len(problems) - _MOST_LISTED} more")
    return (
        f"{' and '.join(map(str, paths))}: not this model's weights. "
        f"{len(problems)} tensors differ from its config.json, and none was "
        "loaded:\n" + "\n".join(listing) + "\nThe files are of different "
        "presets: copy, download or save the preset again."
    )


def _sha256(path, stop=None):
    digest, buffer = hashlib.sha256(), memoryview(bytearray(2**20))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            if stop is not None and stop.is_set():
                break
    return digest.hexdigest()


def _kind(dtype):
    if dtype == "bool":
        return dtype
    return "float" if keras.backend.is_float_dtype(dtype) else "int"


def _size(variable, dtype):
    is_cast = dtype is not None and _kind(variable.dtype) == "float"
    bits = re.search(r"\d+$", dtype if is_cast else variable.dtype)
    return math.prod(variable.shape) * (int(bits[0]) // 8 if bits else 1)


def _stored(name, variable, dtype):
    is_cast = dtype is not None and _kind(variable.dtype) == "float"
    value = keras.ops.cast(variable, dtype) if is_cast else variable
    array = keras.ops.convert_to_numpy(value)
    if is_cast and not np.isfinite(array.astype("float32")).all():
        raise PresetFormatError(
            f"The weights {name} have values that are not finite, or that "
            f"{dtype} cannot hold. Save the preset with another dtype, such as "
            "'bfloat16'."
        )
    # safetensors writes the wrong bytes of an array that is not contiguous.
    # Unlike `np.ascontiguousarray`, this leaves a scalar a scalar.
    return np.asarray(array, order="C")


def _framework():
    """In what safetensors gives tensors to a variable without a copy."""
    return "pt" if keras.backend.backend() == "torch" else "np"


def _converted(value, dtype):
    if not isinstance(value, np.ndarray) or value.dtype.name == dtype:
        return value
    # NumPy has no bfloat16 of its own: a variable takes float32 and rounds.
    return value.astype("float32" if dtype == "bfloat16" else dtype)


def _check_format(path, metadata):
    found = (metadata or {}).get("format")
    if found != FORMAT["format"]:
        raise PresetWeightsError(
            f"{path} holds weights of another library: its metadata says "
            f"format={shortened(repr(found))}, expected {FORMAT['format']!r}. "
            "Save the preset with `save_to_preset`."
        )
