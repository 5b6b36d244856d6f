"""A preset's files to a model."""

import concurrent.futures
import contextlib
import inspect
import math
import os
import threading

import keras

from keras_aegan import memory
from keras_aegan.hub import (
    documents,
    layout,
    registry,
    safety,
    sources,
    weights,
)
from keras_aegan.hub.documents import shortened
from keras_aegan.hub.errors import PresetFormatError, PresetWeightsError
from keras_aegan.hub.names import PROGRESS, finalize, parts_of
from keras_aegan.initializers import (
    at_most,
    restore_initializers,
    zero_initialized,
)

_VARIANTS = ("ema", "raw")
#: What this package's networks compute in float32 under every policy.
_FLOAT32 = (
    "GaussianMixture",
    "Softmax",
    "StraightThrough",
    "UnitNormalization",
)
#: How many values a model may have beyond those in its preset's files, before
#: it is refused unbuilt: enough to tell what is missing of a small one.
_SLACK = 2**20
#: How many values a model may have whose weights are not in files: 4 GiB.
_MAX_FRESH = 2**30
#: How many weights files a preset may have, all of which are opened at once.
_MAX_FILES = 1000


def load_preset(
    preset: str | os.PathLike,
    *,
    load_weights: bool = True,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike | None = None,
    local_files_only: bool = False,
    variant: str | None = None,
    dtype: str | None = None,
    expected_class: type | None = None,
    **overrides,
) -> keras.Model:
    """Loads a model from a preset.

    Nothing in the preset is run: the config may name only Keras's classes
    and this package's, and the weights are numbers.

    Args:
        preset: The name of a bundled preset; `"hf://OWNER/NAME"` or
            `"hf://OWNER/NAME@REVISION"` on the Hugging Face Hub; or a folder:
            a path, or a string with a path separator or a leading `"."` or
            `"~"`.
        load_weights: Whether to load the weights. Otherwise they are fresh,
            and the weights files are neither fetched nor opened.
        revision: A branch, tag or commit, for a preset on the Hub.
        token: For a private or gated repository: a token, or `True` or
            `False` for whether to use the one that `hf auth login` stored.
            Defaults to the client's own choice.
        cache_dir: Where files of the Hub are kept. Defaults to the client's
            cache.
        local_files_only: Whether to use that cache alone, without asking the
            Hub.
        variant: `"ema"`, the averages beside the networks, by default where
            the preset has them; or `"raw"`, the networks as they were trained
            and no averages, which are not fetched either.
        dtype: A dtype or policy to compute in, such as `"mixed_bfloat16"`,
            for what is float32 in the preset and not for its own sake, such
            as probabilities.
        expected_class: The class that the model must be of, or derive from.
        **overrides: Arguments of the model's constructor, instead of those
            in the config. A network that is given is not loaded.

    Returns:
        The model. It is compiled, and trains on exactly, if the preset was
        saved with `include_optimizer=True` and nothing is overridden.

    Raises:
        TypeError: If `preset` is neither a string nor a path, or if the
            model has no argument of an override's name.
        ValueError: If `variant` or `dtype` is unknown.
        PresetNotFoundError: If there is no such preset; a
            `PresetRevisionError` if only the revision is not there.
        PresetAccessError: If it is private or gated.
        PresetConnectionError: If the Hub cannot be reached.
        PresetFormatError: If its config or metadata cannot be read, is of a
            newer version, names foreign classes, or is of another class.
        PresetWeightsError: If its weights are damaged or another model's.

    Example:

    ```python
    model = load_preset("aegan_mnist")
    model = load_preset("hf://me/mine", revision="v1", dtype="mixed_bfloat16")
    ```
    """
    if variant not in (None, *_VARIANTS):
        raise ValueError(
            f"Expected variant to be one of {_VARIANTS}, or None for the "
            f"averages where there are any. Received: variant={variant!r}"
        )
    policy = None if dtype is None else keras.dtype_policies.get(dtype).name
    source = registry.resolve(
        preset,
        revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    metadata = documents.read_json(source.file(layout.METADATA))
    _check_schema(source, metadata)
    config = documents.read_json(source.file(layout.CONFIG))
    safety.check_config(config)
    cls = _class_of(source, config, expected_class)
    _check_overrides(cls, overrides)
    config = _changed(config, policy, variant, overrides)
    is_as_saved = load_weights and not overrides and not (policy or variant)
    if not is_as_saved:
        config.pop("compile_config", None)
    if not load_weights:
        size = min(2 * _declared_size(source, metadata), _MAX_FRESH)
        with at_most(size + _SLACK):
            return _build(source, config, overrides)

    has_averages = _has_averages(config)
    if variant == "ema" and not has_averages:
        raise ValueError(
            f"The preset {source} has no averages. Received: variant='ema'. "
            "Leave `variant` out."
        )
    parts = [layout.MODEL]
    parts += [layout.AVERAGES] * has_averages
    parts += [layout.TRAINING] * ("compile_config" in config)
    facts = _facts_of_files(source, metadata, parts)
    files = {name: source.file(name) for name in facts}

    def is_given(name):
        return _seat(name) in overrides

    def is_extra(name):
        of_losses = name.startswith(f"{PROGRESS}/losses/")
        return is_given(name) or (of_losses and "losses" in overrides)

    with (
        # Beside the building of the model, which takes about as long.
        concurrent.futures.ThreadPoolExecutor() as pool,
        contextlib.ExitStack() as at_exit,
        _discarding(source, files, facts),
    ):
        tensors = weights.Tensors(list(files.values()))
        # What is refused for another reason need not be read to its end.
        stop = threading.Event()
        at_exit.callback(stop.set)
        reading = {}
        for name, path in files.items():
            if source.is_checked(name):
                tensors.map(path)
            else:
                reading[name] = pool.submit(
                    tensors.read, path, facts[name], stop
                )
        # Overrides may have averages that the preset has not.
        more = sum(map(math.prod, tensors.shapes)) if overrides else 0
        # Weights that are about to be read need no random start.
        with at_most(more + _SLACK, tensors.shapes), memory.named_alike():
            model = _build(source, zero_initialized(config), overrides)
        variables = {
            name: variable
            for part, named in parts_of(model).items()
            for name, variable in named.items()
            if part in parts and not is_given(name)
        }
        tensors.check(variables, is_extra)
        for each in reading.values():
            each.result()
        for name in reading:
            source.note_checked(name)
        tensors.assign_to(variables)
    with _described(source, overrides):
        for name, network in model.networks.items():
            finalize(network)
            if not is_given(name):
                restore_initializers(network, config["config"].get(_seat(name)))
    return model


@contextlib.contextmanager
def _discarding(source, files, facts):
    """Lets what arrived damaged be fetched anew by the next call."""
    try:
        yield
    except PresetWeightsError as error:
        if isinstance(source, sources.Folder):  # It is the user's own.
            raise
        for name, path in files.items():
            try:
                weights.check_file(path, facts[name])
            except PresetWeightsError:
                source.discard(name)
                raise PresetWeightsError(
                    f"{name} of {source} arrived damaged and was removed "
                    "from the cache. Call again; if it stays so, the files of "
                    "the repository do not belong together, and its owner "
                    "should publish the preset again."
                ) from error
        raise


def _changed(config, policy, variant, overrides):
    """The config with what the caller wants instead."""
    if policy is not None:
        config = _in_policy(config, policy)
    changes = dict(overrides)
    if variant == "raw":
        changes["ema_momentum"] = None
    arguments = config.get("config")
    if not isinstance(arguments, dict):
        arguments = {}
    return {**config, "config": {**arguments, **changes}}


def _in_policy(config, policy):
    if isinstance(config, dict):
        if config.get("class_name") in _FLOAT32:
            return config
        if config.get("class_name") == "DTypePolicy":
            inner = config.get("config")
            if isinstance(inner, dict) and inner.get("name") == "float32":
                return {**config, "config": {**inner, "name": policy}}
        return {key: _in_policy(each, policy) for key, each in config.items()}
    if isinstance(config, list):
        return [_in_policy(each, policy) for each in config]
    return config


def _seat(name):
    """The seat of a network or of one of its tensors, by its name."""
    return name.split("/")[0].removeprefix("ema_")


def _has_averages(config):
    arguments = config["config"]
    averaged = arguments.get("averaged")
    return arguments.get("ema_momentum") is not None and any(
        arguments.get(seat) is not None
        for seat in (averaged if isinstance(averaged, list) else ())
        if isinstance(seat, str)
    )


def _build(source, config, overrides):
    with _described(source, overrides):
        return keras.saving.deserialize_keras_object(config, safe_mode=True)


@contextlib.contextmanager
def _described(source, overrides):
    """Lets what Keras cannot make of a config be an error of the preset."""
    try:
        yield
    except Exception as error:
        if overrides:  # What is wrong may be the caller's.
            raise
        raise PresetFormatError(
            f"The {layout.CONFIG} of {source} does not describe a model that "
            f"this version can build: {shortened(error)}. Copy, download or "
            "save the preset again."
        ) from error


def _declared_size(source, metadata):
    """How many values the networks have, according to the metadata."""
    counts = metadata.get("parameter_count")
    if not isinstance(counts, dict) or not all(map(_is_count, counts.values())):
        raise PresetFormatError(
            f"The {layout.METADATA} of {source} does not say how large the "
            "networks are: expected `parameter_count`, a dict from their names "
            "to whole numbers. Save the preset again."
        )
    return sum(each for name, each in counts.items() if name != "total")


def _is_count(value):
    """Whether this is a whole number; JSON's `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _facts_of_files(source, metadata, parts):
    """What the metadata say of the weights files of some parts."""
    files = metadata.get("files")
    is_dict = isinstance(files, dict) and len(files) <= _MAX_FILES
    for name, facts in files.items() if is_dict else ():
        is_dict &= (
            layout.part_of(name) is not None
            and isinstance(facts, dict)
            and _is_count(facts.get("bytes"))
            and isinstance(facts.get("sha256"), str)
        )
    if not is_dict:
        raise PresetFormatError(
            f"The {layout.METADATA} of {source} does not name its weights "
            "files: expected `files`, a dict from names such as "
            f"'{layout.MODEL}.safetensors' to their `bytes` and `sha256`, of "
            f"at most {_MAX_FILES} files. Save the preset again."
        )
    return {
        name: facts
        for name, facts in files.items()
        if layout.part_of(name) in parts
    }


def _check_schema(source, metadata):
    version = (
        metadata.get("schema_version") if isinstance(metadata, dict) else None
    )
    if not _is_count(version) or version < 1:
        raise PresetFormatError(
            f"The {layout.METADATA} of {source} has schema_version="
            f"{shortened(repr(version))}, expected {layout.SCHEMA_VERSION}. It "
            "is not of a preset of keras_aegan; give one that `save_to_preset` "
            "wrote."
        )
    if version > layout.SCHEMA_VERSION:
        writer = metadata.get("keras_aegan_version", "unknown")
        raise PresetFormatError(
            f"The preset {source} has schema_version={shortened(version)}, and "
            f"this keras_aegan reads up to {layout.SCHEMA_VERSION}. It was "
            f"written by keras_aegan {shortened(writer)}: upgrade with `pip "
            "install -U keras-aegan`."
        )


def _class_of(source, config, expected_class):
    name = config.get("registered_name") if isinstance(config, dict) else None
    found = keras.saving.get_registered_object(name) if name else None
    if not isinstance(found, type) or not issubclass(found, keras.Model):
        raise PresetFormatError(
            f"The {layout.CONFIG} of {source} does not describe a model of "
            f"keras_aegan, but {name!r}. Give a preset that `save_to_preset` "
            "wrote."
        )
    if expected_class and not issubclass(found, expected_class):
        raise PresetFormatError(
            f"The preset {source} is a `{found.__name__}`, not a "
            f"`{expected_class.__name__}`. Call `{found.__name__}."
            "from_preset` instead."
        )
    return found


def _check_overrides(cls, overrides):
    known = [
        parameter.name
        for parameter in inspect.signature(cls).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    for name in overrides:
        if name not in known:
            raise TypeError(
                f"`from_preset` has no argument {name!r}, and neither has "
                f"{cls.__name__}, which takes {', '.join(known)}."
            )
