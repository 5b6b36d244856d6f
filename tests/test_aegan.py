import re

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_aegan import AEGAN, losses, networks, recipes

SHAPE = (6, 4, 1)
LATENT = 4


def numpy(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def unbuilt():
    return keras.Sequential([layers.Dense(3)])


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def two_outputs():
    data = keras.Input(SHAPE)
    flat = layers.Flatten()(data)
    return keras.Model(data, [layers.Dense(4)(flat), layers.Dense(4)(flat)])


# === Construction ===


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"generator": None}, "generator's seat is never empty"),
        (
            {"encoder": unbuilt()},
            "Expected the encoder to be a Functional or Sequential model with "
            "a known input shape. Received: Sequential. Start it with",
        ),
        ({"discriminator": Subclassed()}, "Received: Subclassed"),
        (
            {"encoder": two_outputs()},
            "Expected the encoder to have one output. Received: 2.",
        ),
        (
            {"prior": "gaussian"},
            "Expected prior to be one of ['normal', 'sphere', 'uniform'], a "
            "keras.Model or None. Received: prior='gaussian'",
        ),
        (
            {"encoder": networks.dense_encoder(SHAPE, 5)},
            "The encoder's output does not fit the generator: expected codes "
            "of shape (4,), received (5,)",
        ),
        (
            {"encoder": networks.dense_encoder((4, 6, 1), 4)},
            "The encoder's input does not fit the generator: expected data of "
            "shape (6, 4, 1), received (4, 6, 1)",
        ),
        (
            {"discriminator": networks.dense_discriminator((6, 4, 3))},
            "The discriminator's input does not fit the generator: expected "
            "data of shape (6, 4, 1), received (6, 4, 3)",
        ),
        (
            {"latent_discriminator": networks.dense_discriminator((3,))},
            "The latent_discriminator's input does not fit the generator: "
            "expected codes of shape (4,), received (3,)",
        ),
        (
            {"prior": networks.dense_encoder((2,), 5)},
            "The prior's output does not fit the generator: expected codes of "
            "shape (4,), received (5,)",
        ),
        ({"updates": "together"}, "one of ('simultaneous', 'one_stage', "),
        (
            {"updates": "alternating", "steps": {"critic": 2}},
            "with the players ['discriminator', 'latent_discriminator', "
            "'encoder', 'generator']",
        ),
        (
            {"updates": "alternating", "steps": {"generator": 0}},
            "steps to be a whole number, 1 or more",
        ),
        (
            {"updates": "alternating", "steps": {"generator": 1.5}},
            "steps to be a whole number, 1 or more",
        ),
        ({"steps": {"generator": 2}}, "Use updates='alternating'"),
        ({"ema_momentum": 1.0}, "ema_momentum from 0 to below 1"),
        ({"ema_momentum": -0.1}, "or None for no averages"),
        ({"data_range": (1, 0)}, "data_range=(low, high) with low < high"),
        ({"data_range": None}, "data_dtype='float32' with data_range=None"),
        ({"losses": ["mae"]}, "a list of keras_aegan.losses.Loss"),
        (
            {
                "losses": [
                    losses.ReconstructionLoss("mae"),
                    losses.ReconstructionLoss("mse"),
                ]
            },
            "Two losses have a term 'reconstruction'. Give one of them another",
        ),
        (
            {"losses": [losses.ReconstructionLoss()]},
            "No loss trains the discriminator. Add one that it pays for, "
            "freeze it (`trainable = False`), or leave it away",
        ),
        (
            {"optimizer": {"generator": "adam"}},
            "Expected an optimizer for each player: ['discriminator', "
            "'encoder', 'generator', 'latent_discriminator']",
        ),
    ],
)
def test_what_does_not_fit_is_refused(tiny_model, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        tiny_model(**arguments)


@pytest.mark.parametrize(
    ("seats", "game", "seat"),
    [
        (("discriminator",), [losses.DataAdversarialLoss()], "encoder"),
        (
            ("latent_discriminator",),
            [losses.CodeAdversarialLoss("hinge")],
            "generator",
        ),
    ],
)
def test_a_network_that_no_loss_depends_on_is_refused(
    tiny_model, seats, game, seat
):
    with pytest.raises(ValueError, match=f"No loss trains the {seat}"):
        tiny_model(("encoder", *seats), losses=game)


@pytest.mark.parametrize(
    ("loss", "seat"),
    [
        (losses.ReconstructionLoss(), "encoder"),
        (losses.LatentReconstructionLoss(), "encoder"),
        (losses.DataAdversarialLoss(cycle_weight=1), "encoder"),
        (losses.CodeAdversarialLoss(), "latent_discriminator"),
        (losses.R1Penalty(critic="latent_discriminator"), "latent_discriminat"),
    ],
)
def test_a_loss_whose_seat_is_empty_is_refused(tiny_model, loss, seat):
    game = [losses.DataAdversarialLoss(name="first"), loss]
    with pytest.raises(ValueError, match=f"needs the {seat}.*which is empty"):
        tiny_model(("discriminator",), losses=game)


def test_two_losses_of_a_kind_live_together_under_two_names(tiny_model):
    model = tiny_model(
        ("encoder",),
        losses=[
            losses.ReconstructionLoss("mae"),
            losses.ReconstructionLoss("mse", name="squared", weight=2.0),
        ],
    )
    logs = model.evaluate(
        np.zeros((2, *SHAPE), "uint8"), return_dict=True, verbose=0
    )
    assert logs["generator_loss"] == pytest.approx(
        logs["reconstruction"] + 2 * logs["squared"], rel=1e-5
    )


@pytest.mark.parametrize(
    "loss",
    [
        losses.ReconstructionLoss(weight=0.0),
        losses.DataAdversarialLoss(weight=0.0, name="free"),
        losses.R1Penalty(gamma=0.0),
    ],
)
def test_a_weight_of_zero_logs_a_term_that_nobody_pays(
    tiny_model, images, loss
):
    game = [losses.DataAdversarialLoss(), losses.LatentReconstructionLoss()]
    model = tiny_model(("encoder", "discriminator"), losses=[*game, loss])
    logs = model.train_on_batch(images(4), return_dict=True)
    for term in loss.terms():
        assert np.isfinite(logs[term])


def test_shapes_ranges_and_seats_are_told(tiny_model):
    model = tiny_model(prior=networks.dense_encoder((3,), LATENT))
    assert model.data_shape == SHAPE
    assert model.data_range == (0.0, 255.0)
    assert model.latent_shape == (LATENT,)
    assert model.noise_shape == (3,)
    assert set(model.networks) == {
        "generator",
        "encoder",
        "discriminator",
        "latent_discriminator",
        "prior",
        "ema_generator",
        "ema_encoder",
        "ema_prior",
    }


# === Averages ===


@pytest.fixture
def model(tiny_model):
    return tiny_model()


def test_averages_follow_their_formula(tiny_model, images):
    model = tiny_model(ema_momentum=0.3, optimizer=keras.optimizers.SGD(0.1))
    pairs = [
        (model.ema_generator, model.generator),
        (model.ema_encoder, model.encoder),
    ]
    wanted = [numpy(network.weights) for _, network in pairs]
    for step in range(1, 6):
        model.train_on_batch(images(4, seed=step))
        momentum = min(0.3, (1 + step) / (10 + step))
        for index, (_, network) in enumerate(pairs):
            wanted[index] = [
                momentum * average + (1 - momentum) * now
                for average, now in zip(
                    wanted[index], numpy(network.weights), strict=True
                )
            ]
    for (average, network), weights in zip(pairs, wanted, strict=True):
        now = numpy(network.weights)
        for got, want, trained in zip(
            numpy(average.weights), weights, now, strict=True
        ):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)
            assert abs(got - trained).max() > 1e-4
    assert int(model.step) == 5


def test_averages_include_the_statistics_of_batch_normalisation(
    tiny_model, images
):
    data = keras.Input(SHAPE)
    x = layers.BatchNormalization()(layers.Flatten()(data))
    encoder = keras.Model(data, layers.Dense(LATENT)(x))
    model = tiny_model(encoder=encoder, ema_momentum=0.5)
    before = numpy(model.ema_encoder.non_trainable_variables)
    model.train_on_batch(images(8))
    after = numpy(model.ema_encoder.non_trainable_variables)
    assert any((a != b).any() for a, b in zip(after, before, strict=True))


def test_without_averages_there_are_no_copies(tiny_model, images):
    model = tiny_model(ema_momentum=None)
    assert model.ema_generator is None
    assert model.ema_encoder is None
    before = model.generate(2, seed=0)
    model.fit(images(), epochs=3, verbose=0)
    assert (model.generate(2, seed=0) != before).any()


def test_averages_are_not_trained(model):
    model.compile()
    trained = {id(v) for v in model.trainable_variables}
    for average in (model.ema_generator, model.ema_encoder):
        assert not trained & {id(v) for v in average.variables}


# === Evaluation ===


def test_evaluation_does_not_depend_on_the_batch_size(tiny_model, images):
    model = tiny_model(
        ("encoder", "discriminator"),
        losses=[
            losses.DataAdversarialLoss("non_saturating"),
            losses.R1Penalty(1.0, interval=4),
            losses.ReconstructionLoss("mae"),
        ],
    )
    x = images(13)
    whole = model.evaluate(x, batch_size=13, return_dict=True, verbose=0)
    parts = model.evaluate(x, batch_size=4, return_dict=True, verbose=0)
    for term in ("reconstruction", "r1"):
        assert parts[term] == pytest.approx(whole[term], rel=1e-4)
    inside = x.astype("float32") / 127.5 - 1
    made = model.reconstruct(x.astype("float32")) / 127.5 - 1
    assert whole["reconstruction"] == pytest.approx(
        np.mean(np.abs(made - inside)), rel=1e-4
    )


def test_evaluation_changes_nothing_but_the_noise(model, images):
    model.compile()
    kept = [
        v
        for v in model.variables
        if not any(v is s for s in (*model.metrics_variables,))
        and v is not model.seed_generator.state
    ]
    before = numpy(kept)
    model.evaluate(images(), verbose=0)
    for old, new in zip(before, numpy(kept), strict=True):
        np.testing.assert_array_equal(old, new)


def test_evaluation_judges_the_averages(tiny_model, images):
    model = tiny_model()
    x = images()
    before = model.evaluate(x, return_dict=True, verbose=0)["reconstruction"]
    for network in (model.encoder, model.generator):
        network.set_weights([np.zeros_like(w) for w in numpy(network.weights)])
    after = model.evaluate(x, return_dict=True, verbose=0)["reconstruction"]
    assert after == pytest.approx(before, rel=1e-5)


# === Who is trained ===


@pytest.mark.parametrize(
    "frozen", ["generator", "encoder", "discriminator", "latent_discriminator"]
)
@pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
def test_a_frozen_network_is_frozen_alone(tiny_model, images, frozen, updates):
    model = tiny_model(updates=updates)
    getattr(model, frozen).trainable = False
    model.compile("sgd")
    seats = ("generator", "encoder", "discriminator", "latent_discriminator")
    before = {seat: numpy(getattr(model, seat).weights) for seat in seats}
    history = model.fit(images(), epochs=2, verbose=0).history
    for seat in seats:
        moved = any(
            (old != new).any()
            for old, new in zip(
                before[seat], numpy(getattr(model, seat).weights), strict=True
            )
        )
        assert moved == (seat != frozen)
    assert set(model.players) == set(seats) - {frozen}
    assert np.isfinite([v for values in history.values() for v in values]).all()


def test_a_frozen_layer_is_frozen_alone(model, images):
    layer = model.generator.get_layer("hidden_0")
    layer.trainable = False
    model.compile("sgd")
    before = numpy(layer.weights)
    after_layer = model.generator.get_layer("data")
    old = numpy(after_layer.weights)
    model.fit(images(), verbose=0)
    for was, now in zip(before, numpy(layer.weights), strict=True):
        np.testing.assert_array_equal(was, now)
    assert (numpy(after_layer.weights)[0] != old[0]).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda tiny: recipes.soft_introvae((16, 16, 1), 4, width=4),
        lambda tiny: tiny(updates="alternating", steps={"encoder": 2}),
        lambda tiny: tiny(),
    ],
    ids=["turns", "steps", "plain"],
)
@pytest.mark.parametrize("compiled", [True, False])
def test_a_model_that_was_frozen_in_part_is_loaded_again(
    tiny_model, make, compiled, tmp_path
):
    model = make(tiny_model)
    if compiled:
        model.compile()
    model.encoder.trainable = False
    if compiled:
        with pytest.raises(ValueError, match="some were frozen or freed since"):
            model.save_to_preset(tmp_path / "preset", include_optimizer=True)
    model.save_to_preset(tmp_path / "preset")
    model.save(tmp_path / "model.keras")
    for loaded in (
        AEGAN.from_preset(tmp_path / "preset"),
        keras.saving.load_model(tmp_path / "model.keras"),
    ):
        assert not loaded.encoder.trainable and not loaded.compiled
        np.testing.assert_array_equal(
            loaded.generate(2, seed=0), model.generate(2, seed=0)
        )
        loaded.compile()
        assert "generator" in loaded.players
        assert "encoder" not in loaded.players


def test_a_network_that_was_frozen_from_the_start_is_no_player(tiny_model):
    whole = tiny_model()
    whole.encoder.trainable = False
    model = AEGAN.from_config(whole.get_config())
    model.encoder.trainable = True
    with pytest.raises(ValueError, match="encoder was frozen when this model"):
        model.compile()


def dense(shape, units, **kwargs):
    data = keras.Input(shape)
    return keras.Model(data, layers.Dense(units, **kwargs)(data))


def test_a_network_of_lists_of_one_is_as_without():
    data = keras.Input((4,))
    score = layers.Dense(1)(data)
    model = AEGAN(
        generator=dense((2,), 4),
        discriminator=keras.Model([data], [score]),
        losses=[losses.DataAdversarialLoss("non_saturating")],
        data_range=None,
        data_dtype="float32",
    )
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    logs = model.train_on_batch(x, return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    several = keras.Model([data], [score, layers.Dense(3)(data)])
    with pytest.raises(ValueError, match="a list of 2. Name them"):
        AEGAN(
            generator=dense((2,), 4),
            discriminator=several,
            losses=[losses.DataAdversarialLoss()],
        )


def test_a_layer_of_two_players_is_refused():
    shared = dense((4,), 2)
    model = AEGAN(
        generator=dense((2,), 4),
        encoder=shared,
        second_encoder=shared,
        losses=[losses.ReconstructionLoss(), losses.ReencodingLoss()],
    )
    with pytest.raises(ValueError, match="encoder and the .* share 'dense"):
        model.compile()


class Learned(losses.Loss):
    """A loss with a weight of its own, and one who pays that is no seat."""

    seats = ("encoder",)

    def __init__(self, trainable, payer, **kwargs):
        super().__init__(**kwargs)
        self.scale = self.add_weight((), "ones", trainable=trainable)
        self.payer = payer

    def terms(self):
        return {self.name: {self.payer: 1.0}}

    def values(self, rollout):
        return {self.name: self.scale * keras.ops.mean(rollout.codes)}


def test_what_no_player_would_train_is_refused(tiny_networks):
    def make(trainable, payer):
        return AEGAN(
            **tiny_networks(),
            losses=[
                losses.DataAdversarialLoss(),
                losses.CodeAdversarialLoss(),
                losses.ReconstructionLoss(),
                Learned(trainable, payer, name="learned"),
            ],
        )

    make(False, "encoder")
    with pytest.raises(ValueError, match="trainable variable .*no player"):
        make(True, "encoder")
    with pytest.raises(ValueError, match=r"Received: \['encodr'\]"):
        make(False, "encodr")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (lambda codes: {"own": 0.5}, None),
        (lambda codes: {"own": keras.ops.mean(codes, axis=1)}, "one number"),
        (lambda codes: {"other": keras.ops.mean(codes)}, "pays for 'own'"),
    ],
)
def test_a_loss_gives_one_number_for_each_of_its_terms(
    tiny_model, images, value, error
):
    class Own(losses.Loss):
        seats = ("encoder",)

        def terms(self):
            return {"own": {"encoder": 2.0}}

        def values(self, rollout):
            return value(rollout.codes)

    model = tiny_model(
        ("encoder",), losses=[losses.ReconstructionLoss(), Own()]
    )
    if error:
        with pytest.raises(ValueError, match=error):
            model.train_on_batch(images())
        return
    logs = model.train_on_batch(images(), return_dict=True)
    paid = logs["encoder_loss"] - logs["reconstruction"]
    assert paid == pytest.approx(1.0, abs=1e-5)


def test_what_is_excluded_from_weight_decay_stays_so(tiny_model, images):
    model = tiny_model(("encoder",), losses=[losses.ReconstructionLoss()])
    before = numpy(model.encoder.weights)
    for excluded in ("kernel", "bias"):
        decaying = keras.optimizers.AdamW(1e-9, weight_decay=1e7)
        decaying.exclude_from_weight_decay(var_names=[excluded])
        model.compile(decaying)
        model.train_on_batch(images())
        after = numpy(model.encoder.weights)
        moved = [
            np.abs(a - b).max() for a, b in zip(after, before, strict=True)
        ]
        assert (max(moved) > 1e-3) == (excluded == "bias")


class KLDivergence(keras.layers.Layer):
    """As the encoder of Keras's own example of a VAE has it."""

    def call(self, inputs):
        self.add_loss(keras.ops.mean(keras.ops.square(inputs)))
        return inputs


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (
            lambda: layers.Dense(2, activity_regularizer="l1", name="code"),
            "has an act",
        ),
        (lambda: KLDivergence(name="code"), "calls add_loss"),
    ],
)
def test_what_a_layer_would_have_paid_is_refused(code, found):
    data = keras.Input((4,))
    encoder = keras.Model(data, code()(layers.Dense(2)(data)))
    with pytest.raises(ValueError, match=f"layer code of the encoder {found}"):
        AEGAN(
            encoder=encoder,
            generator=dense((2,), 4),
            losses=[losses.ReconstructionLoss("mse")],
        )


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_the_weight_of_a_loss_may_change_before_compile(
    tiny_model, images, method
):
    model = tiny_model(
        ("encoder",), losses=[losses.ReconstructionLoss("mse", weight=1.0)]
    )
    model.compile()
    (loss,) = model.objectives
    loss.weight = 3.0
    with pytest.raises(ValueError, match="weight of a loss changed since"):
        getattr(model, method)(images())
    model.compile()
    logs = model.train_on_batch(images(), return_dict=True)
    paid = 3 * logs["reconstruction"]
    assert logs["generator_loss"] == pytest.approx(paid, rel=1e-5)
    again = AEGAN.from_config(model.get_config())
    assert again.payments == model.payments


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda m: setattr(m.objectives[0], "weight", 3.0), "weight of a loss"),
        (lambda m: setattr(m.encoder, "trainable", False), "the encoder"),
    ],
)
def test_a_callback_that_changes_the_game_is_told(
    tiny_model, images, change, what
):
    model = tiny_model()
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: change(model)
    )
    with pytest.raises(ValueError, match=f"{what} changed since.*then `fit`"):
        model.fit(images(4), epochs=2, callbacks=[callback], verbose=0)
    # The second epoch did not begin.
    assert int(ops.convert_to_numpy(model.step)) == 1


def test_optimizers_of_more_players_are_refused(tiny_model, images):
    model = tiny_model()
    model.compile()
    before = model.optimizer
    model.encoder.trainable = False
    with pytest.raises(ValueError, match="before some were frozen"):
        model.compile(before)
    model.compile()
    model.train_on_batch(images())


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_trainable_is_not_changed_between_compile_and_fit(
    model, images, method
):
    model.compile()
    model.discriminator.trainable = False
    with pytest.raises(
        ValueError, match="variables of the discriminator changed since"
    ):
        getattr(model, method)(images())
    model.compile()
    model.train_on_batch(images())


def test_nothing_to_train_is_refused(tiny_model):
    model = tiny_model()
    model.trainable = False
    with pytest.raises(ValueError, match="No network has trainable variables"):
        model.compile()


def test_weight_regularisers_are_paid_by_their_network_alone(
    tiny_model, images
):
    data = keras.Input(SHAPE)
    code = layers.Dense(LATENT, kernel_regularizer="l2")(layers.Flatten()(data))
    encoder = keras.Model(data, code)
    model = tiny_model(
        ("encoder",),
        encoder=encoder,
        losses=[losses.ReconstructionLoss("mae", weight=2.0)],
        optimizer=keras.optimizers.SGD(0.1),
        ema_momentum=None,
    )
    (kernel, _) = numpy(encoder.weights)
    logs = model.train_on_batch(images(), return_dict=True)
    paid = 2 * logs["reconstruction"]
    assert logs["generator_loss"] == pytest.approx(paid, rel=1e-5)
    assert logs["encoder_loss"] == pytest.approx(
        paid + 0.01 * np.sum(kernel**2), rel=1e-5
    )


def test_weight_regularisers_count_when_averages_are_judged(tiny_model, images):
    data = keras.Input(SHAPE)
    flat = layers.Flatten()(data)
    fixed = layers.Dense(5, kernel_regularizer="l2", trainable=False)(flat)
    code = layers.Dense(LATENT, kernel_regularizer="l2")(fixed)
    model = tiny_model(
        ("encoder",),
        encoder=keras.Model(data, code),
        losses=[losses.ReconstructionLoss("mae", weight=2.0)],
        optimizer=keras.optimizers.SGD(0.1),
    )
    model.train_on_batch(images())
    kernel = model.encoder.layers[-1].kernel
    (kernel,) = numpy([model.ema_encoder.copy_of(kernel)])
    logs = model.test_on_batch(images(), return_dict=True)
    assert logs["encoder_loss"] == pytest.approx(
        2 * logs["reconstruction"] + 0.01 * np.sum(kernel**2), rel=1e-5
    )
    assert model.evaluate(images(), verbose=0, return_dict=True)[
        "encoder_loss"
    ] == pytest.approx(logs["encoder_loss"], rel=1e-5)


def _own_l2(kernel):
    """By the backend's own functions, which take tensors and no variables."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return 0.01 * tf.reduce_sum(tf.square(kernel))
    if keras.backend.backend() == "jax":
        from jax import numpy as jnp

        return 0.01 * jnp.sum(jnp.square(kernel))
    return 0.01 * kernel.square().sum()


@pytest.mark.parametrize("ema_momentum", [None, 0.9])
def test_a_regulariser_may_be_a_function_of_tensors(
    tiny_model, images, ema_momentum
):
    data = keras.Input(SHAPE)
    code = layers.Dense(LATENT, kernel_regularizer=_own_l2)(
        layers.Flatten()(data)
    )
    model = tiny_model(
        ("encoder",),
        encoder=keras.Model(data, code),
        losses=[losses.ReconstructionLoss("mae")],
        ema_momentum=ema_momentum,
    )
    (kernel, _) = numpy(model.encoder.weights)
    for step in (model.test_on_batch, model.train_on_batch):
        logs = step(images(), return_dict=True)
        assert logs["encoder_loss"] - logs["reconstruction"] == pytest.approx(
            0.01 * np.sum(kernel**2), rel=1e-4
        )


def test_each_player_s_gradient_includes_its_regularisers(tiny_model, images):
    steps = {}
    for strength in (0.0, 0.5):
        keras.utils.set_random_seed(0)
        data = keras.Input(SHAPE)
        code = layers.Dense(
            LATENT, kernel_regularizer=keras.regularizers.L2(strength)
        )(layers.Flatten()(data))
        model = tiny_model(
            ("encoder",),
            encoder=keras.Model(data, code),
            losses=[losses.ReconstructionLoss("mse")],
            optimizer=keras.optimizers.SGD(0.1),
        )
        before = numpy(model.encoder.weights)[0]
        model.train_on_batch(images())
        steps[strength] = before - numpy(model.encoder.weights)[0]
    np.testing.assert_allclose(
        steps[0.5] - steps[0.0], 0.1 * 2 * 0.5 * before, atol=1e-6
    )


# === Configuration ===


def test_config_round_trip(tiny_model):
    model = tiny_model(
        prior="sphere",
        updates="alternating",
        steps={"discriminator": 2},
        ema_momentum=0.9,
        data_range=(-1, 1),
        data_dtype="float32",
        optimizer=keras.optimizers.Adam(3e-4, beta_1=0.1, clipnorm=1.0),
        seed=7,
        name="mine",
    )
    again = AEGAN.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert again.prior == "sphere"
    assert dict(again.steps) == {"discriminator": 2}
    assert again.name == "mine"
    again.compile()
    inner = again.optimizer["discriminator"]
    assert float(inner.learning_rate) == pytest.approx(3e-4)
    assert inner.clipnorm == 1.0


def test_the_config_survives_json(tiny_model):
    import json

    model = tiny_model(data_range=None, data_dtype="float32")
    config = keras.saving.serialize_keras_object(model)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert again.data_range is None
    assert again.data_shape == SHAPE


# === Second stages ===


@pytest.mark.parametrize("trainable", [True, False])
def test_a_copy_for_a_second_stage_is_of_the_average(
    tiny_model, images, trainable
):
    model = tiny_model()
    model.fit(images(16), batch_size=4, verbose=0)
    copy = model.copied("generator", trainable)
    assert bool(copy.trainable_variables) == trainable
    kept = model.ema_generator.get_weights()
    for value, wanted in zip(copy.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(value, wanted)
    trained = model.generator.get_weights()
    assert any((a != b).any() for a, b in zip(trained, kept, strict=True))
    for variable in copy.variables:
        variable.assign(variable + 1.0)
    for value, wanted in zip(
        model.ema_generator.get_weights(), kept, strict=True
    ):
        np.testing.assert_array_equal(value, wanted)


def test_a_copy_keeps_what_was_frozen(tiny_model):
    model = tiny_model()
    model.generator.layers[-1].trainable = False
    wanted = len(model.generator.trainable_variables)
    assert len(model.copied("generator").trainable_variables) == wanted
    with pytest.raises(ValueError, match="needs the prior seat"):
        model.copied("prior")
