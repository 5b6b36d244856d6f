"""What the residual networks are made of, for images and for signals.

Each function takes features `(batch, height, width, filters)` of an image or
`(batch, length, filters)` of a signal, and works alike on both. The first and
the last layer work on patches of 2x2 pixels or of 2 samples, so that no block
runs at full size.
"""

from keras import layers

from keras_aegan.layers import LeakyReLU

_CONVOLUTIONS = {3: layers.Conv1D, 4: layers.Conv2D}
_POOLINGS = {3: layers.AveragePooling1D, 4: layers.AveragePooling2D}


def kind(data_shape: tuple[int, ...]) -> str:
    """What data of this shape are called in the names of layers."""
    return "image" if len(data_shape) == 3 else "signal"


def stage_widths(sizes, width: int, max_width: int) -> list[int]:
    """Filters at each size below the full one; doubled at each halving."""
    return [min(width * 2**stage, max_width) for stage in range(len(sizes) - 1)]


def convolution(features, filters: int, size: int, name: str, **kwargs):
    """A convolution that keeps the size, unless it has strides."""
    kwargs.setdefault("kernel_initializer", "he_normal")
    return _CONVOLUTIONS[len(features.shape)](
        filters,
        size,
        padding="same",
        data_format="channels_last",
        name=name,
        **kwargs,
    )(features)


def to_features(data, widths: list[int], blocks: int):
    """Data to their features at the smallest size.

    Args:
        data: a batch of images or signals.
        widths: filters at each size below the full one.
        blocks: residual blocks at each size.
    """
    start = f"from_{kind(data.shape[1:])}"
    features = convolution(data, widths[0], 4, start, strides=2)
    for stage, filters in enumerate(widths):
        if stage:
            features = _POOLINGS[len(features.shape)](
                2, data_format="channels_last", name=f"down_{stage}"
            )(features)
            features = convolution(features, filters, 1, f"widen_{stage}")
        for block in range(blocks):
            features = _block(features, f"stage_{stage}_block_{block}")
    return LeakyReLU(0.2)(features)


def from_features(
    features,
    data_shape: tuple[int, ...],
    widths: list[int],
    blocks: int,
    output_activation: str | None = "tanh",
):
    """Features at the smallest size to data.

    Args:
        features: of as many filters as the last of `widths`.
        data_shape: `(height, width, channels)` or `(length, channels)`.
        widths: filters at each size below the full one.
        blocks: residual blocks at each size.
        output_activation: of the data; `"tanh"` for data in -1 to 1.
    """
    for stage in reversed(range(len(widths))):
        if stage < len(widths) - 1:
            features = convolution(
                features, widths[stage], 1, f"narrow_{stage}"
            )
            features = _doubled(features, f"up_{stage}")
        for block in range(blocks):
            features = _block(features, f"stage_{stage}_block_{block}")
    features = LeakyReLU(0.2)(features)
    return _from_patches(features, data_shape, output_activation)


def _block(features, name):
    """x + conv(act(conv(act(x)))), the identity at the start."""
    filters = features.shape[-1]
    change = LeakyReLU(0.2)(features)
    change = convolution(change, filters, 3, f"{name}_conv_1")
    change = LeakyReLU(0.2)(change)
    change = convolution(
        change, filters, 3, f"{name}_conv_2", kernel_initializer="zeros"
    )
    return layers.Add()([features, change])


def _doubled(features, name):
    if len(features.shape) == 3:
        return layers.UpSampling1D(2, name=name)(features)
    return layers.UpSampling2D(2, data_format="channels_last", name=name)(
        features
    )


def _from_patches(features, data_shape, activation):
    """A patch of data from each position (pixel shuffle).

    No convolution runs at the full size.
    """
    *size, channels = data_shape
    name = kind(data_shape)
    patches = convolution(
        features,
        2 ** len(size) * channels,
        3,
        f"to_{name}",
        kernel_initializer="glorot_uniform",
    )
    # The samples of a signal's patches already follow one another.
    if len(size) == 2:
        height, width = size
        patches = layers.Reshape((height // 2, width // 2, 2, 2, channels))(
            patches
        )
        patches = layers.Permute((1, 3, 2, 4, 5))(patches)
    data = layers.Reshape(data_shape)(patches)
    return layers.Activation(activation, name=name)(data)
