import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_aegan import networks
from keras_aegan.networks.sizes import image_sizes

IMAGES = [(28, 28, 1), (32, 32, 3), (64, 64, 3), (96, 64, 3), (128, 128, 1)]
FAMILIES = ["residual", "convolutional"]
DATA = [(2,), (28, 28, 1), (7, 3), (5,), (3, 2, 2, 2), (1, 6, 4)]
families = pytest.mark.parametrize("family", FAMILIES)
small = {"width": 4}


def make(family, part, *args, **kwargs):
    return getattr(networks, f"{family}_{part}")(*args, **kwargs)


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def run(network, inputs, **kwargs):
    return ops.convert_to_numpy(network(inputs, **kwargs))


def everything(family):
    """Each part of a family, small, by name."""
    size = (28, 28, 1) if family != "dense" else (3, 2)
    kwargs = small if family != "dense" else {"hidden_units": (4,)}
    return {
        "encoder": make(family, "encoder", size, 5, **kwargs),
        "generator": make(family, "generator", size, 5, **kwargs),
        "discriminator": make(family, "discriminator", size, **kwargs),
    }


# === Shapes ===


@families
@pytest.mark.parametrize("shape", IMAGES)
def test_shapes_of_images(family, shape):
    encoder = make(family, "encoder", shape, 5, **small)
    generator = make(family, "generator", shape, 5, **small)
    discriminator = make(family, "discriminator", shape, **small)
    assert encoder.input_shape == discriminator.input_shape == (None, *shape)
    assert generator.input_shape == encoder.output_shape == (None, 5)
    assert discriminator.output_shape == (None, 1)
    assert generator.output_shape == (None, *shape)
    assert encoder.name == "encoder"
    assert generator.name == "generator"
    assert discriminator.name == "discriminator"


@pytest.mark.parametrize("shape", DATA)
@pytest.mark.parametrize("hidden_units", [(), (4,), (4, 3)])
def test_shapes_of_dense_networks(shape, hidden_units):
    encoder = networks.dense_encoder(shape, 3, hidden_units)
    generator = networks.dense_generator(shape, 3, hidden_units)
    discriminator = networks.dense_discriminator(shape, hidden_units)
    assert run(encoder, noise(2, *shape)).shape == (2, 3)
    assert run(discriminator, noise(2, *shape)).shape == (2, 1)
    assert run(generator, noise(2, 3)).shape == (2, *shape)


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((28, 28, 1), [(28, 28), (14, 14), (7, 7)]),
        ((32, 32, 3), [(32, 32), (16, 16), (8, 8), (4, 4)]),
        ((96, 64, 3), [(96, 64), (48, 32), (24, 16), (12, 8), (6, 4)]),
    ],
)
def test_sides_are_halved_while_they_stay_whole_and_four(shape, sizes):
    assert image_sizes(shape) == sizes


def test_width_blocks_and_the_widest_layer():
    encoder = networks.residual_encoder(
        (64, 64, 3), 5, width=4, blocks=2, max_width=8
    )
    filters = [
        layer.filters
        for layer in encoder.layers
        if isinstance(layer, layers.Conv2D)
    ]
    # From the image; two blocks of two; each size but the first is widened.
    assert filters == [4] * 5 + [8] * 15


# === Range ===


@families
def test_images_are_within_minus_one_to_one(family):
    generator = make(family, "generator", (28, 28, 1), 5, **small)
    made = run(generator, 1e4 * noise(4, 5))
    assert abs(made).max() <= 1
    assert made.min() < -0.9
    assert made.max() > 0.9


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_dense_data_are_within_minus_one_to_one(activation):
    generator = networks.dense_generator(
        (4, 4, 1), 5, output_activation=activation
    )
    made = run(generator, 1e4 * noise(4, 5))
    assert made.min() == pytest.approx(-1)
    assert made.max() == pytest.approx(1)


def test_dense_data_without_an_activation_are_free():
    generator = networks.dense_generator((4,), 5, output_activation=None)
    assert abs(run(generator, 1e4 * noise(4, 5))).max() > 100


def test_a_relu_code_is_never_negative():
    encoder = networks.dense_encoder((6,), 8, code_activation="relu")
    assert run(encoder, noise(16, 6)).min() == 0
    assert run(networks.dense_encoder((6,), 8), noise(16, 6)).min() < 0


# === What the discriminators must not do ===


@pytest.mark.parametrize("family", [*FAMILIES, "dense"])
def test_a_score_does_not_depend_on_the_batch(family):
    discriminator = everything(family)["discriminator"]
    for layer in discriminator._flatten_layers():
        assert not isinstance(layer, layers.BatchNormalization)
    for variable in discriminator.trainable_variables:
        variable.assign(variable + 0.05 * noise(*variable.shape))
    data = noise(5, *discriminator.input_shape[1:])
    together = run(discriminator, data)
    alone = np.concatenate([run(discriminator, x[None]) for x in data])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.ptp(together) > 1e-3


@pytest.mark.parametrize("family", [*FAMILIES, "dense"])
def test_a_sample_in_training_is_not_changed_by_its_neighbours(family):
    discriminator = everything(family)["discriminator"]
    data = noise(2, *discriminator.input_shape[1:])
    other = np.concatenate([data[:1], 50 + data[1:]])
    seeds = [v for v in discriminator.variables if "seed" in v.path]
    scores = []
    for batch in (data, other):
        for seed in seeds:
            seed.assign(np.zeros(seed.shape))
        scores.append(run(discriminator, batch, training=True)[0])
    np.testing.assert_allclose(*scores, atol=1e-5)


# === The residual start ===


def test_blocks_start_as_the_identity():
    network = networks.residual_encoder((28, 28, 1), 5, width=4, blocks=2)
    adds = [x for x in network.layers if isinstance(x, layers.Add)]
    assert len(adds) == 4
    for add in adds:
        before, change = add.input
        outputs = keras.Model(network.input, [before, change, add.output])
        before, change, after = outputs(noise(2, 28, 28, 1))
        assert ops.convert_to_numpy(ops.max(ops.abs(change))) == 0
        np.testing.assert_array_equal(
            ops.convert_to_numpy(after), ops.convert_to_numpy(before)
        )
        assert ops.convert_to_numpy(ops.std(before)) > 0.01


def test_pixels_of_a_patch_are_neighbours():
    """The generator's last layer makes 2x2 patches of pixels."""
    generator = networks.residual_generator((16, 32, 1), 2, width=4)
    last = generator.get_layer("to_image")
    last.kernel.assign(np.zeros(last.kernel.shape))
    last.bias.assign([0.1, 0.2, 0.3, 0.4])
    made = np.arctanh(run(generator, noise(1, 2)))[0, ..., 0]
    wanted = np.tile([[0.1, 0.2], [0.3, 0.4]], (8, 16))
    np.testing.assert_allclose(made, wanted, rtol=1e-5)


# === Bad shapes ===


@families
@pytest.mark.parametrize("part", ["encoder", "generator", "discriminator"])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 28, 28), "looks like channels first"),
        ((3, 64, 64), r"numpy.moveaxis\(images, 1, -1\)"),
        ((30, 30, 1), "halved at least twice .* Resize or pad"),
        ((28, 29, 1), "halved at least twice"),
        ((8, 8, 1), "halved at least twice"),
        ((28, 28), "three positive integers.*use the dense networks"),
        ((28, 28, 0), "three positive integers"),
        ((28.0, 28, 1), "three positive integers|invalid dimension '28.0'"),
        ((None, None, 1), "three positive integers"),
    ],
)
def test_bad_image_shapes_are_refused(family, part, shape, message):
    latent = () if part == "discriminator" else (5,)
    with pytest.raises(ValueError, match=message):
        make(family, part, shape, *latent, **small)


# === Configuration ===


@pytest.mark.parametrize("family", [*FAMILIES, "dense"])
@pytest.mark.parametrize("part", ["encoder", "generator", "discriminator"])
def test_config_and_file_give_the_same_network(family, part, tmp_path):
    network = everything(family)[part]
    inputs = noise(3, *network.input_shape[1:])
    wanted = run(network, inputs)

    config = keras.saving.serialize_keras_object(network)
    again = keras.saving.deserialize_keras_object(config)
    for variable, other in zip(again.weights, network.weights, strict=True):
        variable.assign(other)
    np.testing.assert_allclose(run(again, inputs), wanted, atol=1e-6)

    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(run(loaded, inputs), wanted, atol=1e-6)
    assert loaded.name == network.name
