"""What a training in several stages consists of: the arguments of each."""

import argparse
import shlex
from pathlib import Path

from keras_aegan.cli.mistakes import UsageError
from keras_aegan.cli.options import divide

THEN = " && "  # between the commands of stages
EPOCHS = 10  # where nothing says how long
#: What is trained where no recipe is named: an autoencoder, and then an
#: adversary on the mixture of its codes.
_DEFAULT = ("rae", "mixture_aegan")
#: How much of the epochs, steps or minutes is the autoencoder's.
_SHARE = 0.9
#: What a training that is repeated does not take from the first one.
_REPEATED = (
    "data",
    "output",
    "resume",
    "checkpoint_every",
    "watch",
)


def stages(args: argparse.Namespace) -> list[argparse.Namespace]:
    """The arguments of each stage that is left to train."""
    if args.preset_recipe:
        found = _of_preset(args)
    elif args.recipe or args.preset:
        found = [args]
    else:
        found = _by_default(args)
    for stage in found:
        stage.typed = args.command_line  # With --resume it goes on.
    if found != [args]:
        _chain(found, args.output)
        for stage in found:
            stage.command_line = _command(stage)  # What the card names.
    return _left(found) if args.resume and found[1:] else found


def backup_of(output: Path) -> Path:
    """The folder of what a training needs to go on."""
    output = output.resolve()
    return output.with_name(output.name + ".backup")


def is_interrupted(output: Path) -> bool:
    """Whether there is a state to go on with: a training began and was cut."""
    # What Keras's BackupAndRestore writes.
    return (backup_of(output) / "latest.weights.h5").exists()


def _left(stages):
    """The stages from the one on that was interrupted."""
    for stage in stages:
        stage.resume = is_interrupted(stage.output)
    *before, last = stages
    done = 0
    for stage in before:
        if stage.resume or not stage.output.exists():
            break
        done += 1
    # With nothing to go on with, the first or the last one says so.
    stages[0].resume = True
    if done == len(before) and _is_newer(last.output, before[-1].output):
        last.resume = True
    return stages[done:]


def _is_newer(output, before):
    """Whether the last stage was trained after the one before it."""
    written = [folder / "metadata.json" for folder in (output, before)]
    if not all(path.exists() for path in written):
        return False
    after, first = (path.stat().st_mtime_ns for path in written)
    return after >= first


def _chain(stages, output):
    """Lets each stage start from the one before, in folders side by side."""
    for number, stage in enumerate(stages, 1):
        stage.output = output
        if number < len(stages):
            stage.output = _of_stage(output, number)
            stage.watch = stage.watch and _of_stage(stage.watch, number)
        if number > 1:
            first = stages[number - 2].output
            stage.first = f"{first.parent}/{first.name}"


def _of_stage(folder, number):
    if not folder.name:  # `.`, say
        folder = folder.resolve()
    return folder.with_name(f"{folder.name}.stage_{number}")


def _of_preset(args):
    """The stages of a bundled preset, on these data."""
    from keras_aegan import AEGAN
    from keras_aegan.cli.arguments import parse

    presets = AEGAN.presets
    if args.preset_recipe not in presets:
        raise UsageError(
            f"--preset-recipe {args.preset_recipe} is not bundled: expected "
            f"one of {', '.join(presets)}."
        )
    given = {name: getattr(args, name) for name in _REPEATED}
    for name in _changed(args):
        if name not in given and name != "preset_recipe":
            raise UsageError(
                f"--{_option(name)} is settled by --preset-recipe. Leave it "
                "out, or name the --recipe."
            )
    commands = presets[args.preset_recipe]["command"].split(THEN)
    found = [parse(shlex.split(command)[1:]) for command in commands]
    for stage in found:
        vars(stage).update(given)
    return found


def _by_default(args):
    """The two stages that are trained where no recipe is named."""
    if args.first:
        raise UsageError(
            "--first is for a recipe of a second stage: name it with --recipe."
        )
    found = [argparse.Namespace(**vars(args)) for _ in _DEFAULT]
    options = divide(args.option, _DEFAULT)
    for stage, recipe, its in zip(found, _DEFAULT, options, strict=True):
        stage.recipe, stage.option = recipe, its
    first, second = found
    first.mixture, second.mixture = args.mixture or "auto", None
    # The first model has settled how data are read.
    second.image_size, second.channels, second.signals = None, None, False
    if args.minutes:
        first.minutes = _SHARE * args.minutes
        second.minutes = args.minutes - first.minutes
    else:
        length = "steps" if args.steps else "epochs"
        whole = args.steps or args.epochs or EPOCHS
        if whole < 2:
            raise UsageError(
                f"--{length} {whole} is too short for two stages, which is "
                "what is trained where no recipe is named. Give 2 or more, or "
                "name a recipe, such as --recipe aegan."
            )
        part = min(max(1, round(_SHARE * whole)), whole - 1)
        setattr(first, length, part)
        setattr(second, length, whole - part)
    return found


# A command, from its arguments


def _changed(args):
    """The arguments that are not what they are by default."""
    from keras_aegan.cli.arguments import parse

    least = ["train", "--data", args.data, "--output", str(args.output)]
    usual = vars(parse(least))
    return {
        name: value
        for name, value in vars(args).items()
        if name in usual and value != usual[name]
    }


def _command(args):
    words = ["keras-aegan", "train", "--data", args.data]
    words += ["--output", str(args.output)]
    changed = _changed(args)
    changed.pop("resume", None)
    for name, value in changed.items():
        for each in value if isinstance(value, list) else [value]:
            words.append(f"--{_option(name)}")
            if each is not True:  # A flag.
                words.append(f"{each:g}" if type(each) is float else str(each))
    return shlex.join(words)


def _option(name):
    return name.replace("_", "-")
