"""What `equal_time.py` compares: for each question its methods, by name.

A method is a function of the shape of an image, the seed and the number of
steps that it will train for, which gives an `AEGAN`, or what has a `train` of
its own, `generate` and `reconstruct`.
"""

import functools

import keras
from two_stages import TwoStages

from keras_aegan import AEGAN, networks, recipes
from keras_aegan.losses import (
    CodeAdversarialLoss,
    DataAdversarialLoss,
    MaximumMeanDiscrepancyLoss,
    R1Penalty,
    R2Penalty,
)

_SEATS = ("generator", "encoder", "discriminator", "latent_discriminator")


def _aegan(shape, seed, steps, **options):
    return recipes.aegan(shape, seed=seed, **options)


def _with(**options):
    return functools.partial(_aegan, **options)


def _in(policy):
    """`aegan` of that precision."""

    def build(shape, seed, steps):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            return recipes.aegan(shape, seed=seed)
        finally:
            keras.config.set_dtype_policy(before)

    return build


def _decay(shape, seed, steps):
    return recipes.aegan(shape, seed=seed, decay_steps=steps)


def _changed(change, shape, seed, steps):
    """`aegan` with other losses, which `change` makes of its own."""
    whole = recipes.aegan(shape)
    return AEGAN(
        **{seat: whole.networks[seat] for seat in _SEATS},
        losses=[loss for old in whole.objectives for loss in change(old)],
        optimizer=keras.optimizers.Adam(5e-4, beta_1=0.0, beta_2=0.99),
        seed=seed,
    )


def non_saturating(loss):
    """The game on data with the loss of DCGAN; another loss as it is."""
    is_relativistic = isinstance(loss, DataAdversarialLoss)
    return [DataAdversarialLoss("non_saturating") if is_relativistic else loss]


def unpenalized(loss):
    """Nothing of a penalty; another loss as it is."""
    return [] if isinstance(loss, R1Penalty | R2Penalty) else [loss]


def _discrepancy(shape, seed, steps):
    """`aegan` without its game on codes, but WAE's kernels on them."""
    whole = recipes.aegan(shape)
    losses = [
        loss
        for loss in whole.objectives
        if not isinstance(loss, CodeAdversarialLoss)
        and getattr(loss, "critic", None) != "latent_discriminator"
    ]
    return AEGAN(
        **{seat: whole.networks[seat] for seat in _SEATS[:-1]},
        losses=[*losses, MaximumMeanDiscrepancyLoss(weight=1.0)],
        optimizer=keras.optimizers.Adam(5e-4, beta_1=0.0, beta_2=0.99),
        seed=seed,
    )


def _dcgan(shape, seed, steps):
    """Radford et al. (2015) with this package's DCGAN networks."""
    return AEGAN(
        generator=networks.dcgan_generator(shape, 100),
        discriminator=networks.dcgan_discriminator(shape),
        losses=[DataAdversarialLoss("non_saturating")],
        optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        updates="alternating",
        ema_momentum=None,
        seed=seed,
    )


def _autoencoder(shape, seed, steps):
    """`aegan`'s encoder and generator alone; a mixture makes samples."""
    return recipes.rae(shape, seed=seed)


def _stages(share=0.97):
    """In two stages, of which the game's few steps take a tenth of the time."""

    def build(shape, seed, steps):
        return TwoStages(shape, seed, share)

    return build


def _classic(shape, seed, steps):
    return recipes.aegan_classic(shape, seed=seed)


def _pythae(shape, seed, steps):
    from pythae_vae_gan import PythaeVAEGAN

    return PythaeVAEGAN(shape, seed)


QUESTIONS = {
    "updates": {
        name: _with(updates=name)
        for name in ("one_stage", "simultaneous", "alternating")
    },
    "precision": {
        policy: _in(policy) for policy in ("float32", "mixed_bfloat16")
    },
    "baselines": {
        "aegan": _with(),
        "dcgan": _dcgan,
        "rae + mixture": _autoencoder,
        "rae, mixture_aegan": _stages(),
        "aegan_classic": _classic,
        "pythae VAEGAN": _pythae,
    },
    # In the order of the gain that was expected.
    "ablations": {
        "aegan": _with(),
        "no averages": _with(ema_momentum=None),
        "decay": _decay,
        "non-saturating": functools.partial(_changed, non_saturating),
        "no penalties": functools.partial(_changed, unpenalized),
        "decoupled": _with(reconstruction_gradient="none"),
        "kernels on codes": _discrepancy,
        "augmented": _with(augment=("translation", "cutout")),
        "width 16": _with(width=16),
        "two blocks": _with(blocks=2),
    },
    "stages": {
        "rae, mixture_aegan": _stages(),
        "share 0.5": _stages(0.5),
        "share 0.7": _stages(0.7),
        "share 0.85": _stages(0.85),
        "share 0.93": _stages(0.93),
    },
    "frontier": {
        f"{weight:g} {gradient}": _with(
            reconstruction_weight=weight,
            reconstruction_distance="mae",
            reconstruction_gradient=gradient,
        )
        for gradient in ("joint", "none")
        for weight in (0.3, 1.0, 3.0, 10.0, 30.0)
    },
}
