"""Which sizes data pass through on their way to the code and back."""


def data_sizes(data_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The sizes that a network for images or for signals works at.

    A side is halved while it stays whole and at least 4: 28 gives 28, 14, 7;
    64 gives 64, 32, 16, 8, 4. A signal's length is halved alike, however long
    it is, so that what is left for the code is small: 256 gives 256, 128 ... 4.

    Args:
        data_shape: `(height, width, channels)` or `(length, channels)`.

    Returns:
        A list of `(height, width)` or of `(length,)`, from the full size to
        the smallest.

    Raises:
        ValueError: if `data_shape` is neither an image's nor a signal's, looks
            like channels first, or cannot be halved twice.
    """
    if len(data_shape) == 3:
        return image_sizes(data_shape, "data_shape")
    if len(data_shape) != 2 or not _is_positive(data_shape):
        raise ValueError(
            "Expected data_shape=(height, width, channels) of three positive "
            "integers, or data_shape=(length, channels) of two. Received: "
            f"data_shape={data_shape}. For other data use the dense networks."
        )
    length, channels = data_shape
    if channels >= length:
        raise ValueError(
            "Expected data_shape=(length, channels) of a signal that is longer "
            f"than it has channels. Received: data_shape={data_shape}. Move "
            "channels that come first to the end with "
            "`numpy.moveaxis(signals, 1, -1)`; give images without channels "
            "a third axis with `images[..., None]`."
        )
    sizes = _halved((length,))
    if len(sizes) < 3:
        raise ValueError(
            "Expected a length that can be halved at least twice and stay 4 "
            "or more, such as 28, 100, 256 or 1000. Received: "
            f"data_shape={data_shape}. Cut or pad the signals."
        )
    return sizes


def image_sizes(
    image_shape: tuple[int, ...], argument: str = "image_shape"
) -> list[tuple[int, int]]:
    """The heights and widths that a network for images works at.

    See `data_sizes`.

    Args:
        image_shape: `(height, width, channels)`.
        argument: what the network calls the shape, for errors.

    Returns:
        A list of `(height, width)` from the full size to the smallest.

    Raises:
        ValueError: if `image_shape` is not an image's, looks like channels
            first, or cannot be halved twice.
    """
    check_image_shape(image_shape, argument)
    sizes = _halved(image_shape[:-1])
    if len(sizes) < 3:
        raise ValueError(
            "Expected sides that can be halved at least twice and stay 4 or "
            "more, such as 28, 32, 64, 96 or 128. Received: "
            f"{argument}={image_shape}. Resize or pad the images."
        )
    return sizes


def check_image_shape(
    image_shape: tuple[int, ...], argument: str = "image_shape"
) -> None:
    """Refuses what is not `(height, width, channels)`.

    Args:
        image_shape: the shape to check.
        argument: what the network calls the shape, for errors.

    Raises:
        ValueError: if `image_shape` is not an image's, or looks like channels
            first.
    """
    if len(image_shape) != 3 or not _is_positive(image_shape):
        raise ValueError(
            f"Expected {argument}=(height, width, channels) of three positive "
            f"integers. Received: {argument}={image_shape}. For data that are "
            "not images use the dense networks."
        )
    height, width, channels = image_shape
    if channels > min(height, width):
        raise ValueError(
            f"Expected channels last: {argument}=(height, width, channels). "
            f"Received: {argument}={image_shape}, which looks like channels "
            "first. Move the channels to the end with "
            "`numpy.moveaxis(images, 1, -1)`."
        )


def _is_positive(shape):
    return all(isinstance(side, int) and side > 0 for side in shape)


def _halved(size):
    sizes = [size]
    while all(side % 2 == 0 and side >= 8 for side in size):
        size = tuple(side // 2 for side in size)
        sizes.append(size)
    return sizes
