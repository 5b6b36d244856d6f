"""The command that measures a model, and tells it to the model's card."""

import argparse
import zipfile
from pathlib import Path

import numpy as np

from keras_aegan.cli import output
from keras_aegan.cli.mistakes import UsageError, users_mistakes
from keras_aegan.cli.models import load, read_for, save_pictures, shows
from keras_aegan.images import import_pillow, plain_numbers_only, replacing


def evaluate(args: argparse.Namespace) -> None:
    """Prints measures of a model, and writes them where they are asked for."""
    from keras_aegan.hub import card
    from keras_aegan.metrics import evaluate_model

    if args.update_card:
        _check_own(args.preset)
    if args.output is not None:
        output.check_folder(args.output)
    key = _key(args.data, args.key, "x_test")
    model = load(args.preset)
    if args.output is not None and shows(model):
        with users_mistakes():
            import_pillow()
    test = read_for(model, args.data, key)
    is_odd = _is_odd(args, len(test))
    test_name, train, train_name = _name(args.data, key), None, ""
    if args.split is not None:
        train, test = _split(args, test)
        is_odd = None if is_odd is None else is_odd[args.split :]
        train_name = f"{test_name}, the first {len(train)}"
        test_name = f"{test_name}, from {len(train)} on"
    elif args.train is not None:
        train_key = _key(args.train, args.train_key, "x_train")
        train = read_for(model, args.train, train_key)
        train_name = _name(args.train, train_key)

    print(f"Measuring on {test_name}", flush=True)
    with users_mistakes():
        measured = evaluate_model(
            model,
            test,
            train,
            is_odd=is_odd,
            anomaly_kind=args.anomaly_kind,
            extractor=args.extractor,
            samples=args.count,
            seed=args.seed,
            test_name=test_name,
            train_name=train_name,
        )
    output.print_table(card.rows(measured))
    with users_mistakes():
        if args.output is not None:
            save_pictures(args.output, model, test, args.seed)
            _save_measures(args, measured)
        if args.update_card:
            _update_card(args, measured)


# What is asked for


def _check_own(preset: str) -> None:
    """Refuses to change a preset that is not the user's own folder."""
    from keras_aegan.hub import bundled_presets
    from keras_aegan.hub.folder import check_target
    from keras_aegan.hub.remote import SCHEME

    if preset in bundled_presets() or preset.startswith(SCHEME):
        kind = "on the Hub" if preset.startswith(SCHEME) else "bundled"
        raise UsageError(
            f"--update-card changes a preset's folder, and {preset} is {kind}. "
            "Give a folder of yours as --preset, such as ./my_preset, or "
            "write the measures to an --output instead."
        )
    with users_mistakes():
        check_target(Path(preset).expanduser().resolve(), overwrite=True)


def _key(path: str, given: str | None, usual: str) -> str | None:
    """The array of an .npz file to read, which the measures then name.

    Never one that was not meant: training data look better than they are.
    """
    if given is not None or not zipfile.is_zipfile(path):
        return given
    with (
        users_mistakes(),
        plain_numbers_only(path),
        zipfile.ZipFile(path) as file,
    ):
        keys = [name.removesuffix(".npy") for name in file.namelist()]
    for key in (usual, "x"):
        if key in keys:
            return key
    if len(keys) == 1:
        return keys[0]
    option = "--key" if usual == "x_test" else "--train-key"
    raise UsageError(
        f"{path} holds the arrays {', '.join(sorted(keys))}, and no {usual}. "
        f"Say with {option} which one."
    )


def _split(
    args: argparse.Namespace, data: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What a model was trained on, and what not."""
    if args.train is not None:
        raise UsageError(
            "--split and --train both say what the model was trained on. "
            "Leave one out."
        )
    if args.split >= len(data):
        raise UsageError(
            f"--split {args.split} leaves nothing to measure on of the "
            f"{len(data)} samples of {args.data}."
        )
    return data[: args.split], data[args.split :]


def _is_odd(args: argparse.Namespace, count: int) -> np.ndarray | None:
    """Which samples have another label than the normal ones, if any have."""
    key = args.labels_key
    if key is None:
        for name in ("normal", "anomaly_kind"):
            if getattr(args, name) is not None:
                raise UsageError(
                    f"--{name.replace('_', '-')} is for telling anomalies, of "
                    "which --labels-key names the labels. Add that, or leave "
                    "it out."
                )
        return None
    if not zipfile.is_zipfile(args.data):
        raise UsageError(
            f"--labels-key {key} names an array beside the data in an .npz "
            f"file. Received: --data {args.data}. Leave it out, or put both "
            "into one file with numpy.savez."
        )
    with (
        users_mistakes(),
        plain_numbers_only(args.data),
        np.load(args.data, allow_pickle=False) as arrays,
    ):
        if key not in arrays.files:
            raise UsageError(
                f"{args.data} holds the arrays {', '.join(arrays.files)}. "
                f"Received: --labels-key {key}."
            )
        labels = arrays[key]
    if labels.size != count or labels.dtype.kind not in "iufb":
        raise UsageError(
            f"--labels-key {key}: expected a number for each of the {count} "
            f"samples. Received: {labels.dtype} of shape {labels.shape}."
        )
    normal = [0] if args.normal is None else args.normal
    return ~np.isin(labels.ravel(), normal)


def _name(path: str, key: str | None) -> str:
    name = Path(path).resolve().name
    return name if key is None else f"{name} {key}"


# What is told


def _save_measures(args: argparse.Namespace, measured: dict) -> None:
    from keras_aegan.hub import card, documents, layout, registry

    # As the card would have them: beside those that the preset has already.
    source = registry.resolve(args.preset)
    metadata = documents.read_json(source.file(layout.METADATA))
    block = card.measures(
        card.with_measures(metadata, measured), preset=args.preset.rstrip("/")
    )
    for name, content in (
        ("measured.md", block.encode("utf-8")),
        ("metrics.json", documents.to_json("metrics.json", measured)),
    ):
        with replacing(args.output / name) as file:
            file.write(content)
    print(f"Wrote the measures to {args.output}")


def _update_card(args: argparse.Namespace, measured: dict) -> None:
    from keras_aegan.hub import layout
    from keras_aegan.hub.save import add_measures

    is_new = add_measures(args.preset, measured)
    print(f"Wrote the measures to {Path(args.preset) / layout.METADATA}")
    if is_new:
        print("Renewed its card")
        return
    where = "an --output would hold"
    if args.output is not None:
        where = f"{args.output / 'measured.md'} holds"
    print(
        f"Its card was edited and is kept as it is: {where} what belongs there."
    )
