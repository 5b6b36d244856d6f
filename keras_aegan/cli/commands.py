"""The commands that use what is there already: a model, a log."""

import argparse
import sys

import numpy as np

from keras_aegan import audio
from keras_aegan.cli import output
from keras_aegan.cli.mistakes import UsageError, users_mistakes
from keras_aegan.cli.models import (
    check_shows,
    check_sounds,
    grid,
    load,
    read_for,
)
from keras_aegan.export import check_format
from keras_aegan.images import save_image
from keras_aegan.report import write_report

_FORMATS = {"": "tf_saved_model", ".onnx": "onnx", ".pt2": "torch"}


def presets(args: argparse.Namespace) -> None:
    """Prints a table of the bundled presets."""
    from keras_aegan import AEGAN

    rows = [("name", "data", "latent", "parameters", "size", "description")]
    for name, metadata in sorted(AEGAN.presets.items()):
        rows.append(
            (
                name,
                "x".join(map(str, metadata["data_shape"])),
                str(metadata["latent_dim"]),
                f"{metadata['parameter_count']['total']:,}",
                f"{metadata['size_in_bytes'] / 1e6:.1f} MB",
                metadata["description"],
            )
        )
    output.print_table(rows)


def publish(args: argparse.Namespace) -> None:
    """Publishes a preset on the Hub."""
    from keras_aegan import upload_preset

    with users_mistakes():
        page = upload_preset(
            args.to,
            args.preset,
            private=args.private,
            commit_message=args.message,
            create_pr=args.create_pr,
        )
    print(f"Published {args.preset}: {page}")


def monitor(args: argparse.Namespace) -> None:
    """Writes the page of a training that was watched."""
    with users_mistakes():
        page = write_report(args.folder, args.output)
    print(f"Wrote the report {page}")


def generate(args: argparse.Namespace) -> None:
    """Writes new samples of a model."""
    suffix = args.output.suffix.lower()
    if suffix:
        output.check_file(args.output, *output.SAMPLES, ".wav")
    else:
        output.check_pictures(args.output)
    model = load(args.preset)
    if suffix in ("", ".png"):
        check_shows(model)
    if suffix == ".wav":
        check_sounds(model)
    streamed = suffix in ("", ".npy")
    with users_mistakes():
        samples = model.generate(
            args.count,
            args.seed,
            args.batch_size,
            out=args.output if streamed else None,
            verbose=int(sys.stdout.isatty() and streamed),
        )
    if suffix == ".png":
        picture = grid(model, samples, args.columns)
        save_image(args.output, picture, args.scale)
    elif suffix == ".wav":
        audio.save_wav(args.output, audio.waveforms(samples, seed=args.seed))
    elif suffix == ".npz":
        output.save_arrays(args.output, x=samples)
    print(f"Wrote {args.count} samples to {args.output}")


def export(args: argparse.Namespace) -> None:
    """Writes a part of a model as a program."""
    format = _FORMATS.get(args.output.suffix.lower())
    if format is None:
        raise UsageError(
            f"--output {args.output}: expected a name that ends in .onnx or "
            ".pt2, or a folder's for a SavedModel."
        )
    with users_mistakes():
        check_format(format)
    output.check_folder(args.output.absolute().parent)
    model = load(args.preset)
    with users_mistakes():
        model.export(args.output, format, part=args.part)


def reconstruct(args: argparse.Namespace) -> None:
    """Writes what a model's encoder and generator make of data."""
    output.check_file(args.output, *output.SAMPLES)
    model = load(args.preset)
    if output.is_picture(args.output):
        check_shows(model)
    originals = read_for(model, args.input, args.key, args.count)
    with users_mistakes():
        made = model.reconstruct(originals)
    if output.is_picture(args.output):
        # A pair is one tile: a line between pairs, none within.
        pairs = np.concatenate([originals, made], axis=1)
        picture = grid(model, pairs, args.columns)
        save_image(args.output, picture, args.scale)
    else:
        output.save_arrays(
            args.output, reconstructions=made, originals=originals
        )
    print(f"Wrote {len(made)} reconstructions to {args.output}")
