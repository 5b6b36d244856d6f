import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan import recipes


def look(model, data, held_out=None):
    if not model.compiled:
        model.compile()
    found = model.diagnosis()(data, held_out)
    return {name: float(ops.convert_to_numpy(v)) for name, v in found.items()}


def state(model):
    return [np.array(ops.convert_to_numpy(v)) for v in model.variables]


def norm(gradients):
    parts = [ops.convert_to_numpy(g).ravel() for g in gradients]
    return np.linalg.norm(np.concatenate(parts))


def test_everything_is_measured_and_nothing_changes(tiny_model, images):
    model, x = tiny_model(), images(16)
    model.fit(x, batch_size=8, verbose=0)
    before = state(model)
    found = look(model, x, images(16, seed=1))
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert all(np.isfinite(value) for value in found.values())
    assert set(found) == {
        *(f"gradient_norm/{player}" for player in model.players),
        "generator_gradient/adversarial",
        "generator_gradient/other",
        *(f"score/{w}" for w in ("data", "generated", "prior_codes", "codes")),
        *(
            f"sign_rate/{w}"
            for w in ("data", "generated", "prior_codes", "codes")
        ),
        "pair_accuracy/discriminator",
        "pair_accuracy/latent_discriminator",
        "held_out_gap",
        "penalty_share/discriminator",
        "penalty/r1",
        "penalty/r2",
        "diversity",
        "reconstruction_error",
        "code_error",
        "code/largest_mean",
        "code/smallest_variance",
        "code/largest_variance",
        "code/smallest_share",
        "code/largest_share",
    }


def test_numbers_by_hand(tiny_model, images):
    model = tiny_model(("encoder", "discriminator"), ema_momentum=None)
    x, held_out = images(16), images(16, seed=1)
    found = look(model, x, held_out)
    to_networks = model.spec.to_networks

    def score(data):
        out = model.discriminator(data, training=False)
        return ops.convert_to_numpy(out).reshape(len(data), -1).mean(axis=1)

    real, held = score(to_networks(x)), score(to_networks(held_out))
    assert found["score/data"] == pytest.approx(real.mean(), rel=1e-4)
    rate = np.sign(real).mean()
    assert found["sign_rate/data"] == pytest.approx(rate, abs=1e-6)
    way = real.mean() - found["score/generated"]
    gap = (real.mean() - held.mean()) / way
    assert found["held_out_gap"] == pytest.approx(gap, rel=1e-3)
    copies = model.reconstruct(held_out.astype("float32"))
    error = np.abs(copies - held_out).mean() / 127.5
    assert found["reconstruction_error"] == pytest.approx(error, rel=1e-3)
    codes = model.encode(x)
    assert found["code/largest_mean"] == pytest.approx(
        np.abs(codes.mean(axis=0)).max(), rel=1e-4
    )
    variances = codes.var(axis=0)
    assert found["code/smallest_variance"] == pytest.approx(
        variances.min(), rel=1e-3
    )
    assert found["code/largest_variance"] == pytest.approx(
        variances.max(), rel=1e-3
    )


def test_codes_are_compared_with_a_fitted_prior(tiny_model, images):
    """They may be small where it is, and rightly so."""
    model, x = tiny_model(("encoder",), ema_momentum=None), images(64)
    for variable in model.encoder.layers[-1].trainable_variables:
        variable.assign(0.01 * variable)
    model.fit_sampler("gaussian", x)
    found = look(model, x)
    assert found["code/largest_variance"] < 0.01
    assert 0.3 < found["code/smallest_share"] <= found["code/largest_share"] < 3


def test_gradients_are_those_of_the_step(tiny_model, images):
    """Of the same noise, which the scope forgets."""
    model, x = tiny_model(("encoder",)), images(8)
    found = look(model, x)
    data = model.spec.to_networks(x)

    def pay():
        return model._pay(data, model.players, model.networks, True)

    with keras.StatelessScope():
        gradients = model._gradients(pay, model._groups(model.players))[2]
    for player in ("encoder", "generator"):
        assert found[f"gradient_norm/{player}"] == pytest.approx(
            norm(gradients[player]), rel=1e-4
        )


def test_parts_of_the_generators_gradient_add_up(tiny_model, images):
    from keras_aegan import losses

    game = [
        losses.DataAdversarialLoss("hinge"),
        losses.ReconstructionLoss("mse"),
    ]
    model = tiny_model(("encoder", "discriminator"), losses=game)
    found = look(model, images(8))
    parts = [
        found[f"generator_gradient/{kind}"] for kind in ("adversarial", "other")
    ]
    whole = found["gradient_norm/generator"]
    # Each part has noise of its own.
    assert 0.9 * abs(parts[0] - parts[1]) < whole < 1.1 * sum(parts)
    assert min(parts) > 0


def test_lazy_penalties_are_measured_at_every_step(tiny_model, images):
    x = images(8)
    shares = []
    for interval in (1, 4):
        keras.utils.set_random_seed(0)
        model = tiny_model(penalty_interval=interval)
        model.step.assign(1)  # Not due.
        shares.append(look(model, x)["penalty/r1"])
    assert shares[0] == pytest.approx(shares[1], rel=1e-5)
    assert shares[0] > 0


@pytest.mark.parametrize(
    "name", ["began", "ali", "vae_gan", "soft_introvae", "autoencoder"]
)
def test_every_kind_of_game(name, images):
    shape = (16, 16, 1)
    options = {} if name == "autoencoder" else {"width": 4, "latent_dim": 4}
    if name == "autoencoder":
        options = {"hidden_units": (8,)}
    model = recipes.get(name)(shape, **options)
    found = look(model, images(8, shape), images(8, shape, seed=1))
    assert all(np.isfinite(value) for value in found.values())
    wanted = {
        "began": {"state/k", "state/m_global", "pair_accuracy/discriminator"},
        "ali": {"pair_accuracy/latent_discriminator", "score/real"},
        "vae_gan": {"generator_gradient/adversarial", "code_error"},
        "soft_introvae": {"gradient_norm/encoder", "diversity"},
        "autoencoder": {"reconstruction_error"},
    }
    assert wanted[name] <= set(found)
    # An autoencoder's score is an energy.
    assert (name == "began") == (
        "score/data" in found and "sign_rate/data" not in found
    )


def test_a_loss_scale_is_taken_out(tiny_model, images):
    norms = []
    for factor in (None, 1024.0):
        keras.utils.set_random_seed(0)
        model = tiny_model()
        model.compile(keras.optimizers.Adam(loss_scale_factor=factor))
        norms.append(look(model, images(8))["gradient_norm/generator"])
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)
