"""Layers that Keras lacks, or has slower."""

from keras_aegan.layers.conv2d_transpose import Conv2DTranspose
from keras_aegan.layers.diff_augment import DiffAugment
from keras_aegan.layers.gaussian_noise import GaussianNoise
from keras_aegan.layers.leaky_relu import LeakyReLU
from keras_aegan.layers.mixture import GaussianMixture
from keras_aegan.layers.straight_through import StraightThrough

__all__ = [
    "Conv2DTranspose",
    "DiffAugment",
    "GaussianMixture",
    "GaussianNoise",
    "LeakyReLU",
    "StraightThrough",
]
