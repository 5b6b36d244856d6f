"""`keras_aegan.AEGAN` and a plain `fit`, with the same networks and losses.

No averages of the weights, which nobody else keeps.
"""

import time

import keras
import networks
from turns import (
    AEGAN,
    BATCH,
    BETA,
    FAKE,
    GAMMA,
    K_RATE,
    RATE,
    REAL,
    WARM,
    images,
    serve,
)

import keras_aegan
from keras_aegan import losses


def dcgan(size):
    return {
        "generator": networks.generator(size),
        "discriminator": networks.discriminator(size),
        "losses": [losses.DataAdversarialLoss("non_saturating")],
    }


def began(size):
    return {
        "generator": networks.generator(size),
        "discriminator": networks.autoencoder(size),
        "losses": [losses.EquilibriumEnergyLoss(GAMMA, K_RATE)],
    }


def vae_gan(size):
    """As pythae's: samples of the prior are judged, reconstructions are not."""
    features = losses.FeatureReconstructionLoss
    return {
        "generator": networks.generator(size),
        "encoder": networks.encoder(size, distribution=True),
        "discriminator": networks.discriminator(size, features=True),
        "losses": [
            losses.KLDivergenceLoss(),
            features("gaussian", players=("encoder",)),
            features(
                "gaussian",
                weight=1e-2,
                players=("generator",),
                name="generator_feature_reconstruction",
            ),
            losses.DataAdversarialLoss(
                "non_saturating", players=("generator",)
            ),
        ],
    }


def aegan(size):
    a_rx, a_rz, a_x, a_z = AEGAN
    game = {"cycle_weight": 1.0, "real_label": REAL, "fake_label": FAKE}
    return {
        "generator": networks.generator(size),
        "encoder": networks.encoder(size),
        "discriminator": networks.discriminator(size),
        "latent_discriminator": networks.latent_discriminator(),
        "losses": [
            losses.DataAdversarialLoss("non_saturating", a_x, **game),
            losses.CodeAdversarialLoss("non_saturating", a_z, **game),
            losses.ReconstructionLoss("mae", weight=a_rx),
            losses.LatentReconstructionLoss("mse", weight=a_rz),
        ],
    }


_GAMES = {"dcgan": dcgan, "began": began, "vae_gan": vae_gan, "aegan": aegan}


class _Clock(keras.callbacks.Callback):
    """Seconds from the end of the steps that are not timed to the last's.

    It waits for the logs at both, since a backend may still be computing them.
    """

    def on_train_batch_end(self, batch, logs=None):
        if batch == WARM - 1:
            self.start = self._now(logs)

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = self._now(logs) - self.start

    def _now(self, logs):
        keras.tree.map_structure(float, logs)
        return time.perf_counter()


def build(game, size, steps, updates):
    keras.utils.set_random_seed(0)
    model = keras_aegan.AEGAN(
        **_GAMES[game](size),
        updates=updates,
        ema_momentum=None,
        data_range=(-1, 1),
        data_dtype="float32",
        optimizer=keras.optimizers.Adam(RATE, BETA),
        seed=0,
    )
    data, clock = images(size, steps, "last"), _Clock()
    # PyTorch records a step that was made 16 times.
    model.fit(data[: WARM * BATCH], batch_size=BATCH, epochs=4, verbose=0)

    def turn():
        history = model.fit(
            data, batch_size=BATCH, callbacks=[clock], verbose=0
        )
        return clock.seconds, [v[-1] for v in history.history.values()]

    return sum(net.count_params() for net in model.networks.values()), turn


if __name__ == "__main__":
    serve(build)
