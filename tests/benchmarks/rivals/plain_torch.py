"""Loops by hand in PyTorch, in the order of the published codes.

* `dcgan`: PyTorch's own example: the discriminator on real and then on fake
  data, one step; then the generator on the same fakes.
* `began`: PyTorch-GAN's: the generator, then the discriminator on the same
  fakes, then k.
* `aegan`: AEGAN-keras's cycle: four steps of each discriminator, on real and
  fake batches in turn, then four of encoder and generator, all on fresh
  batches; a cycle has four batches of images for each player.
* `aegan, one step each`: PokeGAN's: one step of both discriminators, then one
  of encoder and generator, each on all of its terms.

As published, the creators' backward passes also fill the discriminators'
gradients, which nobody uses.
"""

import time

import torch
import torch_networks as networks
from torch.nn import functional as F
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


def _adam(*nets):
    weights = [p for net in nets for p in net.parameters()]
    return torch.optim.Adam(weights, RATE, (BETA, 0.999))


def _noise():
    return torch.randn(BATCH, LATENT)


def _bce(logits, label):
    return F.binary_cross_entropy_with_logits(
        logits, torch.full_like(logits, label)
    )


def dcgan(size):
    generate, judge = networks.generator(size), networks.discriminator(size)
    of_generate, of_judge = _adam(generate), _adam(judge)

    def step(real):
        judge.zero_grad()
        on_real = _bce(judge(real), 1.0)
        on_real.backward()
        fake = generate(_noise())
        on_fake = _bce(judge(fake.detach()), 0.0)
        on_fake.backward()
        of_judge.step()
        generate.zero_grad()
        fooling = _bce(judge(fake), 1.0)
        fooling.backward()
        of_generate.step()
        return on_real, on_fake, fooling

    return (generate, judge), step, 1


def began(size):
    generate, judge = networks.generator(size), networks.autoencoder(size)
    of_generate, of_judge = _adam(generate), _adam(judge)
    k = 0.0

    def step(real):
        nonlocal k
        of_generate.zero_grad()
        fake = generate(_noise())
        fooling = torch.mean(torch.abs(judge(fake) - fake))
        fooling.backward()
        of_generate.step()
        of_judge.zero_grad()
        still = fake.detach()
        on_real = torch.mean(torch.abs(judge(real) - real))
        on_fake = torch.mean(torch.abs(judge(still) - still))
        (on_real - k * on_fake).backward()
        of_judge.step()
        gap = GAMMA * on_real.item() - on_fake.item()
        k = min(max(k + K_RATE * gap, 0.0), 1.0)
        return fooling, on_real, on_fake

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
    optimizer = _adam(encode, generate)

    def create(real):
        z = _noise()
        optimizer.zero_grad()
        code, fake = encode(real), generate(z)
        again, back = generate(code), encode(fake)
        loss = (
            a_rx * F.l1_loss(again, real)
            + a_rz * F.mse_loss(back, z)
            + a_x * (_bce(judge(fake), 1.0) + _bce(judge(again), 1.0))
            + a_z
            * (_bce(judge_codes(code), 1.0) + _bce(judge_codes(back), 1.0))
        )
        loss.backward()
        optimizer.step()
        return loss

    return nets, create


def aegan(size):
    nets, create = _aegan(size)
    encode, generate, judge, judge_codes = nets
    of_judge, of_judge_codes = _adam(judge), _adam(judge_codes)

    def learn(net, optimizer, inputs, label):
        optimizer.zero_grad()
        loss = _bce(net(inputs), label)
        loss.backward()
        optimizer.step()
        return loss

    def cycle(*real):
        with torch.no_grad():
            fake, again = generate(_noise()), generate(encode(real[3]))
        judged = ((real[0], REAL), (fake, FAKE), (real[2], REAL), (again, FAKE))
        on_data = [learn(judge, of_judge, *pair) for pair in judged]
        with torch.no_grad():
            code, back = encode(real[1]), encode(generate(_noise()))
        judged = (
            (_noise(), REAL),
            (code, FAKE),
            (_noise(), REAL),
            (back, FAKE),
        )
        on_codes = [
            learn(judge_codes, of_judge_codes, *pair) for pair in judged
        ]
        return *on_data, *on_codes, *map(create, real)

    return nets, cycle, CYCLE


def aegan_one_step_each(size):
    nets, create = _aegan(size)
    encode, generate, judge, judge_codes = nets
    optimizer = _adam(judge, judge_codes)

    def step(real):
        z = _noise()
        with torch.no_grad():
            code, fake = encode(real), generate(z)
            again, back = generate(code), encode(fake)
        optimizer.zero_grad()
        loss = 2 * _bce(judge(real), REAL) + 2 * _bce(judge_codes(z), REAL)
        loss = loss + _bce(judge(fake), FAKE) + _bce(judge(again), FAKE)
        loss = loss + _bce(judge_codes(code), FAKE)
        loss = loss + _bce(judge_codes(back), FAKE)
        loss.backward()
        optimizer.step()
        return loss, create(real)

    return nets, step, 1


#: Each gives the networks, a step, and the batches that it takes.
_LOOPS = {
    "dcgan": dcgan,
    "began": began,
    "aegan": aegan,
    "aegan, one step each": aegan_one_step_each,
}


def build(game, size, steps):
    torch.manual_seed(0)
    nets, step, taken = _LOOPS[game](size)
    data = torch.from_numpy(images(size, steps, "first"))
    batches = data.to(memory_format=torch.channels_last).split(BATCH)

    def run(batches):
        for i in range(0, len(batches), taken):
            losses = step(*batches[i : i + taken])
        return [float(loss.detach()) for loss in losses]

    def turn():
        run(batches[:WARM])
        start = time.perf_counter()
        losses = run(batches[WARM:])
        return time.perf_counter() - start, losses

    return networks.count(*nets), turn


if __name__ == "__main__":
    serve(build)
