import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras import ops

from keras_aegan import recipes
from keras_aegan.tokens import TokenSpec

LENGTH, VOCABULARY = 6, 27
TEXT = TokenSpec(LENGTH, VOCABULARY)
BATCH = 4
BELOW = "Expected token ids from 0 to 26"


def ids(count=10, dtype="int32"):
    rng = np.random.default_rng(0)
    x = rng.integers(0, VOCABULARY, (count, LENGTH))
    x[0, :2] = 0, VOCABULARY - 1
    return x.astype(dtype)


class Batches(keras.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x

    @property
    def num_batches(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, index):
        return (self.x[index * BATCH : (index + 1) * BATCH],)


IN_BATCHES = {
    "tf": lambda x: tf.data.Dataset.from_tensor_slices(x).batch(BATCH),
    "tf_labels": lambda x: tf.data.Dataset.from_tensor_slices(
        (x, np.zeros(len(x)))
    ).batch(BATCH),
    "pydataset": Batches,
    "loader": lambda x: torch.utils.data.DataLoader(
        torch.from_numpy(x), batch_size=BATCH
    ),
    "generator": lambda x: (x[i : i + BATCH] for i in range(0, len(x), BATCH)),
}
AT_ONCE = {
    "array": lambda x: x,
    "tensor": ops.convert_to_tensor,
    "list": lambda x: x.tolist(),
}
kinds_in_batches = pytest.mark.parametrize("kind", IN_BATCHES)
kinds_at_once = pytest.mark.parametrize("kind", AT_ONCE)


def batches_of(source):
    """The ids of each batch, in the order that they come."""
    batches = source
    if isinstance(source, keras.utils.PyDataset):
        batches = (source[i] for i in range(source.num_batches))
    for batch in batches:
        x = batch[0] if isinstance(batch, (list, tuple)) else batch
        yield np.asarray(x)


# === Conversions ===


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_ids_become_one_hot_and_come_back(dtype):
    x = ids(dtype=dtype)
    inside = TEXT.to_networks(x)
    assert keras.backend.standardize_dtype(inside.dtype) == "float32"
    wanted = np.eye(VOCABULARY, dtype="float32")[x]
    np.testing.assert_array_equal(ops.convert_to_numpy(inside), wanted)
    back = TEXT.finish(ops.convert_to_numpy(TEXT.from_networks(inside)), dtype)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, x)


def test_the_likeliest_id_is_taken():
    spec = TokenSpec(2, 3)
    decoded = np.array([[[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]], "float32")
    found = spec.finish(ops.convert_to_numpy(spec.from_networks(decoded)))
    assert found.tolist() == [[1, 2]]
    assert found.dtype == "int32"


def test_ids_are_not_cast_to_what_cannot_hold_them():
    found = np.array([[3, 299]])
    spec = TokenSpec(2, 300)
    assert spec.finish(found, "int64").dtype == "int64"
    kept = spec.finish(found, "uint8")
    assert kept.dtype == "int32"
    assert kept.tolist() == [[3, 299]]
    assert spec.finish(found, "uint16").dtype == "uint16"
    assert TokenSpec(2, 256).finish(found, "uint8").dtype == "uint8"


def test_the_sizes_of_a_text():
    assert TEXT.shape == (LENGTH,)
    assert TEXT.vocabulary_size == VOCABULARY
    assert TEXT.range == (0, 26)
    with pytest.raises(ValueError, match="2 tokens or more. .*_size=1"):
        TokenSpec(LENGTH, 1)


# === Good data ===


@kinds_at_once
def test_good_arrays_pass_unchanged(kind):
    checked = TEXT.checked(AT_ONCE[kind](ids()))
    np.testing.assert_array_equal(ops.convert_to_numpy(checked), ids())


@kinds_in_batches
def test_good_batches_pass_in_their_order(kind):
    found = list(batches_of(TEXT.checked(IN_BATCHES[kind](ids()))))
    assert [len(batch) for batch in found] == [4, 4, 2]
    assert found[0].dtype == "int32"
    np.testing.assert_array_equal(np.concatenate(found), ids())


def test_nothing_is_looked_at_where_nothing_can_be_wrong():
    assert TokenSpec(LENGTH, 256).fits("uint8")
    assert not TokenSpec(LENGTH, 255).fits("uint8")
    assert not TokenSpec(LENGTH, 256).fits("int8")
    assert not TEXT.fits("int32")


# === Bad data ===


def spoiled(value):
    x = ids()
    x[7, 2] = value
    return x


@kinds_at_once
@pytest.mark.parametrize("value", [-1, 27, 2**30])
def test_ids_out_of_the_vocabulary_are_refused_at_once(kind, value):
    with pytest.raises(ValueError, match=BELOW):
        TEXT.checked(AT_ONCE[kind](spoiled(value)))


@kinds_in_batches
@pytest.mark.parametrize("value", [-1, 27])
def test_ids_out_of_the_vocabulary_stop_a_dataset_at_their_batch(kind, value):
    checked = TEXT.checked(IN_BATCHES[kind](spoiled(value)))
    found = []
    with pytest.raises(
        (ValueError, tf.errors.InvalidArgumentError), match=BELOW
    ):
        for batch in batches_of(checked):
            found.append(batch)
    # The bad text is the eighth, in the second batch.
    np.testing.assert_array_equal(np.concatenate(found), ids()[:4])


@pytest.mark.parametrize("kind", ["array", "tf"])
def test_a_large_vocabulary_has_no_slack(kind):
    x = np.array([[0, 49_999], [1, 50_000]], "int32")
    make = {**AT_ONCE, **IN_BATCHES}[kind]
    TokenSpec(2, 50_001).check(x)
    with pytest.raises(
        (ValueError, tf.errors.InvalidArgumentError), match="0 to 49999"
    ):
        list(batches_of(TokenSpec(2, 50_000).checked(make(x))))


def test_the_ids_that_were_found_are_told():
    with pytest.raises(
        ValueError, match=rf"{BELOW}. Received: x from 0 to 41. Encode"
    ):
        TEXT.check(spoiled(41))


@pytest.mark.parametrize("dtype", ["float32", "bool", "str", "object"])
def test_ids_are_whole_numbers(dtype):
    with pytest.raises(ValueError, match="token ids as whole numbers"):
        TEXT.check(ids().astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "str"])
def test_a_tf_dataset_of_no_ids_is_refused_at_once(dtype):
    with pytest.raises(ValueError, match="token ids as whole numbers"):
        TEXT.checked(IN_BATCHES["tf"](ids().astype(dtype)))


@pytest.mark.parametrize(
    ("x", "advice"),
    [
        (ids()[0], "This is a single sample: pass `x[None]`"),
        (ids()[:, :5], "cut or padded to this length"),
        (np.eye(VOCABULARY, dtype="int32")[ids()], "ids, not one-hot vectors"),
    ],
)
def test_bad_shapes_are_refused(x, advice):
    with pytest.raises(ValueError, match=re.escape(advice)) as caught:
        TEXT.checked(x)
    assert "shape (batch, 6). Received: shape" in str(caught.value)


# === A model of text ===


def test_a_model_takes_and_gives_ids():
    x = np.random.default_rng(0).integers(0, 7, (8, 5))
    model = recipes.arae(
        (5,), 7, latent_dim=4, width=8, noise_dim=3, hidden_units=(8,), seed=0
    )
    history = model.fit(x, batch_size=4, verbose=0).history
    assert int(model.step) == 2
    assert all(np.isfinite(values).all() for values in history.values())

    codes = model.encode(x)
    assert codes.shape == (8, 4)
    assert codes.dtype == "float32"
    made = model.generate(3, seed=0)
    assert made.shape == (3, 5)
    assert made.dtype == "int32"
    copies = model.reconstruct(x)
    assert copies.shape == (8, 5)
    between = model.interpolate(x[:2], x[2:4], steps=6)
    assert between.shape == (2, 6, 5)
    # In the dtype that came in.
    assert copies.dtype == between.dtype == x.dtype == "int64"
    for found in (made, copies, between):
        assert 0 <= found.min() and found.max() < 7
    np.testing.assert_array_equal(between[:, 0], copies[:2])
    np.testing.assert_array_equal(between[:, -1], copies[2:4])
    with pytest.raises(ValueError, match="from 0 to 6"):
        model.fit(x + 1, verbose=0)
    with pytest.raises(ValueError, match="ids, not one-hot vectors"):
        model.encode(np.eye(7, dtype="float32")[x])
