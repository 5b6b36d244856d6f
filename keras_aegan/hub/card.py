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
        "## Limits\n\n" + _bullets(_limits(metadata)),
        "## Citation\n\n```bibtex\n"
        + metadata.get("citation", _CITATION)
        + "\n```",
        "## Versions\n\n" + _versions(metadata),
    ]
    return "\n\n".join(sections) + "\n"


def measures(metadata: dict, *, preset: str) -> str:
    """Writes the parts of the model card that tell what was measured.

    For a card that somebody edited, who can put them in.

    Args:
        metadata: See `model_card`.
        preset: See `model_card`.

    Returns:
        Markdown with a YAML head: the fields `metrics` and `model-index`,
        where the Hub has names for the measures, and the table.
    """
    fields = _measured_fields(metadata, preset)
    head = [_yaml(fields)] if fields else []
    sections = [*head, "## Measured quality", _measured(metadata)]
    return "\n\n".join(sections) + "\n"


def with_measures(metadata: dict, measured: dict) -> dict:
    """The metadata with more measures, beside those of other names.

    Args:
        metadata: See `model_card`.
        measured: See `model_card`.

    Returns:
        A new dict.
    """
    known = metadata.get("measured") or {}
    return {**metadata, "measured": {**known, **measured}}


def rows(measured: dict) -> list[tuple[str, str, str, str]]:
    """What was measured as rows of a table, the titles first.

    Args:
        measured: See `model_card`.

    Returns:
        Tuples of a measure's name, its value, the number of samples and how
        it was measured.
    """
    found = [("measure", "value", "samples", "how")]
    for name, result in measured.items():
        result = dict(result) if isinstance(result, dict) else {"value": result}
        result = {key: _rounded(each) for key, each in result.items()}
        result.pop("type", None)
        value = _text(result.pop("value", ""))
        samples = _text(result.pop("samples", "not recorded"))
        found.append((name, value, samples, _text(result)))
    return found


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
    if _draws(metadata) and _generates(metadata):
        fields["pipeline_tag"] = _TASK
    if metadata.get("datasets"):
        fields["datasets"] = metadata["datasets"]
    return _yaml({**fields, **_measured_fields(metadata, preset)})


def _yaml(fields):
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


def _measured_fields(metadata, preset):
    results, datasets = _results(metadata), metadata.get("datasets")
    fields = {}
    if results:
        fields["metrics"] = list(dict.fromkeys(r["type"] for r in results))
    # The Hub shows results for a task and a dataset that it knows.
    if results and _draws(metadata) and datasets:
        fields["model-index"] = _model_index(datasets[0], preset, results)
    return fields


def _draws(metadata):
    return len(metadata["data_shape"]) == 3


def _generates(metadata):
    return metadata.get("generates", True)


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
    networks = [
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
    titles = ("network", "input", "output", "parameters")
    table = _table(titles, *networks)
    return f"{table}\n\n{total}. Data: {data}. Code: {code}."


def _use(metadata, preset):
    lines = [
        "import keras_aegan",
        "",
        f'model = keras_aegan.AEGAN.from_preset("{preset}")',
    ]
    samples = "samples" if _generates(metadata) else "data"  # The reader's.
    if _generates(metadata):
        lines += ["samples = model.generate(16)"]
    if "encoder" in metadata["networks"]:
        lines += [
            f"codes = model.encode({samples})",
            f"copies = model.reconstruct({samples})",
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
    return _table(*rows(measured))


def _rounded(value):
    # Further digits would be noise, in any measure.
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _limits(metadata):
    tested = any(
        name.startswith("memorization_ratio")
        for name in metadata.get("measured") or ()
    )
    return metadata.get("limits", _LIMITS[:-1] if tested else _LIMITS)


def _versions(metadata):
    return _bullets(
        [
            f"keras_aegan {metadata['keras_aegan_version']}",
            f"Keras {metadata['keras_version']}",
            f"saved {metadata['date_saved']}",
        ]
    )


def _table(titles, *rows):
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
