"""The backends agree on every recipe's losses and gradients."""

import os
import subprocess
import sys
from pathlib import Path

import cases
import filelock
import keras
import numpy as np
import pytest

from keras_aegan.training.turns import turns

#: Convolutions compile slowly on JAX: one setting of each recipe of images.
NAMES = [
    name
    for name in cases.CASES
    if not name.startswith(("aegan_classic-", "image_autoencoder-"))
]
OTHER = {"tensorflow": "jax", "jax": "torch", "torch": "tensorflow"}


def results(name):
    """Every term, player's loss and gradient of one step, by name."""
    case = cases.CASES[name]
    model = cases.fix(case.build())
    model.compile("sgd")
    data = model.spec.to_networks(case.data())
    found = {}
    for turn, players in enumerate(turns(model)):
        totals, values, gradients = model._gradients(
            lambda players=players: model._pay(
                data, players, model.networks, True
            ),
            model._groups(players),
        )
        found |= {f"{turn}/term/{k}": v for k, v in values.items()}
        for player in players:
            found[f"{turn}/loss/{player}"] = totals[player]
            for i, gradient in enumerate(gradients[player]):
                found[f"{turn}/gradient/{player}/{i}"] = gradient
    return {k: keras.ops.convert_to_numpy(v) for k, v in found.items()}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Another backend's results: a ring, so that each is compared."""
    # One process serves all of pytest-xdist's workers.
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    output = folder / "recipes_of_another_backend.npz"
    with filelock.FileLock(output.with_suffix(".lock")):
        if not output.exists():
            environment = os.environ | {
                "KERAS_BACKEND": OTHER[keras.backend.backend()],
                "PYTHONPATH": str(Path(cases.__file__).parent),
                "TF_CPP_MIN_LOG_LEVEL": "3",
            }
            subprocess.run(
                [sys.executable, __file__, output], env=environment, check=True
            )
    return np.load(output)


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_another_backend(name, theirs):
    ours = results(name)
    theirs = {
        key.removeprefix(f"{name}:"): theirs[key]
        for key in theirs.files
        if key.startswith(f"{name}:")
    }
    assert set(ours) == set(theirs)
    # What is zero but for rounding is compared at its player's scale.
    largest = {}
    for key in ours:
        owner = key.rpartition("/")[0]
        size = np.abs(theirs[key]).max()
        largest[owner] = max(largest.get(owner, 1e-6), size)
    for key, value in ours.items():
        scale = largest[key.rpartition("/")[0]]
        error = np.abs(value - theirs[key]).max() / scale
        assert error < 1e-4, (key, error)
    moved = {
        key.split("/")[2]
        for key, value in ours.items()
        if "/gradient/" in key and value.any()
    }
    waiting = {"generator"} if name == "magan" else set()
    assert (
        moved
        == {key.split("/")[2] for key in ours if "/loss/" in key} - waiting
    )


if __name__ == "__main__":
    found = {
        f"{name}:{key}": value
        for name in NAMES
        for key, value in results(name).items()
    }
    np.savez(sys.argv[1], **found)
