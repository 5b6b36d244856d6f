"""The command that trains: a run that can stop and go on."""

import argparse
import importlib.util
import inspect
import json
import math
import os
import platform
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_aegan.cli import output
from keras_aegan.cli.mistakes import UsageError, users_mistakes
from keras_aegan.cli.models import load, read_for, save_pictures, shows
from keras_aegan.cli.options import read_options
from keras_aegan.cli.stages import (
    EPOCHS,
    THEN,
    backup_of,
    is_interrupted,
    stages,
)
from keras_aegan.images import import_pillow, read_data
from keras_aegan.report import write_report

#: How data are read, which a trained model has settled.
_ARRANGES = ("image_size", "channels", "signals")
_MANY_EPOCHS = 1_000_000  # where minutes end the training, not epochs
#: Of a mixture that is made as large as the data are enough for.
_MOST_COMPONENTS = 40
_CODES_PER_VALUE = 5
#: The most samples that it is fitted to: more take minutes.
_MOST_FITTED = 20_000
_NOTE = "run.json"  # in the backup: whose it is


def train(args: argparse.Namespace) -> None:
    """Trains a model, in as many stages as it takes, and writes a preset."""
    found = stages(args)
    for stage in found:
        _check_folders(stage)
    for number, stage in enumerate(found, 1):
        _train(stage, found[number:])


def _train(args: argparse.Namespace, later: list[argparse.Namespace]) -> None:
    import keras

    from keras_aegan.callbacks import StopAfter, TimedBackup

    folder = args.output.resolve()
    backup = backup_of(folder)
    keras.utils.set_random_seed(args.seed)
    if args.preset:
        model, data = _from_preset(args)
    else:
        model, data = _from_recipe(args, later)
    with users_mistakes():
        model.spec.check(data, args.data)
        model.spec.check_scale(data, args.data)
        if shows(model):
            import_pillow()
    mixture = args.mixture or ("auto" if _generates_from_codes(model) else None)
    components = mixture and _components(model, len(data), mixture)
    watching = _watching(args, model, data) if args.watch else []
    _claim(backup, args, model)
    what = args.recipe or args.preset
    print(f"Training {what} on {_describe(args, data)}")

    begin = time.monotonic()
    steps_before = int(model.step)
    steps_per_epoch = math.ceil(len(data) / args.batch_size)
    # The backup outlives `fit`: it is there until the preset is written.
    keep = TimedBackup(
        str(backup),
        minutes=args.checkpoint_every,
        double_checkpoint=True,
        delete_checkpoint=False,
    )
    try:
        history = model.fit(
            data,
            epochs=_epochs(args, steps_per_epoch),
            batch_size=args.batch_size,
            callbacks=[keep, StopAfter(args.steps, args.minutes), *watching],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(backup, args)) from None
    finally:
        if args.watch:
            _report(args.watch)

    if components:
        some = _at_most(data, _MOST_FITTED, args.seed)
        print(f"Fitting a mixture to {len(some)} samples' codes", flush=True)
        model.fit_sampler("gmm", some, components, args.seed)
    steps = int(model.step) - steps_before
    metadata = {
        "trained_on": _describe(args, data),
        "command": _commands(args),
        "recipe": None if args.preset else args.recipe,
        "preset": args.preset,
        "seed": args.seed,
        "batch_size": args.batch_size,
        "epochs": round(steps / steps_per_epoch, 2),
        "steps": steps,
        "hardware": _hardware(model),
        "wall_time": f"{time.monotonic() - begin:.0f} s"
        + (" since it was resumed" if args.resume else ""),
        "logs": {
            name: float(values[-1]) for name, values in history.history.items()
        },
    }
    with users_mistakes():
        model.save_to_preset(folder, metadata)
        if shows(model):
            save_pictures(folder, model, data, args.seed)
            # Again: the card shows the pictures that are there by then.
            model.save_to_preset(folder, metadata)
    shutil.rmtree(backup)
    print(f"Wrote the preset {folder}")


# The model and its data


def _commands(args: argparse.Namespace) -> str:
    """What the card names: the stages that were trained here, in a row."""
    # A name alone is a bundled preset's, which is repeated by itself.
    note = Path(args.first or "") / "metadata.json"
    if "/" in (args.first or "") and note.is_file():
        first = json.loads(note.read_text("utf-8")).get("command")
        if first:
            return f"{first}{THEN}{args.command_line}"
    return args.command_line


def _from_preset(args: argparse.Namespace) -> tuple[Any, np.ndarray]:
    for name in ("first", "option", *_ARRANGES):
        if getattr(args, name):
            raise UsageError(
                f"--{name.replace('_', '-')} belongs to a --recipe; a --preset "
                "has all of that settled. Leave it out."
            )
    model = load(args.preset, args.dtype)
    if args.dtype and model.dtype_policy.name != args.dtype:
        raise UsageError(
            f"--dtype {args.dtype} is for a preset in float32, and "
            f"{args.preset} is in {model.dtype_policy.name}. Leave it out."
        )
    return model, read_for(model, args.data, args.key, args.count)


def _from_recipe(
    args: argparse.Namespace, later: list[argparse.Namespace]
) -> tuple[Any, np.ndarray]:
    import keras

    from keras_aegan import recipes

    if args.recipe not in recipes.names():
        raise UsageError(
            f"--recipe {args.recipe} is not known: expected one of "
            f"{', '.join(sorted(recipes.names()))}."
        )
    recipe = recipes.get(args.recipe)
    options = read_options(args.recipe, args.option)
    if _is_second_stage(recipe):
        return _from_first(args, recipe, options)
    if args.first:
        raise UsageError(
            f"--first is not for --recipe {args.recipe}, which starts from "
            "data alone. Leave it out."
        )
    size = args.image_size and (args.image_size, args.image_size)
    with users_mistakes():
        data = read_data(args.data, args.key, size, args.channels, args.count)
        if data.ndim == 3 and not args.signals:
            data = data[..., None]
        _check_size(args, data.shape)
        if args.dtype:
            keras.config.set_dtype_policy(args.dtype)
        if later:
            _rehearse([args, *later], data.shape[1:])
            # The training is the same as without it.
            keras.utils.set_random_seed(args.seed)
        model = recipe(data.shape[1:], **options)
    return model, data


def _rehearse(stages: list[argparse.Namespace], shape: tuple[int, ...]) -> None:
    """Makes the models of all stages once, untrained.

    What is wrong with a later one's options is told before the hours that the
    stages before it may take.
    """
    from keras_aegan import recipes
    from keras_aegan.samplers import fit_prior

    start = shape
    for stage in stages:
        options = read_options(stage.recipe, stage.option)
        start = recipes.get(stage.recipe)(start, **options)
        if stage.mixture:  # Any that has its place.
            count = math.prod(start.latent_shape) + 1
            codes = np.random.default_rng(0).normal(
                size=(count, *start.latent_shape)
            )
            start.prior = fit_prior(codes, "gaussian")


def _is_second_stage(recipe: Callable) -> bool:
    from keras_aegan import AEGAN

    first, *_ = inspect.signature(recipe).parameters.values()
    return first.annotation is AEGAN


def _from_first(
    args: argparse.Namespace, recipe: Callable, options: dict
) -> tuple[Any, np.ndarray]:
    import keras

    if not args.first:
        raise UsageError(
            f"--recipe {args.recipe} starts from a trained model: name it "
            "with --first."
        )
    for name in _ARRANGES:
        if getattr(args, name):
            raise UsageError(
                f"--{name.replace('_', '-')} is settled by the model of "
                "--first. Leave it out."
            )
    if args.dtype:
        keras.config.set_dtype_policy(args.dtype)
    with users_mistakes():
        model = recipe(load(args.first, args.dtype), **options)
    return model, read_for(model, args.data, args.key, args.count)


def _generates_from_codes(model) -> bool:
    """Whether a mixture of its codes is what the model generates from.

    Training moves the codes, and no loss goes by it: it is fitted anew.
    """
    from keras_aegan.samplers import is_fitted

    goes_by = model.latent_discriminator is not None or any(
        "prior" in loss.path for loss in model.objectives
    )
    return is_fitted(model.prior) and not goes_by


def _components(model, count: int, mixture: int | str) -> int:
    """How many distributions a mixture has; what cannot be fitted is refused.

    Before the training, after which the mixture is fitted.
    """
    has_room = model.prior is None or _generates_from_codes(model)
    if model.encoder is None or not has_room:
        raise UsageError(
            "--mixture is for models with an encoder and no prior of their "
            "own, such as --recipe rae. Leave it out."
        )
    if importlib.util.find_spec("sklearn") is None:
        raise UsageError(
            "A mixture needs scikit-learn. Install it with `pip install "
            '"keras-aegan[sklearn]"`, or train a model that needs none, such '
            "as --recipe aegan."
        )
    values = math.prod(model.latent_shape)
    if mixture == "auto":
        enough = count // (_CODES_PER_VALUE * (values + 1))
        mixture = min(max(enough, 1), _MOST_COMPONENTS)
    needed = mixture * (values + 1)
    if count < needed:
        raise UsageError(
            f"--mixture {mixture} needs {needed} samples, of {values} values "
            f"a code. Received: {count}. Give more data, or "
            + (
                "a smaller number."
                if mixture > 1
                else "train without a mixture, such as --recipe aegan."
            )
        )
    return mixture


def _at_most(data: np.ndarray, count: int, seed: int) -> np.ndarray:
    """All samples, or so many of them, drawn at random, in their order."""
    if len(data) <= count:
        return data
    random = np.random.default_rng(seed)
    return data[np.sort(random.choice(len(data), count, replace=False))]


def _check_size(args: argparse.Namespace, shape: tuple[int, ...]) -> None:
    height = width = args.image_size
    for expected, received in zip(
        (None, height, width, args.channels), shape, strict=False
    ):
        if expected not in (None, received):
            raise UsageError(
                f"{args.data} has samples of shape {shape[1:]}, which are "
                "taken as they are: --image-size and --channels are for "
                "pictures. Leave them out."
            )


def _epochs(args: argparse.Namespace, steps_per_epoch: int) -> int:
    if args.steps:
        return math.ceil(args.steps / steps_per_epoch)
    return _MANY_EPOCHS if args.minutes else args.epochs or EPOCHS


# What goes on


def _watching(args: argparse.Namespace, model, data: np.ndarray) -> list:
    """Callbacks that write what goes on into the folder of `--watch`."""
    from keras_aegan.callbacks import GameMonitor, SampleGrid

    if len(data) < 2:
        raise UsageError(
            f"--watch needs two samples or more: {args.data} has one. Leave "
            "it out, or train on more."
        )
    monitor = GameMonitor(data, folder=args.watch)
    return (
        [SampleGrid(args.watch, data), monitor] if shows(model) else [monitor]
    )


def _report(folder: Path) -> None:
    """Writes the page about it; a training is not lost for want of it."""
    try:
        print(f"Wrote the report {write_report(folder)}")
    except (ValueError, OSError) as error:
        print(f"No report was written: {error}", file=sys.stderr)


# The folders


def _check_folders(args: argparse.Namespace) -> None:
    from keras_aegan.hub.folder import check_target

    folder = args.output.resolve()
    backup = backup_of(folder)
    with users_mistakes():
        check_target(folder, overwrite=True)
    output.check_folder(folder.parent)
    if folder.is_relative_to(Path(args.data).resolve()):
        raise UsageError(
            f"--output {args.output} is within {args.data}, which holds the "
            "data: pictures of the preset would be taken for such. Choose "
            "another folder."
        )
    if backup.exists() and not (backup / _NOTE).is_file():
        raise UsageError(
            f"{backup} is needed for backups but holds something else. Move "
            "it away, or choose another --output."
        )
    saved = is_interrupted(folder)
    if saved and not args.resume:
        raise UsageError(
            f"{backup} has an interrupted training. Add --resume to go on "
            "with it, or remove that folder to begin anew."
        )
    if args.resume and not saved:
        raise UsageError(
            f"There is no interrupted training in {backup}. Leave out --resume."
        )
    if args.watch:
        _check_watch(args.watch, folder, backup, Path(args.data))
        output.check_folder(args.watch)


def _check_watch(watch: Path, folder: Path, backup: Path, data: Path) -> None:
    """Refuses a folder where pictures would be lost, or be taken for data."""
    for other, why in (
        (folder, "which is replaced at the end"),
        (backup, "which is removed at the end"),
        (data, "which holds the data"),
    ):
        if watch.resolve().is_relative_to(other.resolve()):
            raise UsageError(
                f"--watch {watch} is within {other}, {why}. Choose another "
                "folder."
            )


def _claim(backup: Path, args: argparse.Namespace, model) -> None:
    """Notes what is trained, so that nothing else resumes from its backup."""
    run = {
        "recipe": args.recipe,
        "preset": args.preset,
        "first": args.first,
        "option": sorted(args.option),
        "dtype": args.dtype,
        "batch_size": args.batch_size,
        "count": args.count,
        "data_shape": list(model.data_shape),
    }
    note = backup / _NOTE
    if not args.resume:
        output.check_folder(backup)
        note.write_text(json.dumps(run))
        return
    before = json.loads(note.read_text())
    differences = [
        f"{name} was {before.get(name)} and is {value}"
        for name, value in run.items()
        if before.get(name) != value
    ]
    if differences:
        raise UsageError(
            f"The training in {backup} cannot be resumed like this: "
            f"{', '.join(differences)}. Give the same arguments as before."
        )


def _how_to_go_on(backup: Path, args: argparse.Namespace) -> str:
    typed = shlex.split(args.typed)
    kept = f"Backup in {backup}."
    if not is_interrupted(args.output):
        shutil.rmtree(backup)
        if not args.first or "--first" in typed:
            return "No epoch was complete, so nothing is kept."
        kept = f"The stage before is kept, in {args.first}."
    again = "" if "--resume" in typed else " --resume"
    return f"{kept} Go on with: {args.typed}{again}"


# What the preset tells about its training


def _describe(args: argparse.Namespace, data: np.ndarray) -> str:
    shape = "x".join(map(str, data.shape[1:]))
    name = Path(args.data).resolve().name
    return f"{name}: {len(data)} samples of {shape}, {data.dtype}"


def _hardware(model) -> str:
    import keras

    processor = platform.processor() or platform.machine()
    device = model.networks["generator"].variables[0].value.device
    where = f"{keras.backend.backend()} on {_device_name(device)}"
    return f"{processor}, {os.cpu_count()} cores; {where}"


def _device_name(device) -> str:
    """What the device is called by who made it, or else by the backend."""
    import keras

    if keras.backend.backend() == "torch" and device.type == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    if keras.backend.backend() == "tensorflow" and "GPU" in device:
        import tensorflow as tf

        number = int(device.rpartition(":")[2])
        gpu = tf.config.get_visible_devices("GPU")[number]
        return tf.config.experimental.get_device_details(gpu)["device_name"]
    return str(getattr(device, "device_kind", device))
