"""The names of a preset's files, and the version of their format."""

SCHEMA_VERSION = 1

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.safetensors"
CARD = "README.md"
