"""Presets: a model as a folder of plain files, here or on the Hub."""

from keras_aegan.hub.errors import (
    PresetAccessError,
    PresetConnectionError,
    PresetError,
    PresetFormatError,
    PresetNotFoundError,
    PresetRevisionError,
    PresetWeightsError,
    PresetWriteError,
)
from keras_aegan.hub.load import load_preset
from keras_aegan.hub.registry import bundled_presets
from keras_aegan.hub.save import save_preset
from keras_aegan.hub.upload import upload_preset

__all__ = [
    "PresetAccessError",
    "PresetConnectionError",
    "PresetError",
    "PresetFormatError",
    "PresetNotFoundError",
    "PresetRevisionError",
    "PresetWeightsError",
    "PresetWriteError",
    "bundled_presets",
    "load_preset",
    "save_preset",
    "upload_preset",
]
