import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan.metrics import Extractor, extractor_for, features

pictures_only = pytest.mark.parametrize("name", ["mnist", "inception"])


def seven(side=28, channels=1):
    """A drawn digit, which no flip or turn leaves as it is; uint8."""
    picture = np.zeros((1, side, side, channels), "uint8")
    picture[:, 6:9, 7:20] = 255
    for row in range(9, 24):
        right = 21 - (row - 9) // 2
        picture[:, row, right - 3 : right] = 200
    return picture


@pytest.fixture
def built_anew():
    """The networks that are kept are built in this test, and not after it."""
    for network in (features.mnist_network, features._inception):
        network.cache_clear()
    yield
    for network in (features.mnist_network, features._inception):
        network.cache_clear()


# === Values as they are ===


@pytest.mark.parametrize(
    "data_range", [(0, 255), (-1, 1), (-3, 5)], ids=["255", "1", "other"]
)
def test_pixels_are_in_0_to_1_whatever_the_range(data_range):
    low, high = data_range
    samples = np.array([[[0.0, 0.2], [0.6, 1.0]], [[1.0, 0.4], [0.8, 0.0]]])
    found = extractor_for("pixels", data_range)(samples * (high - low) + low)
    assert found.dtype == "float32"
    np.testing.assert_allclose(
        found, [[0, 0.2, 0.6, 1], [1, 0.4, 0.8, 0]], atol=1e-6
    )


def test_pixels_of_data_without_a_range_are_the_values():
    samples = np.array([[-300.0, 0.5], [7.0, 1e6]], "float32")
    found = extractor_for("pixels", None)(samples)
    np.testing.assert_array_equal(found, samples)


def test_tensors_are_taken_too(images):
    samples = images(3)
    found = extractor_for("pixels")(ops.convert_to_tensor(samples))
    np.testing.assert_allclose(found, samples.reshape(3, -1) / 255.0, rtol=1e-6)


def test_the_samples_stay_as_they_are(images):
    samples = images(2).astype("float32")
    extractor_for("pixels")(samples)
    np.testing.assert_array_equal(samples, images(2))


def test_names_and_resizing_are_stated(built_anew, monkeypatch):
    monkeypatch.setattr(keras.applications, "InceptionV3", means_of_halves)
    found = {
        name: (extractor.name, extractor.resize)
        for name in ("pixels", "mnist", "inception")
        for extractor in [extractor_for(name)]
    }
    assert found == {
        "pixels": ("pixels", "none"),
        "mnist": ("mnist", "to 28x28, bilinear with antialiasing"),
        "inception": ("inception", "to 299x299, bilinear with antialiasing"),
    }


# === The bundled network ===


# Written down once, on PyTorch: a change, or another backend's own resizing,
# would make numbers incomparable that carry the same name. 25 is enlarged and
# 32 made smaller.
@pytest.mark.parametrize(
    ("side", "wanted", "total"),
    [
        (28, [0, 0, 0, 8.049637, 6.385692, 0, 12.805036, 0], 138.01762),
        (32, [0, 0, 0, 5.299566, 7.942412, 0, 11.400593, 0], 110.00049),
        (25, [0, 0, 0, 8.875653, 3.959236, 0, 10.140306, 0], 120.71788),
    ],
)
def test_a_picture_has_the_same_features_on_every_backend(side, wanted, total):
    found = extractor_for("mnist")(seven(side))
    assert found.shape == (1, 64) and found.dtype == "float32"
    np.testing.assert_allclose(found[0, :8], wanted, atol=1e-4)
    np.testing.assert_allclose(found.sum(), total, atol=1e-3)


def test_features_of_any_picture_are_finite_and_not_negative(images):
    extremes = np.stack([np.full((28, 28, 1), v, "uint8") for v in (0, 255)])
    samples = np.concatenate([images(6, (28, 28, 1)), extremes])
    found = extractor_for("mnist")(samples)
    assert found.shape == (8, 64)
    assert np.isfinite(found).all() and (found >= 0).all()
    assert (np.ptp(found, axis=0) > 0).sum() >= 25  # They tell them apart.


def test_grey_is_the_mean_of_the_colours():
    extractor = extractor_for("mnist")
    grey = extractor(seven(32))
    np.testing.assert_allclose(extractor(seven(32, 3)), grey, atol=1e-4)
    red = np.zeros((1, 32, 32, 3), "uint8")
    red[..., :1] = seven(32)
    third = extractor_for("mnist")(seven(32) / 3)
    np.testing.assert_allclose(extractor(red), third, atol=1e-4)
    assert abs(third - grey).max() > 1


def test_what_is_made_smaller_is_smoothed():
    # Without antialiasing, nothing but the black dots would be looked at.
    dotted, plain = np.full((2, 1, 84, 84, 1), 180.0, "float32")
    dotted[:, 1::3, 1::3] = 0
    plain *= 8 / 9
    extractor = extractor_for("mnist")
    black = abs(extractor(0 * plain) - extractor(plain)).max()
    assert abs(extractor(dotted) - extractor(plain)).max() < black / 20


@pytest.mark.parametrize("name", ["pixels", "mnist"])
@pytest.mark.parametrize("data_range", [(-1, 1), (0, 1), (0, 65535)])
def test_a_picture_has_the_same_features_in_any_range(name, data_range, images):
    samples = np.concatenate([seven(), images(3, (28, 28, 1))])
    low, high = data_range
    other = samples / 255.0 * (high - low) + low
    np.testing.assert_allclose(
        extractor_for(name, data_range)(other),
        extractor_for(name)(samples),
        atol=1e-4,
    )


def test_batches_do_not_matter(images):
    samples = images(300, (28, 28, 1))  # More than are computed at a time.
    extractor = extractor_for("mnist")
    whole = extractor(samples)
    parts = [extractor(samples[i : i + 77]) for i in range(0, 300, 77)]
    np.testing.assert_allclose(whole, np.concatenate(parts), atol=1e-4)


@pytest.fixture
def other_settings():
    """What a user may have set for a model of their own."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_settings_of_a_training_do_not_matter(other_settings, built_anew):
    found = extractor_for("mnist")(seven())
    wanted = [0, 0, 0, 8.049637, 6.385692, 0, 12.805036, 0]
    np.testing.assert_allclose(found[0, :8], wanted, atol=1e-4)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


# === InceptionV3, of which only the calls are tested ===


def means_of_halves(**kwargs):
    """In InceptionV3's place: each channel's means on the left and right."""
    assert kwargs == {
        "include_top": False,
        "pooling": "avg",
        "input_shape": (299, 299, 3),
    }
    return keras.Sequential(
        [
            keras.Input(kwargs["input_shape"]),
            keras.layers.AveragePooling2D((299, 149)),
        ]
    )


@pytest.mark.parametrize("side", [20, 299, 320])
@pytest.mark.parametrize("data_range", [(0, 255), (-1, 1)])
def test_inception_sees_large_pictures_in_minus_1_to_1(
    side, data_range, built_anew, monkeypatch
):
    monkeypatch.setattr(keras.applications, "InceptionV3", means_of_halves)
    low, high = data_range
    colours = np.full((1, side, side, 3), low, "float32")
    colours[:, :, : side // 2] = [high, low, (low + high) / 2]
    found = extractor_for("inception", data_range)(colours)
    # On the edge between the halves, a pixel is in between.
    np.testing.assert_allclose(found, [[1, -1, 0, -1, -1, -1]], atol=0.03)


def test_inception_sees_grey_as_three_equal_colours(built_anew, monkeypatch):
    monkeypatch.setattr(keras.applications, "InceptionV3", means_of_halves)
    extractor = extractor_for("inception")
    grey, colour = (extractor(seven(28, channels)) for channels in (1, 3))
    assert grey.shape == (1, 6)
    np.testing.assert_allclose(grey, colour, atol=1e-6)
    assert grey[0, 0] != grey[0, 3]


@pytest.mark.parametrize(
    "error", [OSError("URL fetch failure\nand more"), TimeoutError()]
)
def test_weights_that_cannot_be_had_say_what_to_do(
    error, built_anew, monkeypatch
):
    def unreachable(**kwargs):
        raise error

    monkeypatch.setattr(keras.applications, "InceptionV3", unreachable)
    reason = "URL fetch failure" if str(error) else r"TimeoutError\(\)"
    with pytest.raises(
        ValueError, match=rf"cannot be had \({reason}\). Connect .* 'mnist' or"
    ):
        extractor_for("inception")  # At once, before any training.
    monkeypatch.setattr(keras.applications, "InceptionV3", means_of_halves)
    assert extractor_for("inception")(seven()).shape == (1, 6)


# === A network of one's own ===


def network(**kwargs):
    return keras.Sequential(
        [
            keras.Input((6, 4, 1)),
            keras.layers.Dropout(0.5),
            keras.layers.Conv2D(2, 1, kernel_initializer="ones"),
        ],
        **kwargs,
    )


@pytest.mark.parametrize("data_range", [(0, 255), (-1, 1)])
def test_a_network_gets_0_to_255_and_gives_its_name(data_range, images):
    low, high = data_range
    samples = images(5)
    extractor = extractor_for(network(name="mine"), data_range)
    found = extractor(samples / 255.0 * (high - low) + low)
    assert (extractor.name, extractor.resize) == ("mine", "none")
    # Flat, and without dropout.
    wanted = samples.repeat(2, axis=-1).reshape(5, -1)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_a_network_gets_data_without_a_range_as_they_are():
    samples = np.full((1, 6, 4, 1), -1e4, "float32")
    assert (extractor_for(network(), None)(samples) == -1e4).all()


def test_an_extractor_stays_what_it_is():
    mine = Extractor("mine", lambda x: x, (-1, 1), "to 8x8, nearest")
    assert extractor_for(mine) is mine
    assert mine(np.array([[-1.0, 1.0]])).tolist() == [[0, 255]]


# === Refusals ===


@pytest.mark.parametrize("wrong", ["vgg", "Mnist", None, len])
def test_what_is_no_extractor_is_refused(wrong):
    with pytest.raises(ValueError, match="'pixels', 'mnist', 'inception' or a"):
        extractor_for(wrong)


@pytest.mark.parametrize("name", ["pixels", "mnist"])
@pytest.mark.parametrize("data_range", [(1, 1), (255, 0), (0, np.inf)])
def test_what_is_no_range_is_refused(name, data_range):
    with pytest.raises(ValueError, match="low < high, or None"):
        extractor_for(name, data_range)


@pictures_only
def test_pictures_need_a_range(name):
    with pytest.raises(ValueError, match=f"'{name}', .*Give the range of the"):
        extractor_for(name, None)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("data_range", [(0, 255), None])
def test_values_that_are_not_finite_are_refused(value, data_range):
    samples = np.ones((3, 4), "float32")
    samples[1, 2] = value
    with pytest.raises(ValueError, match="NaN or infinity.*has diverged"):
        extractor_for("pixels", data_range)(samples)


@pytest.mark.parametrize(
    ("samples", "data_range", "received"),
    [
        (seven() / 255, (0, 255), "from 0 to 1"),
        (seven() / 127.5 - 1, (0, 255), "from -1 to 1"),
        (seven(), (-1, 1), "from 0 to 255"),
        (seven() / 127.5 - 1, (0, 1), "from -1 to 1"),
        (seven() * 1.01, (0, 255), "from 0 to 257.55"),
    ],
)
def test_another_range_than_stated_is_refused(samples, data_range, received):
    extractor = extractor_for("mnist", data_range)
    with pytest.raises(ValueError, match=f"{received}. Give the range"):
        extractor(samples)


@pytest.mark.parametrize(
    ("value", "data_range"),
    [(0.005, (-1, 1)), (127.3, (0, 255)), (0.004, (0, 255)), (255.1, (0, 255))],
)
def test_values_that_are_all_alike_are_in_the_range(value, data_range):
    # What a fresh or a dead generator makes, or rounding: measured, as it is.
    low, high = data_range
    found = extractor_for("pixels", data_range)(np.full((2, 3), value))
    np.testing.assert_allclose(found, (value - low) / (high - low), rtol=1e-5)


@pytest.mark.parametrize("shape", [(0, 28, 28, 1), (5,), ()])
def test_no_samples_are_refused(shape):
    with pytest.raises(ValueError, match=r"n of 1 or more. Received: shape \("):
        extractor_for("mnist")(np.zeros(shape))


@pictures_only
@pytest.mark.parametrize("shape", [(2, 784), (2, 28, 28), (2, 28, 28, 2)])
def test_what_is_no_picture_is_refused(name, shape, built_anew, monkeypatch):
    monkeypatch.setattr(keras.applications, "InceptionV3", means_of_halves)
    with pytest.raises(ValueError, match="height, width, 1 or 3.*'pixels' or"):
        extractor_for(name)(np.zeros(shape))


def test_the_bundled_network_leaves_the_users_seed_alone():
    starts = []
    for used in (False, True):
        keras.utils.set_random_seed(7)
        features.mnist_network.cache_clear()
        if used:
            extractor_for("mnist")(np.full((2, 28, 28, 1), 9, "uint8"))
        layer = keras.layers.Dense(3)
        layer.build((None, 4))
        starts.append(ops.convert_to_numpy(layer.kernel))
    np.testing.assert_array_equal(*starts)
