"""Tensors in safetensors files: written whole, variables' memory when read."""

import collections
import hashlib
import json
import math
import os
import pathlib
import threading
from collections.abc import Callable

import keras
import ml_dtypes
import numpy as np

from keras_aegan import memory
from keras_aegan.hub import documents, layout
from keras_aegan.hub.documents import shortened
from keras_aegan.hub.errors import PresetFormatError, PresetWeightsError

FORMAT = {"format": "keras_aegan"}
#: What safetensors calls the dtypes that a preset's tensors may have.
_DTYPES = {
    "BOOL": "bool",
    "BF16": "bfloat16",
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}
_STORED_DTYPES = {ours: theirs for theirs, ours in _DTYPES.items()}
_MOST_LISTED = 100
_MOST_BUFFERS = 1024  # What `readv` takes at a time on every system.


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
        PresetFormatError: If a value is too large for `dtype`, or a variable
            of a dtype that no file has.
    """
    from huggingface_hub import split_state_dict_into_shards_factory

    shards = split_state_dict_into_shards_factory(
        variables,
        get_storage_size=lambda variable: _size(variable, dtype),
        filename_pattern=part + "{suffix}.safetensors",
        max_shard_size=max_shard_size,
    )
    facts = {
        file_name: _write(
            folder / file_name, {name: variables[name] for name in names}, dtype
        )
        for file_name, names in shards.filename_to_tensors.items()
    }
    if shards.is_sharded:
        index = {
            "metadata": shards.metadata,
            "weight_map": shards.tensor_to_filename,
        }
        name = layout.index_of(part)
        (folder / name).write_bytes(documents.to_json(name, index))
    return facts


def _write(path, variables, dtype):
    """Writes one file, and returns its `bytes` and `sha256`.

    safetensors itself orders tensors by their names, and after the first of an
    odd size all would stand where no backend can use them in a mapped file.
    """

    def place(name):
        is_odd = _size(variables[name], dtype) % memory.ALIGNMENT != 0
        return is_odd, -_width(variables[name], dtype), name

    head, end = {"__metadata__": FORMAT}, 0
    for name in sorted(variables, key=place):
        start, end = end, end + _size(variables[name], dtype)
        head[name] = {
            "dtype": _stored_dtype(variables[name], dtype),
            "shape": list(variables[name].shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % memory.ALIGNMENT)
    digest = hashlib.sha256()
    with path.open("wb") as file:

        def write(content):
            digest.update(content)
            file.write(content)

        write(len(text).to_bytes(8, "little") + text)
        for name in list(head)[1:]:
            values = _stored(name, variables[name], dtype)
            write(np.ascontiguousarray(values).reshape(-1).view("uint8"))
        size = file.tell()
    return {"bytes": size, "sha256": digest.hexdigest()}


def check_file(path: pathlib.Path, facts: dict) -> None:
    """Refuses a file that is not, byte for byte, the one that was saved.

    Args:
        path: The file.
        facts: What `save_weights` said of it.

    Raises:
        PresetWeightsError: If its size or its hash is another, or if it cannot
            be read.
    """
    try:
        _check_size(path, path.stat().st_size, facts)
        _check_hash(path, _sha256(path), facts)
    except OSError as error:
        raise _unreadable(path, error) from error


class Tensors:
    """What is in the weights files of a preset.

    Args:
        paths: The files, whose heads are read and checked.

    Raises:
        PresetWeightsError: If a file is damaged, of another library or of
            another version, or if two of them hold a tensor of the same name.
    """

    def __init__(self, paths: list[pathlib.Path]):
        self._files = {path: _read_heads(path) for path in paths}
        self._heads, self._values = {}, {}
        for path, (_, heads) in self._files.items():
            for name, head in heads.items():
                if name in self._heads:
                    raise PresetWeightsError(
                        f"{path} holds the tensor {shortened(name)}, which "
                        "another file of the preset holds too. Save the preset "
                        "again."
                    )
                self._heads[name] = head

    def map(self, path: pathlib.Path) -> None:
        """Takes a file's values from where they are in it, when they are used.

        Args:
            path: The file, which is known to be the one that was saved, and
                which nobody writes to.

        Raises:
            PresetWeightsError: If the file has changed or cannot be read.
        """
        size, heads = self._files[path]
        try:
            if path.stat().st_size != size:
                raise _changed(path)
            try:
                content = memory.mapped(path)
            except OSError:  # As of some file systems in user space.
                content = np.fromfile(path, "uint8")
        except OSError as error:
            raise _unreadable(path, error) from error
        kinds = [
            (shape, np.dtype(_numpy_dtype(dtype)))
            for shape, dtype in heads.values()
        ]
        start = size - sum(math.prod(s) * dtype.itemsize for s, dtype in kinds)
        for name, (shape, dtype) in zip(heads, kinds, strict=True):
            end = start + math.prod(shape) * dtype.itemsize
            value = content[start:end].view(dtype).reshape(shape)
            self._values[name], start = value, end

    def read(
        self,
        path: pathlib.Path,
        facts: dict,
        stop: threading.Event | None = None,
    ) -> None:
        """Reads and checks a file's values; several threads may do so.

        Args:
            path: The file.
            facts: What `save_weights` said of it.
            stop: Set by another thread to end the check, when the result is
                no longer of interest.

        Raises:
            PresetWeightsError: If the file is not, byte for byte, the one that
                was saved, or cannot be read.
        """
        size, heads = self._files[path]
        _check_size(path, size, facts)
        values = memory.aligned(
            [(shape, _numpy_dtype(dtype)) for shape, dtype in heads.values()]
        )
        _fill(path, size, values, facts, stop)
        self._values.update(zip(heads, values, strict=True))

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of all tensors."""
        return [shape for shape, _ in self._heads.values()]

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
            if name not in self._heads:
                if not is_extra(name):
                    problems.append((name, "missing"))
                continue
            shape, dtype = self._heads[name]
            if shape != tuple(variable.shape):
                expected = tuple(variable.shape)
                problems.append(
                    (name, f"has shape {shape}, expected {expected}")
                )
            elif _kind(_DTYPES.get(dtype, dtype)) != _kind(variable.dtype):
                problems.append(
                    (name, f"has dtype {dtype}, expected {variable.dtype}")
                )
        problems += [
            (name, "unexpected")
            for name in self._heads
            if name not in variables and not is_extra(name)
        ]
        if problems:
            raise PresetWeightsError(_told(self._files, problems))

    def assign_to(self, variables: dict[str, keras.Variable]) -> None:
        """Gives variables, which `check` let through, what was read.

        Args:
            variables: The variables by the tensors' names. Those without a
                tensor stay as they are.
        """
        for name, variable in variables.items():
            if name in self._values:
                memory.give(variable, self._values[name])


def _read_heads(path):
    """A file's size, and each tensor's shape and dtype in the order stored."""
    import safetensors

    try:
        with safetensors.safe_open(path, "np", backend="pread") as file:
            _check_format(path, file.metadata())
            slices = {name: file.get_slice(name) for name in file.offset_keys()}
            return path.stat().st_size, {
                name: (tuple(each.get_shape()), each.get_dtype())
                for name, each in slices.items()
            }
    except (safetensors.SafetensorError, OSError) as error:
        raise PresetWeightsError(
            f"{path} is not a whole safetensors file: {error}. It is "
            "truncated, damaged or of another kind. Copy, download or "
            "save the preset again."
        ) from error


def _fill(path, size, values, facts, stop):
    """Reads all values of a file of this size, which come after its head.

    In one go: between calls a thread waits for the one that builds the model.
    """
    buffers = [value.reshape(-1).view("uint8") for value in values]
    start = size - sum(buffer.nbytes for buffer in buffers)
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(start)
            is_whole = _read_into(file, buffers) and not file.read(1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not is_whole:
        raise _changed(path)
    digest = hashlib.sha256(head)
    for buffer in buffers:
        if stop is not None and stop.is_set():
            return
        digest.update(buffer)
    _check_hash(path, digest.hexdigest(), facts)


def _read_into(file, buffers):
    """Fills buffers with what follows in a file; whether there was enough."""
    rest = collections.deque(filter(len, buffers))
    while rest:
        if hasattr(os, "readv"):  # Not on Windows.
            count = os.readv(file.fileno(), list(rest)[:_MOST_BUFFERS])
        else:
            count = file.readinto(rest[0])
        if not count:
            return False
        while rest and count >= len(rest[0]):
            count -= len(rest.popleft())
        if count:
            rest[0] = rest[0][count:]
    return True


def _numpy_dtype(name):
    if name not in _DTYPES:
        raise PresetWeightsError(
            f"A tensor has the dtype {shortened(name)}, expected one of "
            f"{', '.join(_DTYPES)}. Save the preset again."
        )
    return getattr(ml_dtypes, _DTYPES[name], None) or _DTYPES[name]


def _check_size(path, size, facts):
    if size != facts["bytes"]:
        raise _damaged(path, f"has {size:,} bytes, expected {facts['bytes']:,}")


def _check_hash(path, sha256, facts):
    if sha256 != facts["sha256"]:
        raise _damaged(
            path, "has not the content that was saved: its SHA-256 differs"
        )


def _unreadable(path, error):
    return PresetWeightsError(
        f"{path} cannot be read: {error.strerror or error}. See to that, or "
        "copy, download or save the preset again."
    )


def _changed(path):
    return _damaged(path, "changed while it was read")


def _damaged(path, difference):
    return PresetWeightsError(
        f"{path} {difference}. It is truncated, damaged or of another preset. "
        "Copy, download or save the preset again."
    )


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


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind(dtype):
    if dtype == "bool":
        return dtype
    return "float" if keras.backend.is_float_dtype(dtype) else "int"


def _is_cast(variable, dtype):
    return dtype is not None and _kind(variable.dtype) == "float"


def _stored_dtype(variable, dtype):
    """What safetensors calls the dtype that a variable is stored as."""
    name = dtype if _is_cast(variable, dtype) else variable.dtype
    if name not in _STORED_DTYPES:
        raise PresetFormatError(
            f"{variable.path} has the dtype {name}, which a preset cannot "
            f"hold, expected one of {', '.join(_STORED_DTYPES)}."
        )
    return _STORED_DTYPES[name]


def _width(variable, dtype):
    return np.dtype(_numpy_dtype(_stored_dtype(variable, dtype))).itemsize


def _size(variable, dtype):
    return math.prod(variable.shape) * _width(variable, dtype)


def _stored(name, variable, dtype):
    is_cast = _is_cast(variable, dtype)
    value = keras.ops.cast(variable, dtype) if is_cast else variable
    # Not all backends have a variable in the dtype that it says.
    stored = _numpy_dtype(_stored_dtype(variable, dtype))
    array = keras.ops.convert_to_numpy(value).astype(stored, copy=False)
    if is_cast and not np.isfinite(array.astype("float32")).all():
        raise PresetFormatError(
            f"The weights {name} have values that are not finite, or that "
            f"{dtype} cannot hold. Save the preset with another dtype, such as "
            "'bfloat16'."
        )
    return array


def _check_format(path, metadata):
    found = (metadata or {}).get("format")
    if found != FORMAT["format"]:
        raise PresetWeightsError(
            f"{path} holds weights of another library: its metadata says "
            f"format={shortened(repr(found))}, expected {FORMAT['format']!r}. "
            "Save the preset with `save_to_preset`."
        )
