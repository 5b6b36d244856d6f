"""Many devices train the model that one trains, on the same global batch."""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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


def _trained(output, devices, kind, names, start="", **environment):
    """Variables and logs after training on so many devices."""
    script = FOLDER / "distribution_case.py"
    command = [sys.executable]
    if kind == "processes":
        command += ["-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(devices)]
    paths = f"{FOLDER}:{FOLDER.parent / 'recipes'}"
    environment |= {"PYTHONPATH": paths, "START": str(start)}
    subprocess.run(
        [*command, script, str(devices), kind, output, *names],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        check=True,
        timeout=600,
    )
    return np.load(output)


def _assert_goes_on(folder, devices, kind, alone, together):
    """Weights of one are loaded by many, and the other way round."""
    names = ("aegan",)
    _assert_as_one(
        _trained(folder / "a.npz", 1, "none", names, start=together),
        _trained(folder / "b.npz", devices, kind, names, start=alone),
    )


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


WEIGHTS = ".weights.h5"

if keras.backend.backend() == "jax":

    @pytest.fixture(scope="module")
    def folder(tmp_path_factory):
        return tmp_path_factory.mktemp("alone")

    @pytest.fixture(scope="module")
    def alone(folder):
        return _trained(folder / "one.npz", 1, "none", NAMES[:5])

    @pytest.mark.parametrize(("devices", "kind"), [(8, "data"), (2, "model")])
    def test_many_devices_are_as_one(folder, alone, devices, kind):
        output = folder / f"{kind}.npz"
        together = _trained(output, devices, kind, NAMES[:5])
        _assert_as_one(alone, together)

    @pytest.mark.parametrize(("devices", "kind"), [(4, "data"), (2, "model")])
    def test_weights_move_between_them(folder, alone, devices, kind):
        one, many = folder / "one", folder / f"{kind}"
        _assert_goes_on(
            folder,
            devices,
            kind,
            one.with_suffix(WEIGHTS),
            many.with_suffix(WEIGHTS),
        )

else:
    KIND = {"torch": "processes", "tensorflow": "replicas"}[
        keras.backend.backend()
    ]

    def test_two_are_as_one(tmp_path):
        names = NAMES
        if KIND == "processes":  # Nothing is compiled: each recipe.
            names = ["aegan", *(n for n in {*CASES, *NAMES} if n != "aegan")]
        one, two = tmp_path / "one.npz", tmp_path / "two.npz"
        alone = _trained(one, 1, "none", names)
        together = _trained(two, 2, KIND, names)
        _assert_as_one(alone, together)
        files = one.with_suffix(WEIGHTS), two.with_suffix(WEIGHTS)
        _assert_goes_on(tmp_path, 2, KIND, *files)

    if KIND == "replicas":

        def test_workers_are_as_one(tmp_path):
            names = NAMES[:2]
            alone = _trained(tmp_path / "one.npz", 1, "none", names)
            workers = [f"localhost:{port}" for port in _free_ports(2)]
            configs = [
                json.dumps(
                    {
                        "cluster": {"worker": workers},
                        "task": {"type": "worker", "index": index},
                    }
                )
                for index in (0, 1)
            ]
            with ThreadPoolExecutor() as pool:
                runs = [
                    pool.submit(
                        _trained,
                        tmp_path / f"{index}.npz",
                        2,
                        "workers",
                        names,
                        TF_CONFIG=config,
                    )
                    for index, config in enumerate(configs)
                ]
            for run in runs:
                _assert_as_one(alone, run.result())


def _free_ports(count):
    """Ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
