"""Every test starts from the same seed, in float32, with tiny models."""

import time

import keras
import numpy as np
import pytest

from keras_aegan import AEGAN, losses, networks

#: Not square, so that no mistake about axes goes unnoticed.
SHAPE = (6, 4, 1)
LATENT = 4


def pytest_addoption(parser):
    parser.addoption(
        "--every-recipe",
        action="store_true",
        help="train every recipe on many devices, which takes long to compile",
    )


@pytest.fixture(autouse=True)
def same_start():
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def backend():
    return keras.backend.backend()


@pytest.fixture
def images():
    """A function that makes that many random images, `uint8`."""

    def make(count=16, shape=SHAPE, seed=0):
        rng = np.random.default_rng(seed)
        return rng.integers(0, 256, (count, *shape), dtype="uint8")

    return make


@pytest.fixture
def tiny_networks():
    """A function that makes a dense network for each of four seats."""

    def make(shape=SHAPE, latent_dim=LATENT):
        return {
            "generator": networks.dense_generator(shape, latent_dim, (8,)),
            "encoder": networks.dense_encoder(shape, latent_dim, (8,)),
            "discriminator": networks.dense_discriminator(shape, (8,)),
            "latent_discriminator": networks.dense_discriminator(
                (latent_dim,), (8,), name="latent_discriminator"
            ),
        }

    return make


@pytest.fixture
def tiny_model(tiny_networks):
    """A function that makes a model; `seats` leaves the others empty.

    Its losses are all that these seats allow, unless they are given.
    """

    def make(
        seats=("encoder", "discriminator", "latent_discriminator"),
        shape=SHAPE,
        latent_dim=LATENT,
        penalty_interval=1,
        **kwargs,
    ):
        nets = tiny_networks(shape, latent_dim)
        nets = {s: n for s, n in nets.items() if s in ("generator", *seats)}
        nets.update({k: kwargs.pop(k) for k in tuple(kwargs) if k in nets})
        if "losses" not in kwargs:
            lazy = {"interval": penalty_interval}
            game = []
            if "discriminator" in seats:
                game += [
                    losses.DataAdversarialLoss(),
                    losses.R1Penalty(0.1, **lazy),
                    losses.R2Penalty(0.1, **lazy),
                ]
            if "encoder" in seats:
                game += [
                    losses.ReconstructionLoss("mae"),
                    losses.LatentReconstructionLoss("mse"),
                ]
            if {"encoder", "latent_discriminator"} <= set(seats):
                game.append(losses.CodeAdversarialLoss(weight=0.1))
            kwargs["losses"] = game
        kwargs.setdefault("seed", 0)
        return AEGAN(**nets, **kwargs)

    return make


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub that the client, logged in as `me`, takes for the real one."""
    from hub_server import HubServer
    from huggingface_hub import constants

    with HubServer(users={"hf_me": "me", "hf_you": "you"}) as server:
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        cache = str(tmp_path / "cache")
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", cache)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        # And for the processes that a test starts.
        monkeypatch.setenv("HF_TOKEN", "hf_me")
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_CACHE", cache)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        yield server


@pytest.fixture
def naps(monkeypatch):
    """The seconds for which the Hub's client would have slept."""
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    return naps
