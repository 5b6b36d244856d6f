"""What AEGAN.fit costs beside a hand-written step of the same game.

    KERAS_BACKEND=tensorflow python tests/benchmarks/step_cost.py

The same networks (the default recipe's, 28x28x1), losses, lazy penalties, Adam
and averages, once through `fit` and once as one would write them by hand for
this backend: compiled twice on TensorFlow and JAX, with and without the
penalties. Both take turns; the ratio is that of each pair of turns.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_aegan import recipes

GAMMA, LATENT_GAMMA, INTERVAL = 1.0, 0.1, 4
CODE, RECONSTRUCTION, LATENT_RECONSTRUCTION = 0.1, 15.0, 0.5
RATE, BETAS, EPSILON = 5e-4, (0.0, 0.99), 1e-7


class _Clock(keras.callbacks.Callback):
    """Seconds a step, from the end of step `INTERVAL` to the epoch's end."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == INTERVAL - 1:
            self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        steps = self.params["steps"] - INTERVAL
        self.seconds = (time.perf_counter() - self.start) / steps


def _timed(step, batches):
    """As `_Clock`, around a step written by hand."""
    for i, batch in enumerate(batches):
        paid = step(i, batch)
        if i == INTERVAL - 1:
            float(paid)
            start = time.perf_counter()
    float(paid)
    return (time.perf_counter() - start) / (len(batches) - INTERVAL)


def _tensorflow_step(model):
    import tensorflow as tf

    nets, sp, mean = model.networks, tf.nn.softplus, tf.reduce_mean
    encode, generate = nets["encoder"], nets["generator"]
    critic, latent = nets["discriminator"], nets["latent_discriminator"]
    variables = {
        name: [v.value for v in nets[name].trainable_variables]
        for name in ("encoder", "generator")
    }
    creators = variables["encoder"] + variables["generator"]
    averages = [
        v.value
        for name in ("encoder", "generator")
        for v in nets[f"ema_{name}"].variables
    ]
    critics = {
        net: [v.value for v in net.trainable_variables]
        for net in (critic, latent)
    }
    optimizers = {}
    for owner, owned in [("creators", creators), *critics.items()]:
        keep = [v for v in model.variables if any(v.value is o for o in owned)]
        optimizer = keras.optimizers.Adam(RATE, *BETAS)
        optimizer.build(keep)
        order = {id(v.value): v for v in keep}
        optimizers[owner] = (optimizer, [order[id(o)] for o in owned])

    def penalty(net, inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            scores = net(inputs, training=True)
        gradient = tape.gradient(scores, inputs)
        axes = list(range(1, len(gradient.shape)))
        return mean(tf.reduce_sum(gradient**2, axes))

    def step(images, momentum, penalised):
        x = tf.cast(images, tf.float32) / 127.5 - 1
        z = tf.random.normal((tf.shape(x)[0], model.latent_shape[0]))
        with tf.GradientTape(persistent=True) as tape:
            code, fake = encode(x, training=True), generate(z, training=True)
            again = generate(code, training=True)
            back = encode(fake, training=True)
            real, made = critic(x, training=True), critic(fake, training=True)
            prior, coded = latent(z, training=True), latent(code, training=True)
            on_data, on_codes = mean(sp(made - real)), mean(sp(coded - prior))
            if penalised:
                still, kept = tf.stop_gradient(fake), tf.stop_gradient(code)
                on_data += (
                    INTERVAL
                    * GAMMA
                    / 2
                    * (penalty(critic, x) + penalty(critic, still))
                )
                on_codes += (
                    INTERVAL
                    * LATENT_GAMMA
                    / 2
                    * (penalty(latent, z) + penalty(latent, kept))
                )
            create = (
                mean(sp(real - made))
                + CODE * mean(sp(prior - coded))
                + RECONSTRUCTION * mean((again - x) ** 2)
                + LATENT_RECONSTRUCTION * mean((back - z) ** 2)
            )
        for owner, paid in (
            (critic, on_data),
            (latent, on_codes),
            ("creators", create),
        ):
            optimizer, owned = optimizers[owner]
            gradients = tape.gradient(paid, [v.value for v in owned])
            optimizer.apply(gradients, owned)
        for average, variable in zip(averages, creators, strict=True):
            average.assign_add((1 - momentum) * (variable - average))
        return on_data, on_codes, create

    lazy = tf.function(lambda x, m: step(x, m, False), reduce_retracing=True)
    full = tf.function(lambda x, m: step(x, m, True), reduce_retracing=True)

    def run(i, batch):
        momentum = tf.constant(min(0.999, (1 + i) / (10 + i)), tf.float32)
        one = full if i % INTERVAL == 0 else lazy
        return one(tf.constant(batch), momentum)[0]

    return run


def _jax_step(model):
    import jax
    import jax.numpy as jnp

    nets, sp = model.networks, jax.nn.softplus
    names = ("encoder", "generator", "discriminator", "latent_discriminator")
    values = lambda net: [jnp.array(v.value) for v in net.trainable_variables]  # noqa: E731
    weights = {name: values(nets[name]) for name in names}
    averages = {n: [jnp.array(w) for w in weights[n]] for n in names[:2]}
    moments = {
        n: [jnp.zeros_like(w) for w in (*weights[n], *weights[n])]
        for n in names
    }
    fixed = {
        n: [v.value for v in nets[n].non_trainable_variables] for n in names
    }

    def call(name, own, inputs):
        return nets[name].stateless_call(
            own, fixed[name], inputs, training=True
        )[0]

    def penalty(name, own, inputs):
        inputs = jax.lax.stop_gradient(inputs)
        gradient = jax.grad(lambda x: call(name, own, x).sum())(inputs)
        return (gradient**2).sum(axis=tuple(range(1, gradient.ndim))).mean()

    def adam(own, state, gradients, count):
        half = len(own)
        first, second, new = state[:half], state[half:], []
        for i, (w, g) in enumerate(zip(own, gradients, strict=True)):
            first[i] = BETAS[0] * first[i] + (1 - BETAS[0]) * g
            second[i] = BETAS[1] * second[i] + (1 - BETAS[1]) * g * g
            rate = RATE * jnp.sqrt(1 - BETAS[1] ** count)
            rate = rate / (1 - BETAS[0] ** count)
            new.append(w - rate * first[i] / (jnp.sqrt(second[i]) + EPSILON))
        return new, first + second

    def step(state, images, key, count, penalised):
        weights, moments, averages = state
        x = images.astype("float32") / 127.5 - 1
        z = jax.random.normal(key, (x.shape[0], model.latent_shape[0]))

        def created(own):
            code = call("encoder", own["encoder"], x)
            fake = call("generator", own["generator"], z)
            again = call("generator", own["generator"], code)
            back = call("encoder", own["encoder"], fake)
            critic = weights["discriminator"]
            latent = weights["latent_discriminator"]
            real = call("discriminator", critic, x)
            made = call("discriminator", critic, fake)
            prior = call("latent_discriminator", latent, z)
            coded = call("latent_discriminator", latent, code)
            paid = (
                sp(real - made).mean()
                + CODE * sp(prior - coded).mean()
                + RECONSTRUCTION * ((again - x) ** 2).mean()
                + LATENT_RECONSTRUCTION * ((back - z) ** 2).mean()
            )
            return paid, (code, fake)

        (_, (code, fake)), creators = jax.value_and_grad(created, has_aux=True)(
            {n: weights[n] for n in names[:2]}
        )

        def judged(own, name, real, fake, gamma):
            paid = sp(call(name, own, fake) - call(name, own, real)).mean()
            if penalised:
                both = penalty(name, own, real) + penalty(name, own, fake)
                paid += INTERVAL * gamma / 2 * both
            return paid

        gradients = dict(creators)
        on_data, gradients["discriminator"] = jax.value_and_grad(judged)(
            weights["discriminator"], "discriminator", x, fake, GAMMA
        )
        _, gradients["latent_discriminator"] = jax.value_and_grad(judged)(
            weights["latent_discriminator"],
            "latent_discriminator",
            z,
            code,
            LATENT_GAMMA,
        )
        new_weights, new_moments = {}, {}
        for name in names:
            new_weights[name], new_moments[name] = adam(
                weights[name], list(moments[name]), gradients[name], count
            )
        momentum = jnp.minimum(0.999, (1 + count) / (10 + count))
        new_averages = {
            n: [
                a + (1 - momentum) * (w - a)
                for a, w in zip(averages[n], new_weights[n], strict=True)
            ]
            for n in averages
        }
        return (new_weights, new_moments, new_averages), on_data

    lazy = jax.jit(lambda s, x, k, c: step(s, x, k, c, False), donate_argnums=0)
    full = jax.jit(lambda s, x, k, c: step(s, x, k, c, True), donate_argnums=0)
    state, key = (weights, moments, averages), jax.random.key(0)

    def run(i, batch):
        nonlocal state, key
        key, part = jax.random.split(key)
        one = full if i % INTERVAL == 0 else lazy
        state, paid = one(state, jnp.asarray(batch), part, jnp.float32(i + 1))
        return paid

    return run


def _torch_step(model):
    import torch
    from torch.nn.functional import softplus as sp

    nets = model.networks
    encode, generate = nets["encoder"], nets["generator"]
    critic, latent = nets["discriminator"], nets["latent_discriminator"]
    own = lambda net: [v.value for v in net.trainable_variables]  # noqa: E731
    creators = own(encode) + own(generate)
    averages = [
        v.value
        for name in ("ema_encoder", "ema_generator")
        for v in nets[name].variables
    ]
    owned = {"critic": own(critic), "latent": own(latent), "both": creators}
    optimizers = {
        name: torch.optim.Adam(v, RATE, BETAS, EPSILON)
        for name, v in owned.items()
    }

    def penalty(net, inputs):
        inputs = inputs.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(
            net(inputs, training=True).sum(), inputs, create_graph=True
        )
        return (gradient**2).flatten(1).sum(1).mean()

    def run(i, batch):
        x = torch.from_numpy(batch).float() / 127.5 - 1
        z = torch.randn(len(x), model.latent_shape[0])
        code, fake = encode(x, training=True), generate(z, training=True)
        again = generate(code, training=True)
        back = encode(fake, training=True)
        real, made = critic(x, training=True), critic(fake, training=True)
        prior, coded = latent(z, training=True), latent(code, training=True)
        paid = {
            "critic": sp(made - real).mean(),
            "latent": sp(coded - prior).mean(),
            "both": sp(real - made).mean()
            + CODE * sp(prior - coded).mean()
            + RECONSTRUCTION * ((again - x) ** 2).mean()
            + LATENT_RECONSTRUCTION * ((back - z) ** 2).mean(),
        }
        if i % INTERVAL == 0:
            both = penalty(critic, x) + penalty(critic, fake)
            paid["critic"] = paid["critic"] + INTERVAL * GAMMA / 2 * both
            both = penalty(latent, z) + penalty(latent, code)
            paid["latent"] = paid["latent"] + INTERVAL * LATENT_GAMMA / 2 * both
        found = {
            name: torch.autograd.grad(
                paid[name], owned[name], retain_graph=name != "both"
            )
            for name in owned
        }
        for name, gradients in found.items():
            for variable, gradient in zip(owned[name], gradients, strict=True):
                variable.grad = gradient
            optimizers[name].step()
        momentum = min(0.999, (1 + i) / (10 + i))
        with torch.no_grad():
            torch._foreach_lerp_(averages, creators, 1 - momentum)
        return paid["critic"].detach()

    return run


_STEPS = {
    "tensorflow": _tensorflow_step,
    "jax": _jax_step,
    "torch": _torch_step,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--turns", type=int, default=7)
    args = parser.parse_args()

    backend = keras.backend.backend()
    count = args.batch_size * args.steps
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28, 1))
    images = images.astype("uint8")
    model = recipes.aegan((28, 28, 1), seed=0)
    by_hand = _STEPS[backend](recipes.aegan((28, 28, 1), seed=0))

    clock, batches = _Clock(), np.split(images, args.steps)

    def ours():
        model.fit(
            images,
            batch_size=args.batch_size,
            shuffle=False,
            callbacks=[clock],
            verbose=0,
        )
        return clock.seconds

    def theirs():
        return _timed(by_hand, batches)

    theirs()
    for _ in range(3):  # PyTorch records a step that was made 16 times.
        ours()
    times = {ours: [], theirs: []}
    for turn in range(args.turns):
        for run in (ours, theirs) if turn % 2 else (theirs, ours):
            times[run].append(run())
    ratios = [a / b for a, b in zip(times[ours], times[theirs], strict=True)]
    print(
        "| backend | fit, ms a step | by hand, ms a step | ratio (min to max) |"
    )
    print("|---|---|---|---|")
    print(
        f"| {backend} | {1e3 * statistics.median(times[ours]):.1f} "
        f"| {1e3 * statistics.median(times[theirs]):.1f} "
        f"| {statistics.median(ratios):.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f}) |"
    )


if __name__ == "__main__":
    main()
