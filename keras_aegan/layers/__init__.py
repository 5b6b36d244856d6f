"""Layers that Keras lacks."""

from keras_aegan.layers.diff_augment import DiffAugment
from keras_aegan.layers.mixture import GaussianMixture
from keras_aegan.layers.straight_through import StraightThrough

__all__ = ["DiffAugment", "GaussianMixture", "StraightThrough"]
