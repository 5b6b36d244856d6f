"""What sets of samples are compared on: features, and what they are called."""

import contextlib
import functools
import pathlib
from collections.abc import Callable, Iterator

import keras
import numpy as np
from keras import ops

from keras_aegan.data import DataSpec, is_rescaled

_MNIST = pathlib.Path(__file__).with_name("mnist_features.safetensors")
_SIDE, _INCEPTION_SIDE = 28, 299
_BATCH = 256


class Extractor:
    """Samples to features, with a name that every result carries.

    Args:
        name: what the features are called in results.
        function: float32 samples `(n, *data_shape)`, in 0 to 255 where they
            have a range, to features `(n, ...)`.
        data_range: `(low, high)` of the samples, or `None`.
        resize: what is done to the samples' size, in words.

    Raises:
        ValueError: for a range that is none.
    """

    def __init__(
        self,
        name: str,
        function: Callable,
        data_range: tuple[float, float] | None = (0, 255),
        resize: str = "none",
    ):
        self.name = name
        self.function = function
        self.data_range = DataSpec((), data_range, "float32").range
        self.resize = resize

    def __call__(self, samples) -> np.ndarray:
        """Features of samples.

        Args:
            samples: `(n, *data_shape)` in the data's range.

        Returns:
            A float32 array `(n, d)`.

        Raises:
            ValueError: for no samples, or values that are not finite or
                cannot be in `data_range`.
        """
        samples = np.asarray(ops.convert_to_numpy(samples), "float32")
        if samples.ndim < 2 or not len(samples):
            raise ValueError(
                "Expected samples of shape (n, ...) with n of 1 or more. "
                f"Received: shape {samples.shape}"
            )
        self._check_range(samples)
        if self.data_range is not None:
            low, high = self.data_range
            samples = (samples - low) * (255.0 / (high - low))
        found = [
            np.asarray(ops.convert_to_numpy(self.function(part)), "float32")
            for part in np.split(samples, range(_BATCH, len(samples), _BATCH))
        ]
        return np.concatenate([part.reshape(len(part), -1) for part in found])

    def _check_range(self, samples):
        if not np.isfinite(samples).all():
            raise ValueError(
                "Expected finite samples. Received: samples with NaN or "
                "infinity. A model that draws them has diverged."
            )
        if self.data_range is None:
            return
        low, high = self.data_range
        least, most = float(samples.min()), float(samples.max())
        slack = 1e-3 * (high - low)
        is_outside = least < low - slack or most > high + slack
        if is_outside or is_rescaled(samples, self.data_range):
            raise ValueError(
                f"Expected samples in data_range={self.data_range}. Received: "
                f"values from {least:g} to {most:g}. Give the range that they "
                "are in, `data_range=`, or rescale them."
            )


def extractor_for(
    extractor: "str | keras.Model | Extractor",
    data_range: tuple[float, float] | None = (0, 255),
) -> Extractor:
    """The extractor of a name or of a network.

    | name | features |
    |---|---|
    | `"pixels"` | the values themselves, in 0 to 1 |
    | `"mnist"` | 64 of a small convolutional classifier of MNIST's digits \
(99.2 % right on the test part), for small grey pictures; bundled |
    | `"inception"` | 2,048 of `keras.applications.InceptionV3`, of pictures \
resized to 299 x 299; its weights are downloaded |

    A distance on InceptionV3's features is the usual "FID" but for the weights
    and the resizing, which are Keras's: it is not comparable to numbers made
    with others.

    Args:
        extractor: such a name; a `keras.Model` from samples in 0 to 255 (or
            without a range) to features; or an `Extractor`.
        data_range: `(low, high)` of the samples, or `None` for data without a
            range.

    Returns:
        An `Extractor`.

    Raises:
        ValueError: for an unknown name, `None` as the range of pictures for
            `"mnist"` or `"inception"`, or if InceptionV3's weights cannot be
            had.

    Example:

    ```python
    features = extractor_for("mnist")(images)
    ```
    """
    if isinstance(extractor, Extractor):
        return extractor
    if isinstance(extractor, keras.Model):
        run = functools.partial(extractor, training=False)
        return Extractor(extractor.name, run, data_range)
    if extractor == "pixels":
        scale = 1.0 if data_range is None else 1 / 255.0
        return Extractor("pixels", lambda x: x * scale, data_range)
    if extractor in ("mnist", "inception") and data_range is None:
        raise ValueError(
            f"Expected data_range=(low, high) for extractor={extractor!r}, "
            "which has to know black from white. Received: data_range=None. "
            "Give the range of the pictures, such as (0, 255)."
        )
    if extractor == "mnist":
        return Extractor(
            "mnist",
            lambda x: mnist_network()(_grey(x), training=False),
            data_range,
            f"to {_SIDE}x{_SIDE}, bilinear with antialiasing",
        )
    if extractor == "inception":
        network = _inception()  # Now, and not after an epoch of training.
        return Extractor(
            "inception",
            lambda x: network(_large(x), training=False),
            data_range,
            f"to {_INCEPTION_SIDE}x{_INCEPTION_SIDE}, bilinear with "
            "antialiasing",
        )
    raise ValueError(
        "Expected extractor to be 'pixels', 'mnist', 'inception' or a "
        f"keras.Model. Received: extractor={extractor!r}"
    )


def mnist_layers() -> list[keras.Layer]:
    """The layers of the bundled network, from 28 x 28 pictures in 0 to 255."""
    last = {"data_format": "channels_last"}
    # With a seed of its own, it leaves the global one to the user's layers.
    start = {"kernel_initializer": keras.initializers.GlorotUniform(seed=0)}
    layers = [keras.layers.Rescaling(1 / 127.5, -1.0)]
    for filters in (16, 32, 64):
        layers += [
            keras.layers.Conv2D(
                filters, 3, padding="same", activation="relu", **last, **start
            ),
            keras.layers.MaxPooling2D(**last),
        ]
    return [
        *layers,
        keras.layers.Flatten(**last),
        keras.layers.Dense(64, activation="relu", **start),
    ]


@functools.cache
def mnist_network() -> keras.Model:
    """The bundled network, with its weights, which `train_extractor` made."""
    import safetensors.numpy

    inputs = keras.Input((_SIDE, _SIDE, 1))
    with _float32():
        network = keras.Sequential([inputs, *mnist_layers()], name="mnist")
    tensors = safetensors.numpy.load_file(_MNIST)
    network.set_weights([tensors[str(i)] for i in range(len(tensors))])
    return network


@functools.cache
def _inception():
    shape = (_INCEPTION_SIDE, _INCEPTION_SIDE, 3)
    try:
        with _float32():
            return keras.applications.InceptionV3(
                include_top=False, pooling="avg", input_shape=shape
            )
    except Exception as error:  # Whatever the download raises.
        reason = (str(error) or repr(error)).splitlines()[0]
        raise ValueError(
            f"The weights of InceptionV3 cannot be had ({reason}). Connect to "
            "the network once, or give another extractor: 'pixels', 'mnist' "
            "or a keras.Model."
        ) from error


@contextlib.contextmanager
def _float32() -> Iterator[None]:
    """For networks that are kept, and shall not depend on a training's."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def _pictures(samples):
    if samples.ndim != 4 or samples.shape[-1] not in (1, 3):
        raise ValueError(
            "This extractor is for pictures (n, height, width, 1 or 3). "
            f"Received: shape {samples.shape}. Use extractor='pixels' or a "
            "keras.Model."
        )
    return samples


def _grey(samples):
    grey = _pictures(samples).mean(axis=-1, keepdims=True)
    return _resized(grey, _SIDE)


def _large(samples):
    large = _resized(_pictures(samples), _INCEPTION_SIDE)
    if samples.shape[-1] == 1:
        large = ops.repeat(large, 3, axis=-1)
    # As the network's `preprocess_input`, which overwrites arrays.
    return large / 127.5 - 1.0


def _resized(pictures, side):
    if pictures.shape[1:3] == (side, side):
        return pictures
    return ops.image.resize(
        pictures, (side, side), antialias=True, data_format="channels_last"
    )
