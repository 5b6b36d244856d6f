"""What a model does with its networks: generate, encode, edit, judge."""

import numbers
import os
import pathlib

import keras
import numpy as np
from keras import ops

from keras_aegan.counts import check_count
from keras_aegan.critics import results_of
from keras_aegan.generation import batch_sizes, collect, watched
from keras_aegan.priors import interpolate_codes, on_sphere, sample_noise
from keras_aegan.samplers import fit_prior, is_fitted, log_density

_ANOMALIES = ("reconstruction", "features", "f_anogan", "latent", "density")


class Verbs:
    """The verbs of an `AEGAN`, on arrays in the user's own range.

    Each runs the averaged networks where there are some (`AEGAN.used`), batch
    by batch.
    """

    def generate(
        self,
        n: int = 1,
        seed: int | np.random.Generator | None = None,
        batch_size: int = 64,
        out: np.ndarray | str | os.PathLike | None = None,
        verbose: int = 0,
    ) -> np.ndarray | pathlib.Path:
        """New samples from the prior.

        They are made and put where they belong batch by batch: a million of
        them need the memory of two batches beside their own place.

        Args:
            n: number of samples.
            seed: integer; the same seed gives the same samples, on any
                backend. Random by default. Or a `numpy.random.Generator`.
            batch_size: samples computed at a time.
            out: where the samples go; by default a new array. A writable
                array of their shape and dtype, such as a `numpy.memmap`, is
                filled. A path that ends in `.npy` is written as such a file,
                which is there only once it is whole. Any other path is a new
                or empty folder that gets a PNG picture a sample, in 8 bits,
                named by its number; after an interruption it has the first
                ones, each whole.
            verbose: 1 for a progress bar.

        Returns:
            An array `(n, *data_shape)` in the data's range and dtype: a new
            one, `out`, or the file's, read-only and read as it is used. For
            pictures the folder's `pathlib.Path`.

        Raises:
            ValueError: if the codes follow no known distribution, or `out` is
                not for these samples.
            ImportError: for pictures, if Pillow is not installed.

        Example:

        ```python
        pictures = model.generate(16, seed=0)
        many = model.generate(1_000_000, batch_size=256, out="many.npy")
        ```
        """
        random = np.random.default_rng(seed)
        batches = (
            self.decode(self.sample_codes(size, random, batch_size), batch_size)
            for size in batch_sizes(n, batch_size)
        )
        return collect(
            watched(batches, n, verbose),
            (int(n), *self.data_shape),
            self.spec.dtype,
            out,
            self.data_range,
        )

    def sample_codes(
        self,
        n: int = 1,
        seed: int | np.random.Generator | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New codes from the prior, which `generate` makes samples of.

        Args:
            n: number of codes.
            seed: as in `generate`: `decode(sample_codes(n, seed))` is
                `generate(n, seed)`.
            batch_size: codes computed at a time, by a prior that is a network.

        Returns:
            A float32 array `(n, *latent_shape)`.

        Raises:
            ValueError: if the codes follow no known distribution.
        """
        check_count("n", n)
        if self.prior is None:
            raise ValueError(
                "The codes of this model follow no known distribution, so "
                "there is nothing to generate from. Fit one to the codes of "
                "your data: `model.fit_sampler('gmm', x)`."
            )
        kind = self.prior if isinstance(self.prior, str) else "normal"
        codes = sample_noise(kind, (n, *self.noise_shape), seed)
        if isinstance(self.prior, keras.Model):
            codes = _run(self.used("prior"), codes, batch_size)
        return codes

    def fit_sampler(
        self,
        kind: str,
        x,
        components: int = 10,
        seed: int | None = None,
        batch_size: int = 64,
    ) -> None:
        """Fits a distribution to the codes of data, to generate from.

        For models whose codes follow no prior, or not well enough. What is
        fitted takes the prior's seat as a frozen network and is saved with the
        model. Training moves the codes: fit it again after more of it.

        Args:
            kind: `"gaussian"`, with a full covariance, or `"gmm"`, a mixture
                of them (needs scikit-learn, `pip install
                "keras-aegan[sklearn]"`).
            x: `(n, *data_shape)` in the data's range, many more samples than
                values in a code.
            components: of the mixture.
            seed: integer seed of the mixture's start; random by default.
            batch_size: samples encoded at a time.

        Raises:
            ValueError: if the model has no encoder or trains a prior of its
                own, or for bad data.

        Example:

        ```python
        model.fit_sampler("gmm", images)
        pictures = model.generate(16)
        ```

        Reference:
            - [From Variational to Deterministic Autoencoders](
              https://arxiv.org/abs/1903.12436), section 4
        """
        self._seat("encoder", "fit_sampler")
        if isinstance(self.prior, keras.Model) and self.prior.trainable_weights:
            raise ValueError(
                "This model trains a prior of its own, which `generate` uses. "
                "`fit_sampler` is for models without one."
            )
        codes = self.encode(x, batch_size)
        prior = fit_prior(codes, kind, components, seed)
        for network in (self.prior, self.ema_prior):
            if isinstance(network, keras.Model):
                # Keras would keep it, and its weights in every file.
                self._tracker.untrack(network)
        self.prior, self.ema_prior = prior, None
        # On TensorFlow they would go on with the prior before.
        self.train_function = self.test_function = None

    def decode(self, codes, batch_size: int = 64) -> np.ndarray:
        """Codes to data.

        Args:
            codes: `(n, *latent_shape)`.
            batch_size: codes computed at a time.

        Returns:
            An array `(n, *data_shape)` in the data's range and dtype.
        """
        codes = self._checked_codes(codes)
        decoded = _run(self.used("generator"), codes, batch_size)
        return self._finish(decoded)

    def encode(self, x, batch_size: int = 64) -> np.ndarray:
        """Data to codes.

        Args:
            x: `(n, *data_shape)` in the data's range.
            batch_size: samples computed at a time.

        Returns:
            A float32 array `(n, *latent_shape)`; the means, from an encoder
            that gives distributions.

        Raises:
            ValueError: if the model has no encoder, or for bad data.
        """
        encoder = self._seat("encoder", "encode")
        x = ops.convert_to_numpy(x)
        self.spec.check(x)
        return mean_of(_run(encoder, x, batch_size, self.spec.to_networks))

    def reconstruct(self, x, batch_size: int = 64) -> np.ndarray:
        """Data to codes and back.

        Args:
            x: `(n, *data_shape)` in the data's range.
            batch_size: samples computed at a time.

        Returns:
            An array of the shape, range and dtype of `x`.

        Raises:
            ValueError: if the model has no encoder, or for bad data.
        """
        self._seat("encoder", "reconstruct")
        x = ops.convert_to_numpy(x)
        _, decoded = self._round_trip(x, batch_size)
        return self._finish(decoded, x.dtype)

    def judge(self, x, batch_size: int = 64) -> tuple:
        """The discriminator's judgement of reconstructions and of data.

        Args:
            x: `(n, *data_shape)` in the data's range.
            batch_size: samples computed at a time.

        Returns:
            `D(G(E(x)))` and `D(x)`, two float32 arrays: scores, or, from an
            autoencoder, reconstructions in -1 to 1; dicts of arrays from a
            discriminator that gives several results by name.

        Raises:
            ValueError: if the model has no encoder or no discriminator, or
                for bad data.
        """
        discriminator = self._seat("discriminator", "judge")
        x = ops.convert_to_numpy(x)
        _, again = self._round_trip(x, batch_size)
        prepare = self.spec.to_networks
        return (
            _run(discriminator, again, batch_size),
            _run(discriminator, x, batch_size, prepare),
        )

    def anomaly_score(
        self,
        x,
        kind: str | None = None,
        kappa: float = 1.0,
        batch_size: int = 64,
    ) -> np.ndarray:
        """How badly the model knows each sample, after training on normal ones.

        With `x~ = G(E(x))`, in the networks' range, each a mean over the
        values:

        | kind | score |
        |---|---|
        | `"reconstruction"` | `|x - x~|^2` |
        | `"features"` | `|l(x) - l(x~)|^2`, of the discriminator's features |
        | `"f_anogan"` | the first and `kappa` times the second |
        | `"latent"` | `|E(x) - E'(x~)|^2`, by the second encoder where there \
is one, else by the encoder again |
        | `"density"` | `-log p(E(x))`, of the distribution that `fit_sampler` \
fitted to the codes of normal data; no mean |

        A sample's score is its own: nothing is rescaled by the others.

        Args:
            x: `(n, *data_shape)` in the data's range.
            kind: one of the above; by default `"latent"` with a second
                encoder, else `"f_anogan"` with a discriminator that gives
                features, else `"reconstruction"`.
            kappa: weight of the features' error.
            batch_size: samples computed at a time.

        Returns:
            A float32 array `(n,)`: the higher, the less normal.

        Raises:
            ValueError: for an unknown kind, a model that lacks what it needs,
                or bad data.

        Example:

        ```python
        threshold = np.quantile(model.anomaly_score(normal), 0.95)
        is_odd = model.anomaly_score(images) > threshold
        ```

        Reference:
            - [f-AnoGAN](https://doi.org/10.1016/j.media.2019.01.010)
            - [GANomaly](https://arxiv.org/abs/1805.06725), equation 6
            - [DAGMM](https://openreview.net/forum?id=BJJLHbb0-), equation 6,
              for the density
        """
        critic = self.discriminator
        has_features = critic is not None and "features" in results_of(critic)
        if kind is None:
            kind = "f_anogan" if has_features else "reconstruction"
            kind = "latent" if self.second_encoder is not None else kind
        if kind not in _ANOMALIES:
            raise ValueError(
                f"Expected kind to be one of {_ANOMALIES}, or None for the "
                f"model's own. Received: kind={kind!r}"
            )
        if kind in ("features", "f_anogan") and not has_features:
            raise ValueError(
                f"kind={kind!r} compares the discriminator's features. "
                "Received: a model whose discriminator gives none. Build it "
                "with `outputs=('score', 'features')`."
            )
        self._seat("encoder", "anomaly_score")
        x = ops.convert_to_numpy(x)
        if kind == "density":
            if not is_fitted(self.prior):
                raise ValueError(
                    "kind='density' asks the distribution of normal codes, "
                    "and none was fitted to this model's. Fit one: "
                    "`model.fit_sampler('gmm', normal)`."
                )
            codes = self.encode(x, batch_size)
            return -log_density(self.prior, codes).astype("float32")
        codes, again = self._round_trip(x, batch_size)
        if kind == "latent":
            seat = (
                "encoder" if self.second_encoder is None else "second_encoder"
            )
            recovered = _run(self.used(seat), again, batch_size)
            return _means(np.square(codes - mean_of(recovered)))
        score = np.zeros(len(x), "float32")
        if kind != "features":
            score += _means(self._squared_errors(x, again))
        if kind != "reconstruction":
            prepare = self.spec.to_networks
            judged = _run(critic, x, batch_size, prepare)["features"]
            judged_again = _run(critic, again, batch_size)["features"]
            weight = 1.0 if kind == "features" else kappa
            score += weight * _means(np.square(judged - judged_again))
        return score

    def anomaly_map(self, x, batch_size: int = 64) -> np.ndarray:
        """Where in each picture the model is at a loss.

        The error `|x - G(E(x))|^2` of each pixel, a mean over its channels, in
        the networks' range. A map's mean is the picture's
        `anomaly_score(x, kind="reconstruction")`.

        Args:
            x: `(n, height, width, channels)` in the data's range.
            batch_size: samples computed at a time.

        Returns:
            A float32 array `(n, height, width)`, 0 or more: the higher, the
            less normal the pixel.

        Raises:
            ValueError: if the data are no pictures, the model has no encoder,
                or for bad data.

        Example:

        ```python
        row, column = np.unravel_index(
            model.anomaly_map(image[None])[0].argmax(), image.shape[:2]
        )
        ```
        """
        if len(self.data_shape) != 3:
            raise ValueError(
                "A map is of pictures: expected a model of data (height, "
                f"width, channels). Received: data {self.data_shape}. Use "
                "`anomaly_score`, which is of any data."
            )
        self._seat("encoder", "anomaly_map")
        x = ops.convert_to_numpy(x)
        _, again = self._round_trip(x, batch_size)
        return self._squared_errors(x, again).mean(axis=-1)

    def interpolate(self, a, b, steps: int = 8) -> np.ndarray:
        """The way from samples to other samples, through their codes.

        Along the great circle where the prior is normal or a sphere, where a
        straight line would leave the shell that the codes lie on; straight
        otherwise.

        Args:
            a: `(n, *data_shape)`, where the ways start.
            b: `(n, *data_shape)`, where they end.
            steps: samples on each way, both ends included.

        Returns:
            An array `(n, steps, *data_shape)` in the range and dtype of `a`.

        Raises:
            ValueError: if the model has no encoder, or for bad data.
        """
        self._seat("encoder", "interpolate")
        check_count("steps", steps, least=2)
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        if a.shape != b.shape:
            raise ValueError(
                "Expected a and b of one shape. Received: "
                f"{a.shape} and {b.shape}"
            )
        codes = interpolate_codes(
            self.encode(a), self.encode(b), steps, self.prior
        )
        flat = codes.reshape(-1, *self.latent_shape)
        decoded = self._finish(_run(self.used("generator"), flat, 64), a.dtype)
        return decoded.reshape(len(a), steps, *self.data_shape)

    def attribute_direction(
        self, x, labels, batch_size: int = 64
    ) -> np.ndarray:
        """Where codes go as samples get an attribute, for `edit`.

        From the mean code of the samples without it to that of those with it.
        What else differs between the two, on average, goes along: give samples
        that are alike in all else, or many.

        Args:
            x: `(n, *data_shape)` in the model's `data_range`.
            labels: `(n,)`, true or 1 for the samples that have the attribute,
                false or 0 for those that do not.
            batch_size: samples computed at a time.

        Returns:
            A float32 array of the shape of one code.

        Raises:
            ValueError: if the model has no encoder, for bad data, and for
                labels that are not of two kinds or not one a sample.

        Example:

        ```python
        hat = model.attribute_direction(faces, has_hat)
        with_hats = model.edit(faces[~has_hat], hat)
        ```

        Reference:
            - [Autoencoding beyond pixels using a learned similarity metric](
              https://arxiv.org/abs/1512.09300), section 4.2
        """
        self._seat("encoder", "attribute_direction")
        labels = np.asarray(ops.convert_to_numpy(labels))
        if labels.shape != (len(x),) or set(np.unique(labels)) != {0, 1}:
            raise ValueError(
                "Expected labels of 0 and 1 (or of false and true), one for "
                f"each of the {len(x)} samples, and some of both. Received: "
                f"shape {labels.shape} with the values "
                f"{np.unique(labels)[:5].tolist()}"
            )
        has, codes = labels.astype(bool), self.encode(x, batch_size)
        return codes[has].mean(axis=0) - codes[~has].mean(axis=0)

    def edit(
        self, x, attribute, strength: float = 1.0, batch_size: int = 64
    ) -> np.ndarray:
        """Samples with more of an attribute: `G(E(x) + strength attribute)`.

        Args:
            x: `(n, *data_shape)` in the model's `data_range`.
            attribute: a direction of codes, as of `attribute_direction`.
            strength: how far to go. 1 is as far as samples with and without
                the attribute are apart, below 0 takes it away, 0 reconstructs.
            batch_size: samples computed at a time.

        Returns:
            An array `(n, *data_shape)` in the range and dtype of `x`.

        Raises:
            ValueError: if the model has no encoder, or for bad data, a
                direction of another shape or a strength that is not finite.
        """
        self._seat("encoder", "edit")
        attribute = self._checked_codes(np.asarray(attribute)[None])
        if not isinstance(strength, numbers.Real) or not np.isfinite(strength):
            raise ValueError(
                "Expected strength to be a finite number. Received: "
                f"strength={strength!r}"
            )
        codes = self.encode(x, batch_size) + np.float32(strength) * attribute
        if self.prior == "sphere":
            codes = on_sphere(codes)
        decoded = _run(self.used("generator"), codes, batch_size)
        return self._finish(decoded, ops.convert_to_numpy(x).dtype)

    def _round_trip(self, x, batch_size):
        """`E(x)` and `G(E(x))` of the user's data, in the networks' range."""
        codes = self.encode(x, batch_size)
        return codes, _run(self.used("generator"), codes, batch_size)

    def _squared_errors(self, x, again):
        """Each value's error, of the user's data and of `G(E(x))`."""
        return np.square(ops.convert_to_numpy(self.spec.to_networks(x)) - again)

    def _finish(self, decoded, dtype=None):
        decoded = ops.convert_to_numpy(self.spec.from_networks(decoded))
        return self.spec.finish(decoded, dtype)

    def _checked_codes(self, codes):
        codes = np.asarray(ops.convert_to_numpy(codes), "float32")
        if codes.shape[1:] != self.latent_shape or not len(codes):
            raise ValueError(
                "Expected codes of shape (n, "
                f"{', '.join(map(str, self.latent_shape))}) with n of 1 or "
                f"more. Received: shape {codes.shape}"
            )
        if not np.isfinite(codes).all():
            raise ValueError(
                "Expected finite codes. Received: codes with NaN or infinity."
            )
        return codes


def mean_of(encoding):
    """The codes that an encoder gives: of a distribution, its mean."""
    return encoding["mean"] if isinstance(encoding, dict) else encoding


def _means(values):
    """The mean of each sample."""
    return np.mean(values, axis=tuple(range(1, values.ndim)))


def _run(network, inputs, batch_size, prepare=None):
    """A network's outputs on all inputs, in batches, as float32.

    Keras's `predict` would read them through a pipeline of its own, which
    takes longer than the network and, on PyTorch, moves the random state that
    the order of training data comes from. The last batch is filled up to the
    others' size, so that it needs no compilation of its own; a single batch to
    the next power of two.
    """
    check_count("batch_size", batch_size)
    count = len(inputs)
    size = min(batch_size, 1 << (count - 1).bit_length())
    outputs = []
    for start in range(0, count, size):
        batch = inputs[start : start + size]
        missing = size - len(batch)
        if missing:
            filling = np.broadcast_to(batch[-1:], (missing, *batch.shape[1:]))
            batch = np.concatenate([batch, filling])
        batch = batch if prepare is None else prepare(batch)
        outputs.append(network.predict_on_batch(batch))
    return keras.tree.map_structure(
        lambda *parts: np.concatenate(parts)[:count].astype("float32"), *outputs
    )
