import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras import ops

from keras_aegan import losses, metrics

# JAX warns of every fork; a loader's workers here do not use JAX.
pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")

SHAPE = (6, 4, 1)
BATCH = 4
PLAYERS = ("discriminator", "latent_discriminator", "encoder", "generator")
TERMS = {
    "discriminator_adversarial",
    "discriminator_fooling",
    "latent_discriminator_adversarial",
    "latent_discriminator_fooling",
    "latent_reconstruction",
    "r1",
    "r2",
    "reconstruction",
}
LOGS = TERMS | {f"{player}_loss" for player in PLAYERS}


class Batches(keras.utils.PyDataset):
    def __init__(self, x, form):
        super().__init__()
        self.x, self.form = x, form

    @property
    def num_batches(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, index):
        return self.form(self.x[index * BATCH : (index + 1) * BATCH])


def dataset(*parts):
    parts = parts if len(parts) > 1 else parts[0]
    return tf.data.Dataset.from_tensor_slices(parts).batch(BATCH)


def loader(*parts, **kwargs):
    parts = [torch.from_numpy(part) for part in parts]
    data = torch.utils.data.TensorDataset(*parts)
    return torch.utils.data.DataLoader(data, batch_size=BATCH, **kwargs)


def batched(x):
    return [x[i : i + BATCH] for i in range(0, len(x), BATCH)]


def labels(x):
    return np.arange(len(x))


SOURCES = {
    "array": lambda x: x,
    "tensor": ops.convert_to_tensor,
    "tf": dataset,
    "tf_tuple": lambda x: tf.data.Dataset.from_tensor_slices((x,)).batch(BATCH),
    "tf_labels": lambda x: dataset(x, labels(x)),
    "pydataset": lambda x: Batches(x, lambda x: x),
    "pydataset_tuple": lambda x: Batches(x, lambda x: (x,)),
    "pydataset_labels": lambda x: Batches(x, lambda x: (x, labels(x))),
    "loader": loader,
    "loader_labels": lambda x: loader(x, labels(x)),
    "loader_workers": lambda x: loader(x, num_workers=1),
    "generator": lambda x: (b for b in batched(x)),
    "generator_tuple": lambda x: ((b,) for b in batched(x)),
    "generator_labels": lambda x: ((b, labels(b)) for b in batched(x)),
}
sources = pytest.mark.parametrize("kind", SOURCES)


def sized(kind, steps="steps", **others):
    """What Keras wants to be told, or it warns: ten samples, three batches."""
    if kind in ("array", "tensor"):
        return {"batch_size": BATCH, **others}
    return {steps: 3, **others} if kind.startswith("generator") else others


@pytest.fixture
def model(tiny_model):
    return tiny_model()


def weights(model):
    return [
        np.array(ops.convert_to_numpy(v)) for v in model.trainable_variables
    ]


def iterations(model, player):
    return int(ops.convert_to_numpy(model.optimizer[player].iterations))


# === Every kind of data ===


@sources
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_fit(model, images, kind, dtype):
    x = images(10).astype(dtype)
    kwargs = sized(kind, "steps_per_epoch", shuffle=False)
    history = model.fit(SOURCES[kind](x), verbose=0, **kwargs).history
    assert set(history) == LOGS
    assert all(np.isfinite(history[name]).all() for name in LOGS)
    # Three batches of 4, 4 and 2.
    assert int(ops.convert_to_numpy(model.step)) == 3


@pytest.mark.parametrize(
    "kind", ["tf", "pydataset", "loader", "generator_tuple"]
)
def test_every_source_teaches_the_same(tiny_model, images, kind):
    x = images(10).astype("float32")
    trained = []
    for one in ("array", kind):
        keras.utils.set_random_seed(0)
        model = tiny_model()
        kwargs = sized(one, "steps_per_epoch", shuffle=False)
        model.fit(SOURCES[one](x), verbose=0, **kwargs)
        trained.append(weights(model))
    for a, b in zip(*trained, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@sources
def test_evaluate(model, images, kind):
    x = images(10)
    found = model.evaluate(
        SOURCES[kind](x), return_dict=True, verbose=0, **sized(kind)
    )
    assert set(found) == LOGS
    made = model.reconstruct(x.astype("float32"))
    wanted = np.mean(np.abs(made - x)) / 127.5
    assert found["reconstruction"] == pytest.approx(wanted, rel=1e-3)
    assert int(ops.convert_to_numpy(model.step)) == 0


@pytest.mark.parametrize("kind", [k for k in SOURCES if k != "generator"])
def test_predict(model, images, kind):
    x = images(10)
    found = model.predict(SOURCES[kind](x), verbose=0, **sized(kind))
    assert found.shape == (10, *SHAPE)
    np.testing.assert_allclose(
        found, model.reconstruct(x.astype("float32")), atol=1e-2
    )


def test_train_and_test_on_batch(model, images):
    x = images(4)
    logs = model.train_on_batch(x, return_dict=True)
    assert set(logs) == LOGS
    assert int(ops.convert_to_numpy(model.step)) == 1
    values = model.train_on_batch(x, labels(x))
    assert len(values) == len(LOGS)
    found = model.test_on_batch(x, return_dict=True)
    assert set(found) == LOGS
    assert int(ops.convert_to_numpy(model.step)) == 2


def test_labels_beside_an_array_are_ignored(model, images):
    x = images(8)
    model.fit(x, labels(x), batch_size=4, verbose=0)
    model.evaluate(x, labels(x), verbose=0)


@pytest.mark.parametrize("weighting", ["class_weight", "sample_weight"])
def test_weights_of_samples_are_refused(model, images, weighting):
    with pytest.raises(ValueError, match=f"`{weighting}` has no meaning"):
        model.fit(images(), **{weighting: {0: 1.0}})
    for verb in (model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=f"`{weighting}` has no meaning"):
            verb(images(4), **{weighting: np.ones(4)})


def test_weights_of_validation_data_are_refused(model, images):
    x = images(4)
    with pytest.raises(ValueError, match="no meaning in an adversarial game"):
        model.fit(x, validation_data=(x, x, np.ones(4)))


@pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
def test_a_batch_of_one(tiny_model, images, updates):
    model = tiny_model(updates=updates)
    history = model.fit(images(1), verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    history = model.fit(images(3), batch_size=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())


@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[:0], "at least one sample"),
        (lambda x: np.moveaxis(x, -1, 1), "These are channels first"),
        (lambda x: x * np.nan, "NaN or infinite"),
        (lambda x: x + 1000, "Expected values in data_range"),
    ],
)
def test_bad_arrays_are_refused_before_a_step(
    model, images, method, spoil, message
):
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(spoil(images(4).astype("float32")), verbose=0)
    assert int(ops.convert_to_numpy(model.step)) == 0


def test_bad_validation_data_are_refused_before_a_step(model, images):
    bad = images(4) + np.float32(1000)
    for validation in (bad, (bad,), (bad, labels(bad)), dataset(bad[..., 0])):
        with pytest.raises(ValueError, match="data_range|channel axis"):
            model.fit(images(4), validation_data=validation, verbose=0)
    assert int(ops.convert_to_numpy(model.step)) == 0


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_bad_counts_are_refused(model, count):
    with pytest.raises(ValueError, match="batch_size to be a whole number"):
        model.fit(np.zeros((8, *model.data_shape)), batch_size=count)
    with pytest.raises(ValueError, match="steps_per_execution to be a whole"):
        model.compile(steps_per_execution=count)


def test_an_empty_generator_is_refused(model):
    with pytest.raises(ValueError, match="at least one batch"):
        model.fit(iter(()), shuffle=False, verbose=0)


# === Logs ===


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x,
        lambda x: (x,),
        lambda x: (x, labels(x)),
        lambda x: dataset(x),
        lambda x: loader(x, labels(x)),
    ],
)
def test_validation_data(model, images, form):
    history = model.fit(
        images(8),
        batch_size=4,
        epochs=2,
        validation_data=form(images(6, seed=1)),
        validation_batch_size=4,
        verbose=0,
    ).history
    assert set(history) == LOGS | {f"val_{name}" for name in LOGS}
    assert all(len(values) == 2 for values in history.values())
    made = model.reconstruct(images(6, seed=1).astype("float32"))
    wanted = np.mean(np.abs(made - images(6, seed=1))) / 127.5
    assert history["val_reconstruction"][-1] == pytest.approx(wanted, rel=1e-3)


def test_validation_split(model, images):
    history = model.fit(
        images(12), batch_size=4, validation_split=0.34, verbose=0
    ).history
    assert set(history) == LOGS | {f"val_{name}" for name in LOGS}
    assert int(ops.convert_to_numpy(model.step)) == 2


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x,
        lambda x: iter(batched(x)),
        lambda x: Batches(x, lambda part: (part, labels(part))),
    ],
)
def test_the_byte_order_of_other_machines(tiny_model, images, form):
    x, logs = images(8).astype("float32"), []
    for dtype in ("<f4", ">f4"):
        keras.utils.set_random_seed(0)
        game = [losses.ReconstructionLoss("mae")]
        model = tiny_model(("encoder",), losses=game, seed=0)
        data = x.astype(dtype)
        is_array = form(x) is x
        logs.append(
            model.fit(
                form(data),
                batch_size=BATCH if is_array else None,
                steps_per_epoch=None if is_array else 2,
                shuffle=False,
                verbose=0,
            ).history
        )
        logs.append(model.evaluate(data, verbose=0, return_dict=True))
        logs.append(model.anomaly_score(data).tolist())
    assert logs[:3] == logs[3:]


def test_a_split_trains_as_the_two_parts_do(tiny_model, images):
    """In the same orders, which on TensorFlow Keras would draw otherwise."""
    x, logs = images(12), []
    for data, split in (
        (x, {"validation_split": 0.25}),
        (x[:9], {"validation_data": x[9:]}),
    ):
        keras.utils.set_random_seed(0)
        game = [losses.ReconstructionLoss("mae")]
        model = tiny_model(("encoder",), losses=game, seed=0)
        model.fit(data, batch_size=4, epochs=3, verbose=0, **split)
        logs.append(model.history.history)
    assert logs[0] == logs[1]
    with pytest.raises(ValueError, match="not sufficient to split"):
        model.fit(x, validation_split=0.99, verbose=0)


def test_logs_are_means_over_samples_not_batches(tiny_model, images):
    model = tiny_model(
        ("encoder",),
        losses=[losses.ReconstructionLoss("mae", weight=3.0)],
        optimizer=keras.optimizers.SGD(0.0),
    )
    x = images(10)
    history = model.fit(x, batch_size=4, verbose=0).history
    made = model.reconstruct(x.astype("float32"))
    wanted = np.mean(np.abs(made - x)) / 127.5
    assert history["reconstruction"][0] == pytest.approx(wanted, rel=1e-3)
    assert history["generator_loss"][0] == pytest.approx(3 * wanted, rel=1e-3)


def test_what_each_player_pays_is_the_sum_of_its_terms(model, images):
    logs = model.train_on_batch(images(), return_dict=True)
    created = (
        logs["discriminator_fooling"]
        + 0.1 * logs["latent_discriminator_fooling"]
        + logs["reconstruction"]
        + logs["latent_reconstruction"]
    )
    assert logs["generator_loss"] == pytest.approx(created, rel=1e-4)
    assert logs["encoder_loss"] == pytest.approx(created, rel=1e-4)
    assert logs["discriminator_loss"] == pytest.approx(
        logs["discriminator_adversarial"] + 0.05 * (logs["r1"] + logs["r2"]),
        rel=1e-4,
    )
    assert logs["latent_discriminator_loss"] == pytest.approx(
        logs["latent_discriminator_adversarial"], rel=1e-4
    )


# === Updates ===


@pytest.mark.parametrize(
    ("updates", "steps"),
    [
        ("simultaneous", {}),
        ("alternating", {}),
        ("alternating", {"discriminator": 3}),
        (
            "alternating",
            {"latent_discriminator": 2, "generator": 2, "encoder": 3},
        ),
    ],
)
def test_each_player_makes_its_steps(tiny_model, images, updates, steps):
    model = tiny_model(updates=updates, steps=steps)
    model.fit(images(10), batch_size=4, verbose=0)
    for player in PLAYERS:
        assert iterations(model, player) == 3 * steps.get(player, 1)
    assert int(ops.convert_to_numpy(model.step)) == 3


def test_simultaneous_and_alternating_differ(tiny_model, images):
    trained = []
    for updates in ("simultaneous", "alternating"):
        keras.utils.set_random_seed(0)
        model = tiny_model(updates=updates, optimizer=keras.optimizers.SGD(0.5))
        model.train_on_batch(images(8))
        trained.append(model)
    simultaneous, alternating = trained
    for player, same in (("discriminator", True), ("generator", False)):
        close = [
            np.allclose(a, b, rtol=1e-4, atol=1e-6)
            for a, b in zip(
                weights(getattr(simultaneous, player)),
                weights(getattr(alternating, player)),
                strict=True,
            )
        ]
        # The discriminator moves first in both, on the same noise.
        assert all(close) == same


# === How it is compiled ===


def fitted(model, x, **kwargs):
    model.compile("sgd", **kwargs)
    history = model.fit(x, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return history.history, weights(model)


def test_steps_per_execution(tiny_model, images):
    x = images(16)
    keras.utils.set_random_seed(0)
    _, single = fitted(tiny_model(), x)
    keras.utils.set_random_seed(0)
    model = tiny_model()
    history, double = fitted(model, x, steps_per_execution=2)
    assert int(ops.convert_to_numpy(model.step)) == 8
    assert set(history) == LOGS
    for a, b in zip(single, double, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("interval", [1, 2])
@pytest.mark.parametrize("how", ["run_eagerly", "jit_compile"])
def test_eager_and_xla_teach_the_same(tiny_model, images, how, interval):
    x = images(8)
    results = []
    for kwargs in ({}, {how: True}):
        keras.utils.set_random_seed(0)
        # Without noise, which TensorFlow draws differently under XLA.
        model = tiny_model(
            ("encoder", "discriminator"),
            losses=[
                losses.R1Penalty(1.0, interval),
                losses.ReconstructionLoss("mse"),
            ],
        )
        results.append(fitted(model, x, **kwargs))
    for name in results[0][0]:
        np.testing.assert_allclose(
            results[1][0][name], results[0][0][name], rtol=1e-3, atol=1e-5
        )
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("interval", [1, 2])
def test_the_whole_game_under_xla(tiny_model, images, interval):
    model = tiny_model(penalty_interval=interval)
    history, _ = fitted(model, images(8), jit_compile=True)
    assert set(history) == LOGS
    assert all(np.isfinite(values).all() for values in history.values())
    assert min(history["r1"]) > 0


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
def test_mixed_precision(tiny_model, images, policy, updates):
    keras.config.set_dtype_policy(policy)
    model = tiny_model(updates=updates, optimizer=keras.optimizers.Adam(0.01))
    x = images(8)
    history = model.fit(x, batch_size=8, epochs=30, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    start, end = (
        np.mean(history["reconstruction"][p])
        for p in (
            slice(0, 3),
            slice(-3, None),
        )
    )
    assert end < 0.9 * start
    scaled = [
        isinstance(model.optimizer[p], keras.optimizers.LossScaleOptimizer)
        for p in PLAYERS
    ]
    assert scaled == [policy == "mixed_float16"] * 4
    for variable in model.trainable_variables:
        assert variable.dtype == "float32"


def test_float16_scales_each_player_s_loss_by_its_own(tiny_model, images):
    keras.config.set_dtype_policy("mixed_float16")
    model = tiny_model(optimizer=keras.optimizers.SGD(0.001))
    model.compile()
    for player in PLAYERS:
        scale = 2.0**30 if player == "discriminator" else 16.0
        model.optimizer[player].dynamic_scale.assign(scale)
    before = {p: weights(getattr(model, p)) for p in PLAYERS}
    model.train_on_batch(images(8))
    # Its overflow halves the discriminator's scale and skips its step alone.
    scales = [float(model.optimizer[p].dynamic_scale) for p in PLAYERS]
    assert scales == [2.0**29, 16, 16, 16]
    for player in PLAYERS:
        moved = any(
            (a != b).any()
            for a, b in zip(
                before[player], weights(getattr(model, player)), strict=True
            )
        )
        assert moved == (player != "discriminator")


def test_players_at_different_scales_learn_the_same(tiny_model, images):
    """They share a backward pass, at the scale of one of them."""
    keras.config.set_dtype_policy("mixed_float16")
    trained = []
    for scale in (2.0**8, 2.0**4):
        keras.utils.set_random_seed(0)
        model = tiny_model(optimizer=keras.optimizers.SGD(0.1))
        model.compile()
        model.optimizer["encoder"].dynamic_scale.assign(2.0**8)
        model.optimizer["generator"].dynamic_scale.assign(scale)
        model.train_on_batch(images(8))
        trained.append(weights(model.generator))
    for a, b in zip(*trained, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_no_loss_scale_where_it_is_not_wanted(tiny_model, images):
    keras.config.set_dtype_policy("mixed_float16")
    model = tiny_model()
    model.compile("sgd", auto_scale_loss=False)
    model.train_on_batch(images(4))
    for player in PLAYERS:
        assert isinstance(model.optimizer[player], keras.optimizers.SGD)


@pytest.mark.parametrize("policy", ["bfloat16", "float16"])
def test_weights_that_lose_small_steps_are_refused(tiny_model, policy):
    keras.config.set_dtype_policy(policy)
    with pytest.raises(ValueError, match=f"with the policy 'mixed_{policy}'"):
        tiny_model().compile()


# JAX has it only where it is told to.
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")
def test_float64(tiny_model, images):
    keras.config.set_dtype_policy("float64")
    model = tiny_model()
    model.compile()
    before = {player: weights(getattr(model, player)) for player in PLAYERS}
    logs = model.train_on_batch(images(8), return_dict=True)
    assert all(np.isfinite(float(value)) for value in logs.values())
    for player, values in before.items():
        after = weights(getattr(model, player))
        assert any(map(np.any, map(np.not_equal, values, after))), player


@pytest.mark.parametrize("factor", [None, 1024.0])
def test_a_fixed_loss_scale_changes_nothing(tiny_model, images, factor):
    keras.utils.set_random_seed(0)
    plain = tiny_model(optimizer=keras.optimizers.SGD(0.1))
    keras.utils.set_random_seed(0)
    scaled = tiny_model(
        optimizer=keras.optimizers.SGD(0.1, loss_scale_factor=factor)
    )
    for model in (plain, scaled):
        model.train_on_batch(images(8))
    for a, b in zip(weights(plain), weights(scaled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_loss_scale_of_one_player_alone_changes_nothing(tiny_model, images):
    """Encoder and generator, which pay alike, share a backward pass."""
    found = []
    for factor in (None, 1024.0):
        keras.utils.set_random_seed(0)
        model = tiny_model()
        rates = {player: keras.optimizers.SGD(0.1) for player in PLAYERS}
        rates["generator"] = keras.optimizers.SGD(0.1, loss_scale_factor=factor)
        model.compile(rates)
        model.train_on_batch(images(8))
        found.append(weights(model))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


# === Optimizers ===


@pytest.mark.parametrize(
    "optimizer",
    [
        None,
        "rmsprop",
        lambda: keras.optimizers.AdamW(1e-3),
        lambda: dict.fromkeys(PLAYERS, "sgd"),
        lambda: {
            p: keras.optimizers.SGD(0.1 * i) for i, p in enumerate(PLAYERS)
        },
    ],
)
def test_compile_takes_an_optimizer_in_many_forms(model, images, optimizer):
    optimizer = optimizer() if callable(optimizer) else optimizer
    model.compile(optimizer)
    own = [model.optimizer[player] for player in PLAYERS]
    assert len({id(one) for one in own}) == 4
    assert [one.name for one in own] == list(PLAYERS)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        assert all(one is not optimizer for one in own)
    model.fit(images(4), verbose=0)
    assert {iterations(model, player) for player in PLAYERS} == {1}


def test_nothing_given_is_the_model_s_own(tiny_model, images):
    model = tiny_model(
        optimizer={
            p: keras.optimizers.SGD(0.1 * (i + 1))
            for i, p in enumerate(PLAYERS)
        }
    )
    model.fit(images(4), verbose=0)
    rates = [float(model.optimizer[p].learning_rate) for p in PLAYERS]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_the_default_is_adam(model):
    model.compile()
    one = model.optimizer["generator"]
    assert isinstance(one, keras.optimizers.Adam)
    assert float(one.learning_rate) == pytest.approx(2e-4)
    assert one.beta_1 == 0.5


@pytest.mark.parametrize("players", [PLAYERS[:3], (*PLAYERS, "prior"), ()])
def test_a_dict_names_each_player(model, players):
    with pytest.raises(ValueError, match="an optimizer for each player: .*Rec"):
        model.compile(dict.fromkeys(players, "adam"))


def test_a_player_is_given_its_own_learning_rate(tiny_model, images):
    model = tiny_model(ema_momentum=None)
    rates = dict.fromkeys(PLAYERS, 0.0) | {"encoder": 0.1}
    model.compile({p: keras.optimizers.SGD(r) for p, r in rates.items()})
    before = {p: weights(getattr(model, p)) for p in PLAYERS}
    model.fit(images(4), verbose=0)
    for player in PLAYERS:
        moved = any(
            (a != b).any()
            for a, b in zip(
                before[player], weights(getattr(model, player)), strict=True
            )
        )
        assert moved == (player == "encoder")


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipping(tiny_model, images, clip):
    limit = 1e-3
    model = tiny_model(optimizer=keras.optimizers.SGD(1.0, **{clip: limit}))
    before = weights(model.generator)
    model.train_on_batch(images(8))
    change = [
        a - b for a, b in zip(weights(model.generator), before, strict=True)
    ]
    norms = [np.linalg.norm(one) for one in change]
    if clip == "clipnorm":
        assert norms == pytest.approx([limit] * len(norms), rel=1e-3)
    elif clip == "global_clipnorm":
        assert np.linalg.norm(norms) == pytest.approx(limit, rel=1e-3)
    else:
        highest = max(abs(one).max() for one in change)
        assert highest == pytest.approx(limit, rel=1e-3)


def test_schedules_run_for_each_player(tiny_model, images):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        [2], [0.1, 0.0]
    )
    model = tiny_model(
        optimizer=keras.optimizers.SGD(schedule),
        updates="alternating",
        steps={"discriminator": 2},
        ema_momentum=None,
    )
    model.compile()
    changed = []
    for _ in range(5):
        before = {p: weights(getattr(model, p)) for p in PLAYERS}
        model.train_on_batch(images(4))
        changed.append(
            {
                player
                for player in PLAYERS
                if any(
                    (a != b).any()
                    for a, b in zip(
                        before[player],
                        weights(getattr(model, player)),
                        strict=True,
                    )
                )
            }
        )
    # Steps 0, 1 and 2 are at 0.1; the discriminator uses them up sooner.
    slow = set(PLAYERS) - {"discriminator"}
    assert changed == [set(PLAYERS), set(PLAYERS), slow, set(), set()]


# === Callbacks ===


def epochs(model, images, callbacks, count=3, **kwargs):
    return model.fit(
        images(8),
        batch_size=4,
        epochs=count,
        callbacks=callbacks,
        verbose=0,
        **kwargs,
    ).history


def learning_rates(model):
    return [float(model.optimizer[p].learning_rate) for p in PLAYERS]


def test_learning_rate_scheduler(model, images):
    rates = {
        p: keras.optimizers.SGD(0.1 * (i + 1)) for i, p in enumerate(PLAYERS)
    }
    model.compile(rates)
    halve = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: rate * 0.5 if epoch else rate
    )
    history = epochs(model, images, [halve])
    assert learning_rates(model) == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert LOGS < set(history)


def test_reduce_lr_on_plateau(model, images):
    rates = {
        p: keras.optimizers.SGD(0.1 * (i + 1)) for i, p in enumerate(PLAYERS)
    }
    model.compile(rates)
    reduce = keras.callbacks.ReduceLROnPlateau(
        "reconstruction", factor=0.1, patience=1, min_delta=1e9, mode="min"
    )
    epochs(model, images, [reduce], count=2)
    assert learning_rates(model) == pytest.approx([0.01, 0.02, 0.03, 0.04])


def test_early_stopping(model, images):
    stop = keras.callbacks.EarlyStopping(
        "val_reconstruction",
        mode="min",
        patience=1,
        min_delta=1e9,
        restore_best_weights=True,
    )
    history = epochs(
        model, images, [stop], count=9, validation_data=images(4, seed=1)
    )
    assert len(history["reconstruction"]) == 2
    assert stop.best_epoch == 0
    found = model.evaluate(images(4, seed=1), return_dict=True, verbose=0)
    assert found["reconstruction"] == pytest.approx(
        history["val_reconstruction"][0], rel=1e-5
    )


@pytest.mark.parametrize("name", ["whole.keras", "only.weights.h5"])
def test_model_checkpoint(tiny_model, images, tmp_path, name):
    model = tiny_model()
    path = tmp_path / name
    checkpoint = keras.callbacks.ModelCheckpoint(
        path,
        monitor="reconstruction",
        mode="min",
        save_weights_only=name.endswith("h5"),
        save_best_only=False,
    )
    epochs(model, images, [checkpoint])
    if name.endswith("keras"):
        again = keras.saving.load_model(path)
    else:
        again = tiny_model()
        again.load_weights(path)
    for a, b in zip(weights(model), weights(again), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        again.generate(3, seed=0), model.generate(3, seed=0)
    )


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_backup_and_restore(tiny_model, images, tmp_path):
    def run(count, folder, callbacks=()):
        keras.utils.set_random_seed(0)
        model = tiny_model(penalty_interval=2)
        model.compile()
        backup = keras.callbacks.BackupAndRestore(
            tmp_path / folder, delete_checkpoint=False
        )
        epochs(model, images, [backup, *callbacks], count, shuffle=False)
        return model

    whole = run(4, "whole")
    with pytest.raises(KeyboardInterrupt):
        run(4, "parts", [Stop()])
    resumed = run(4, "parts")
    assert int(ops.convert_to_numpy(resumed.step)) == 8
    for player in PLAYERS:
        assert iterations(resumed, player) == 8
    for a, b in zip(whole.variables, resumed.variables, strict=True):
        if "tracker" not in a.path:
            np.testing.assert_array_equal(
                ops.convert_to_numpy(a), ops.convert_to_numpy(b), a.path
            )


def test_a_fit_after_one_that_was_resumed_trains(tiny_model, images, tmp_path):
    model = tiny_model()
    backup = keras.callbacks.BackupAndRestore(
        tmp_path / "backup", delete_checkpoint=False
    )
    for count in (2, 4):
        epochs(model, images, [backup], count)
    steps = int(ops.convert_to_numpy(model.step))
    epochs(model, images, [], 1)
    assert int(ops.convert_to_numpy(model.step)) == steps + 2


def test_steps_do_not_change_the_size_of_a_batch(tiny_model, images):
    """Keras divides an array by them."""
    sizes = []

    class Sizes(metrics.SampleMetric):
        def update_state(self, real, made):
            sizes.append(len(real))

        def result(self):
            return 0.0

        def reset_state(self):
            sizes.clear()

    model, x = tiny_model(), images(70)
    model.compile(metrics=[Sizes("sizes")])
    found = model.evaluate(x, steps=2, return_dict=True, verbose=0)
    assert sizes == [32, 32]
    again = model.evaluate(x[:64], return_dict=True, verbose=0)
    # What no noise is in.
    assert found["reconstruction"] == pytest.approx(again["reconstruction"])
    model.fit(
        x, steps_per_epoch=1, validation_data=x, validation_steps=1, verbose=0
    )
    assert sizes == [32]


def test_tensorboard(model, images, tmp_path):
    board = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1)
    epochs(model, images, [board], validation_data=images(4))
    tags = set()
    for file in tmp_path.rglob("events.out.tfevents.*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            tags |= {value.tag for value in event.summary.value}
    assert {f"epoch_{name}" for name in LOGS} <= tags
    assert any("dense" in tag or "hidden" in tag for tag in tags)


def test_csv_logger(model, images, tmp_path):
    history = epochs(
        model, images, [keras.callbacks.CSVLogger(tmp_path / "log.csv")]
    )
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    for name in LOGS:
        assert [float(row[name]) for row in rows] == pytest.approx(
            history[name], rel=1e-5
        )


def test_terminate_on_nan_has_no_loss_to_watch(model, images):
    with pytest.raises(ValueError, match="Use EarlyStopping"):
        epochs(model, images, [keras.callbacks.TerminateOnNaN()])


def test_early_stopping_stops_at_nan(tiny_model, images):
    model = tiny_model(optimizer=keras.optimizers.SGD(1e30))
    stop = keras.callbacks.EarlyStopping(
        "generator_loss", mode="min", patience=2
    )
    history = epochs(model, images, [stop], count=20)
    assert len(history["generator_loss"]) < 20


def test_a_single_callback_needs_no_list(model, images):
    """As in any Keras model."""
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    epochs(model, images, callback, count=2)
    assert seen == [0, 1]


def test_swap_ema_weights(tiny_model, images):
    """Keras's own averages, where the players' optimizers keep them."""
    model = tiny_model(ema_momentum=None)
    model.compile(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.9))
    for seed in range(4):
        model.train_on_batch(images(8, seed=seed))
    trained = weights(model)
    swap = keras.callbacks.SwapEMAWeights()
    swapped = model.evaluate(
        images(8), callbacks=[swap], return_dict=True, verbose=0
    )
    for a, b in zip(trained, weights(model), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    plain = model.evaluate(images(8), return_dict=True, verbose=0)
    for player in PLAYERS:
        averages = model.optimizer[player]._model_variables_moving_average
        getattr(model, player).set_weights(
            [ops.convert_to_numpy(average) for average in averages]
        )
    wanted = model.evaluate(images(8), return_dict=True, verbose=0)
    for term in ("reconstruction", "r1"):
        assert swapped[term] == pytest.approx(wanted[term], rel=1e-4)
        assert swapped[term] != pytest.approx(plain[term], rel=1e-4)


def test_swap_ema_weights_without_averages_is_refused(model, images):
    with pytest.raises(ValueError, match="`use_ema=True`"):
        model.evaluate(
            images(4), callbacks=[keras.callbacks.SwapEMAWeights()], verbose=0
        )


def test_an_optimizer_s_averages_are_taken_over_at_the_end(tiny_model, images):
    model = tiny_model(ema_momentum=None)
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    epochs(model, images, [], count=1)
    for player in PLAYERS:
        averages = model.optimizer[player]._model_variables_moving_average
        for average, weight in zip(
            averages, weights(getattr(model, player)), strict=True
        ):
            np.testing.assert_allclose(
                ops.convert_to_numpy(average), weight, rtol=1e-5
            )


# === What stops a run ===


@pytest.mark.parametrize("verb", ["fit", "evaluate"])
@pytest.mark.parametrize("first", [True, False])
def test_a_bad_batch_leaves_the_model_as_it_was(
    tiny_model, images, verb, first
):
    """On JAX Keras takes the weights out of the model for the while."""
    model = tiny_model()
    model.fit(images(8), batch_size=4, verbose=0)
    before = [network.get_weights() for network in model.networks.values()]
    bad = images(8).astype("float32")
    bad[0 if first else -1] = 1e6
    batches = Batches(bad, lambda x: (x,))
    with pytest.raises(ValueError, match="Rescale the data"):
        getattr(model, verb)(batches, verbose=0)
    after = [network.get_weights() for network in model.networks.values()]
    if first or verb == "evaluate":
        for old, new in zip(before, after, strict=True):
            for a, b in zip(old, new, strict=True):
                np.testing.assert_array_equal(a, b)
    assert np.isfinite(model.reconstruct(images(2))).all()
    model.fit(images(8), batch_size=4, verbose=0)
    model.predict(images(4), verbose=0)
