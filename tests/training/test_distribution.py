"""Many devices train the model that one trains, on the same global batch."""

import os
import subprocess
import sys
from pathlib import Path

import distribution_case
import keras
import numpy as np
import pytest
from cases import CASES

FOLDER = Path(distribution_case.__file__).parent
#: A mean, a balance of means, two losses that compare samples, a bounded weight
#: that is no mean, and the ways of moving.
NAMES = (
    "aegan",
    "began",
    "ebgan",
    "gan",
    "wae_mmd",
    "image_autoencoder",
    "aegan+one_stage",
    "ebgan+alternating",
)


def _trained(output, devices, kind, names):
    """Variables and logs after training on so many devices."""
    script = FOLDER / "distribution_case.py"
    command = [sys.executable]
    if kind == "processes":
        command += ["-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(devices)]
    paths = f"{FOLDER}:{FOLDER.parent / 'recipes'}"
    subprocess.run(
        [*command, script, str(devices), kind, output, *names],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=600,
    )
    return np.load(output)


def _assert_as_one(alone, together):
    assert set(together) == set(alone)
    for name in alone:
        largest = np.abs(alone[name].astype("float64")).max(initial=0)
        np.testing.assert_allclose(
            together[name],
            alone[name],
            atol=1e-5 * largest + 1e-7,
            err_msg=name,
        )


if keras.backend.backend() == "jax":

    @pytest.fixture(scope="module")
    def alone(tmp_path_factory):
        output = tmp_path_factory.mktemp("alone") / "one.npz"
        return _trained(output, 1, "none", NAMES[:5])

    @pytest.mark.parametrize(("devices", "kind"), [(8, "data"), (2, "model")])
    def test_many_devices_are_as_one(alone, tmp_path, devices, kind):
        output = tmp_path / "many.npz"
        together = _trained(output, devices, kind, NAMES[:5])
        _assert_as_one(alone, together)

elif keras.backend.backend() == "torch":

    def test_processes_are_as_one(tmp_path):
        # Each recipe: without compilation they are quick.
        names = [*CASES, *(name for name in NAMES if "+" in name)]
        alone = _trained(tmp_path / "one.npz", 1, "none", names)
        together = _trained(tmp_path / "two.npz", 2, "processes", names)
        _assert_as_one(alone, together)

else:

    def test_replicas_are_as_one(tmp_path):
        alone = _trained(tmp_path / "one.npz", 1, "none", NAMES)
        together = _trained(tmp_path / "two.npz", 2, "replicas", NAMES)
        _assert_as_one(alone, together)
