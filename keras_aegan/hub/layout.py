"""The names of a preset's files, and the version of their format."""

import re

SCHEMA_VERSION = 1

CONFIG = "config.json"
METADATA = "metadata.json"
CARD = "README.md"

#: The parts of a preset's weights, a file each or, if large, several: the
#: networks, their averages, and what a training needs to go on.
MODEL, AVERAGES, TRAINING = "model", "model.ema", "optimizer"
_WEIGHTS = re.compile(
    rf"({MODEL}|{re.escape(AVERAGES)}|{TRAINING})"
    r"(-\d{5}-of-\d{5})?\.safetensors"
)
_INDEX = ".index.json"


def part_of(name: str) -> str | None:
    """Which part of the weights a file of this name holds, or `None`."""
    match = _WEIGHTS.fullmatch(name)
    return match and match[1]


def index_of(part: str) -> str:
    """The name of the index of a part that is in several files."""
    return f"{part}.safetensors{_INDEX}"


def is_of_the_format(name: str) -> bool:
    """Whether a preset's file of this name is written anew by each save."""
    return name in (CONFIG, METADATA) or bool(
        part_of(name.removesuffix(_INDEX))
    )


def is_picture(name: str) -> bool:
    """Whether a file is shown by the card."""
    return name.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".webp"))
