"""A model to a preset's folder."""

import datetime
import os
import pathlib
import shutil

import keras

from keras_aegan.hub import card, documents, folder, layout, registry, safety
from keras_aegan.hub.errors import PresetError
from keras_aegan.hub.names import parts_of
from keras_aegan.hub.weights import save_weights

#: In the metadata of what was published with a card that somebody wrote.
EDITED = "card_edited"


def save_preset(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    metadata: dict | None = None,
    overwrite: bool = True,
    include_optimizer: bool = False,
    dtype: str | None = None,
    max_shard_size: int | str = "5GB",
) -> pathlib.Path:
    """Writes a model as a preset: its config, metadata, weights and card.

    The folder is written whole or not at all. A card that somebody edited,
    pictures and other files that are in the folder stay as they are.

    Args:
        model: A registered model with `networks`, `progress` and
            `optimizers`; and with `training_state`, where that is to be kept.
        path: The folder to write: a new one, an empty one or a preset.
        metadata: What else `metadata.json` and the card shall say, such as
            `description`, `license`, `trained_on`, `command`, `steps`,
            `seed`, `hardware`, `wall_time`, `measured`: JSON values. What
            this function finds out itself takes precedence.
        overwrite: Whether a preset that is there may be replaced.
        include_optimizer: Whether to keep the optimizers and the random
            states too, so that the training goes on exactly. Mixed precision
            is then kept as it is; a preset without optimizers is float32.
        dtype: What the weights are stored as, `"bfloat16"` or `"float16"`,
            for half the size. Defaults to what they are.
        max_shard_size: The largest size of a weights file, in bytes or as
            `"5GB"`.

    Returns:
        The folder, as an absolute path.

    Raises:
        ValueError: If `dtype` is another, or given beside
            `include_optimizer`, or if the model to be kept with its optimizer
            is not compiled.
        PresetFormatError: If the model has a part that is neither Keras's
            nor this package's, if the metadata is not JSON, or if `dtype`
            cannot hold the weights.
        PresetWriteError: If the folder cannot be written, or holds
            something else than a preset.

    Example:

    ```python
    save_preset(model, "mine", metadata={"description": "Digits."})
    ```
    """
    _check_storage(model, include_optimizer, dtype)
    target = pathlib.Path(path).expanduser().resolve()
    folder.check_target(target, overwrite)
    config = keras.saving.serialize_keras_object(model)
    compiled = config.pop("compile_config", None)
    config = _portable(config, keeps_mixed=include_optimizer)
    if include_optimizer:
        optimizer = _portable(compiled["optimizer"], keeps_mixed=True)
        config["compile_config"] = {"optimizer": optimizer}
    # A preset that could not be loaded again is not written.
    safety.check_config(config)
    with folder.replacing(target) as new:
        files = {}
        for part, variables in parts_of(model).items():
            if part == layout.TRAINING and not include_optimizer:
                continue
            files |= save_weights(
                variables,
                new,
                part,
                dtype=dtype,
                max_shard_size=max_shard_size,
            )
        facts = {**(metadata or {}), **_facts(model), "files": files}
        facts.setdefault("description", _description(facts))
        documents.to_json(layout.METADATA, facts)  # Or it is refused.
        page = card.model_card(
            facts,
            preset=_loadable_name(target),
            pictures=pictures(target),
        ).encode("utf-8")
        facts["card_sha256"] = card.sha256(page)
        for name, value in ((layout.CONFIG, config), (layout.METADATA, facts)):
            (new / name).write_bytes(documents.to_json(name, value))
        if not has_edited_card(target):
            (new / layout.CARD).write_bytes(page)
    return target


def add_measures(path: str | os.PathLike, measured: dict) -> bool:
    """Adds measures to a preset's metadata, and renews its card.

    The folder is changed whole or not at all; its weights stay the same.
    Measures that it has under other names are kept, and so is a card that
    somebody edited.

    Args:
        path: The preset's folder.
        measured: What `measured` shall have in the metadata: see
            `card.model_card`.

    Returns:
        Whether the card was renewed.

    Raises:
        PresetFormatError: If the metadata cannot be read, or if the measures
            are not JSON.
        PresetWriteError: If the folder is no preset or cannot be written.

    Example:

    ```python
    add_measures("mine", evaluate_model(model, x_test))
    ```
    """
    target = pathlib.Path(path).expanduser().resolve()
    folder.check_target(target, overwrite=True)
    facts = documents.read_json(target / layout.METADATA)
    facts = card.with_measures(facts, measured)
    page = card.model_card(
        facts, preset=_loadable_name(target), pictures=pictures(target)
    ).encode("utf-8")
    renews = not has_edited_card(target)
    if renews:
        facts["card_sha256"] = card.sha256(page)
        facts.pop(EDITED, None)
    content = documents.to_json(layout.METADATA, facts)
    with folder.replacing(target) as new:
        for file in target.iterdir():
            if layout.is_of_the_format(file.name):
                shutil.copy2(file, new)
        (new / layout.METADATA).write_bytes(content)
        if renews:
            (new / layout.CARD).write_bytes(page)
    return renews


def pictures(path: pathlib.Path) -> list[str]:
    """The names of the pictures in a preset's folder."""
    return sorted(p.name for p in path.glob("*") if layout.is_picture(p.name))


def has_edited_card(path: pathlib.Path) -> bool:
    """Whether the card of a folder is not the one that was generated."""
    return has_changed_card(path) or (
        (path / layout.CARD).exists()
        and documents.read_json(path / layout.METADATA).get(EDITED) is True
    )


def has_changed_card(path: pathlib.Path) -> bool:
    """Whether the card of a folder is not the one of its metadata.

    Those of a published folder may be of a card that was edited before.
    """
    try:
        # As bytes: people may save it in whatever encoding.
        on_disk = (path / layout.CARD).read_bytes()
    except FileNotFoundError:
        return False
    try:
        metadata = documents.read_json(path / layout.METADATA)
        return card.sha256(on_disk) != metadata.get("card_sha256")
    except (AttributeError, OSError, PresetError):
        return True


def _check_storage(model, include_optimizer, dtype):
    if dtype not in (None, "bfloat16", "float16"):
        raise ValueError(
            "Expected dtype to be 'bfloat16', 'float16' or None for the "
            f"weights as they are. Received: dtype={dtype!r}"
        )
    if include_optimizer and dtype is not None:
        raise ValueError(
            "A training goes on exactly only with its weights as they are. "
            f"Received: dtype={dtype!r} beside include_optimizer=True. Leave "
            "one of them out."
        )
    if include_optimizer and not model.compiled:
        raise ValueError(
            "include_optimizer=True keeps the optimizers' state, and this "
            "model has none: it is not compiled. Train it first, or leave "
            "`include_optimizer` out."
        )
    if include_optimizer and not model.get_compile_config():
        raise ValueError(
            "include_optimizer=True keeps the optimizers' state, and this "
            "model's is of other variables: some were frozen or freed since "
            "`compile()`. Call it again, or leave `include_optimizer` out."
        )


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
        "generates": model.prior is not None,
        "optimizers": {
            player: _settings(optimizer)
            for player, optimizer in model.optimizers.items()
        },
    }


def _settings(optimizer):
    """What distinguishes an optimizer's config from its class's own."""
    name, settings = optimizer["class_name"], optimizer["config"]
    if name == "LossScaleOptimizer":
        return _settings(settings["inner_optimizer"])
    try:
        usual = keras.optimizers.get(name).get_config()
    except ValueError:  # It is of the user's own class.
        usual = {}
    told = {"class": name, "learning_rate": settings["learning_rate"]}
    for key, value in settings.items():
        if key != "name" and value != usual.get(key):
            told[key] = value
    rate = told["learning_rate"]
    if isinstance(rate, dict):
        of_schedule = rate["config"].items()
        told["learning_rate"] = {
            "schedule": rate["class_name"],
            **{k: v for k, v in of_schedule if k != "name" and v is not None},
        }
    return told


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


def _portable(config, keeps_mixed=False):
    """The config without what belongs to one training or one machine.

    How a model was compiled is not part of it, and its networks are built from
    their inputs' shapes alone. A model that was trained in mixed precision has
    float32 weights: it computes in float32 wherever it is loaded.
    """
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            name = config["config"]["name"]
            if name.startswith("mixed_") and not keeps_mixed:
                return {**config, "config": {"name": "float32"}}
        # On PyTorch an `Adam` is the backend's own, which others lack.
        if str(config.get("module")).startswith("keras.src.backend."):
            config = {**config, "module": "keras.optimizers"}
        return {
            key: _portable(value, keeps_mixed)
            for key, value in config.items()
            if key not in ("build_config", "compile_config")
        }
    if isinstance(config, list | tuple):
        return [_portable(value, keeps_mixed) for value in config]
    return config
