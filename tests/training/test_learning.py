"""The game is learnt: 8 modes of a ring of Gaussians, counted."""

import keras
import numpy as np
import pytest

from keras_aegan import AEGAN, losses, networks

_ANGLES = np.arange(8) * np.pi / 4
_CENTRES = 2 * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_SPREAD = 0.1


def _ring(count):
    random = np.random.default_rng(1)
    which = random.integers(0, 8, count)
    noise = random.normal(0, _SPREAD, (count, 2))
    return (_CENTRES[which] + noise).astype("float32")


def _model():
    hidden = (64, 64)
    return AEGAN(
        generator=networks.dense_generator(
            (2,), 2, hidden, output_activation=None
        ),
        encoder=networks.dense_encoder((2,), 2, hidden),
        discriminator=networks.dense_discriminator((2,), hidden),
        losses=[
            losses.DataAdversarialLoss("relativistic"),
            losses.R1Penalty(0.1, interval=2),
            losses.R2Penalty(0.1, interval=2),
            losses.ReconstructionLoss("mse", weight=0.1),
            losses.LatentReconstructionLoss("mse", weight=0.1),
        ],
        ema_momentum=0.99,
        data_range=None,
        data_dtype="float32",
        optimizer=keras.optimizers.Adam(2e-3, beta_1=0.0, beta_2=0.9),
        seed=0,
    )


def _modes(samples):
    """Modes with at least 1 % of the samples within three deviations."""
    distances = np.linalg.norm(samples[:, None] - _CENTRES, axis=-1)
    close = distances.min(axis=1) < 3 * _SPREAD
    counts = np.bincount(distances.argmin(axis=1)[close], minlength=8)
    return int((counts >= len(samples) / 100).sum()), close.mean()


def _trained(frozen=None):
    model = _model()
    if frozen is not None:
        getattr(model, frozen).trainable = False
    model.compile()
    model.fit(_ring(128 * 500), batch_size=128, epochs=3, verbose=0)
    return _modes(model.generate(2000, seed=0, batch_size=500))


def test_all_modes_are_covered():
    modes, close = _trained()
    assert modes == 8
    assert close > 0.6


@pytest.mark.parametrize("frozen", ["generator", "discriminator"])
def test_a_frozen_player_learns_nothing(frozen):
    # The same training, the same count: what the test above proves is lost
    # as soon as one player stands still.
    modes, _ = _trained(frozen)
    assert modes < 8
