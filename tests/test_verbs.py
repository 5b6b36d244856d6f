"""What a model does with its networks."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan import AEGAN, networks, recipes
from keras_aegan.priors import sample_noise

SHAPE = (6, 4, 1)
LATENT = 4
RANGE = {"data_range": (0, 1), "data_dtype": "float32", "seed": 0}


@pytest.fixture
def data():
    return np.random.default_rng(0).uniform(0, 1, (200, 6)).astype("float32")


@pytest.fixture
def model(tiny_model):
    return tiny_model()


def test_generate(model):
    made = model.generate(5, seed=3)
    assert made.shape == (5, *SHAPE)
    assert made.dtype == "uint8"
    np.testing.assert_array_equal(model.generate(5, seed=3), made)
    assert (model.generate(5, seed=4) != made).any()
    assert (model.generate(5) != model.generate(5)).any()
    assert model.generate().shape == (1, *SHAPE)


@pytest.mark.parametrize("prior", ["normal", "uniform", "sphere"])
def test_generate_decodes_what_the_prior_draws(tiny_model, prior):
    model = tiny_model(prior=prior)
    codes = sample_noise(prior, (3, LATENT), 5)
    np.testing.assert_array_equal(
        model.generate(3, seed=5), model.decode(codes)
    )


def test_generate_with_a_prior_network(tiny_model):
    prior = networks.dense_encoder((3,), LATENT)
    model = tiny_model(prior=prior)
    codes = prior.predict(sample_noise("normal", (3, 3), 5), verbose=0)
    np.testing.assert_array_equal(
        model.generate(3, seed=5), model.decode(codes)
    )


@pytest.mark.parametrize("batch_size", [1, 3, 4, 7, 64])
def test_batches_do_not_show_in_what_is_made(model, images, batch_size):
    x, codes = images(7), sample_noise("normal", (7, LATENT), 0)

    def close(a, b):
        # A rounding may fall on either side.
        np.testing.assert_allclose(a.astype(float), b.astype(float), atol=1)

    close(model.generate(7, 0, batch_size), model.generate(7, 0))
    close(model.decode(codes, batch_size), model.decode(codes))
    close(model.reconstruct(x, batch_size), model.reconstruct(x))
    np.testing.assert_allclose(
        model.encode(x, batch_size), model.encode(x), atol=1e-5
    )
    alone = np.concatenate([model.encode(one[None]) for one in x])
    np.testing.assert_allclose(alone, model.encode(x), atol=1e-5)


def test_encode_and_decode_are_the_networks_in_the_data_s_range(
    tiny_model, images
):
    model = tiny_model(ema_momentum=None)
    x = images(3)
    inside = x.astype("float32") / 127.5 - 1
    codes = model.encode(x)
    assert codes.shape == (3, LATENT)
    assert codes.dtype == "float32"
    np.testing.assert_allclose(
        codes, ops.convert_to_numpy(model.encoder(inside)), atol=1e-5
    )
    decoded = ops.convert_to_numpy(model.generator(codes))
    wanted = np.rint((decoded + 1) * 127.5)
    np.testing.assert_allclose(
        model.decode(codes).astype(float), wanted, atol=1
    )


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_reconstruct_gives_the_dtype_that_it_gets(model, images, dtype):
    x = images(3).astype(dtype)
    made = model.reconstruct(x)
    assert made.shape == x.shape
    assert made.dtype == dtype
    assert made.min() >= 0
    assert made.max() <= 255
    np.testing.assert_allclose(
        made, model.decode(model.encode(x)).astype(float), atol=1
    )


def test_data_of_another_range(tiny_model):
    model = tiny_model(data_range=(0, 1), data_dtype="float32")
    made = model.generate(4, seed=0)
    assert made.dtype == "float32"
    assert 0 <= made.min() < made.max() <= 1
    free = tiny_model(data_range=None, data_dtype="float32")
    assert free.generate(4, seed=0).min() < 0


def test_tensors_of_the_backend_are_taken(model, images):
    x = images(2)
    tensor = ops.convert_to_tensor(x)
    np.testing.assert_allclose(model.encode(tensor), model.encode(x))
    np.testing.assert_array_equal(
        model.reconstruct(tensor), model.reconstruct(x)
    )


def test_interpolate(model, images):
    a, b = images(3, seed=1), images(3, seed=2)
    way = model.interpolate(a, b, steps=5)
    assert way.shape == (3, 5, *SHAPE)
    assert way.dtype == "uint8"
    for end, x in ((0, a), (-1, b)):
        np.testing.assert_allclose(
            way[:, end].astype(float),
            model.reconstruct(x).astype(float),
            atol=1,
        )


def test_the_averages_make_what_is_generated(model, images):
    x = images(3)
    before = model.encode(x), model.generate(3, seed=0)
    for network in (model.encoder, model.generator):
        network.set_weights([np.zeros(w.shape) for w in network.weights])
    np.testing.assert_allclose(model.encode(x), before[0])
    np.testing.assert_array_equal(model.generate(3, seed=0), before[1])
    for network in (model.ema_encoder, model.ema_generator):
        network.set_weights([np.zeros(w.shape) for w in network.weights])
    assert (model.encode(x) == 0).all()
    # tanh(0) is the middle of the range.
    assert set(np.unique(model.reconstruct(x))) <= {127, 128}


def test_call_and_predict_reconstruct(model, images):
    x = images(5)
    predicted = model.predict(x, batch_size=2, verbose=0)
    np.testing.assert_allclose(
        predicted, model.reconstruct(x.astype("float32")), atol=1e-2
    )


def test_without_an_encoder_predict_scores(tiny_model, images):
    model = tiny_model(("discriminator",))
    x = images(3)
    scores = model.discriminator.predict(
        x.astype("float32") / 127.5 - 1, verbose=0
    )
    np.testing.assert_allclose(
        model.predict(x, verbose=0), scores, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [("encode", 1), ("reconstruct", 1), ("interpolate", 2)],
)
def test_a_verb_names_the_seat_that_it_misses(
    tiny_model, images, verb, arguments
):
    model = tiny_model(("discriminator",))
    assert model.generate(2).shape == (2, *SHAPE)
    with pytest.raises(
        ValueError, match=f"`{verb}` needs the encoder seat, which is empty"
    ):
        getattr(model, verb)(*[images(2)] * arguments)


@pytest.mark.parametrize("n", [0, -1, 2.5, "4", None])
def test_a_bad_number_of_samples(model, n):
    with pytest.raises(ValueError, match="n to be a whole number, 1 or more"):
        model.generate(n)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_a_bad_batch_size(model, batch_size):
    with pytest.raises(ValueError, match="batch_size to be a whole number"):
        model.generate(2, batch_size=batch_size)


@pytest.mark.parametrize("steps", [0, 1, 2.5, None])
def test_a_bad_number_of_steps(model, images, steps):
    with pytest.raises(ValueError, match="steps to be a whole number, 2 or"):
        model.interpolate(images(1), images(1), steps)


def test_interpolate_needs_two_of_a_kind(model, images):
    with pytest.raises(ValueError, match="Expected a and b of one shape"):
        model.interpolate(images(2), images(3))


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 5)), r"codes of shape \(n, 4\).*Received: shape \(2, 5"),
        (np.zeros(4), r"Received: shape \(4,\)"),
        (np.zeros((0, 4)), "with n of 1 or more"),
        (np.full((2, 4), np.nan), "NaN or infinity"),
        (np.full((2, 4), np.inf), "NaN or infinity"),
    ],
)
def test_bad_codes(model, codes, message):
    with pytest.raises(ValueError, match=message):
        model.decode(codes)


@pytest.mark.parametrize("verb", ["encode", "reconstruct"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[:0], "at least one sample"),
        (lambda x: x[0], "pass `x\\[None\\]`"),
        (lambda x: x * 1.5, "Expected values in data_range"),
        (lambda x: x * np.nan, "NaN or infinite"),
    ],
)
def test_verbs_refuse_bad_data(model, images, verb, spoil, message):
    with pytest.raises(ValueError, match=message):
        getattr(model, verb)(spoil(images(4).astype("float32")))


# === Samplers ===


def test_without_a_prior_generating_is_refused_with_advice():
    model = recipes.autoencoder((6,), 3, **RANGE)
    with pytest.raises(ValueError, match=r"model\.fit_sampler\('gmm', x\)"):
        model.generate(2)


def test_samples_have_the_codes_own_moments(data):
    model = recipes.autoencoder((6,), 3, code_activation=None, **RANGE)
    model.fit_sampler("gaussian", data)
    codes = model.encode(data)
    noise = np.random.default_rng(1).normal(size=(20_000, 4)).astype("float32")
    drawn = model.prior.predict(noise, batch_size=5000, verbose=0)
    np.testing.assert_allclose(drawn.mean(0), codes.mean(0), atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(codes.T), atol=0.02)
    assert model.generate(5, seed=0).shape == (5, 6)


def test_a_sampler_is_saved_fitted_anew_and_does_not_stop_training(
    data, tmp_path
):
    model = recipes.autoencoder((6,), 3, **RANGE)
    model.fit(data, verbose=0)
    model.fit_sampler("gmm", data, components=2, seed=0)
    model.fit_sampler("gmm", data, components=3, seed=0)
    made = model.generate(4, seed=0)
    model.save_to_preset(tmp_path / "preset")
    loaded = AEGAN.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(loaded.generate(4, seed=0), made, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.generate(4, seed=0), made, atol=1e-6)
    loaded.fit(data, verbose=0)
    assert loaded.players == ["encoder", "generator"]


def test_a_sampler_is_what_the_next_step_draws_from(data):
    """On TensorFlow, too, where a step was compiled before."""
    model = recipes.wae_mmd((6,), 3, width=4, **RANGE)
    model.fit(data, verbose=0)
    near = model.train_on_batch(data[:50], return_dict=True)
    model.test_on_batch(data[:50])
    model.fit_sampler("gaussian", data)
    mixture = model.prior.get_layer("mixture")
    mixture.means.assign(mixture.means + 1e4)
    for verb in (model.train_on_batch, model.test_on_batch):
        far = verb(data[:50], return_dict=True)
        assert far["mmd"] > 5 * near["mmd"]


def test_a_sampler_replaces_a_prior_that_was_averaged(data):
    first = recipes.autoencoder((6,), 3, **RANGE)
    model = recipes.latent_gan(first, 4, (8,), seed=0)
    model.fit(data, verbose=0)
    model.prior.trainable = False
    before = model.generate(20, seed=0)
    model.fit_sampler("gaussian", data)
    assert model.ema_prior is None
    assert not np.array_equal(before, model.generate(20, seed=0))
    # Frozen and freed, it is still none that is trained.
    model.trainable = False
    model.trainable = True
    model.fit_sampler("gaussian", data)


def test_a_trained_prior_is_not_replaced(data):
    first = recipes.autoencoder((6,), 3, **RANGE)
    model = recipes.latent_gan(first, 4, (8,), seed=0)
    with pytest.raises(ValueError, match="trains a prior of its own"):
        model.fit_sampler("gaussian", data)


# === Stages ===


def test_a_second_stage_leaves_the_first_as_it_was(data):
    first = recipes.autoencoder((6,), 3, **RANGE)
    before = [w.copy() for w in first.encoder.get_weights()]
    model = recipes.latent_gan(first, 4, (8,), seed=0)
    copies = model.reconstruct(data)
    np.testing.assert_allclose(copies, first.reconstruct(data), atol=1e-6)
    model.fit(data, batch_size=50, verbose=0)
    assert model.players == ["latent_discriminator", "prior"]
    np.testing.assert_array_equal(model.reconstruct(data), copies)
    for weights, old in zip(first.encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, old)
    assert first.encoder.trainable


# === Anomalies ===


def test_an_anomaly_score_is_a_sample_s_own(data):
    model = recipes.ganomaly((6,), 3, width=4, **RANGE)
    together = model.anomaly_score(data[:20])
    alone = [model.anomaly_score(one[None])[0] for one in data[:20]]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_anomaly_scores_by_hand(data):
    model = recipes.ganomaly((6,), 3, width=4, ema_momentum=None, **RANGE)
    inside = 2 * data - 1
    codes = model.encoder.predict(inside, verbose=0)
    again = model.generator.predict(codes, verbose=0)
    second = model.second_encoder.predict(again, verbose=0)
    features = model.discriminator.predict(inside, verbose=0)["features"]
    others = model.discriminator.predict(again, verbose=0)["features"]
    wanted = {
        "reconstruction": ((inside - again) ** 2).mean(1),
        "features": ((features - others) ** 2).mean(1),
        "latent": ((codes - second) ** 2).mean(1),
    }
    wanted[None] = wanted["latent"]
    wanted["f_anogan"] = wanted["reconstruction"] + 0.3 * wanted["features"]
    for kind, scores in wanted.items():
        found = model.anomaly_score(data, kind, kappa=0.3)
        np.testing.assert_allclose(found, scores, rtol=1e-4, atol=1e-6)


def test_the_density_of_codes_tells_what_is_far_from_them(data):
    model = recipes.autoencoder((6,), 2, code_activation=None, **RANGE)
    with pytest.raises(ValueError, match="fit_sampler"):
        model.anomaly_score(data, "density")
    model.fit_sampler("gaussian", data)
    codes = model.encode(data)
    apart = codes - codes.mean(0)
    covariance = np.cov(codes.T, bias=True)
    squares = np.sum(apart @ np.linalg.inv(covariance) * apart, axis=1)
    wanted = 0.5 * (squares + np.log(np.linalg.det(2 * np.pi * covariance)))
    found = model.anomaly_score(data, "density")
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_anomaly_scores_that_a_model_cannot_give(data):
    model = recipes.autoencoder((6,), 3, **RANGE)
    with pytest.raises(ValueError, match="discriminator gives none"):
        model.anomaly_score(data, "features")
    with pytest.raises(ValueError, match="kind to be one of"):
        model.anomaly_score(data, "distance")
    with pytest.raises(ValueError, match="needs the encoder seat"):
        recipes.gan((6,), 3, width=4, **RANGE).anomaly_score(data)


def test_an_anomaly_map_shows_where(images, tiny_model):
    model = tiny_model(shape=(6, 4, 3))
    x = images(5, (6, 4, 3))
    before = model.anomaly_map(x)
    x[2, 4, 1] = 255 - x[2, 4, 1]
    after = model.anomaly_map(x)
    inside = x / 127.5 - 1
    codes = model.used("encoder").predict(inside, verbose=0)
    again = model.used("generator").predict(codes, verbose=0)
    for row, column in np.ndindex(6, 4):
        wanted = np.square((inside - again)[:, row, column]).sum(-1) / 3
        found = after[:, row, column]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert after.shape == (5, 6, 4) and after.dtype == "float32"
    # The others' maps are their own.
    others = [0, 1, 3, 4]
    np.testing.assert_allclose(after[others], before[others], atol=1e-6)


def test_the_mean_of_a_map_is_the_score(images, tiny_model):
    model = tiny_model()
    x = images(70)
    scores = model.anomaly_score(x, "reconstruction")
    maps = model.anomaly_map(x, batch_size=32)
    np.testing.assert_allclose(maps.mean((1, 2)), scores, rtol=1e-5)


def test_maps_that_a_model_cannot_give(data, images, tiny_model):
    vectors = recipes.autoencoder((6,), 3, **RANGE)
    with pytest.raises(ValueError, match=r"data \(6,\)\. Use `anomaly_score`"):
        vectors.anomaly_map(data)
    signals = recipes.autoencoder((16, 2), 3, **RANGE)
    with pytest.raises(ValueError, match="Use `anomaly_score`"):
        signals.anomaly_map(np.zeros((3, 16, 2)))
    with pytest.raises(ValueError, match="`anomaly_map` needs the encoder"):
        tiny_model(("discriminator",)).anomaly_map(images(2))
    with pytest.raises(ValueError, match="channel axis is missing"):
        tiny_model().anomaly_map(images(2)[..., 0])


# === The article's call ===


def test_the_article_s_model_gives_both_judgements(data):
    model = recipes.autoencoder_gan((6,), 3, ema_momentum=None, **RANGE)
    inside = 2 * data - 1
    made = model.generator.predict(
        model.encoder.predict(inside, verbose=0), verbose=0
    )
    of_made, of_data = model.judge(data)
    for found, judged in ((of_made, made), (of_data, inside)):
        wanted = model.discriminator.predict(judged, verbose=0)
        np.testing.assert_allclose(
            found["reconstruction"], wanted["reconstruction"], atol=1e-5
        )


def test_generate_makes_samples_of_sampled_codes(tiny_model):
    model = tiny_model()
    codes = model.sample_codes(5, seed=3)
    assert codes.shape == (5, *model.latent_shape)
    np.testing.assert_array_equal(
        model.decode(codes), model.generate(5, seed=3)
    )
    # Parts from one generator are what one call gives.
    random = np.random.default_rng(3)
    parts = [model.sample_codes(n, random) for n in (2, 3)]
    np.testing.assert_array_equal(np.concatenate(parts), codes)
