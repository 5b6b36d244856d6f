"""The user's data: its shape, range and dtype, checked and converted.

The networks work in -1 to 1; the user's own range goes in and comes out.
Everything is checked on the host, where an error can be raised, so that the
compiled step stays free of checks.
"""

import contextlib
import copy
import itertools

import keras
import numpy as np
from keras import ops

#: Of how many samples none is bright, before all are taken to be fractions.
_ENOUGH = 8
#: How wide a range is in which fractions are all alike.
_WIDE = 100


def is_rescaled(x, value_range: tuple[float, float]) -> bool:
    """Whether data are in 0 to 1, or -1 to 1, and not in a far wider range.

    They must come near 1, which what a dead generator makes does not: all its
    values may be alike.
    """
    low, high = value_range
    return bool(
        high - low >= _WIDE
        and x.dtype.kind not in "iub"
        and 0.5 < max(-float(x.min()), float(x.max())) <= 1
        and (x != np.rint(x)).any()
    )


class DataSpec:
    """What one sample looks like.

    Args:
        shape: the sample's shape, without the batch.
        value_range: `(low, high)` of the data, or `None` for data without a
            range, which the networks then see unchanged.
        dtype: the dtype that samples are returned in.
    """

    #: What an error advises for wrong values, and for a wrong shape.
    remedy = (
        "Rescale the data, or build the model with the data's own `data_range` "
        "and `data_dtype`."
    )
    shape_remedy = "Reshape the data, or build a model for this shape."

    def __init__(self, shape, value_range, dtype):
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        if value_range is None:
            self.range = None
            if self.dtype.kind != "f":
                raise ValueError(
                    "Data without a range come out as floats: expected "
                    "data_dtype='float32' with data_range=None. Received: "
                    f"data_dtype={dtype!r}"
                )
            return
        low, high = (float(bound) for bound in value_range)
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(
                "Expected data_range=(low, high) with low < high, or None for "
                f"data without a range. Received: data_range={value_range}"
            )
        if self.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            if low < limits.min or high > limits.max:
                raise ValueError(
                    f"Expected data_dtype to hold data_range={(low, high)}. "
                    f"Received: data_dtype={self.dtype.name!r}, from "
                    f"{limits.min} to {limits.max}. Samples come out in it: "
                    "use data_dtype='float32'."
                )
            if high - low < 2:
                raise ValueError(
                    f"Samples of data_range={(low, high)} come out as "
                    f"data_dtype={self.dtype.name!r}, which has two values "
                    "there. Use data_dtype='float32', or 'bool' for masks."
                )
        self.range = (low, high)
        self.slack = 1e-3 * (high - low)
        self.wanted = f"values in data_range={self.range}"

    def to_networks(self, data):
        """The user's range to -1 to 1, as float32 backend tensors."""
        data = ops.cast(_native(data), "float32")
        if self.range is None:
            return data
        low, high = self.range
        return (data - low) * (2.0 / (high - low)) - 1.0

    def from_networks(self, data):
        """-1 to 1 to the user's range, as float32 backend tensors."""
        data = ops.cast(data, "float32")
        if self.range is None:
            return data
        low, high = self.range
        return (data + 1.0) * ((high - low) / 2.0) + low

    def finish(self, data: np.ndarray, dtype=None) -> np.ndarray:
        """Clips to the user's range and casts, integers rounded first."""
        dtype = np.dtype(dtype or self.dtype)
        if self.range is not None:
            data = np.clip(data, *self.range)
        if dtype.kind in "iub":
            data = np.rint(data)
        if dtype.kind in "iu" and not self._is_held(dtype):
            # In float64, which holds the limits of what has 32 bits.
            limits = np.iinfo(dtype)
            data = np.clip(data.astype("float64"), limits.min, limits.max)
        return data.astype(dtype)

    def _is_held(self, dtype):
        """Whether the whole range, rounded in float32, is in an integer one."""
        limits = np.iinfo(dtype)
        return (
            self.range is not None
            and limits.bits < 32
            and limits.min <= self.range[0]
            and self.range[1] <= limits.max
        )

    def check_shape(self, shape, is_batch=False):
        """Refuses a batch that is not of the model's shape.

        Args:
            shape: its shape.
            is_batch: whether it is one of a data set's.
        """
        shape = tuple(shape)
        if len(shape) == len(self.shape) + 1 and all(
            got in (None, expected)
            for got, expected in zip(shape[1:], self.shape, strict=True)
        ):
            return
        advice = self.shape_remedy
        if len(self.shape) == 3:
            channels_first = (self.shape[-1], *self.shape[:-1])
            if shape[1:] == channels_first:
                advice = (
                    "These are channels first: move them to the end with "
                    "`numpy.moveaxis(x, 1, -1)`."
                )
            elif shape == self.shape:
                advice = "This is a single sample: pass `x[None]`."
            elif shape[1:] == self.shape[:-1]:
                advice = "The channel axis is missing: pass `x[..., None]`."
        elif shape == self.shape:
            advice = "This is a single sample: pass `x[None]`."
        if shape == self.shape and is_batch:
            advice = "These are single samples: make batches, `.batch(32)`."
        raise ValueError(
            f"Expected data of shape (batch, {', '.join(map(str, self.shape))})"
            f". Received: shape {shape}. {advice}"
        )

    def check_dtype(self, dtype, name: str = "x"):
        """Refuses data that are no numbers."""
        dtype = np.dtype(dtype)
        if dtype.kind not in "fiub" and dtype.name != "bfloat16":
            raise ValueError(
                f"Expected {name} to be numbers. Received: dtype {dtype}"
            )

    def fits(self, dtype) -> bool:
        """Whether no value of this dtype can be wrong, so none is looked at."""
        if self.range is None:
            return np.dtype(dtype).kind in "iub"
        if np.dtype(dtype).kind not in "iu":
            return False
        limits = np.iinfo(dtype)
        return self.range[0] <= limits.min and limits.max <= self.range[1]

    def check(self, x, name: str = "x") -> None:
        """Refuses a batch or an array with a wrong shape or wrong values.

        Args:
            x: `(batch, *shape)`, an array or tensor of any framework.
            name: what the error calls it.

        Raises:
            ValueError: for a wrong shape or dtype, no samples, values that are
                not finite, or values outside of the range.
        """
        _refuse_dict(x)
        x = ops.convert_to_numpy(x) if not isinstance(x, np.ndarray) else x
        self.check_shape(x.shape)
        if not len(x):
            raise ValueError(
                f"Expected at least one sample. Received: {name} with none, "
                f"shape {x.shape}."
            )
        self.check_dtype(x.dtype, name)
        if self.fits(x.dtype):
            return
        low, high = float(x.min()), float(x.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            bad = np.size(x) - np.count_nonzero(np.isfinite(x))
            raise ValueError(
                f"Expected finite values. Received: {name} with {bad} values "
                "that are NaN or infinite. Remove or repair these samples."
            )
        if self.range is not None:
            lowest, highest = self.range
            if low < lowest - self.slack or high > highest + self.slack:
                raise ValueError(
                    f"Expected {self.wanted}. Received: {name} from {low:g} to "
                    f"{high:g}. {self.remedy}"
                )
        if len(x) >= _ENOUGH:
            self._check_fractions(x, name)

    def check_scale(self, x, name: str = "x") -> None:
        """Refuses data in 0 to 1, or -1 to 1, where 0 to 255 is expected.

        They are in the range, and would all be black. For sets that `check`
        let through: a few pictures may be as dark.
        """
        x = ops.convert_to_numpy(x)
        self._check_fractions(x, name)
        is_wide = self.range and self.range[1] - self.range[0] >= _WIDE
        if not is_wide or len(x) < _ENOUGH:
            return
        # Most sets have a bright one among the first.
        if x[:_ENOUGH].max() <= 1 and x.max() == 1:
            raise ValueError(
                f"Expected {self.wanted}. Received: {name} of nothing above 1, "
                f"as of masks, which in this range is all alike. {self.remedy}"
            )

    def _check_fractions(self, x, name):
        if self.range is not None and is_rescaled(x, self.range):
            raise ValueError(
                f"Expected {self.wanted}. Received: {name} with fractions "
                f"from {float(x.min()):g} to {float(x.max()):g}, which in "
                f"this range are all alike. {self.remedy}"
            )

    def checked(self, source):
        """The same data source, with every batch checked as it is read.

        Arrays are checked at once. Datasets, `PyDataset`s, data loaders and
        generators raise at the first bad batch.

        Args:
            source: all that `fit` takes as `x`.

        Returns:
            What to give to `fit` instead.
        """
        if source is None:
            raise ValueError(
                f"Expected samples of shape {self.shape}. Received: None."
            )
        if _is_a(source, "DatasetV2", "tensorflow.python"):
            return self._checked_tf_dataset(source)
        if isinstance(source, keras.utils.PyDataset):
            return _CheckedPyDataset(source, self)
        if _is_a(source, "DataLoader", "torch.utils.data"):
            return self._checked_data_loader(source)
        if hasattr(source, "__next__"):
            # Keras wants a tuple from a generator, whatever is in it.
            return (
                tuple(batch) if isinstance(batch, (list, tuple)) else (batch,)
                for batch in map(self._checked_batch, source)
            )
        if isinstance(source, (list, tuple)):
            shapes = {np.shape(part) for part in source}
            if len(shapes) > 1:
                raise ValueError(
                    f"Expected samples of one shape, {self.shape}. Received: "
                    f"a {type(source).__name__} of parts of the shapes "
                    f"{sorted(shapes)[:3]}. Pass x alone: labels are ignored."
                )
            if len(source) == 1 and np.shape(source[0])[1:] == self.shape:
                raise ValueError(
                    f"Expected samples of shape {self.shape}. Received: a "
                    f"{type(source).__name__} of one array of them. Pass the "
                    "array itself."
                )
            source = np.asarray(source)
        source = _native(source)
        self.check(source)
        self.check_scale(source)
        return source

    def batches(self, source, batch_size: int):
        """The data of a source as arrays, a batch at a time, without labels.

        Args:
            source: all that `evaluate` takes as `x`, but for a generator.
            batch_size: samples a batch, of an array.

        Yields:
            NumPy arrays `(batch, *shape)`.
        """
        if isinstance(source, keras.utils.PyDataset):
            count = source.num_batches  # None where it never ends.
            numbers = itertools.count() if count is None else range(count)
            found = map(source.__getitem__, numbers)
        elif hasattr(source, "shape"):
            starts = range(0, len(source), batch_size)
            found = (source[i : i + batch_size] for i in starts)
        else:
            found = source
        for batch in found:
            yield ops.convert_to_numpy(without_labels(batch))

    def _checked_batch(self, batch):
        refuse_sample_weights(batch)
        self.check(without_labels(batch))
        return keras.tree.map_structure(_native, batch)

    def _checked_data_loader(self, loader):
        with contextlib.suppress(TypeError):  # a stream has no length
            if not len(loader):
                raise _no_batches(loader)
        loader = copy.copy(loader)
        loader.collate_fn = _CheckedCollate(loader.collate_fn, self)
        return loader

    def _checked_tf_dataset(self, dataset):
        import tensorflow as tf

        refuse_sample_weights(dataset.element_spec)
        _refuse_dict(without_labels(dataset.element_spec))
        first = tf.nest.flatten(dataset.element_spec)[0]
        if first.shape.rank is None:
            batch_shape = (None, *self.shape)
            raise ValueError(
                "Expected a tf.data.Dataset of batches of a known shape. "
                "Received: batches of unknown rank. Name their shape with "
                f"`dataset.map(lambda x: tf.ensure_shape(x, {batch_shape}))`."
            )
        self.check_shape(first.shape, is_batch=True)
        self.check_dtype(first.dtype.as_numpy_dtype)
        if dataset.cardinality() == 0:
            raise _no_batches(dataset)
        if self.fits(first.dtype.as_numpy_dtype):
            return dataset

        def check(*batch):
            x = tf.nest.flatten(batch)[0]
            values = tf.cast(x, tf.float32)
            checks = [
                tf.debugging.assert_all_finite(
                    values,
                    "Expected finite values. Received: a batch with values "
                    "that are NaN or infinite. Remove or repair these samples.",
                )
            ]
            if self.range is not None:
                low, high = self.range
                advice = f"Expected {self.wanted}. {self.remedy}"
                checks += [
                    tf.debugging.assert_greater_equal(
                        values, low - self.slack, message=advice
                    ),
                    tf.debugging.assert_less_equal(
                        values, high + self.slack, message=advice
                    ),
                ]
                if high - low >= _WIDE and x.dtype.is_floating:
                    checks.append(_assert_not_rescaled(values, advice))
            with tf.control_dependencies([c for c in checks if c is not None]):
                batch = tf.nest.map_structure(tf.identity, batch)
            return batch if len(batch) > 1 or is_tuple else batch[0]

        is_tuple = isinstance(dataset.element_spec, tuple)
        return dataset.map(check)


def _assert_not_rescaled(values, advice):
    """`is_rescaled` of a batch, within TensorFlow's program."""
    import tensorflow as tf

    largest = tf.reduce_max(tf.abs(values))
    is_rescaled = (
        (tf.shape(values)[0] >= _ENOUGH)
        & (largest > 0.5)
        & (largest <= 1.0)
        & tf.reduce_any(values != tf.round(values))
    )
    return tf.debugging.assert_equal(
        is_rescaled,
        False,
        message=f"{advice} Received: fractions of at most 1, which in this "
        "range are all alike.",
    )


def _is_a(value, class_name, module):
    """Whether a value is of a framework's class, without importing it."""
    return any(
        base.__name__ == class_name and module in base.__module__
        for base in type(value).__mro__
    )


def _native(x):
    """An array in the byte order of this machine."""
    is_foreign = isinstance(x, np.ndarray) and not x.dtype.isnative
    return x.astype(x.dtype.newbyteorder("=")) if is_foreign else x


def without_labels(batch):
    """`x` of `x`, `(x,)` or `(x, y)`; datasets carry their own."""
    return batch[0] if isinstance(batch, (list, tuple)) else batch


def refuse_sample_weights(batch):
    """Refuses what Keras takes for `(x, y, sample_weight)`."""
    if isinstance(batch, (list, tuple)) and len(batch) > 2:
        raise ValueError(
            f"Expected x, (x,) or (x, y). Received: {len(batch)} parts, of "
            "which Keras takes the third for sample weights. They have no "
            "meaning in an adversarial game: repeat the samples that should "
            "count more, or leave them out, as with "
            "`dataset.map(lambda x, *rest: x)`."
        )


def _refuse_dict(batch):
    if isinstance(batch, dict):
        raise ValueError(
            "Expected batches of arrays. Received: dicts with "
            f"{sorted(map(str, batch))}. Take the data out of them, as with "
            "`dataset.map(lambda batch: batch['image'])`."
        )


def _no_batches(source):
    return ValueError(
        f"Expected at least one batch. Received: an empty {type(source)}."
    )


class _CheckedCollate:
    """A data loader's collate function that checks what it collated.

    A class, so that loaders with worker processes can send it to them.
    """

    def __init__(self, collate, spec):
        self.collate = collate
        self.spec = spec

    def __call__(self, samples):
        batch = self.collate(samples)
        self.spec.check(without_labels(batch))
        # Keras takes a bare batch on PyTorch alone.
        return batch if isinstance(batch, (list, tuple)) else (batch,)


class _CheckedPyDataset(keras.utils.PyDataset):
    def __init__(self, dataset, spec):
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        if dataset.num_batches == 0:
            raise _no_batches(dataset)
        self._dataset = dataset
        self._spec = spec

    @property
    def num_batches(self):
        return self._dataset.num_batches

    def __getitem__(self, index):
        return self._spec._checked_batch(self._dataset[index])

    def on_epoch_begin(self):
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        self._dataset.on_epoch_end()
