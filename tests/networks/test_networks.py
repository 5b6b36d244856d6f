import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_aegan import networks
from keras_aegan.hub.safety import check_config
from keras_aegan.layers import Conv2DTranspose, DiffAugment
from keras_aegan.networks.sizes import data_sizes

IMAGES = [(28, 28, 1), (32, 32, 3), (64, 64, 3), (96, 64, 3), (128, 128, 1)]
SIGNALS = [(28, 1), (100, 3)]
FAMILIES = ["residual", "convolutional", "dcgan"]
DATA = [(2,), (28, 28, 1), (7, 3), (5,), (3, 2, 2, 2), (1, 6, 4)]
EVERYTHING = ("score", "features", "reconstruction")
families = pytest.mark.parametrize("family", FAMILIES)
small = {"width": 4}


def make(family, part, *args, **kwargs):
    return getattr(networks, f"{family}_{part}")(*args, **kwargs)


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def shapes_of(network):
    """The shapes of one sample's outputs, by name."""
    return {name: x.shape[1:] for name, x in network.output.items()}


def layers_of(network, kinds):
    return [x for x in network._flatten_layers() if isinstance(x, kinds)]


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


@pytest.mark.parametrize(
    ("family", "shape"),
    [(family, shape) for family in FAMILIES for shape in IMAGES]
    + [("residual", shape) for shape in SIGNALS],
)
def test_shapes_of_images_and_signals(family, shape):
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
        ((100, 3), [(100,), (50,), (25,)]),
        ((256, 2), [(256,), (128,), (64,), (32,), (16,), (8,), (4,)]),
    ],
)
def test_sides_are_halved_while_they_stay_whole_and_four(shape, sizes):
    assert data_sizes(shape) == sizes


@pytest.mark.parametrize("distribution", [False, True])
def test_shapes_of_maps_of_codes(distribution):
    encoder = networks.spatial_encoder(
        (8, 12, 3), 5, width=4, distribution=distribution
    )
    generator = networks.spatial_generator((8, 12, 3), 5, width=4)
    wanted = (2, 3, 5)
    if distribution:
        assert shapes_of(encoder) == {"mean": wanted, "log_variance": wanted}
    else:
        assert encoder.output_shape == (None, *wanted)
    assert generator.input_shape == (None, *wanted)
    assert generator.output_shape == (None, 8, 12, 3)
    once = networks.spatial_generator((6, 2, 1), 3, halvings=1, width=4)
    assert once.input_shape == (None, 3, 1, 3)
    assert run(once, noise(2, 3, 1, 3)).shape == (2, 6, 2, 1)


def test_shapes_of_patch_scores():
    critic = networks.patch_discriminator(
        (28, 32, 1), 2, outputs=("score", "features")
    )
    assert shapes_of(critic) == {"score": (4, 4, 1), "features": (4, 4, 16)}
    filters = [x.filters for x in critic.layers if hasattr(x, "filters")]
    assert filters == [2, 4, 8, 16, 1]


def test_how_much_of_an_image_a_patch_score_sees():
    """Three convolutions of stride 2 make the 70x70 patches of pix2pix."""
    critic = networks.patch_discriminator((128, 128, 1), 1)
    for variable in critic.trainable_variables:
        variable.assign(np.ones(variable.shape))
    # One pixel of a column changes, and with it the scores it is seen by.
    changed = np.zeros((128, 128, 128, 1), "float32")
    changed[np.arange(128), np.arange(128), 64] = 1
    scores = run(critic, changed)
    middle = scores.shape[1] // 2
    seen = (
        scores[:, middle, middle]
        != run(critic, 0 * changed[:1])[0, middle, middle]
    )
    assert seen.sum() == 70


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


def test_filters_of_dcgan():
    """Those of the paper's figure 1, for 64x64 and a width of 128."""
    generator = networks.dcgan_generator((64, 64, 3), 5, width=128)
    filters = [x.filters for x in layers_of(generator, Conv2DTranspose)]
    assert generator.get_layer("start").units == 4 * 4 * 1024
    assert filters == [512, 256, 128, 3]
    critic = networks.dcgan_discriminator((128, 128, 3), width=4)
    filters = [x.filters for x in layers_of(critic, layers.Conv2D)]
    assert filters == [4, 8, 16, 32, 32]


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


def test_a_relus_nothing_is_the_darkest():
    generator = networks.dense_generator((4, 4, 1), 5, output_activation="relu")
    made = run(generator, noise(8, 5))
    assert made.min() == -1
    assert made.max() > -1


def test_dense_data_without_an_activation_are_free():
    generator = networks.dense_generator((4,), 5, output_activation=None)
    assert abs(run(generator, 1e4 * noise(4, 5))).max() > 100


def test_residual_data_without_an_activation_are_free():
    bounded = networks.residual_generator((16, 2), 5, **small)
    free = networks.residual_generator(
        (16, 2), 5, **small, output_activation=None
    )
    free.set_weights(bounded.get_weights())
    made = run(free, 100 * noise(4, 5))
    assert abs(made).max() > 10
    np.testing.assert_allclose(
        run(bounded, 100 * noise(4, 5)), np.tanh(made), atol=1e-6
    )


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


def test_samples_of_a_patch_are_neighbours():
    """A signal's last layer makes patches of two samples."""
    generator = networks.residual_generator((16, 2), 2, width=4)
    last = generator.get_layer("to_signal")
    last.kernel.assign(np.zeros(last.kernel.shape))
    last.bias.assign([0.1, 0.2, 0.3, 0.4])
    made = np.arctanh(run(generator, noise(1, 2)))[0]
    wanted = np.tile([[0.1, 0.2], [0.3, 0.4]], (8, 1))
    np.testing.assert_allclose(made, wanted, rtol=1e-5)


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
        ((28, 28, 1, 1), "three positive integers.*use the dense networks"),
        ((28, 28, 0), "three positive integers"),
        ((28.0, 28, 1), "three positive integers|invalid dimension '28.0'"),
        ((None, None, 1), "three positive integers"),
    ],
)
def test_bad_image_shapes_are_refused(family, part, shape, message):
    latent = () if part == "discriminator" else (5,)
    with pytest.raises(ValueError, match=message):
        make(family, part, shape, *latent, **small)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((28, 28), r"data_shape=\(28, 28\).*without channels.*\[..., None\]"),
        ((2, 256), r"numpy.moveaxis\(signals, 1, -1\)"),
        ((30, 1), "halved at least twice .* Cut or pad"),
        ((28, 0), "data_shape=.length, channels. of two"),
        ((28,), "data_shape=.length, channels. of two"),
    ],
)
def test_bad_signal_shapes_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        networks.residual_encoder(shape, 5, width=4)


def test_convolutional_networks_are_for_images():
    with pytest.raises(ValueError, match="image_shape=.*use the dense"):
        networks.convolutional_encoder((28, 1), 5)


@pytest.mark.parametrize("part", ["encoder", "generator"])
def test_sides_that_cannot_be_halved_so_often_are_refused(part):
    make = getattr(networks, f"spatial_{part}")
    with pytest.raises(ValueError, match="halvings=3 times, multiples of 8"):
        make((28, 32, 1), 4, halvings=3)
    with pytest.raises(ValueError, match="Expected halvings >= 1"):
        make((28, 32, 1), 4, halvings=0)
    with pytest.raises(ValueError, match="image_shape=.*channels first"):
        make((1, 28, 28), 4)


def test_patches_without_a_convolution_are_refused():
    with pytest.raises(ValueError, match="Expected layers >= 1"):
        networks.patch_discriminator((28, 28, 1), layers=0)


# === Distributions of codes ===


@pytest.mark.parametrize("family", ["dense", "residual", "dcgan"])
def test_an_encoder_of_distributions(family):
    shape, options = {
        "dcgan": ((16, 16, 1), small),
        "dense": ((6,), {"hidden_units": (4,), "code_activation": "relu"}),
        "residual": ((16, 1), small),
    }[family]
    encoder = make(family, "encoder", shape, 5, distribution=True, **options)
    codes = encoder(1e4 * noise(32, *shape))
    assert set(codes) == {"mean", "log_variance"}
    codes = {k: ops.convert_to_numpy(v) for k, v in codes.items()}
    assert codes["mean"].shape == codes["log_variance"].shape == (32, 5)
    assert codes["log_variance"].min() == -30
    assert codes["log_variance"].max() == 20
    assert codes["mean"].max() > 100
    # The code's activation is the mean's, and only the mean's.
    least = codes["mean"].min()
    assert least == 0 if family == "dense" else least < -100


# === Critics with several outputs ===


def test_a_dense_critic_with_everything():
    critic = networks.dense_discriminator((3, 2), (8, 4), outputs=EVERYTHING)
    results = critic(noise(5, 3, 2))
    shapes = {name: tuple(value.shape) for name, value in results.items()}
    assert shapes == {
        "score": (5, 1),
        "features": (5, 4),
        "reconstruction": (5, 3, 2),
    }
    # The features are what the score is made from, the decoder a mirror.
    head = critic.get_layer("score")
    np.testing.assert_allclose(
        ops.convert_to_numpy(head(results["features"])),
        ops.convert_to_numpy(results["score"]),
        atol=1e-6,
    )
    decoder = critic.get_layer("decoder")
    assert decoder.get_layer("hidden_0").units == 8


def test_a_residual_critic_with_everything():
    shape = (16, 16, 1)
    critic = networks.residual_discriminator(
        shape, 4, max_width=6, outputs=EVERYTHING
    )
    results = critic(noise(2, *shape))
    assert tuple(results["features"].shape) == (2, 4, 4, 6)
    assert tuple(results["reconstruction"].shape) == (2, *shape)
    flat = ops.reshape(results["features"], (2, -1))
    np.testing.assert_allclose(
        ops.convert_to_numpy(critic.get_layer("score")(flat)),
        ops.convert_to_numpy(results["score"]),
        atol=1e-5,
    )
    bare = networks.residual_discriminator(shape, 4, max_width=6)
    decoder = critic.get_layer("decoder").count_params()
    assert critic.count_params() == bare.count_params() + decoder
    assert decoder < bare.count_params()


def test_a_dcgan_critic_and_the_features_of_its_score():
    critic = networks.dcgan_discriminator(
        (16, 16, 1), 4, outputs=("score", "features"), spectral_norm=True
    )
    assert shapes_of(critic) == {"score": (1,), "features": (4, 4, 8)}
    wrapped = layers_of(critic, layers.SpectralNormalization)
    assert [x.layer.name for x in wrapped] == ["conv_0", "conv_1", "score"]
    results = critic(noise(2, 16, 16, 1), training=True)
    flat = ops.reshape(results["features"], (2, -1))
    np.testing.assert_allclose(
        run(critic.get_layer("spectral_score"), flat, training=False),
        ops.convert_to_numpy(results["score"]),
        atol=1e-5,
    )


def test_a_critic_of_features_alone_has_no_score():
    critic = networks.dense_discriminator((3,), (4,), outputs=("features",))
    assert shapes_of(critic) == {"features": (4,)}
    assert len(critic.weights) == 2


@pytest.mark.parametrize("outputs", [(), "score", ("score", "energy")])
def test_outputs_that_there_are_not_are_refused(outputs):
    with pytest.raises(ValueError, match="some of .*'reconstruction'"):
        networks.dense_discriminator((3,), (), outputs=outputs)
    with pytest.raises(ValueError, match=r"some of \('score', 'features'\)"):
        networks.patch_discriminator((8, 8, 1), 2, 1, outputs=outputs)
    with pytest.raises(ValueError, match=r"some of \('score', 'features'\)"):
        networks.dcgan_discriminator((16, 16, 1), 2, outputs=outputs)


# === Spectral normalisation ===


@pytest.mark.parametrize("shape", [(16, 16, 1), (6,)])
def test_spectral_normalisation(shape):
    critic = networks.discriminator(
        shape, 4, spectral_norm=True, outputs=("score", "reconstruction")
    )
    assert critic.name == "discriminator"
    decoder = critic.get_layer("decoder")
    kinds = (layers.Dense, layers.Conv1D, layers.Conv2D)
    plain = len(layers_of(critic, kinds)) - len(layers_of(decoder, kinds))
    wrapped = layers_of(critic, layers.SpectralNormalization)
    assert len(wrapped) == plain > 1
    data = noise(2, *shape)
    score = ops.convert_to_numpy(critic(data, training=True)["score"])
    for wrapper in wrapped:
        assert np.ptp(ops.convert_to_numpy(wrapper.layer.kernel)) > 0
    assert np.isfinite(score).all()
    # The training pass has normalised the weights; the next uses them.
    again = ops.convert_to_numpy(critic(data, training=False)["score"])
    np.testing.assert_allclose(again, score, atol=1e-5)


# === Augmentation ===


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        ("dense", (16, 16, 1)),
        ("dense", (16, 2)),
        ("residual", (16, 16, 1)),
        ("residual", (16, 2)),
        ("dcgan", (16, 16, 1)),
    ],
)
def test_data_are_augmented_before_anything_else(family, shape):
    kwargs = {"hidden_units": (4,)} if family == "dense" else {"width": 4}
    critic = make(
        family, "discriminator", shape, augment=("translation",), **kwargs
    )
    augment = critic.layers[1]
    assert isinstance(augment, DiffAugment)
    assert augment.policy == ("translation",)
    data = np.tile(noise(1, *shape), (8, *(1,) * len(shape)))
    assert np.ptp(run(critic, data, training=False)) < 1e-5
    assert np.ptp(run(critic, data, training=True)) > 1e-3


# === Autoencoders as critics ===


def test_a_dense_autoencoder_is_its_encoder_and_its_decoder():
    critic = networks.dense_autoencoder(
        (3, 2), 4, (8, 5), code_activation="relu", output_activation=None
    )
    data = 1e4 * noise(5, 3, 2)
    results = critic(data)
    assert critic.name == "discriminator"
    assert set(results) == {"reconstruction", "features"}
    code = critic.get_layer("encoder")(data)
    assert ops.convert_to_numpy(code).min() == 0
    decoder = critic.get_layer("generator")
    assert decoder.get_layer("hidden_0").units == 5
    made = ops.convert_to_numpy(results["reconstruction"])
    assert made.shape == (5, 3, 2) and abs(made).max() > 100
    np.testing.assert_allclose(
        ops.convert_to_numpy(results["features"]), ops.convert_to_numpy(code)
    )
    np.testing.assert_allclose(ops.convert_to_numpy(decoder(code)), made)


def test_a_residual_autoencoder():
    shape = (16, 1)
    critic = networks.residual_autoencoder(shape, 5, 4, 2, 6)
    assert shapes_of(critic) == {"reconstruction": shape, "features": (5,)}
    parts = (
        networks.residual_encoder(shape, 5, 4, 2, 6),
        networks.residual_generator(shape, 5, 4, 2, 6),
    )
    assert critic.count_params() == sum(x.count_params() for x in parts)


# === Joint discriminators ===


@pytest.mark.parametrize(
    ("shape", "latent_shape"), [((6,), (5,)), ((16, 16, 1), (2, 2, 3))]
)
def test_a_joint_discriminator_sees_data_and_codes(shape, latent_shape):
    critic = networks.joint_discriminator(shape, latent_shape, (8,), width=4)
    assert critic.name == "latent_discriminator"
    data, code = noise(4, *shape), noise(4, *latent_shape)
    scores = run(critic, [data, code])
    assert scores.shape == (4, 1)
    np.testing.assert_allclose(
        run(critic, [data[:1], code[:1]]), scores[:1], atol=1e-5
    )
    assert abs(run(critic, [-data, code]) - scores).min() > 1e-4
    assert abs(run(critic, [data, -code]) - scores).min() > 1e-4


# === Networks by the data's shape ===


def test_vectors_get_dense_networks():
    encoder = networks.encoder((6,), 3, width=4)
    units = [x.units for x in encoder.layers if isinstance(x, layers.Dense)]
    assert units == [16, 16, 3]
    codes = networks.encoder((6,), 3, width=4, distribution=True)
    assert shapes_of(codes) == {"mean": (3,), "log_variance": (3,)}
    made = run(networks.generator((6,), 3, width=4), 1e4 * noise(8, 3))
    assert made.max() == pytest.approx(1)
    critic = networks.discriminator((6,), width=4, outputs=("features",))
    assert shapes_of(critic) == {"features": (16,)}
    critic = networks.autoencoder((6,), 3, width=4, name="critic")
    assert critic.name == "critic"
    assert critic.get_layer("generator").get_layer("hidden_1").units == 16


@pytest.mark.parametrize("shape", [(16, 16, 1), (32, 2)])
def test_images_and_signals_get_residual_networks(shape):
    for part in ("encoder", "generator", "discriminator", "autoencoder"):
        latent = () if part == "discriminator" else (3,)
        chosen = getattr(networks, part)(shape, *latent, width=4, blocks=0)
        wanted = make("residual", part, shape, *latent, width=4, blocks=0)
        assert [x.name for x in chosen._flatten_layers() if x.weights] == [
            x.name for x in wanted._flatten_layers() if x.weights
        ]
        assert chosen.count_params() == wanted.count_params()


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"data_shape=\(2, 3, 4, 5\).*dense"):
        networks.encoder((2, 3, 4, 5), 3)


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


KINDS = {
    "signal": lambda: networks.generator((16, 2), 3, 4),
    "distribution": lambda: networks.encoder((16, 1), 3, 4, distribution=True),
    "outputs": lambda: networks.discriminator((16, 1), 4, outputs=EVERYTHING),
    "spectral": lambda: networks.discriminator(
        (16, 1), 4, spectral_norm=True, augment=("cutout",)
    ),
    "autoencoder": lambda: networks.autoencoder((6,), 3, 4),
    "joint": lambda: networks.joint_discriminator((6,), (3,), (4,), 2),
    "patches": lambda: networks.patch_discriminator((8, 8, 1), 2, 1),
    "dcgan": lambda: networks.dcgan_generator((16, 16, 1), 3, 4),
    "map": lambda: networks.spatial_encoder((8, 8, 1), 3, width=4),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_preset_may_hold_it(kind):
    network = KINDS[kind]()
    config = keras.saving.serialize_keras_object(network)
    check_config(config)
    again = keras.saving.deserialize_keras_object(config)
    for variable, other in zip(again.weights, network.weights, strict=True):
        variable.assign(other)
    inputs = [noise(3, *x.shape[1:]) for x in network.inputs]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    wanted, received = network(inputs), again(inputs)
    if not isinstance(wanted, dict):
        wanted, received = {"": wanted}, {"": received}
    assert set(wanted) == set(received)
    for key in wanted:
        np.testing.assert_allclose(
            ops.convert_to_numpy(received[key]),
            ops.convert_to_numpy(wanted[key]),
            atol=1e-6,
        )
