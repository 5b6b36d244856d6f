"""The model card: what a preset's `metadata.json` says, for people."""

import hashlib
import json
from collections.abc import Iterable

_TASK = "unconditional-image-generation"
_TAGS = ("keras", "aegan", "gan", "autoencoder", "tensorflow", "jax", "pytorch")
_CITATION = """\
@misc{lazarou2020autoencoding,
  title = {Autoencoding Generative Adversarial Networks},
  author = {Lazarou, Conor},
  year = {2020},
  eprint = {2004.05472},
  archivePrefix = {arXiv}
}"""
_LIMITS = (
    "It makes data like its training data, with that data's gaps and biases.",
    "The quality above is measured on the data named here; expect less of it "
    "on any other.",
    "It was not tested for reproducing single training examples.",
)


def model_card(
    metadata: dict, *, preset: str, pictures: Iterable[str] = ()
) -> str:
    """Writes the model card of a preset.

    Args:
        metadata: What is in the preset's `metadata.json`. `description`,
            `license`, `datasets` (ids on the Hub), `tags`, `trained_on`,
            `command`, `steps`, `seed`, `hardware`, `wall_time`, `measured`
            (name to value, or to a dict with `value` and, for example,
            `samples`), `limits` and `citation` (BibTeX) are shown where they
            are given. A measure with a `type`, the name of a metric on the
            Hub, is listed among the Hub's results for the first dataset.
        preset: What `from_preset` is called with in the example.
        pictures: The names of pictures in the preset's folder.

    Returns:
        Markdown with a YAML head, as the Hugging Face Hub reads it.
    """
    sections = [
        _front_matter(metadata, preset),
        f"# {_title(preset)}",
        metadata["description"],
        *(f"![{name}]({name})" for name in pictures),
        "## Networks\n\n" + _networks(metadata),
        "## Use\n\n" + _use(metadata, preset),
        "## Training\n\n" + _training(metadata),
        "## Measured quality\n\n" + _measured(metadata),
        "## Limits\n\n" + _bullets(metadata.get("limits", _LIMITS)),
        "## Citation\n\n```bibtex\n"
        + metadata.get("citation", _CITATION)
        + "\n```",
        "## Versions\n\n" + _versions(metadata),
    ]
    return "\n\n".join(sections) + "\n"


def sha256(card: bytes) -> str:
    """Returns the card's hash, by which an edited card is told."""
    return hashlib.sha256(card).hexdigest()


def _front_matter(metadata, preset):
    # A JSON value is a YAML value, so nothing needs quoting rules of its own.
    fields = {
        "library_name": "keras-aegan",
        "license": metadata.get("license", "unknown"),
        "tags": list(dict.fromkeys([*_TAGS, *metadata.get("tags", ())])),
    }
    draws = len(metadata["data_shape"]) == 3
    datasets = metadata.get("datasets")
    results = _results(metadata)
    if draws:
        fields["pipeline_tag"] = _TASK
    if datasets:
        fields["datasets"] = datasets
    if results:
        fields["metrics"] = list(dict.fromkeys(r["type"] for r in results))
    # The Hub shows results for a task and a dataset that it knows.
    if results and draws and datasets:
        fields["model-index"] = _model_index(datasets[0], preset, results)
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


def _results(metadata):
    """The measures that the Hub has a name for, in its own form."""
    return [
        {"type": each["type"], "value": each["value"], "name": name}
        for name, each in (metadata.get("measured") or {}).items()
        if isinstance(each, dict) and "type" in each
    ]


def _model_index(dataset, preset, results):
    return [
        {
            "name": _title(preset),
            "results": [
                {
                    "task": {"type": _TASK},
                    "dataset": {"type": dataset, "name": dataset},
                    "metrics": results,
                }
            ],
        }
    ]


def _title(preset):
    return preset.removeprefix("./").rsplit("/", 1)[-1]


def _networks(metadata):
    rows = [
        (
            f"`{name}`",
            _shape(network["input_shape"]),
            _shape(network["output_shape"]),
            f"{network['parameters']:,}",
        )
        for name, network in metadata["networks"].items()
    ]
    total = f"{metadata['parameter_count']['total']:,} parameters"
    if any(name.startswith("ema_") for name in metadata["networks"]):
        total += ", not counting the moving averages"
    data, code = map(_shape, (metadata["data_shape"], metadata["latent_dim"]))
    table = _table(("network", "input", "output", "parameters"), rows)
    return f"{table}\n\n{total}. Data: {data}. Code: {code}."


def _use(metadata, preset):
    lines = [
        "import keras_aegan",
        "",
        f'model = keras_aegan.AEGAN.from_preset("{preset}")',
        "samples = model.generate(16)",
    ]
    if "encoder" in metadata["networks"]:
        lines += [
            "codes = model.encode(samples)",
            "copies = model.reconstruct(samples)",
        ]
    return "\n".join(["```python", *lines, "```"])


def _training(metadata):
    facts = [
        ("Data", "trained_on"),
        ("Command", "command"),
        ("Steps", "steps"),
        ("Seed", "seed"),
        ("Hardware", "hardware"),
        ("Wall time", "wall_time"),
    ]
    told = [
        f"{title}: `{metadata[key]}`"
        if key == "command"
        else f"{title}: {_text(metadata[key])}"
        for title, key in facts
        if key in metadata
    ]
    told += _optimizers(metadata.get("optimizers", {}))
    return _bullets(told) if told else "Not recorded."


def _optimizers(optimizers):
    """A line for each setting, with the players that share it."""
    players = {}
    for player, settings in optimizers.items():
        players.setdefault(_text(settings), []).append(f"`{player}`")
    return [
        f"Optimizer of {', '.join(names)}: {settings}"
        for settings, names in players.items()
    ]


def _measured(metadata):
    measured = metadata.get("measured")
    if not measured:
        return "Not measured."
    rows = []
    for name, result in measured.items():
        result = dict(result) if isinstance(result, dict) else {"value": result}
        result.pop("type", None)
        value = _text(result.pop("value", ""))
        samples = _text(result.pop("samples", "not recorded"))
        rows.append((name, value, samples, _text(result)))
    return _table(("measure", "value", "samples", "how"), rows)


def _versions(metadata):
    return _bullets(
        [
            f"keras_aegan {metadata['keras_aegan_version']}",
            f"Keras {metadata['keras_version']}",
            f"saved {metadata['date_saved']}",
        ]
    )


def _table(titles, rows):
    rule = ["---"] * len(titles)
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"
        for row in (titles, rule, *rows)
    )


def _bullets(lines):
    return "\n".join(
        f"* {line}" for line in ([lines] if isinstance(lines, str) else lines)
    )


def _shape(shape):
    if isinstance(shape, int):
        return str(shape)
    if shape and isinstance(shape[0], list):
        return ", ".join(map(_shape, shape))
    return " × ".join(str(part or "any") for part in shape)


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_text(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)
