import re
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras import ops

from keras_aegan.data import DataSpec

# JAX warns of every fork; a loader's workers here do not use JAX.
pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")

SHAPE = (6, 4, 1)
PIXELS = DataSpec(SHAPE, (0, 255), "uint8")
BATCH = 4


class Batches(keras.utils.PyDataset):
    def __init__(self, x, form=lambda x: (x,), **kwargs):
        super().__init__(**kwargs)
        self.x, self.form = x, form
        self.epochs = []

    @property
    def num_batches(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, index):
        return self.form(self.x[index * BATCH : (index + 1) * BATCH])

    def on_epoch_begin(self):
        self.epochs.append("begin")

    def on_epoch_end(self):
        self.epochs.append("end")


class Rows(torch.utils.data.Dataset):
    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return torch.from_numpy(self.x[index])


class Stream(torch.utils.data.IterableDataset):
    def __init__(self, x):
        self.x = x

    def __iter__(self):
        return iter(torch.from_numpy(self.x))


def loader(x, **kwargs):
    return torch.utils.data.DataLoader(Rows(x), batch_size=BATCH, **kwargs)


def batched(x):
    return [x[i : i + BATCH] for i in range(0, len(x), BATCH)]


def dataset(x):
    return tf.data.Dataset.from_tensor_slices(x).batch(BATCH)


def every_batch(source):
    if isinstance(source, keras.utils.PyDataset):
        return [source[i] for i in range(source.num_batches)]
    return list(source)


AT_ONCE = {
    "array": lambda x: x,
    "tensor": ops.convert_to_tensor,
    "list": lambda x: x.tolist() if x.dtype != "uint8" else list(x),
}
IN_BATCHES = {
    "tf": dataset,
    "tf_tuple": lambda x: dataset((x,)),
    "tf_labels": lambda x: dataset((x, np.zeros(len(x)))),
    "pydataset": Batches,
    "pydataset_bare": lambda x: Batches(x, lambda x: x),
    "pydataset_labels": lambda x: Batches(x, lambda x: (x, x[:, 0])),
    "loader": loader,
    "loader_workers": lambda x: loader(x, num_workers=1),
    "loader_stream": lambda x: torch.utils.data.DataLoader(
        Stream(x), batch_size=BATCH
    ),
    "generator": lambda x: ((batch,) for batch in batched(x)),
    "generator_bare": lambda x: iter(batched(x)),
}
kinds_at_once = pytest.mark.parametrize("kind", AT_ONCE)
kinds_in_batches = pytest.mark.parametrize("kind", IN_BATCHES)


def first(batch):
    x = batch[0] if isinstance(batch, (list, tuple)) else batch
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


def batches_of(source):
    """The data of each batch, in the order that they come."""
    if isinstance(source, keras.utils.PyDataset):
        return (first(source[i]) for i in range(source.num_batches))
    return (first(batch) for batch in source)


def read(source):
    return list(batches_of(source))


def pixels(count=10, dtype="float32"):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, *SHAPE)).astype(dtype)


# === Conversions ===


@pytest.mark.parametrize(
    ("value_range", "data", "inside"),
    [
        ((0, 255), [0, 51, 127.5, 255], [-1, -0.6, 0, 1]),
        ((0, 1), [0, 0.25, 1], [-1, -0.5, 1]),
        ((-1, 1), [-1, 0.5, 1], [-1, 0.5, 1]),
        ((-3, 5), [-3, 1, 5], [-1, 0, 1]),
        (None, [-30, 0, 7.5], [-30, 0, 7.5]),
    ],
)
def test_the_range_is_mapped_to_minus_one_to_one(value_range, data, inside):
    spec = DataSpec((1,), value_range, "float32")
    to = spec.to_networks(np.asarray(data))
    assert keras.backend.standardize_dtype(to.dtype) == "float32"
    np.testing.assert_allclose(ops.convert_to_numpy(to), inside, atol=1e-6)
    back = ops.convert_to_numpy(spec.from_networks(to))
    np.testing.assert_allclose(back, data, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_every_pixel_value_survives_there_and_back(dtype):
    values = np.arange(256).astype(dtype).reshape(-1, 1)
    spec = DataSpec((1,), (0, 255), dtype)
    inside = spec.from_networks(spec.to_networks(values))
    back = spec.finish(ops.convert_to_numpy(inside))
    assert back.dtype == dtype
    np.testing.assert_allclose(back, values, atol=1e-4 if "f" in dtype else 0)


def test_finish_clips_and_rounds_to_the_nearest():
    values = np.array([-20.0, 0.49, 0.51, 254.6, 300.0], "float32")
    assert PIXELS.finish(values).tolist() == [0, 0, 1, 255, 255]
    kept = PIXELS.finish(values, "float32")
    np.testing.assert_allclose(kept, [0, 0.49, 0.51, 254.6, 255])
    free = DataSpec((1,), None, "float32")
    assert free.finish(values).tolist() == values.tolist()


@pytest.mark.parametrize(
    "value_range", [(1, 1), (255, 0), (0, np.inf), (np.nan, 1)]
)
def test_a_range_runs_from_low_to_high(value_range):
    with pytest.raises(ValueError, match="low < high, or None for data with"):
        DataSpec(SHAPE, value_range, "uint8")


def test_integers_need_a_range():
    with pytest.raises(ValueError, match="data_dtype='float32' with data_ran"):
        DataSpec(SHAPE, None, "uint8")


# === Good data ===


@kinds_at_once
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_good_arrays_pass_unchanged(kind, dtype):
    x = pixels(dtype=dtype)
    checked = PIXELS.checked(AT_ONCE[kind](x))
    np.testing.assert_array_equal(ops.convert_to_numpy(checked), x)
    if kind == "array":
        assert checked is x


@kinds_in_batches
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_good_batches_pass_in_their_order(kind, dtype):
    x = pixels(dtype=dtype)
    found = read(PIXELS.checked(IN_BATCHES[kind](x)))
    assert [len(batch) for batch in found] == [4, 4, 2]
    assert found[0].dtype == dtype
    np.testing.assert_array_equal(np.concatenate(found), x)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_tf_batches_keep_their_structure(dtype):
    x, labels = pixels(dtype=dtype), np.arange(10)
    for source in (dataset(x), dataset((x,)), dataset((x, labels))):
        checked = PIXELS.checked(source)
        assert checked.element_spec == source.element_spec
        assert checked.cardinality() == source.cardinality()
    seen = [label for _, batch in checked for label in batch.numpy()]
    assert seen == labels.tolist()


def test_a_pydataset_keeps_its_hooks_and_settings():
    source = Batches(pixels(), workers=2, max_queue_size=3)
    checked = PIXELS.checked(source)
    assert (checked.workers, checked.max_queue_size) == (2, 3)
    assert checked.num_batches == source.num_batches == 3
    checked.on_epoch_begin()
    checked.on_epoch_end()
    assert source.epochs == ["begin", "end"]


def test_a_data_loader_stays_as_its_owner_made_it():
    source = loader(pixels(), shuffle=True)
    collate = source.collate_fn
    checked = PIXELS.checked(source)
    assert len(checked) == len(source) == 3
    assert source.collate_fn is collate
    assert checked.sampler is source.sampler


def test_nothing_is_looked_at_where_nothing_can_be_wrong():
    assert PIXELS.fits("uint8")
    assert not PIXELS.fits("int8")
    assert not PIXELS.fits("uint16")
    assert not PIXELS.fits("float32")
    assert not DataSpec(SHAPE, (0, 100), "uint8").fits("uint8")
    free = DataSpec(SHAPE, None, "float32")
    assert free.fits("int32")
    assert not free.fits("float32")


def test_rounding_errors_at_the_ends_of_the_range_pass():
    spec = DataSpec((2,), (0, 1), "float32")
    spec.check(np.array([[-1e-7, 1 + 1e-6]], "float32"))
    with pytest.raises(ValueError, match="Expected values in data_range"):
        spec.check(np.array([[-0.01, 1.0]], "float32"))


def test_no_data_is_refused():
    with pytest.raises(ValueError, match="samples of shape.*Received: None"):
        PIXELS.checked(None)


# === Bad data ===


def spoiled(value, dtype="float32"):
    x = pixels(dtype=dtype)
    x[7, 2, 3, 0] = value
    return x


BAD_VALUES = {
    "nan": (spoiled(np.nan), "NaN or infinite. Remove or repair"),
    "inf": (spoiled(np.inf), "NaN or infinite. Remove or repair"),
    "minus_inf": (spoiled(-np.inf), "NaN or infinite. Remove or repair"),
    "too_high": (spoiled(256.0), "own `data_range`"),
    "too_low": (spoiled(-1.0), "own `data_range`"),
    "integer_too_high": (spoiled(300, "int32"), "own `data_range`"),
    "integer_too_low": (spoiled(-1, "int16"), "own `data_range`"),
}
BAD_SHAPES = {
    "single": (pixels(1)[0], "This is a single sample: pass `x[None]`"),
    "channels_first": (
        np.moveaxis(pixels(), -1, 1),
        "channels first: move them to the end with `numpy.moveaxis(x, 1, -1)`",
    ),
    "no_channels": (
        pixels()[..., 0],
        "The channel axis is missing: pass `x[..., None]`",
    ),
    "other": (pixels()[:, :5], "build a model for this shape"),
}
bad_values = pytest.mark.parametrize("bad", BAD_VALUES)
bad_shapes = pytest.mark.parametrize("bad", BAD_SHAPES)


@kinds_at_once
@bad_values
def test_bad_values_in_arrays_are_refused_at_once(kind, bad):
    x, advice = BAD_VALUES[bad]
    with pytest.raises(ValueError, match=re.escape(advice)):
        PIXELS.checked(AT_ONCE[kind](x))


@kinds_at_once
@bad_shapes
def test_bad_shapes_of_arrays_are_refused_at_once(kind, bad):
    x, advice = BAD_SHAPES[bad]
    with pytest.raises(ValueError, match=re.escape(advice)):
        PIXELS.checked(AT_ONCE[kind](x))


@kinds_at_once
def test_empty_arrays_are_refused(kind):
    # The shape of an empty list is (0,), so that is what it is told.
    wanted = "shape \\(0,\\)" if kind == "list" else "at least one sample"
    with pytest.raises(ValueError, match=wanted):
        PIXELS.checked(AT_ONCE[kind](pixels(0)))


@kinds_in_batches
@bad_values
def test_bad_values_stop_a_dataset_at_their_batch(kind, bad):
    x, advice = BAD_VALUES[bad]
    checked = PIXELS.checked(IN_BATCHES[kind](x))
    found = []
    with pytest.raises(
        (ValueError, tf.errors.InvalidArgumentError), match=re.escape(advice)
    ):
        for batch in batches_of(checked):
            found.append(batch)
    # The bad sample is the eighth, in the second batch.
    np.testing.assert_array_equal(np.concatenate(found), x[:4])


@kinds_in_batches
@bad_shapes
def test_bad_shapes_of_batches_are_refused(kind, bad):
    x, advice = BAD_SHAPES[bad]
    if bad == "single" and not kind.startswith("tf"):
        # Batches made of one sample, without the batch's axis.
        x = x[None]
        unbatched = {
            "pydataset": lambda: Batches(x, lambda x: (x[0],)),
            "pydataset_bare": lambda: Batches(x, lambda x: x[0]),
            "pydataset_labels": lambda: Batches(x, lambda x: (x[0], x[0])),
            "loader": lambda: torch.utils.data.DataLoader(Rows(x), None),
            "loader_workers": lambda: torch.utils.data.DataLoader(
                Rows(x), None, num_workers=1
            ),
            "loader_stream": lambda: torch.utils.data.DataLoader(
                Stream(x), None
            ),
            "generator": lambda: iter([(x[0],)]),
            "generator_bare": lambda: iter([x[0]]),
        }
        source = unbatched[kind]()
    elif bad == "single":
        source = IN_BATCHES[kind](x[None]).unbatch()
        advice = "These are single samples: make batches, `.batch(32)`"
    else:
        source = IN_BATCHES[kind](x)
    if kind.startswith("tf"):
        with pytest.raises(ValueError, match=re.escape(advice)):
            PIXELS.checked(source)
        return
    checked = PIXELS.checked(source)
    with pytest.raises(ValueError, match=re.escape(advice)):
        read(checked)


@pytest.mark.parametrize(
    "kind", [k for k in IN_BATCHES if not k.startswith(("gen", "loader_s"))]
)
def test_sources_that_say_they_are_empty_are_refused_at_once(kind):
    with pytest.raises(ValueError, match="Expected at least one batch"):
        PIXELS.checked(IN_BATCHES[kind](pixels(0)))


def test_fractions_where_bytes_are_expected_are_refused():
    x = np.random.default_rng(0).uniform(0, 1, (5, *SHAPE)).astype("float32")
    for data in (x, list(x), ops.convert_to_tensor(x)):
        with pytest.raises(ValueError, match="fractions.*Rescale the data"):
            PIXELS.checked(data)
    # A set of what is in the range and as dark, or in its own range, is none.
    for data in (np.rint(x), 0.4 * x, 3 * x):
        PIXELS.checked(data)
    DataSpec(SHAPE, (0, 1), "float32").checked(x)
    DataSpec(SHAPE, (-1, 1), "float32").checked(x)
    PIXELS.check(x)  # A batch of few pictures may be that dark.


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32"])
def test_masks_where_bytes_are_expected_are_refused(dtype):
    masks = np.random.default_rng(0).integers(0, 2, (20, *SHAPE)).astype(dtype)
    with pytest.raises(ValueError, match="nothing above 1, as of masks"):
        PIXELS.checked(masks)
    DataSpec(SHAPE, (0, 1), "float32").checked(masks)
    # Black ones, a few that are as dark, and a set that is bright later on.
    PIXELS.checked(0 * masks.astype("uint8"))
    PIXELS.checked(masks[:7])
    PIXELS.checked(np.concatenate([masks, 2 * masks[:1].astype("uint8")]))


@pytest.mark.parametrize("kind", ["dataset", "pydataset", "generator"])
def test_sample_weights_are_refused(kind):
    x, ones = pixels(), np.ones(10)
    with pytest.raises(ValueError, match="takes the third for sample weights"):
        every_batch(
            PIXELS.checked(
                {
                    "dataset": lambda: dataset((x, ones, ones)),
                    "pydataset": lambda: Batches(x, lambda x: (x, x, x)),
                    "generator": lambda: iter([(x, ones, ones)]),
                }[kind]()
            )
        )


def test_more_labels_of_a_data_loader_are_ignored():
    x = torch.tensor(pixels())
    labels = torch.arange(10)
    parts = torch.utils.data.TensorDataset(x, labels, labels)
    found = every_batch(PIXELS.checked(torch.utils.data.DataLoader(parts)))
    assert len(found) == 10


@kinds_in_batches
def test_fractions_in_batches_are_refused_as_they_are_read(kind, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "BATCH", 8)
    x = np.random.default_rng(0).uniform(0, 1, (16, *SHAPE)).astype("float32")
    for data in (np.rint(x), 0.4 * x, 3 * x):
        assert len(every_batch(PIXELS.checked(IN_BATCHES[kind](data)))) == 2
    with pytest.raises(Exception, match="fractions"):
        every_batch(PIXELS.checked(IN_BATCHES[kind](x)))


@pytest.mark.parametrize("form", [tuple, list])
def test_batches_with_labels_in_a_list_are_as_in_a_tuple(form):
    x = pixels()
    ((data, labels),) = PIXELS.checked(iter([form((x, x[:, 0]))]))
    np.testing.assert_array_equal(data, x)
    assert len(labels) == len(x)


@pytest.mark.parametrize("kind", ["tf", "loader", "generator"])
def test_dicts_are_refused_with_what_to_do(kind):
    rows = {"image": pixels(8), "label": np.zeros(8)}
    source = {
        "tf": lambda: dataset(rows),
        "loader": lambda: torch.utils.data.DataLoader(
            [{"image": x} for x in rows["image"]], batch_size=4
        ),
        "generator": lambda: iter([rows]),
    }[kind]
    with pytest.raises(ValueError, match="dicts with .'image'.*batch.'image'"):
        every_batch(PIXELS.checked(source()))


def test_arrays_with_labels_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match="Pass x alone: labels are ignored"):
        PIXELS.checked((pixels(8), np.zeros(8)))
    with pytest.raises(ValueError, match="one array of them. Pass the array"):
        PIXELS.checked([pixels(8)])
    one = pixels(1)  # A list of samples.
    np.testing.assert_array_equal(PIXELS.checked(list(one)), one)


def test_samples_do_not_come_out_as_zeros_and_ones_alone():
    with pytest.raises(ValueError, match="Use data_dtype='float32'"):
        DataSpec(SHAPE, (0, 1), "uint8")
    DataSpec(SHAPE, (0, 1), "bool")
    DataSpec(SHAPE, (0, 2), "uint8")


def test_how_many_values_are_bad_is_told():
    x = pixels()
    x[:3, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="x with 3 values"):
        PIXELS.check(x)


def test_the_bounds_that_were_found_are_told():
    x = pixels() / 255 * 600 - 100
    with pytest.raises(ValueError, match="x from -100 to 500"):
        PIXELS.check(x)


@pytest.mark.parametrize("dtype", ["complex64", "str", "object"])
def test_data_are_numbers(dtype):
    x = np.zeros((2, *SHAPE)).astype(dtype)
    with pytest.raises(ValueError, match="Expected x to be numbers"):
        PIXELS.check(x)


def test_data_without_a_range_are_checked_for_nan_alone():
    spec = DataSpec(SHAPE, None, "float32")
    spec.check(pixels() * 1e6)
    with pytest.raises(ValueError, match="NaN or infinite"):
        spec.check(spoiled(np.nan))
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN or infinite"):
        read(spec.checked(dataset(spoiled(np.nan))))


def test_a_tf_dataset_of_unknown_shape_is_told_to_say_its_shape():
    x = pixels()
    unknown = dataset(x).map(lambda b: tf.numpy_function(np.copy, [b], b.dtype))
    with pytest.raises(ValueError, match="ensure_shape"):
        PIXELS.checked(unknown)


# === What comes out ===


def test_bools_and_integers_are_rounded_and_held():
    unit = DataSpec((2,), (0, 1), "float32")
    np.testing.assert_array_equal(
        unit.finish(np.float32([[0.4, 0.6]]), "bool"), [[False, True]]
    )
    # As when integers of another dtype are reconstructed.
    np.testing.assert_array_equal(
        PIXELS.finish(np.float32([[-3.0, 127.4, 200.0]]), "int8"),
        np.int8([[0, 127, 127]]),
    )
    low, high = -(2**31), 2**31 - 1
    sound = DataSpec((2,), (low, high), "int32")
    out = sound.finish(np.asarray(sound.from_networks(np.float32([[1, -1]]))))
    assert out.dtype == "int32"
    assert out.tolist() == [[high, low]]


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_dtype_that_does_not_hold_the_range_is_refused(dtype):
    with pytest.raises(ValueError, match=f"Received: data_dtype='{dtype}'"):
        DataSpec((2,), (-200, 200), dtype)
