"""Priors that are fitted to a trained encoder's codes."""

import math

import keras
import numpy as np

from keras_aegan.counts import check_count
from keras_aegan.layers.mixture import GaussianMixture

KINDS = ("gaussian", "gmm")


def fit_prior(
    codes: np.ndarray,
    kind: str = "gmm",
    components: int = 10,
    seed: int | None = None,
) -> keras.Model:
    """A prior with the distribution that an encoder's codes turned out to have.

    Where nothing made the codes normal in training, the generator knows only
    these codes, and samples from them are better than samples from noise.

    Args:
        codes: `(n, *latent_shape)` of training data, `d` values each.
        kind: `"gaussian"`, one normal distribution with a full covariance, or
            `"gmm"` (default), a mixture of such (needs scikit-learn).
        components: number of the mixture's distributions, `10` by default.
            Each has `d * d` weights and needs more than `d` codes.
        seed: integer seed of the mixture's start; random by default.

    Returns:
        A `keras.Model` named `"prior"`, from normal noise `(batch, d + 1)` to
        codes `(batch, *latent_shape)`. Nothing in it is trainable.

    Raises:
        ValueError: for an unknown kind, codes that are too few or not finite,
            or `components` below 1.
        ImportError: for a mixture, if scikit-learn is not installed.

    Example:

    ```python
    prior = fit_prior(model.encode(images), "gmm", components=10, seed=0)
    ```

    Reference:
        - [From Variational to Deterministic Autoencoders](
          https://arxiv.org/abs/1903.12436), section 4, ex-post density
          estimation
    """
    if kind not in KINDS:
        raise ValueError(
            f"Expected kind to be one of {KINDS}. Received: kind={kind!r}"
        )
    if kind == "gaussian":
        components = 1
    else:
        check_count("components", components)
    codes = np.asarray(codes, "float64")
    if codes.ndim < 2:
        raise ValueError(
            "Expected codes of shape (n, *latent_shape). Received: shape "
            f"{codes.shape}"
        )
    latent_shape = codes.shape[1:]
    size = math.prod(latent_shape)
    codes = codes.reshape(len(codes), size)
    if len(codes) < components * (size + 1):
        raise ValueError(
            f"Expected {components * (size + 1)} codes or more: with {size} "
            f"values in a code, {size + 1} for each of the distributions "
            f"({components}). Received: {len(codes)}. Give more data"
            + (" or fewer components." if components > 1 else ".")
        )
    if not np.isfinite(codes).all():
        raise ValueError(
            "Expected finite codes. Received: codes with NaN or infinity."
        )
    # Values that are the same in all codes, or follow from others, have no
    # density: a thousandth of the codes' spread gives them one.
    ridge = 1e-6 * max(codes.var(axis=0).mean(), 1e-6)
    probabilities, means, covariances = (
        _gaussian(codes, ridge)
        if kind == "gaussian"
        else _mixture(codes, ridge, components, seed)
    )

    noise = keras.Input((size + 1,), name="noise")
    mixture = GaussianMixture(int(components), latent_shape, name="mixture")
    prior = keras.Model(noise, mixture(noise), name="prior")
    mixture.set_weights([probabilities, means, np.linalg.cholesky(covariances)])
    prior.trainable = False
    return prior


def is_fitted(prior: keras.Model | str | None) -> bool:
    """Whether a model's prior is what `fit_prior` gave."""
    return _mixture_of(prior) is not None


def log_density(prior: keras.Model, codes: np.ndarray) -> np.ndarray:
    """The logarithm of the density that a fitted prior has at codes.

    Args:
        prior: what `fit_prior` gave.
        codes: `(n, *latent_shape)`.

    Returns:
        A float64 array `(n,)`, in nats.
    """
    probabilities, means, factors = (
        np.asarray(weights, "float64")
        for weights in _mixture_of(prior).get_weights()
    )
    probabilities = probabilities / probabilities.sum()
    codes = np.asarray(codes, "float64").reshape(len(codes), -1)
    found = np.full(len(codes), -np.inf)
    for probability, mean, factor in zip(
        probabilities, means, factors, strict=True
    ):
        if probability > 0:
            standard = np.linalg.solve(factor, (codes - mean).T)
            log_density = (
                np.log(probability)
                - 0.5 * np.sum(standard**2 + np.log(2 * np.pi), axis=0)
                - np.sum(np.log(np.diag(factor)))
            )
            found = np.logaddexp(found, log_density)
    return found


def _mixture_of(prior):
    layers = prior.layers if isinstance(prior, keras.Model) else []
    return next((x for x in layers if isinstance(x, GaussianMixture)), None)


def _gaussian(codes, ridge):
    mean = codes.mean(axis=0)
    centred = codes - mean
    covariance = centred.T @ centred / len(codes) + ridge * np.eye(len(mean))
    return np.ones(1), mean[None], covariance[None]


def _mixture(codes, ridge, components, seed):
    try:
        from sklearn import mixture
    except ImportError as error:
        raise ImportError(
            "A mixture is fitted with scikit-learn, which is not installed. "
            'Install it with `pip install "keras-aegan[sklearn]"`, or use '
            "kind='gaussian'."
        ) from error
    fitted = mixture.GaussianMixture(
        components, reg_covar=ridge, max_iter=1000, random_state=seed
    ).fit(codes)
    return fitted.weights_, fitted.means_, fitted.covariances_
