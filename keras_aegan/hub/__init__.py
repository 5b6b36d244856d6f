"""Presets: a model as a folder of plain files, and where they are found."""

from keras_aegan.hub.errors import (
    PresetError,
    PresetFormatError,
    PresetNotFoundError,
    PresetWeightsError,
    PresetWriteError,
)
from keras_aegan.hub.preset import load_preset, save_preset
from keras_aegan.hub.registry import bundled_presets

__all__ = [
    "PresetError",
    "PresetFormatError",
    "PresetNotFoundError",
    "PresetWeightsError",
    "PresetWriteError",
    "bundled_presets",
    "load_preset",
    "save_preset",
]
