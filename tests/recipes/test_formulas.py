"""What the recipes compute, against the equations in float64 NumPy."""

import functools

import keras
import numpy as np
import pytest
import reference
from cases import CASES, draws, fix

from keras_aegan import recipes

SLOW_ON_JAX = ("aegan_classic", "arae", "image_autoencoder")
#: Short, so that few kinks lie on the way.
STEP = 1e-5


def numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor), "float64")


@functools.cache
def played(name):
    """A case's model on one batch, and the equations.

    Returns:
        `(model, pay, equations)`, two functions: what the model and what the
        reference makes of the model's weights as they are then. What no
        gradient flows through keeps its first value in the reference.
    """
    case = CASES[name]
    model = fix(case.build())
    model.compile("sgd")
    data = model.spec.to_networks(case.data())

    def pay():
        return model._pay(data, model.players, model.networks, True)

    x, z = numpy(data), model._draw(len(data))
    held = {}

    def stop(key, compute):
        if key not in held:
            held[key] = compute()
        return held[key]

    def equations():
        return getattr(reference, case.recipe)(
            {k: reference.function(v) for k, v in model.networks.items()},
            x,
            None if z is None else numpy(z),
            draws,
            stop=stop,
            **case.options,
            **case.state,
        )

    return model, pay, equations


@functools.cache
def logged(name):
    """Every term and player's loss that the model computes."""
    totals, terms = played(name)[1]()
    logs = terms | {f"{player}_loss": v for player, v in totals.items()}
    return {key: numpy(value) for key, value in logs.items()}


def stepped(name):
    """A case's model after one step, and its weights before."""
    model = fix(CASES[name].build())
    model.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
    before = {seat: net.get_weights() for seat, net in model.networks.items()}
    model.train_on_batch(CASES[name].data())
    return model, before


def test_every_recipe_has_a_case():
    assert {case.recipe for case in CASES.values()} == set(recipes.names())


@pytest.mark.parametrize("name", CASES)
def test_terms_and_losses(name):
    logs, expected = logged(name), played(name)[-1]()
    assert set(logs) == set(expected)
    for key, value in expected.items():
        close = pytest.approx(float(value), rel=1e-5, abs=1e-6)
        assert logs[key].shape == () and logs[key] == close, key


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, case in CASES.items()
        # There `test_parity` compares with PyTorch's, which are tested here.
        if keras.backend.backend() != "jax" or case.recipe not in SLOW_ON_JAX
    ],
)
def test_gradients(name):
    """Along itself and along a random direction, by differences.

    A reversed sign (a cosine of -1 with the right gradient), or a gradient
    that flows where it should not, shows here.
    """
    model, pay, equations = played(name)
    *_, gradients = model._gradients(pay, model._groups(model.players))
    random = np.random.default_rng(3)
    equations()  # What is held is held at the weights as they are.
    for player in model.players:
        variables = model.owned[player]
        slopes = [numpy(gradient) for gradient in gradients[player]]
        values = [numpy(variable) for variable in variables]
        anywhere = [random.normal(size=value.shape) for value in values]
        for direction in (slopes, anywhere):
            size = np.sqrt(sum((d**2).sum() for d in direction))
            found, ends = [], []
            for sign in (-1, 1):
                for variable, value, d in zip(
                    variables, values, direction, strict=True
                ):
                    variable.assign(value + sign * STEP * d / max(size, 1e-9))
                ends.append([numpy(variable) for variable in variables])
                found.append(equations()[f"{player}_loss"])
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            expected = sum(
                (slope * (b - a)).sum()
                for slope, a, b in zip(slopes, *ends, strict=True)
            )
            steepest = np.sqrt(sum((s**2).sum() for s in slopes)) * 2 * STEP
            close = pytest.approx(expected, rel=1e-3, abs=1e-4 * steepest)
            assert found[1] - found[0] == close, player


def over_the_batch(codes):
    codes = codes / np.sqrt((codes**2).sum(0))
    cosines = codes @ codes.T
    others = 1 - np.eye(len(codes))
    return (cosines**2 * others).sum() / others.sum()


def with_the_diagonal(codes):
    codes = codes / reference.norm(codes)[:, None]
    count = len(codes)
    return ((codes @ codes.T) ** 2).sum() / (count * (count - 1))


def deviation_of_a_variance(distribution, draw):
    noise = draw("normal", distribution["mean"].shape)
    return distribution["mean"] + np.exp(distribution["log_variance"]) * noise


def summed_over_the_batch(mean, log_variance, kl=reference.kl):
    return len(mean) * kl(mean, log_variance)


#: Of other libraries: a case, its term, and how they get a part of it wrong.
DEFECTS = {
    "pulling-away term normalised over the batch": (
        "ebgan",
        "pulling_away",
        {"closeness": over_the_batch},
    ),
    "pulling-away term with its diagonal": (
        "ebgan",
        "pulling_away",
        {"closeness": with_the_diagonal},
    ),
    **{
        f"margin on the batch's mean energy, {name}": (
            name,
            "discriminator_adversarial",
            {"hinge": lambda margin, e: max(margin - e.mean(), 0.0)},
        )
        for name in ("ebgan", "magan-margin", "autoencoder_gan")
    },
    "exp(log_variance) as the standard deviation": (
        "vae_gan",
        "feature_reconstruction",
        {"sample": deviation_of_a_variance},
    ),
    **{
        f"divergence summed over the batch, {name}": (
            name,
            "kl_divergence",
            {"kl": summed_over_the_batch},
        )
        for name in ("vae_gan", "image_autoencoder")
    },
    "scores matched instead of features": (
        "ganomaly",
        "feature_reconstruction",
        {"features": lambda outputs: outputs["score"]},
    ),
    "a generator's loss that vanishes where the critic wins": (
        "vae_gan",
        "discriminator_fooling",
        {"creator_pays": lambda fake: -reference.softplus(fake).mean()},
    ),
    "a generator's loss of reversed sign": (
        "vae_gan",
        "discriminator_fooling",
        {"creator_pays": lambda fake: -reference.softplus(-fake).mean()},
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_no(defect, monkeypatch):
    name, term, parts = DEFECTS[defect]
    logs, (*_, equations) = logged(name), played(name)
    assert logs[term] == pytest.approx(float(equations()[term]), rel=1e-5)
    for part, wrong in parts.items():
        monkeypatch.setattr(reference, part, wrong)
    assert logs[term] != pytest.approx(float(equations()[term]), rel=1e-2)


@pytest.mark.parametrize("name", [n for n in CASES if "-" not in n])
def test_no_player_is_never_trained(name):
    """Mean and log-variance, and a discriminator beside a frozen copy."""
    model, before = stepped(name)
    for player in model.players:
        network = model.networks[player]
        moved = [
            (now != then).any()
            for variable, now, then in zip(
                network.weights,
                network.get_weights(),
                before[player],
                strict=True,
            )
            # In a difference of scores it has no part.
            if not variable.path.endswith("score/bias")
        ]
        # MAGAN's generator waits for the margin.
        waits = (name, player) == ("magan", "generator")
        assert not any(moved) if waits else all(moved), player


def test_no_anomaly_score_depends_on_other_samples():
    case = CASES["ganomaly"]
    model, data = fix(case.build()), case.data()
    scores = model.anomaly_score(data)
    networks = {k: reference.function(v) for k, v in model.networks.items()}
    codes = networks["encoder"](2 * data.astype("float64") - 1)
    again = networks["second_encoder"](networks["generator"](codes))
    np.testing.assert_allclose(
        scores, ((codes - again) ** 2).mean(1), rtol=1e-5
    )
    for part in (slice(0, 1), slice(2, 5)):
        alone = model.anomaly_score(data[part])
        np.testing.assert_allclose(alone, scores[part], rtol=1e-5)


@pytest.mark.parametrize("name", ["began", "began-k"])
def test_began_s_k_after_a_step(name):
    *_, equations = played(name)
    expected = reference.began_k(equations(), **CASES[name].options)
    model, _ = stepped(name)
    k = model.progress["losses/discriminator/k"]
    assert float(numpy(k)) == pytest.approx(float(expected), abs=1e-6)


def test_magan_s_margin_between_epochs():
    """With weights that stay: what an epoch measures is known."""
    case = CASES["magan"]
    data = case.data()

    def after(count, seed, **state):
        model = fix(case.build(), seed)
        model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        for name, value in state.items():
            model.progress[f"losses/discriminator/{name}"].assign(value)
        model.fit(data, batch_size=4, epochs=count, verbose=0)
        critic = reference.function(model.networks["discriminator"])
        energy = reference.energies(critic, 2 * data.astype("float64") - 1)
        margin = model.progress["losses/discriminator/margin"]
        return float(numpy(margin)), pytest.approx(energy.mean(), rel=1e-5)

    margin, energy = after(2, seed=1)  # The warm-up.
    assert margin == energy
    trained = {"epochs": 2, "margin": 9.0, "last_fake": 0.0}
    margin, energy = after(1, seed=1, **trained)
    assert margin == energy
    stays = [
        (1, trained | {"last_fake": 9.0}),  # The fakes' energy fell.
        (1, trained | {"margin": 0.1}),  # The data's is above the margin.
        (0, trained),  # The data's is above the fakes'.
    ]
    for seed, state in stays:
        margin, _ = after(1, seed, **state)
        assert margin == pytest.approx(state["margin"])
