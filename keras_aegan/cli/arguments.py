import argparse
import importlib.metadata
import math
from collections.abc import Callable
from pathlib import Path

from keras_aegan.cli import commands
from keras_aegan.cli.evaluate import evaluate
from keras_aegan.cli.train import train
from keras_aegan.export import PARTS


def parse(argv: list[str]) -> argparse.Namespace:
    """Reads the arguments; `run` of the result is the command to call."""
    parser = argparse.ArgumentParser(
        prog="keras-aegan",
        description="Autoencoders inside generative adversarial networks.",
        epilog="`keras-aegan COMMAND --help` explains a command. The variable "
        "KERAS_BACKEND (tensorflow, jax or torch) chooses what Keras runs on.",
    )
    parser.add_argument("--version", action=_Version, nargs=0)
    subparsers = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )

    def command(name: str, run: Callable, help: str, example: str):
        added = subparsers.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=f"example:\n  keras-aegan {name} {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    _add_generate(command)
    _add_reconstruct(command)
    _add_train(command)
    _add_monitor(command)
    _add_evaluate(command)
    _add_export(command)
    _add_publish(command)
    command("presets", commands.presets, "list the bundled presets", "")
    return parser.parse_args(argv)


class _Version(argparse.Action):
    def __call__(self, parser, *_):
        print(f"keras-aegan {importlib.metadata.version('keras-aegan')}")
        parser.exit()


def _add_generate(command: Callable) -> None:
    parser = command(
        "generate",
        commands.generate,
        "draw new samples from a model",
        "--preset aegan_mnist --output samples.png --count 64 --seed 1",
    )
    _add_preset(parser)
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="FILE|FOLDER",
        help="FILE.png shows the samples in a grid, FILE.npy holds the "
        "samples, FILE.npz too, compressed, FOLDER gets a PNG picture of each, "
        "FILE.wav the sound of spectrograms",
    )
    parser.add_argument(
        "--count",
        type=_whole_number,
        default=64,
        help="how many samples (default: %(default)s); any number in FILE.npy "
        "and FOLDER, which are written as they are made",
    )
    parser.add_argument(
        "--batch-size",
        type=_whole_number,
        default=64,
        help="samples made at a time (default: %(default)s)",
    )
    _add_seed(parser)
    _add_grid(parser)


def _add_export(command: Callable) -> None:
    parser = command(
        "export",
        commands.export,
        "write a part of a model as a program that runs without Keras",
        "--preset aegan_mnist --part generator --output generator.onnx",
    )
    _add_preset(parser)
    parser.add_argument(
        "--part",
        choices=tuple(PARTS),
        default="generator",
        help="codes to data, data to codes, or data to data (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="FILE|FOLDER",
        help="FILE.onnx for ONNX Runtime (any backend), FOLDER for a "
        "SavedModel (tensorflow, jax), FILE.pt2 for PyTorch (torch)",
    )


def _add_reconstruct(command: Callable) -> None:
    parser = command(
        "reconstruct",
        commands.reconstruct,
        "pass data through a model's encoder and generator",
        "--preset aegan_mnist --input pictures --output recon.png",
    )
    _add_preset(parser)
    parser.add_argument(
        "--input",
        required=True,
        metavar="FOLDER|FILE",
        help="a folder of pictures, one picture, or an .npy or .npz file",
    )
    _add_key(parser)
    _add_output(
        parser,
        "pairs, each original above its reconstruction,",
        "`reconstructions`, FILE.npz also the `originals`",
    )
    parser.add_argument(
        "--count",
        type=_whole_number,
        default=32,
        help="use the first COUNT samples (default: %(default)s)",
    )
    _add_grid(parser)


def _add_train(command: Callable) -> None:
    parser = command(
        "train",
        train,
        "train a recipe on your data, or train a preset on",
        "--data pictures --image-size 64 --minutes 30 --output my_preset\n"
        "  keras-aegan train --preset aegan_mnist --data digits.npz "
        "--epochs 5 \\\n    --output my_preset",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--recipe",
        metavar="NAME",
        help="the method to train from scratch (default: two stages, for 90 %% "
        "of the time rae with a mixture, and then mixture_aegan)",
    )
    what.add_argument(
        "--preset",
        metavar="NAME|ADDRESS|FOLDER",
        help="the model to fine-tune instead",
    )
    what.add_argument(
        "--preset-recipe",
        metavar="NAME",
        help="repeat the training of a bundled preset, with the recipe and the "
        "settings that its card names",
    )
    parser.add_argument(
        "--first",
        metavar="NAME|ADDRESS|FOLDER",
        help="the trained model that a recipe of a second stage "
        "(mixture_aegan, latent_gan, f_anogan) starts from",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the recipe, such as latent_dim=64; may be repeated",
    )
    parser.add_argument(
        "--data",
        required=True,
        metavar="FOLDER|FILE",
        help="a folder of pictures, or an .npy or .npz file",
    )
    _add_key(parser)
    parser.add_argument(
        "--count",
        type=_whole_number,
        metavar="N",
        help="train on the first N samples alone (default: all)",
    )
    parser.add_argument(
        "--image-size",
        type=_whole_number,
        metavar="PIXELS",
        help="scale and crop the pictures to squares of this size (default: "
        "the size that they share)",
    )
    parser.add_argument(
        "--channels",
        type=int,
        choices=(1, 3, 4),
        help="1: grey, 3: colour, 4: colour and opacity (default: 1 if all the "
        "pictures are grey)",
    )
    parser.add_argument(
        "--signals",
        action="store_true",
        help="an array of three axes holds signals (samples, length, channels) "
        "and not grey pictures",
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="the preset to write",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs",
        type=_whole_number,
        help="passes over the data (default: 10)",
    )
    length.add_argument(
        "--steps", type=_whole_number, help="stop after so many batches"
    )
    length.add_argument(
        "--minutes",
        type=_positive_number,
        help="stop this run after so many minutes",
    )
    parser.add_argument(
        "--batch-size",
        type=_whole_number,
        default=64,
        help="samples in a batch (default: %(default)s)",
    )
    _add_seed(parser)
    parser.add_argument(
        "--dtype",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        help="how the networks compute (default: float32); mixed_bfloat16 is "
        "faster on GPUs and on CPUs with AVX512-BF16; of a --preset that has "
        "an optimizer with it, the optimizer then begins anew",
    )
    parser.add_argument(
        "--mixture",
        type=_number_or_auto,
        metavar="N",
        help="at the end fit a mixture of N normal distributions to the codes "
        "of a model without a prior (such as the recipe rae's), so that it "
        "generates; auto: 40, or as many as the data are enough for (default: "
        "none; auto for a preset that has a mixture)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the training of OUTPUT that was interrupted",
    )
    parser.add_argument(
        "--checkpoint-every",
        type=_positive_number,
        metavar="MINUTES",
        help="back up this often, besides at the end of each epoch",
    )
    parser.add_argument(
        "--watch",
        type=Path,
        metavar="FOLDER",
        help="write there what goes on: pictures of each epoch, a log, and at "
        "the end of it all report.html",
    )


def _add_monitor(command: Callable) -> None:
    parser = command(
        "monitor",
        commands.monitor,
        "show a training that was watched, or still runs, on one page",
        "watched --output report.html",
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="the --watch of the training, or the folder of its GameMonitor",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the page to write (default: report.html in FOLDER)",
    )


def _add_evaluate(command: Callable) -> None:
    parser = command(
        "evaluate",
        evaluate,
        "measure a model on data that it was not trained on",
        "--preset ./my_preset --data digits.npz --train digits.npz \\\n"
        "    --extractor mnist --output measures --update-card",
    )
    _add_preset(parser)
    parser.add_argument(
        "--data",
        required=True,
        metavar="FOLDER|FILE",
        help="the test data: a folder of pictures, or an .npy or .npz file",
    )
    parser.add_argument(
        "--key",
        help="the array in an .npz file (default: x_test, x, or the only one)",
    )
    parser.add_argument(
        "--split",
        type=_whole_number,
        metavar="N",
        help="the model was trained on the first N of these samples (`train "
        "--count N`): measure on the others, and hold them against those",
    )
    parser.add_argument(
        "--train",
        metavar="FOLDER|FILE",
        help="the training data too, to tell whether they are repeated; may "
        "be the same .npz file",
    )
    parser.add_argument(
        "--train-key",
        metavar="KEY",
        help="their array (default: x_train, x, or the only one)",
    )
    parser.add_argument(
        "--labels-key",
        metavar="KEY",
        help="the array of labels in the file of --data, such as y_test, to "
        "measure how well anomalies are told",
    )
    parser.add_argument(
        "--normal",
        type=int,
        nargs="+",
        metavar="LABEL",
        help="the labels of what is no anomaly (default: 0)",
    )
    parser.add_argument(
        "--anomaly-kind",
        metavar="KIND",
        help="the score that tells anomalies, such as density (default: the "
        "model's own)",
    )
    parser.add_argument(
        "--extractor",
        choices=("pixels", "mnist", "inception"),
        default="pixels",
        help="what samples are compared on (default: %(default)s)",
    )
    parser.add_argument(
        "--count",
        type=_whole_number,
        default=10_000,
        help="use no more than COUNT samples of each kind, drawn at random "
        "(default: %(default)s)",
    )
    _add_seed(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="write metrics.json, measured.md for the model's card, and "
        "pictures there",
    )
    parser.add_argument(
        "--update-card",
        action="store_true",
        help="write the measures into the preset, a folder of yours",
    )


def _add_publish(command: Callable) -> None:
    parser = command(
        "publish",
        commands.publish,
        "publish a preset on the Hugging Face Hub",
        "--preset ./my_preset --to hf://me/my_preset --private",
    )
    parser.add_argument(
        "--preset",
        required=True,
        metavar="NAME|FOLDER",
        help="the preset on this machine, such as ./my_preset",
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="hf://OWNER/NAME",
        help="the repository, which is made if it is not there; "
        "hf://OWNER/NAME@BRANCH for a branch of it",
    )
    parser.add_argument(
        "--private",
        action="store_true",
        default=None,
        help="make a repository that only you can see",
    )
    parser.add_argument("--message", help="what the commit says of itself")
    parser.add_argument(
        "--create-pr",
        action="store_true",
        help="propose it as a pull request, as to others' repositories",
    )


def _add_preset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset",
        required=True,
        metavar="NAME|ADDRESS|FOLDER",
        help="a bundled preset (`keras-aegan presets` lists them), one on the "
        "Hugging Face Hub (hf://OWNER/NAME), or a folder as a path, such as "
        "./my_preset",
    )


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        help="the array in an .npz file (default: x_train, x, or the only one)",
    )


def _add_output(
    parser: argparse.ArgumentParser, shows: str, holds: str
) -> None:
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="FILE",
        help=f"FILE.png shows the {shows} in a grid, FILE.npy holds {holds}",
    )


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="the same seed gives the same result (default: %(default)s)",
    )


def _add_grid(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--columns",
        type=_whole_number,
        default=8,
        help="pictures in a row of the grid (default: %(default)s)",
    )
    parser.add_argument(
        "--scale",
        type=_whole_number,
        default=2,
        help="enlarge the grid so many times (default: %(default)s)",
    )


def _whole_number(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(
            f"expected a whole number above 0, received '{text}'"
        )
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 0 to {2**32 - 1}, received '{text}'"
        )
    return int(text)


def _number_or_auto(text: str) -> int | str:
    return text if text == "auto" else _whole_number(text)


def _positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(
            f"expected a number above 0, received '{text}'"
        )
    return number
