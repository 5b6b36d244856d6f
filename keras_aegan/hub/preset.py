"""A model to a preset's folder, and back."""

import datetime
import json
import os
import pathlib

import keras

from keras_aegan.hub import card, folder, layout, registry, safety, weights
from keras_aegan.hub.errors import PresetError, PresetFormatError
from keras_aegan.initializers import restore_initializers, zero_initialized

_MAX_BYTES = 16 * 2**20


def save_preset(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    metadata: dict | None = None,
    overwrite: bool = True,
) -> pathlib.Path:
    """Writes a model as a preset: its config, metadata, weights and card.

    The folder is written whole or not at all. A card that somebody edited,
    pictures and other files that are in the folder stay as they are.

    Args:
        model: A registered model with `networks` and `progress`. Of the
            optimizers nothing is kept.
        path: The folder to write: a new one, an empty one or a preset.
        metadata: What else `metadata.json` and the card shall say, such as
            `description`, `license`, `trained_on`, `command`, `steps`,
            `seed`, `hardware`, `wall_time`, `measured`: JSON values. What
            this function finds out itself takes precedence.
        overwrite: Whether a preset that is there may be replaced.

    Returns:
        The folder, as an absolute path.

    Raises:
        PresetFormatError: If the model has a part that is neither Keras's
            nor this package's, or if the metadata is not JSON.
        PresetWriteError: If the folder cannot be written, or holds
            something else than a preset.

    Example:

    ```python
    save_preset(model, "mine", metadata={"description": "Digits."})
    ```
    """
    target = pathlib.Path(path).expanduser().resolve()
    folder.check_target(target, overwrite)
    config = _portable(keras.saving.serialize_keras_object(model))
    # A preset that could not be loaded again is not written.
    safety.check_config(config)
    facts = {**(metadata or {}), **_facts(model)}
    facts.setdefault("description", _description(facts))
    with folder.replacing(target) as new:
        text = card.model_card(
            facts,
            preset=_loadable_name(target),
            pictures=sorted(picture.name for picture in target.glob("*.png")),
        )
        facts["card_sha256"] = card.sha256(text)
        _write_json(new / layout.CONFIG, config)
        _write_json(new / layout.METADATA, facts)
        weights.save_weights(model, new / layout.WEIGHTS)
        if not _has_edited_card(target):
            (new / layout.CARD).write_text(text, "utf-8", newline="\n")
    return target


def load_preset(
    preset: str | os.PathLike,
    *,
    load_weights: bool = True,
    expected_class: type | None = None,
) -> keras.Model:
    """Loads a model from a preset.

    Nothing in the folder is run: the config may name only Keras's classes
    and this package's, and the weights are numbers.

    Args:
        preset: The name of a bundled preset, or a folder: a path, or a
            string with a path separator or a leading `"."` or `"~"`.
        load_weights: Whether to load the weights. Otherwise they are fresh,
            and the weights file is not opened.
        expected_class: The class that the model must be of, or derive from.

    Returns:
        The model, not compiled by the preset.

    Raises:
        TypeError: If `preset` is neither a string nor a path.
        PresetNotFoundError: If there is no such preset.
        PresetFormatError: If its config or metadata cannot be read, is of a
            newer version, names foreign classes, or is of another class.
        PresetWeightsError: If its weights are damaged or another model's.

    Example:

    ```python
    model = load_preset("aegan_mnist")
    ```
    """
    source = registry.resolve(preset)
    _check_schema(source, _read_json(source / layout.METADATA))
    config = _read_json(source / layout.CONFIG)
    safety.check_config(config)
    _check_class(source, config, expected_class)
    # Weights that are about to be read need no random start.
    started = zero_initialized(config) if load_weights else config
    try:
        model = keras.saving.deserialize_keras_object(started, safe_mode=True)
    except Exception as error:
        raise PresetFormatError(
            f"{source / layout.CONFIG} does not describe a model that this "
            f"version can build: {error}"
        ) from error
    if load_weights:
        weights.load_weights(model, source / layout.WEIGHTS)
        for name, network in model.networks.items():
            restore_initializers(network, config["config"].get(name))
    return model


def _facts(model):
    from keras_aegan import __version__

    networks = {
        name: {
            "input_shape": _shapes(network.inputs),
            "output_shape": _shapes(network.outputs),
            "parameters": network.count_params(),
        }
        for name, network in model.networks.items()
    }
    counts = {name: each["parameters"] for name, each in networks.items()}
    # An EMA copy is the same network again, so it adds no size to the model.
    total = sum(n for name, n in counts.items() if not name.startswith("ema_"))
    code_shape = networks["generator"]["input_shape"]
    return {
        "schema_version": layout.SCHEMA_VERSION,
        "keras_aegan_version": __version__,
        "keras_version": keras.__version__,
        "date_saved": datetime.datetime.now(datetime.UTC).isoformat(
            timespec="seconds"
        ),
        "data_shape": networks["generator"]["output_shape"],
        "latent_dim": code_shape[0] if len(code_shape) == 1 else code_shape,
        "parameter_count": {"total": total, **counts},
        "networks": networks,
    }


def _shapes(tensors):
    """The shape of a network's one input or output, or a list of several."""
    shapes = [list(tensor.shape[1:]) for tensor in tensors]
    return shapes[0] if len(shapes) == 1 else shapes


def _description(facts):
    shape = " × ".join(str(size or "any") for size in facts["data_shape"])
    parts = " and ".join(
        part for part in ("encoder", "generator") if part in facts["networks"]
    )
    return f"An adversarially trained {parts} for data of shape {shape}."


def _loadable_name(target):
    bundled = target.parent == registry.bundled_root()
    return target.name if bundled else f"./{target.name}"


def _has_edited_card(target):
    try:
        on_disk = (target / layout.CARD).read_text("utf-8")
    except FileNotFoundError:
        return False
    try:
        written = _read_json(target / layout.METADATA).get("card_sha256")
    except (AttributeError, PresetError):
        return True
    return card.sha256(on_disk) != written


def _portable(config):
    """The config without what belongs to one training or one machine.

    How a model was compiled is not part of it, and its networks are built from
    their inputs' shapes alone. A model that was trained in mixed precision has
    float32 weights: it computes in float32 wherever it is loaded.
    """
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            name = config["config"]["name"]
            if name.startswith("mixed_"):
                return {**config, "config": {"name": "float32"}}
        return {
            key: _portable(value)
            for key, value in config.items()
            if key not in ("build_config", "compile_config")
        }
    if isinstance(config, list | tuple):
        return [_portable(value) for value in config]
    return config


def _write_json(path, value):
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except TypeError as error:
        raise PresetFormatError(
            f"{path.name} cannot be written: {error}. Pass metadata of "
            "strings, numbers, booleans, lists and dicts."
        ) from error
    path.write_text(text + "\n", "utf-8", newline="\n")


def _read_json(path):
    if not path.is_file():
        raise PresetFormatError(
            f"The preset {path.parent} has no {path.name}. Copy, download or "
            "save the preset again."
        )
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise PresetFormatError(
            f"{path} has {size:,} bytes, and no preset's has more than "
            f"{_MAX_BYTES:,}. It was not read."
        )
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PresetFormatError(
            f"{path} is not JSON: {error}. It is truncated or damaged; copy, "
            "download or save the preset again."
        ) from error


def _check_schema(source, metadata):
    version = (
        metadata.get("schema_version") if isinstance(metadata, dict) else None
    )
    if not isinstance(version, int) or version < 1:
        raise PresetFormatError(
            f"{source / layout.METADATA} has schema_version={version!r}, "
            f"expected {layout.SCHEMA_VERSION}. The folder is not a preset of "
            "keras_aegan; give one that `save_to_preset` wrote."
        )
    if version > layout.SCHEMA_VERSION:
        raise PresetFormatError(
            f"The preset {source} has schema_version={version}, and this "
            f"keras_aegan reads up to {layout.SCHEMA_VERSION}. It was written "
            f"by keras_aegan {metadata.get('keras_aegan_version', 'unknown')}: "
            "upgrade with `pip install -U keras-aegan`."
        )


def _check_class(source, config, expected_class):
    name = config.get("registered_name") if isinstance(config, dict) else None
    found = keras.saving.get_registered_object(name) if name else None
    if not isinstance(found, type) or not issubclass(found, keras.Model):
        raise PresetFormatError(
            f"{source / layout.CONFIG} does not describe a model of "
            f"keras_aegan, but {name!r}. Give a folder that `save_to_preset` "
            "wrote."
        )
    if expected_class and not issubclass(found, expected_class):
        raise PresetFormatError(
            f"The preset {source} is a `{found.__name__}`, not a "
            f"`{expected_class.__name__}`. Call `{found.__name__}."
            "from_preset` instead."
        )
