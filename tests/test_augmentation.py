"""Augmentation of the data: Keras's and KerasCV's layers in front of `fit`."""

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


def check(model, x, augmentations):
    """Augmented data are in the model's range, and it trains on them."""
    for count, layer in enumerate(augmentations, 1):
        dataset = augmented(x, layer)
        seen = np.concatenate(list(dataset.as_numpy_iterator()))
        assert seen.shape == x.shape
        assert seen.min() >= 0 and seen.max() <= 255
        assert np.abs(seen - x).max() > 1
        history = model.fit(dataset, shuffle=False, verbose=0).history
        assert all(np.isfinite(values).all() for values in history.values())
        assert int(model.step.numpy()) == 2 * count


@pytest.fixture
def model(tiny_model):
    return tiny_model(("encoder", "discriminator"), SHAPE)


def test_layers_of_keras(model, images):
    check(model, images(16, SHAPE), [make() for make in LAYERS.values()])


def test_integers_stay_integers(model, images):
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
    model.fit(dataset, shuffle=False, verbose=0)
    assert int(model.step.numpy()) == 2


def test_layers_of_keras_cv(model, images):
    import keras_cv

    check(
        model,
        images(16, SHAPE),
        [make(keras_cv) for make in CV_LAYERS.values()],
    )


def test_each_image_of_a_batch_changes_in_its_own_way(images):
    import keras_cv

    x = np.repeat(images(1, SHAPE), 64, axis=0)
    dataset = augmented(x, CV_LAYERS["cutout"](keras_cv))
    made = np.unique(np.concatenate(list(dataset.as_numpy_iterator())), axis=0)
    assert len(made) > 30
    # A box of half of each side, a part of which may lie outside.
    empty = (made == 0).all(-1).sum((1, 2))
    assert empty.max() == 16 and empty.min() < 16


def test_changes_that_leave_the_range_are_refused(images, tiny_model):
    """What a layer made for 0 to 255 does to images from 0 to 1."""
    x = images(16, SHAPE).astype("float32") / 255
    dataset = augmented(x, layers.RandomBrightness(0.5, seed=0))
    model = tiny_model(shape=SHAPE, data_range=(0, 1), data_dtype="float32")
    with pytest.raises(tf.errors.InvalidArgumentError, match="`data_range`"):
        model.fit(dataset, shuffle=False, verbose=0)
