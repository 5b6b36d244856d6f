"""Augmentation of the data: Keras's and KerasCV's layers in front of `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

SHAPE = (8, 8, 3)
#: Of Keras, once each kind: they run as TensorFlow's in any `tf.data`.
LAYERS = {
    "flip": lambda: layers.RandomFlip(
        "horizontal", data_format="channels_last", seed=0
    ),
    "translation": lambda: layers.RandomTranslation(
        0.25,
        0.25,
        fill_mode="constant",
        data_format="channels_last",
        seed=0,
    ),
    "brightness": lambda: layers.RandomBrightness(
        0.2, value_range=(0, 255), data_format="channels_last", seed=0
    ),
    "contrast": lambda: layers.RandomContrast(
        0.2, value_range=(0, 255), data_format="channels_last", seed=0
    ),
}
#: Of KerasCV, imported where they are used: that takes seconds.
CV_LAYERS = {
    "cutout": lambda cv: cv.layers.RandomCutout(0.5, 0.5, seed=0),
    "translation": lambda cv: cv.layers.RandomTranslation(
        0.25, 0.25, fill_mode="constant", seed=0
    ),
    "rand_augment": lambda cv: cv.layers.RandAugment(
        value_range=(0, 255), augmentations_per_image=1, seed=0
    ),
}


def augmented(x, layer):
    """Batches of `x`, each sample changed by the layer."""
    return (
        tf.data.Dataset.from_tensor_slices(x)
        .batch(8)
        .map(lambda batch: layer(tf.cast(batch, "float32"), training=True))
    )


def check(model, x, layer):
    """Augmented data are in the model's range, and it trains on them."""
    dataset = augmented(x, layer)
    seen = np.concatenate(list(dataset.as_numpy_iterator()))
    assert seen.shape == x.shape
    assert seen.min() >= 0 and seen.max() <= 255
    assert np.abs(seen - x).max() > 1
    history = model.fit(dataset, epochs=2, shuffle=False, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert int(model.step.numpy()) == 4


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_keras(tiny_model, images, name):
    model = tiny_model(("encoder", "discriminator"), SHAPE)
    check(model, images(16, SHAPE), LAYERS[name]())


def test_integers_stay_integers(tiny_model, images):
    """A layer in the data's own dtype: no other range, no conversion."""
    layer = layers.RandomFlip(
        "horizontal", data_format="channels_last", dtype="uint8", seed=0
    )
    x = images(16, SHAPE)
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(8)
    dataset = dataset.map(lambda batch: layer(batch, training=True))
    assert dataset.element_spec.dtype == tf.uint8
    for made, given in zip(
        np.concatenate(list(dataset.as_numpy_iterator())), x, strict=True
    ):
        assert (made == given).all() or (made == given[:, ::-1]).all()
    model = tiny_model(("encoder", "discriminator"), SHAPE)
    model.fit(dataset, shuffle=False, verbose=0)
    assert int(model.step.numpy()) == 2


def test_layers_of_keras_cv(tiny_model, images):
    import keras_cv

    for make in CV_LAYERS.values():
        model = tiny_model(("encoder", "discriminator"), SHAPE)
        check(model, images(16, SHAPE), make(keras_cv))
        keras.utils.clear_session()
