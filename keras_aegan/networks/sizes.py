"""Which sizes an image passes through on its way to the code and back."""


def image_sizes(image_shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """The heights and widths that a network for `image_shape` works at.

    A side is halved while it stays whole and at least 4: 28 gives 28, 14, 7;
    64 gives 64, 32, 16, 8, 4.

    Args:
        image_shape: `(height, width, channels)`, channels last, sides from 8
            to 128.

    Returns:
        A list of `(height, width)` from the full size to the smallest.

    Raises:
        ValueError: if `image_shape` is not an image's, looks like channels
            first, or cannot be halved twice.
    """
    if len(image_shape) != 3 or not all(
        isinstance(side, int) and side > 0 for side in image_shape
    ):
        raise ValueError(
            "Expected image_shape=(height, width, channels) of three positive "
            f"integers. Received: image_shape={image_shape}. For data that are "
            "not images use the dense networks."
        )
    height, width, channels = image_shape
    if channels > min(height, width):
        raise ValueError(
            "Expected channels last: image_shape=(height, width, channels). "
            f"Received: image_shape={image_shape}, which looks like channels "
            "first. Move the channels to the end with "
            "`numpy.moveaxis(images, 1, -1)`."
        )
    sizes = [(height, width)]
    while height % 2 == 0 and width % 2 == 0 and min(height, width) >= 8:
        height, width = height // 2, width // 2
        sizes.append((height, width))
    if len(sizes) < 3:
        raise ValueError(
            "Expected sides that can be halved at least twice and stay 4 or "
            "more, such as 28, 32, 64, 96 or 128. Received: "
            f"image_shape={image_shape}. Resize or pad the images."
        )
    return sizes
