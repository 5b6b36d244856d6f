"""Loops by hand in TensorFlow, one `tf.function` a step, Keras's layers.

* `dcgan`: Keras's own example: the discriminator on one batch of fake and real
  data, then the generator on fresh noise.
* `began`, `aegan`, `aegan, one step each`: as in `plain_torch.py`.

Each tape watches the weights that its player moves, and no others.
"""

import time

import keras
import networks
import tensorflow as tf
from turns import (
    AEGAN,
    BATCH,
    BETA,
    CYCLE,
    FAKE,
    GAMMA,
    K_RATE,
    LATENT,
    RATE,
    REAL,
    WARM,
    images,
    serve,
)


class _Player:
    """Networks that pay one loss, and their optimizer."""

    def __init__(self, *nets):
        self.variables = [v for net in nets for v in net.trainable_variables]
        self.optimizer = keras.optimizers.Adam(RATE, BETA)
        self.optimizer.build(self.variables)

    def pay(self, loss, *inputs):
        """A step down a loss of some inputs; the loss."""
        values = [v.value for v in self.variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            paid = loss(*inputs)
        self.optimizer.apply(tape.gradient(paid, values), self.variables)
        return paid


def _noise():
    return tf.random.normal((BATCH, LATENT))


def _bce(logits, label):
    labels = tf.fill(tf.shape(logits), label)
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    )


def _apart(inputs, outputs):
    return tf.reduce_mean(tf.abs(inputs - outputs))


def dcgan(size):
    generate, judge = networks.generator(size), networks.discriminator(size)
    creator, critic = _Player(generate), _Player(judge)

    def judged(both):
        scores = judge(both, training=True)
        return _bce(scores[:BATCH], 0.0) + _bce(scores[BATCH:], 1.0)

    def fooled(z):
        return _bce(judge(generate(z, training=True), training=True), 1.0)

    @tf.function
    def step(real):
        fake = generate(_noise(), training=True)
        on_both = critic.pay(judged, tf.concat([fake, real], 0))
        return on_both, creator.pay(fooled, _noise())

    return (generate, judge), step, 1


def began(size):
    generate, judge = networks.generator(size), networks.autoencoder(size)
    creator, critic = _Player(generate), _Player(judge)
    k = tf.Variable(0.0)

    def energy(data):
        return _apart(data, judge(data, training=True))

    @tf.function
    def step(real):
        made, energies = [], []

        def fooled(z):
            made.append(generate(z, training=True))
            return energy(made[0])

        def judged(fake):
            energies.extend([energy(real), energy(fake)])
            return energies[0] - k * energies[1]

        fooling = creator.pay(fooled, _noise())
        paid = critic.pay(judged, tf.stop_gradient(made[0]))
        gap = GAMMA * energies[0] - energies[1]
        k.assign(tf.clip_by_value(k + K_RATE * gap, 0.0, 1.0))
        return fooling, paid

    return (generate, judge), step, 1


def _aegan(size):
    nets = (
        networks.encoder(size),
        networks.generator(size),
        networks.discriminator(size),
        networks.latent_discriminator(),
    )
    encode, generate, judge, judge_codes = nets
    a_rx, a_rz, a_x, a_z = AEGAN

    def created(real, z):
        code, fake = encode(real, training=True), generate(z, training=True)
        again, back = generate(code, training=True), encode(fake, training=True)
        return (
            a_rx * _apart(real, again)
            + a_rz * tf.reduce_mean((back - z) ** 2)
            + a_x * (_bce(judge(fake), 1.0) + _bce(judge(again), 1.0))
            + a_z
            * (_bce(judge_codes(code), 1.0) + _bce(judge_codes(back), 1.0))
        )

    creators = _Player(encode, generate)
    return nets, lambda real: creators.pay(created, real, _noise())


def aegan(size):
    nets, create = _aegan(size)
    encode, generate, judge, judge_codes = nets
    critic, critic_of_codes = _Player(judge), _Player(judge_codes)

    @tf.function
    def cycle(*real):
        def on_data(inputs, label):
            return critic.pay(lambda: _bce(judge(inputs), label))

        def on_codes(inputs, label):
            return critic_of_codes.pay(lambda: _bce(judge_codes(inputs), label))

        return (
            on_data(real[0], REAL),
            on_data(generate(_noise()), FAKE),
            on_data(real[2], REAL),
            on_data(generate(encode(real[3])), FAKE),
            on_codes(_noise(), REAL),
            on_codes(encode(real[1]), FAKE),
            on_codes(_noise(), REAL),
            on_codes(encode(generate(_noise())), FAKE),
            *map(create, real),
        )

    return nets, cycle, CYCLE


def aegan_one_step_each(size):
    nets, create = _aegan(size)
    encode, generate, judge, judge_codes = nets
    critics = _Player(judge, judge_codes)

    def judged(real, fake, again, z, code, back):
        return (
            2 * _bce(judge(real), REAL)
            + _bce(judge(fake), FAKE)
            + _bce(judge(again), FAKE)
            + 2 * _bce(judge_codes(z), REAL)
            + _bce(judge_codes(code), FAKE)
            + _bce(judge_codes(back), FAKE)
        )

    @tf.function
    def step(real):
        z = _noise()
        code, fake = encode(real), generate(z)
        again, back = generate(code), encode(fake)
        paid = critics.pay(judged, real, fake, again, z, code, back)
        return paid, create(real)

    return nets, step, 1


#: Each gives the networks, a step, and the batches that it takes.
_LOOPS = {
    "dcgan": dcgan,
    "began": began,
    "aegan": aegan,
    "aegan, one step each": aegan_one_step_each,
}


def build(game, size, steps):
    keras.utils.set_random_seed(0)
    nets, step, taken = _LOOPS[game](size)
    batches = tf.split(tf.constant(images(size, steps, "last")), WARM + steps)

    def run(batches):
        for i in range(0, len(batches), taken):
            losses = step(*batches[i : i + taken])
        return [float(loss) for loss in losses]

    def turn():
        run(batches[:WARM])
        start = time.perf_counter()
        losses = run(batches[WARM:])
        return time.perf_counter() - start, losses

    return sum(net.count_params() for net in nets), turn


if __name__ == "__main__":
    serve(build)
