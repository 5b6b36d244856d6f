"""Many devices train the model that one trains, on the same global batch."""

import os
import subprocess
import sys
from pathlib import Path

import distribution_case
import keras
import numpy as np
import pytest

#: Means, a balance of means, and two losses that compare samples.
NAMES = ("aegan", "began", "ebgan", "gan", "wae_mmd")
FOLDER = Path(distribution_case.__file__).parent


def _environment():
    return os.environ | {"PYTHONPATH": f"{FOLDER}:{FOLDER.parent / 'recipes'}"}


def _trained(output, devices, kind):
    script = FOLDER / "distribution_case.py"
    command = [sys.executable, script, str(devices), kind, output, *NAMES]
    subprocess.run(command, env=_environment(), check=True)
    return np.load(output)


if keras.backend.backend() == "jax":

    @pytest.fixture(scope="module")
    def alone(tmp_path_factory):
        output = tmp_path_factory.mktemp("alone") / "one.npz"
        return _trained(output, 1, "none")

    @pytest.mark.parametrize(("devices", "kind"), [(8, "data"), (2, "model")])
    def test_many_devices_are_as_one(alone, tmp_path, devices, kind):
        together = _trained(tmp_path / "many.npz", devices, kind)
        assert set(together) == set(alone)
        for name in alone:
            largest = np.abs(alone[name].astype("float64")).max()
            np.testing.assert_allclose(
                together[name],
                alone[name],
                atol=1e-5 * largest,
                err_msg=name,
            )

elif keras.backend.backend() == "tensorflow":
    REPLICAS = """
import tensorflow as tf
from cases import CASES

cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
tf.config.set_logical_device_configuration(cpu, two)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = CASES["gan"].build()
    try:
        model.compile()
    except ValueError as error:
        print(error)
"""

    def test_a_strategy_of_several_replicas_is_refused():
        # Devices are divided before TensorFlow starts: in its own process.
        command = [sys.executable, "-c", REPLICAS]
        said = subprocess.run(
            command, env=_environment(), capture_output=True, text=True
        ).stdout
        assert "Received: a strategy of 2 replicas" in said
