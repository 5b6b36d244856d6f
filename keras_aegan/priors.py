"""What codes are drawn from, and the way between two of them."""

import keras
import numpy as np
from keras import ops


def _normal(shape, seed):
    return keras.random.normal(shape, seed=seed)


def _uniform(shape, seed):
    return keras.random.uniform(shape, -1.0, 1.0, seed=seed)


def _sphere(shape, seed):
    noise = keras.random.normal(shape, seed=seed)
    axes = tuple(range(1, len(shape)))
    return noise * ops.rsqrt(ops.sum(noise**2, axis=axes, keepdims=True))


#: Draws for training: `(shape, seed_generator)` to a tensor.
PRIORS = {"normal": _normal, "uniform": _uniform, "sphere": _sphere}


def sample_noise(
    prior: str,
    shape: tuple[int, ...],
    seed: int | np.random.Generator | None,
) -> np.ndarray:
    """Draws for use: the same on every backend for the same seed.

    Args:
        prior: `"normal"`, `"uniform"` or `"sphere"`.
        shape: `(n, *noise_shape)`.
        seed: integer, `None` for a random one, or a generator, from which
            parts come as from one call.

    Returns:
        A float32 array of this shape.
    """
    generator = np.random.default_rng(seed)
    if prior == "uniform":
        return generator.uniform(-1, 1, shape).astype("float32")
    noise = generator.standard_normal(shape, dtype="float32")
    return on_sphere(noise) if prior == "sphere" else noise


def on_sphere(codes: np.ndarray) -> np.ndarray:
    """Codes `(n, *latent_shape)`, each at length 1."""
    axes = tuple(range(1, codes.ndim))
    return codes / np.sqrt(np.sum(codes**2, axis=axes, keepdims=True))


def interpolate_codes(
    a: np.ndarray, b: np.ndarray, steps: int, prior
) -> np.ndarray:
    """Codes on the way from `a` to `b`.

    For a normal prior the direction turns at constant speed and the length
    goes linearly from one to the other (spherical interpolation); for a
    uniform or a trained prior the way is straight.

    Args:
        a: `(n, *latent_shape)`.
        b: `(n, *latent_shape)`.
        steps: codes on each way, both ends included.
        prior: the model's prior.

    Returns:
        A float32 array `(n, steps, *latent_shape)`.

    Reference:
        - [Sampling Generative Networks](https://arxiv.org/abs/1609.04468),
          section 2
    """
    shape = a.shape[1:]
    a, b = (codes.reshape(len(codes), 1, -1) for codes in (a, b))
    t = np.linspace(0, 1, steps, dtype="float32")[None, :, None]
    straight = (1 - t) * a + t * b
    if prior not in ("normal", "sphere"):
        return straight.reshape(-1, steps, *shape)
    lengths = [np.linalg.norm(c, axis=-1, keepdims=True) for c in (a, b)]
    tiny = np.finfo("float32").tiny
    u, v = a / np.maximum(lengths[0], tiny), b / np.maximum(lengths[1], tiny)
    angle = np.arccos(np.clip(np.sum(u * v, -1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / sine
    turned *= (1 - t) * lengths[0] + t * lengths[1]
    # Where the codes point the same way (or exactly apart) there is no arc.
    codes = np.where(sine > 1e-4, turned, straight)
    return codes.reshape(-1, steps, *shape).astype("float32")
