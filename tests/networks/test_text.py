import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_aegan import AEGAN, losses
from keras_aegan.losses.input_gradient import input_gradient
from keras_aegan.networks.text import (
    text_discriminator,
    text_encoder,
    text_generator,
)

SHAPE = (6, 5)
KINDS = ["gru", "convolutional"]
kinds = pytest.mark.parametrize("kind", KINDS)
small = {"width": 8}


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def text(count, seed=0):
    """Random text, one-hot."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, SHAPE[1], (count, SHAPE[0]))
    return np.eye(SHAPE[1], dtype="float32")[ids]


def run(network, inputs, **kwargs):
    return ops.convert_to_numpy(network(inputs, **kwargs))


def everything(kind, **kwargs):
    """Each part of a kind, small, by name."""
    kwargs = {**small, "kind": kind, **kwargs}
    return {
        "encoder": text_encoder(SHAPE, 3, **kwargs),
        "generator": text_generator(SHAPE, 3, **kwargs),
        "discriminator": text_discriminator(SHAPE, **kwargs),
    }


@kinds
def test_shapes_and_names(kind):
    parts = everything(kind)
    for name in ("encoder", "discriminator"):
        assert parts[name].input_shape == (None, *SHAPE)
    assert parts["encoder"].output_shape == (None, 3)
    assert parts["discriminator"].output_shape == (None, 1)
    assert parts["generator"].input_shape == (None, 3)
    assert parts["generator"].output_shape == (None, *SHAPE)
    assert all(part.name == name for name, part in parts.items())


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
@kinds
def test_generated_text_is_probabilities(kind, precision):
    keras.config.set_dtype_policy(precision)
    generator = text_generator(SHAPE, 3, kind=kind, **small)
    made = run(generator, noise(4, 3))
    assert made.dtype == "float32"
    assert made.min() > 0
    np.testing.assert_allclose(made.sum(-1), 1, atol=1e-6)


@kinds
def test_generated_text_is_one_hot(kind):
    """The class that a softmax finds most probable, with its gradient."""
    soft = text_generator(SHAPE, 3, kind=kind, **small)
    hard = text_generator(
        SHAPE, 3, kind=kind, output="straight_through", **small
    )
    hard.set_weights(soft.get_weights())
    codes, w = noise(4, 3), noise(4, *SHAPE, seed=1)
    chosen = run(soft, codes).argmax(-1)
    np.testing.assert_array_equal(run(hard, codes), np.eye(SHAPE[1])[chosen])
    gradients = [
        ops.convert_to_numpy(
            ops.stop_gradient(
                input_gradient(
                    lambda z, network=network: ops.sum(
                        ops.multiply(network(z), w)
                    ),
                    ops.convert_to_tensor(codes),
                )
            )
        )
        for network in (soft, hard)
    ]
    np.testing.assert_allclose(*gradients, atol=1e-6)
    assert np.abs(gradients[0]).max() > 1e-3


def test_temperature_divides_the_logits():
    warm = text_generator(SHAPE, 3, **small)
    cold = text_generator(SHAPE, 3, temperature=0.5, **small)
    cold.set_weights(warm.get_weights())
    codes = noise(4, 3)
    wanted = run(warm, codes) ** 2
    wanted /= wanted.sum(-1, keepdims=True)
    np.testing.assert_allclose(run(cold, codes), wanted, rtol=1e-4)


@kinds
def test_codes_are_disturbed_in_training(kind):
    """As much as codes moved by hand, and not at all elsewhere."""
    plain = text_generator(SHAPE, 3, kind=kind, **small)
    noisy = text_generator(SHAPE, 3, kind=kind, code_noise=0.3, **small)
    noisy.set_weights(plain.get_weights())
    codes = np.tile(noise(1, 3), (500, 1))
    np.testing.assert_array_equal(run(noisy, codes), run(plain, codes))
    found = run(noisy, codes, training=True).std(axis=0)
    moved = codes + 0.3 * noise(500, 3)
    expected = run(plain, moved).std(axis=0)
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.15)
    with pytest.raises(ValueError, match="code_noise to be 0 or more"):
        text_generator(SHAPE, 3, kind=kind, code_noise=-0.1, **small)


@kinds
def test_a_code_means_something_else_at_each_position(kind):
    """Equal features at all positions could not be told apart."""
    made = run(text_generator(SHAPE, 3, kind=kind, **small), noise(2, 3))
    for i, j in ((0, 1), (2, 3), (4, 5)):
        assert np.abs(made[:, i] - made[:, j]).max() > 1e-4


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
@kinds
def test_codes_on_a_sphere(kind, precision):
    keras.config.set_dtype_policy(precision)
    encoder = text_encoder(SHAPE, 3, kind=kind, sphere=True, **small)
    codes = run(encoder, text(4))
    assert codes.dtype == "float32"
    np.testing.assert_allclose(np.linalg.norm(codes, axis=-1), 1, rtol=1e-5)
    free = run(text_encoder(SHAPE, 3, kind=kind, **small), text(4))
    assert np.abs(np.linalg.norm(free, axis=-1) - 1).min() > 1e-3


@kinds
@pytest.mark.parametrize("part", ["encoder", "discriminator"])
def test_every_position_is_read(kind, part):
    network = everything(kind)[part]
    x = text(1)
    before = run(network, x)
    for position in range(SHAPE[0]):
        other = x.copy()
        other[0, position] = np.roll(x[0, position], 1)
        assert np.abs(run(network, other) - before).max() > 1e-5


@kinds
def test_a_score_does_not_depend_on_the_batch(kind):
    discriminator = everything(kind)["discriminator"]
    for layer in discriminator.layers:
        assert not isinstance(layer, layers.BatchNormalization)
    x = text(5)
    together = run(discriminator, x)
    alone = np.concatenate([run(discriminator, one[None]) for one in x])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.ptp(together) > 1e-3


@kinds
def test_an_autoencoder_learns(kind):
    """Four sentences by heart, compiled where the backend compiles."""
    model = AEGAN(
        encoder=text_encoder(SHAPE, 8, width=32, kind=kind),
        generator=text_generator(SHAPE, 8, width=32, kind=kind),
        losses=[losses.ReconstructionLoss("cross_entropy")],
        ema_momentum=None,
        data_range=None,
        data_dtype="float32",
        optimizer=keras.optimizers.Adam(0.003),
        seed=0,
    )
    x = text(4)
    batches = np.tile(x, (64, 1, 1))
    model.fit(batches, batch_size=16, epochs=15, shuffle=False, verbose=0)
    made = model.reconstruct(x)
    np.testing.assert_array_equal(made.argmax(-1), x.argmax(-1))


@pytest.mark.parametrize("output", ["softmax", "straight_through"])
@kinds
def test_a_game_on_text(kind, output):
    parts = everything(kind)
    parts["generator"] = text_generator(
        SHAPE, 3, kind=kind, output=output, **small
    )
    before = {
        name: [np.array(w) for w in part.get_weights()]
        for name, part in parts.items()
    }
    model = AEGAN(
        **parts,
        losses=[losses.DataAdversarialLoss(), losses.ReconstructionLoss("mse")],
        data_range=None,
        data_dtype="float32",
        seed=0,
    )
    history = model.fit(text(10), batch_size=4, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    for name, part in parts.items():
        for old, new in zip(before[name], part.get_weights(), strict=True):
            # A relativistic game does not move what all scores have in common.
            assert np.abs(new - old).max() > 0 or old.ndim == 1
    made = model.generate(3, seed=0)
    np.testing.assert_allclose(made.sum(-1), 1, atol=1e-5)


@kinds
@pytest.mark.parametrize("part", ["encoder", "generator", "discriminator"])
def test_config_and_file_give_the_same_network(kind, part, tmp_path):
    network = everything(kind)[part]
    if part == "generator":
        network = text_generator(
            SHAPE, 3, kind=kind, output="straight_through", temperature=0.7
        )
    inputs = noise(3, *network.input_shape[1:])
    wanted = run(network, inputs)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(run(loaded, inputs), wanted, atol=1e-6)
    assert loaded.name == network.name


@pytest.mark.parametrize(
    "make",
    [
        lambda shape=SHAPE, **kwargs: text_encoder(shape, 3, **kwargs),
        lambda shape=SHAPE, **kwargs: text_generator(shape, 3, **kwargs),
        lambda shape=SHAPE, **kwargs: text_discriminator(shape, **kwargs),
    ],
)
def test_bad_kinds_and_shapes_are_refused(make):
    with pytest.raises(ValueError, match=r"'convolutional'\).*kind='lstm'"):
        make(kind="lstm")
    for shape in ((6,), (6, 5, 1), (6, 0), (None, 5), (6.0, 5)):
        with pytest.raises(
            ValueError, match=r"\(length, vocabulary_size\).*ops.one_hot"
        ):
            make(shape)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"output": "argmax"}, r"'straight_through'\).*output='argmax'"),
        ({"temperature": 0}, "above 0. Received: temperature=0"),
        ({"temperature": -1.0}, "Received: temperature=-1.0"),
    ],
)
def test_bad_generators_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        text_generator(SHAPE, 3, **kwargs)
