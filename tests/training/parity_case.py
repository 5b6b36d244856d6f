"""One game on given weights, data and noise; run as a script to a file.

KERAS_BACKEND=jax python parity_case.py residual out.npz
"""

import sys

import keras
import numpy as np

from keras_aegan import AEGAN, losses, networks

CASES = ("residual", "dense")


def _seats(case):
    if case == "residual":
        shape, latent = (16, 16, 1), 4
        return {
            "generator": networks.residual_generator(shape, latent, width=4),
            "encoder": networks.residual_encoder(shape, latent, width=4),
            "discriminator": networks.residual_discriminator(shape, width=4),
        }, latent
    shape, latent = (6,), 3
    return {
        "generator": networks.dense_generator(shape, latent, (16,)),
        "encoder": networks.dense_encoder(shape, latent, (16,)),
        "discriminator": networks.dense_discriminator(shape, (16, 16)),
    }, latent


def _set_weights(model):
    random = np.random.default_rng(7)
    for network in model.networks.values():
        for variable in network.variables:
            scale = 0.5 / np.sqrt(max(np.prod(variable.shape[:-1]), 1))
            variable.assign(random.normal(0, scale, variable.shape))


def build(case, formulation="relativistic", interval=1, **kwargs):
    """A model with every loss of the package, on fixed weights and noise."""
    seats, latent = _seats(case)
    on_codes = {"critic": "latent_discriminator"}
    model = AEGAN(
        **seats,
        latent_discriminator=networks.dense_discriminator((latent,), (16,)),
        losses=[
            losses.DataAdversarialLoss(formulation, cycle_weight=0.5),
            losses.CodeAdversarialLoss(formulation, 0.7, cycle_weight=0.3),
            losses.R1Penalty(3.0, interval=interval),
            losses.R2Penalty(2.0, interval=interval),
            losses.R1Penalty(1.0, **on_codes),
            losses.R2Penalty(0.5, **on_codes),
            losses.ReconstructionLoss("mae", weight=2.0),
            losses.LatentReconstructionLoss("mse", weight=0.6),
        ],
        data_range=(0, 1),
        data_dtype="float32",
        **kwargs,
    )
    _set_weights(model)
    random = np.random.default_rng(11)
    data = random.uniform(0, 1, (8, *model.data_shape)).astype("float32")
    noise = random.normal(size=(8, latent)).astype("float32")
    model._draw = lambda count: keras.ops.convert_to_tensor(noise)
    return model, data, noise


def gradients(model, data):
    """Every term, player's loss and player's gradient on one batch."""
    model.compile("sgd")
    data = model.spec.to_networks(data)
    totals, values, found = model._gradients(
        lambda: model._pay(data, model.players, model.networks, True),
        model._groups(model.players),
    )
    result = {f"loss/{p}": t for p, t in totals.items()}
    result |= {f"term/{t}": v for t, v in values.items()}
    for player in model.players:
        for i, gradient in enumerate(found[player]):
            result[f"gradient/{player}/{i}"] = gradient
    return {k: keras.ops.convert_to_numpy(v) for k, v in result.items()}


def _updated(case, optimizer, **kwargs):
    model, data, _ = build(case, interval=2, **kwargs)
    model.compile(optimizer)
    for _ in range(3):
        model.train_on_batch(data)
    return {
        f"{name}/{i}": variable.numpy()
        for name, network in model.networks.items()
        for i, variable in enumerate(network.variables)
    }


def results(case):
    """All that the backends have to agree on."""
    found = {}
    for formulation in ("relativistic", "non_saturating"):
        model, data, _ = build(case, formulation)
        for name, value in gradients(model, data).items():
            found[f"{formulation}/{name}"] = value
    sgd = keras.optimizers.SGD(0.05)
    for name, value in _updated(case, sgd).items():
        found[f"sgd/{name}"] = value
    adam = keras.optimizers.Adam(1e-3, beta_1=0.5)
    for name, value in _updated(case, adam, updates="alternating").items():
        found[f"adam/{name}"] = value
    return {name: np.asarray(value) for name, value in found.items()}


if __name__ == "__main__":
    np.savez(sys.argv[2], **results(sys.argv[1]))
