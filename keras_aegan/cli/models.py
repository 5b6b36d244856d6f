"""A model, the data that suit it, and pictures of them."""

from pathlib import Path

import numpy as np

from keras_aegan.cli.mistakes import UsageError, users_mistakes
from keras_aegan.images import image_grid, read_data, save_image


def load(preset: str, dtype: str | None = None):
    """The model of a preset, which the user may have misspelt."""
    from keras_aegan import AEGAN

    print(f"Loading {preset}")
    with users_mistakes():
        return AEGAN.from_preset(preset, dtype=dtype)


def shows(model) -> bool:
    """Whether the model's data are pictures."""
    return len(model.data_shape) == 3 and model.data_shape[-1] in (1, 3, 4)


def check_shows(model) -> None:
    """Refuses to show what is no picture."""
    if not shows(model):
        raise UsageError(
            "This model's data are no pictures: expected samples of shape "
            "(height, width, 1, 3 or 4), received "
            f"{tuple(model.data_shape)}. Write them to an --output that ends "
            "in .npy or .npz."
        )


def check_sounds(model) -> None:
    """Refuses to make sounds of what are no spectrograms."""
    if not (shows(model) and model.data_shape[-1] == 1):
        raise UsageError(
            "This model's data are no spectrograms: expected samples of shape "
            f"(bins, frames, 1), received {tuple(model.data_shape)}. Write "
            "them to an --output that ends in .npy or .npz."
        )


def grid(model, samples: np.ndarray, columns: int) -> np.ndarray:
    """One picture of samples that are in the model's own range."""
    data_range = model.data_range or (samples.min(), samples.max())
    return image_grid(samples, columns, data_range)


def save_pictures(folder: Path, model, data: np.ndarray, seed: int) -> None:
    """Writes samples and reconstructions, of what the model can make."""
    if not shows(model):
        return
    # Small pictures are enlarged; of large ones there are half as many, for
    # the sake of the preset's size.
    is_large = max(model.data_shape[:2]) >= 64
    scale, count = (1, 32) if is_large else (2, 64)
    if model.prior is not None:
        samples = model.generate(count, seed=seed)
        path = folder / "samples.png"
        save_image(path, grid(model, samples, 8), scale=scale)
    if model.encoder is not None:
        originals = data[: count // 2]
        # A pair is one tile: a line between pairs, none within.
        pairs = np.concatenate(
            [originals, model.reconstruct(originals)], axis=1
        )
        path = folder / "reconstructions.png"
        save_image(path, grid(model, pairs, 8), scale=scale)


def read_for(
    model, path: str, key: str | None, limit: int | None = None
) -> np.ndarray:
    """Reads data of the model's shape: pictures get its size and channels."""
    shape = tuple(model.data_shape)
    looks = (shape[:2], shape[2]) if shows(model) else (None, None)
    with users_mistakes():
        data = read_data(path, key, *looks, limit)
    if data.shape[1:] + (1,) == shape:
        data = data[..., None]
    if data.shape[1:] != shape:
        raise UsageError(
            f"{path}: expected samples of the model's shape {shape}, received "
            f"{data.shape[1:]}."
        )
    return data
