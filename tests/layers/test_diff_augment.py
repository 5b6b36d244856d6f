import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_aegan import AEGAN, losses
from keras_aegan.layers import DiffAugment
from keras_aegan.losses.input_gradient import input_gradient

#: Not square, an odd and an even box to cut out.
IMAGE = (6, 16, 3)
SIGNAL = (12, 2)


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def run(layer, x, training=True):
    return np.array(ops.convert_to_numpy(layer(x, training=training)))


def again(layer, state):
    """The layer, about to draw what it drew from this state."""
    layer.seed_generator.state.assign(state)
    return layer


def state_of(layer):
    return np.array(ops.convert_to_numpy(layer.seed_generator.state))


def gradient(layer, x, weights):
    """The gradient of the output's weighted sum at `x`."""

    def weighted(data):
        return ops.sum(ops.multiply(layer(data, training=True), weights))

    found = input_gradient(weighted, ops.convert_to_tensor(x))
    return np.array(ops.convert_to_numpy(ops.stop_gradient(found)))


def moved(sample, shifts):
    """A sample moved by whole positions, with zeros moved in."""
    result = np.zeros_like(sample)
    to, of = [], []
    for shift, side in zip(shifts, sample.shape, strict=False):
        to.append(slice(max(shift, 0), side + min(shift, 0)))
        of.append(slice(max(-shift, 0), side + min(-shift, 0)))
    result[tuple(to)] = sample[tuple(of)]
    return result


def shifts_between(sample, result, largest):
    """The one way to move a sample that gives this result."""
    every = itertools.product(*(range(-m, m + 1) for m in largest))
    (found,) = (s for s in every if np.array_equal(moved(sample, s), result))
    return found


# === When it acts ===


def test_outside_of_training_it_is_the_identity():
    x = noise(2, *IMAGE)
    layer = DiffAugment()
    before = state_of(layer)
    np.testing.assert_array_equal(run(layer, x, training=False), x)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), x)
    np.testing.assert_array_equal(state_of(layer), before)
    assert np.abs(run(layer, x) - x).max() > 0.1


def test_a_seed_repeats_and_a_call_does_not():
    x = noise(4, *IMAGE)
    one, other = DiffAugment(seed=1), DiffAugment(seed=1)
    first = run(one, x)
    np.testing.assert_array_equal(run(other, x), first)
    assert np.abs(run(one, x) - first).max() > 0.1


class InTraining(keras.layers.Layer):
    """A layer in training mode, so that `predict` shows what `fit` would do."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, inputs):
        return self.layer(inputs, training=True)


@pytest.mark.parametrize("policy", [("translation", "cutout"), ("color",)])
def test_compiled_with_batches_of_any_size(policy):
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), InTraining(DiffAugment(policy, seed=0))]
    )
    assert model.output_shape == (None, 16, 16, 3)
    x = np.repeat(noise(1, 16, 16, 3), 10, axis=0)
    made = [model.predict(x, batch_size=4, verbose=0) for _ in range(2)]
    # Each sample, of each batch, in each call, its own way.
    assert len(np.unique(np.concatenate(made), axis=0)) == 20


# === What it does ===


def test_color():
    """Brightness, saturation and contrast, found again in the results."""
    x = noise(400, 3, 2, 3)
    y = run(DiffAugment(("color",), seed=0), x)
    greys = [v.mean(-1, keepdims=True) for v in (x, y)]
    means = [v.mean((1, 2, 3), keepdims=True) for v in (x, y)]

    def ratio(numerator, denominator):
        """A factor for each sample."""
        numbers = [v.reshape(len(x), -1) for v in (numerator, denominator)]
        found = np.sum(numbers[0] * numbers[1], -1) / np.sum(
            numbers[1] ** 2, -1
        )
        return found.reshape(-1, 1, 1, 1)

    brightness = means[1] - means[0]
    contrast = ratio(greys[1] - means[1], greys[0] - means[0])
    saturation = ratio(y - greys[1], x - greys[0]) / contrast
    for found, low, high in (
        (brightness, -0.5, 0.5),
        (contrast, 0.5, 1.5),
        (saturation, 0, 2),
    ):
        slack = 0.02 * (high - low)
        assert low - 1e-4 < found.min() < low + slack
        assert high - slack < found.max() < high + 1e-4
        assert found.mean() == pytest.approx((low + high) / 2, abs=0.1)
    saturated = (x - greys[0]) * saturation + greys[0]
    wanted = (saturated - means[0]) * contrast + means[0] + brightness
    np.testing.assert_allclose(y, wanted, atol=1e-4)
    # Nothing is clipped.
    assert y.max() > 3


def test_a_single_channel_is_not_saturated():
    """Where the channel is its own mean, the sample would turn grey."""
    x = noise(8, 4, 4, 1)
    y = run(DiffAugment(("color",), seed=0), x)
    contrast = (y - y.mean((1, 2, 3), keepdims=True)) / (
        x - x.mean((1, 2, 3), keepdims=True)
    )
    assert (np.median(contrast, axis=(1, 2, 3)) > 0.499).all()


@pytest.mark.parametrize(
    ("shape", "largest"),
    [(IMAGE, (1, 2)), (SIGNAL, (2,)), ((3, 20, 1), (0, 3))],
)
def test_translation_moves_by_each_number_of_positions(shape, largest):
    """An eighth of each side, halves rounded up, zeros from outside."""
    x = noise(300, *shape)
    y = run(DiffAugment(("translation",), seed=0), x)
    found = {shifts_between(a, b, largest) for a, b in zip(x, y, strict=True)}
    assert found == set(itertools.product(*(range(-m, m + 1) for m in largest)))


def boxes(side, part):
    """Each mask along one axis, as the authors' code makes them."""
    size = int(side * part + 0.5)
    for offset in range(side + (1 - size % 2)):
        places = np.clip(np.arange(size) + offset - size // 2, 0, side - 1)
        mask = np.zeros(side, bool)
        mask[places] = True
        yield mask


@pytest.mark.parametrize("shape", [(6, 5, 2), SIGNAL])
@pytest.mark.parametrize("part", [1 / 2, 1 / 3])
def test_cutout_is_the_authors(shape, part):
    layer = DiffAugment(("cutout",), cutout=part, seed=0)
    y = run(layer, np.ones((1000, *shape), "float32"))
    assert set(np.unique(y)) == {0, 1}
    np.testing.assert_array_equal(y, np.broadcast_to(y[..., :1], y.shape))
    wanted = set()
    for masks in itertools.product(*(boxes(n, part) for n in shape[:-1])):
        box = masks[0] if len(masks) == 1 else np.outer(*masks)
        wanted.add((~box).tobytes())
    assert {mask.tobytes() for mask in y[..., 0].astype(bool)} == wanted


def test_policies_are_done_in_the_order_given():
    x = np.ones((64, 8, 8, 1), "float32")
    cut_last = run(DiffAugment(("color", "cutout"), seed=0), x)
    color_last = run(DiffAugment(("cutout", "color"), seed=0), x)
    assert (cut_last == 0).any(axis=(1, 2, 3)).all()
    assert not (color_last == 0).any()


# === Gradients ===


def test_gradient_of_cutout():
    x, w = noise(8, *IMAGE), noise(8, *IMAGE, seed=1)
    layer = DiffAugment(("cutout",), seed=0)
    state = state_of(layer)
    mask = run(layer, np.ones_like(x))
    assert 0 < mask.mean() < 1
    np.testing.assert_array_equal(gradient(again(layer, state), x, w), mask * w)


@pytest.mark.parametrize(
    ("shape", "largest"), [(IMAGE, (1, 2)), (SIGNAL, (2,))]
)
def test_gradient_of_translation(shape, largest):
    """What left has no gradient; the rest has that of its new place."""
    x, w = noise(8, *shape), noise(8, *shape, seed=1)
    layer = DiffAugment(("translation",), seed=0)
    state = state_of(layer)
    shifts = [
        shifts_between(a, b, largest)
        for a, b in zip(x, run(layer, x), strict=True)
    ]
    assert len(set(shifts)) > 1
    wanted = [
        moved(b, [-s for s in shift])
        for shift, b in zip(shifts, w, strict=True)
    ]
    np.testing.assert_array_equal(
        gradient(again(layer, state), x, w), np.stack(wanted)
    )


@pytest.mark.parametrize(
    ("shape", "policy"),
    [
        (IMAGE, ("color",)),
        (IMAGE, ("color", "translation", "cutout")),
        ((4, 4, 1), ("color", "translation", "cutout")),
        (SIGNAL, ("translation", "cutout")),
    ],
)
def test_gradient_is_the_difference(shape, policy):
    """Once drawn, every change is affine: a difference is the gradient."""
    x, w = noise(8, *shape), noise(8, *shape, seed=1)
    step = noise(8, *shape, seed=2)
    layer = DiffAugment(policy, seed=0)
    state = state_of(layer)
    change = run(again(layer, state), x + step) - run(again(layer, state), x)
    axes = tuple(range(1, x.ndim))
    slope = gradient(again(layer, state), x, w)
    np.testing.assert_allclose(
        np.sum(slope * step, axis=axes),
        np.sum(w * change, axis=axes),
        rtol=1e-3,
        atol=1e-3,
    )
    assert (np.abs(slope).max(axis=axes) > 0.1).all()


def test_r1_passes_through_it():
    """The penalty's gradient at a linear score: only what is seen shrinks."""
    shape, rate, gamma = (8, 8, 1), 0.5, 1.0
    data = keras.Input(shape)
    seen = DiffAugment(("cutout",), seed=0)(data)
    score = layers.Dense(1, name="score")(layers.Flatten()(seen))
    discriminator = keras.Model(data, score, name="discriminator")
    kernel = discriminator.get_layer("score").kernel
    before = np.array(ops.convert_to_numpy(kernel))
    # Real and generated data are all zeros, so that the game does not move
    # the kernel, but the penalty does.
    silent = layers.Dense(64, kernel_initializer="zeros")
    model = AEGAN(
        keras.Sequential([keras.Input((2,)), silent, layers.Reshape(shape)]),
        discriminator=discriminator,
        losses=[losses.DataAdversarialLoss(), losses.R1Penalty(gamma)],
        data_range=None,
        data_dtype="float32",
        seed=0,
    )
    model.compile(keras.optimizers.SGD(rate))
    model.fit(np.zeros((1, *shape), "float32"), verbose=0)
    ratio = (np.array(ops.convert_to_numpy(kernel)) / before).reshape(8, 8)
    unseen = ratio > 0.99
    np.testing.assert_allclose(
        ratio, np.where(unseen, 1, 1 - rate * gamma), atol=1e-5
    )
    # A box of 4 by 4, a part of which may lie outside.
    rows, columns = unseen.any(1).sum(), unseen.any(0).sum()
    assert 2 <= rows <= 4 and 2 <= columns <= 4
    assert unseen.sum() == rows * columns


# === Precision, configuration ===


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    x = noise(8, *IMAGE)
    made = DiffAugment(dtype=policy)(x, training=True)
    assert keras.backend.standardize_dtype(made.dtype) == policy[6:]
    assert np.isfinite(ops.convert_to_numpy(ops.cast(made, "float32"))).all()


def test_config_and_file(tmp_path):
    layer = DiffAugment(("cutout",), translation=0.25, cutout=0.3, seed=3)
    model = keras.Sequential([keras.Input(IMAGE), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    assert loaded.policy == ("cutout",)
    assert (loaded.translation, loaded.cutout) == (0.25, 0.3)
    x = noise(4, *IMAGE)
    np.testing.assert_array_equal(run(loaded, x), run(layer, x))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"policy": ("colour",)},
            r"\('color', 'translation', 'cutout'\). Received: .*'colour'",
        ),
        ({"policy": "color"}, "a tuple of .* Received: policy='color'"),
        ({"policy": ()}, r"Received: policy=\(\)"),
        ({"translation": 4}, "part of each side.*translation=4"),
        ({"cutout": 0}, "between 0 and 1. Received: cutout=0"),
        ({"cutout": 1.0}, "between 0 and 1. Received: cutout=1.0"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        DiffAugment(**kwargs)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (SIGNAL, r"policy=\('translation', 'cutout'\)\.$"),
        ((5,), r"Received: samples of shape \(5,\)"),
        ((None, 8, 3), r"of known sizes.*\(None, 8, 3\)"),
    ],
)
def test_bad_shapes_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        DiffAugment().build((None, *shape))
