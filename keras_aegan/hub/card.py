"""The model card: what a preset's `metadata.json` says, for people."""

import hashlib
import json
from collections.abc import Iterable

_TAGS = ("keras", "aegan", "gan", "autoencoder", "tensorflow", "jax", "pytorch")
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
            `samples`) and `limits` are shown where they are given.
        preset: What `from_preset` is called with in the example.
        pictures: The names of pictures in the preset's folder.

    Returns:
        Markdown with a YAML head, as the Hugging Face Hub reads it.
    """
    sections = [
        _front_matter(metadata),
        f"# {preset.removeprefix('./')}",
        metadata["description"],
        *(f"![{name}]({name})" for name in pictures),
        "## Networks\n\n" + _networks(metadata),
        "## Use\n\n" + _use(metadata, preset),
        "## Training\n\n" + _training(metadata),
        "## Measured quality\n\n" + _measured(metadata),
        "## Limits\n\n" + _bullets(metadata.get("limits", _LIMITS)),
        "## Versions\n\n" + _versions(metadata),
    ]
    return "\n\n".join(sections) + "\n"


def sha256(card: str) -> str:
    """Returns the card's hash, by which an edited card is told."""
    return hashlib.sha256(card.encode("utf-8")).hexdigest()


def _front_matter(metadata):
    # A JSON value is a YAML value, so nothing needs quoting rules of its own.
    fields = {
        "library_name": "keras-aegan",
        "license": metadata.get("license", "unknown"),
        "tags": list(dict.fromkeys([*_TAGS, *metadata.get("tags", ())])),
    }
    if len(metadata["data_shape"]) == 3:
        fields["pipeline_tag"] = "unconditional-image-generation"
    if metadata.get("datasets"):
        fields["datasets"] = metadata["datasets"]
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


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
    return _bullets(told) if told else "Not recorded."


def _measured(metadata):
    measured = metadata.get("measured")
    if not measured:
        return "Not measured."
    rows = []
    for name, result in measured.items():
        result = dict(result) if isinstance(result, dict) else {"value": result}
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
