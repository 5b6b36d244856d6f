"""Each player's gradient is that of its own loss, and of nothing else.

The reference is a plain JAX program of its own: dense networks by hand, the
losses as the docstrings' equations say, `jax.grad` of one player's loss with
respect to that player's weights.
"""

import jax
import jax.numpy as jnp
import numpy as np
import parity_case
import pytest


def _dense(weights, inputs, output=lambda x: x):
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        inputs = inputs @ kernel + bias
        inputs = jnp.where(inputs > 0, inputs, 0.2 * inputs)
    return output(inputs @ weights[-2] + weights[-1])


def _pair(formulation, real, fake):
    sp = jax.nn.softplus
    if formulation == "relativistic":
        return sp(fake - real).mean(), sp(real - fake).mean()
    return sp(-real).mean() + sp(fake).mean(), sp(-fake).mean()


def _penalty(weights, inputs):
    gradient = jax.grad(lambda x: _dense(weights, x).sum())(inputs)
    return (gradient**2).sum(axis=1).mean()


def _losses(formulation, weights, x, z):
    encode = lambda v: _dense(weights["encoder"], v)  # noqa: E731
    generate = lambda v: _dense(weights["generator"], v, jnp.tanh)  # noqa: E731
    on_data = lambda v: _dense(weights["discriminator"], v)  # noqa: E731
    on_codes = lambda v: _dense(weights["latent_discriminator"], v)  # noqa: E731
    code, fake = encode(x), generate(z)
    again, back = generate(code), encode(fake)
    d1, g1 = _pair(formulation, on_data(x), on_data(fake))
    d2, g2 = _pair(formulation, on_data(x), on_data(again))
    c1, e1 = _pair(formulation, on_codes(z), on_codes(code))
    c2, e2 = _pair(formulation, on_codes(z), on_codes(back))
    creators = (
        g1
        + 0.5 * g2
        + 0.7 * (e1 + 0.3 * e2)
        + 2.0 * jnp.abs(again - x).mean()
        + 0.6 * ((back - z) ** 2).mean()
    )
    critic, latent = weights["discriminator"], weights["latent_discriminator"]
    return {
        "discriminator": d1
        + 0.5 * d2
        + 3.0 / 2 * _penalty(critic, x)
        + 2.0 / 2 * _penalty(critic, fake),
        "latent_discriminator": c1
        + 0.3 * c2
        + 1.0 / 2 * _penalty(latent, z)
        + 0.5 / 2 * _penalty(latent, code),
        "encoder": creators,
        "generator": creators,
    }


@pytest.mark.parametrize("formulation", ["relativistic", "non_saturating"])
def test_gradients_equal_a_plain_implementation(formulation):
    model, data, noise = parity_case.build("dense", formulation)
    weights = {
        player: [variable.numpy() for variable in network.variables]
        for player, network in model.networks.items()
        if not player.startswith("ema")
    }
    x = data * 2 - 1
    ours = parity_case.gradients(model, data)

    for player in model.players:

        def paid(own, player=player):
            return _losses(formulation, weights | {player: own}, x, noise)[
                player
            ]

        value, expected = jax.value_and_grad(paid)(weights[player])
        np.testing.assert_allclose(ours[f"loss/{player}"], value, rtol=1e-5)
        largest = max(np.abs(gradient).max() for gradient in expected)
        for i, gradient in enumerate(expected):
            np.testing.assert_allclose(
                ours[f"gradient/{player}/{i}"],
                gradient,
                rtol=1e-4,
                atol=1e-6 * largest,
            )


@pytest.mark.parametrize("mover", ["discriminator", "generator"])
def test_a_player_moves_no_one_else(mover):
    # With the others' learning rates at zero, only the mover's weights move:
    # no player's gradient reaches another player's variables.
    import keras

    model, data, _ = parity_case.build("dense")
    model.compile(
        {
            player: keras.optimizers.SGD(0.1 if player == mover else 0.0)
            for player in model._paying()
        }
    )
    before = {p: model.networks[p].get_weights() for p in model._paying()}
    model.train_on_batch(data)
    for player in model._paying():
        after = model.networks[player].get_weights()
        moved = [
            bool((a != b).any())
            for a, b in zip(after, before[player], strict=True)
        ]
        if player == mover:
            # A relativistic discriminator's last bias has no gradient.
            assert sum(moved) >= len(moved) - 1
        else:
            assert not any(moved)
