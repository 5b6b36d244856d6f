"""Many devices train the model that one trains, on the same global batch.

PyTorch trains every recipe here. The others, which compile each, train some,
and all with `--every-recipe`, which takes half an hour on JAX.
"""

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
        timeout=60 * len(names) + 300,
    )
    with np.load(output) as found:
        return dict(found)


def _assert_goes_on(folder, devices, kind, alone, together):
    """Weights of one are loaded by many, and the other way round."""
    names = ("aegan",)
    one = _trained(folder / "a.npz", 1, "none", names, start=together)
    many = _trained(folder / "b.npz", devices, kind, names, start=alone)
    assert not _apart(one, many)


def _assert_as_one(folder, devices, kind, names, alone):
    """Lets so many devices end where one did.

    An absolute value or a leaky ReLU bends, and where a sample lies on the
    bend, rounding sends it another way. A wrong sum is wrong on all data: what
    differs is trained on others too.
    """
    together = _trained(folder / f"{kind}.npz", devices, kind, names)
    if apart := _apart(alone, together):
        names = list(dict.fromkeys(name.split(":")[0] for name in apart))
        again = [
            _trained(folder / f"again_{of}.npz", of, how, names, DATA_SEED="6")
            for of, how in ((1, "none"), (devices, kind))
        ]
        assert not _apart(*again), apart


def _apart(alone, together):
    """What differs by more than 1e-5 of the largest value of its array."""
    assert set(together) == set(alone)
    apart = {}
    for name in alone:
        one = alone[name].astype("float64")
        largest = np.abs(one[np.isfinite(one)]).max(initial=0)
        try:
            np.testing.assert_allclose(
                together[name], one, atol=1e-5 * largest + 1e-7
            )
        except AssertionError as error:
            apart[name] = str(error)
    return apart


WEIGHTS = ".weights.h5"
KIND = {"jax": "data", "torch": "processes", "tensorflow": "replicas"}[
    keras.backend.backend()
]


@pytest.fixture(scope="module")
def every_recipe(request):
    return request.config.getoption("--every-recipe")


@pytest.fixture(scope="module")
def names(every_recipe):
    """The cases to train, of which the first one's weights are kept."""
    if every_recipe or KIND == "processes":  # PyTorch compiles nothing.
        return tuple(dict.fromkeys(("aegan", *CASES, *NAMES)))
    return NAMES[:5] if KIND == "data" else NAMES


if KIND == "data":

    @pytest.fixture(scope="module")
    def folder(tmp_path_factory):
        return tmp_path_factory.mktemp("alone")

    @pytest.fixture(scope="module")
    def alone(folder, names):
        return _trained(folder / "one.npz", 1, "none", names)

    def test_divided_data_are_as_one(folder, alone, names, every_recipe):
        for devices in (2, 4, 8) if every_recipe else (8,):
            _assert_as_one(folder, devices, "data", names, alone)

    def test_divided_weights_are_as_one(folder, alone):
        # Of networks whose layers two devices can halve.
        names = NAMES[:5]
        of_them = {
            key: value
            for key, value in alone.items()
            if key.split(":")[0] in names
        }
        _assert_as_one(folder, 2, "model", names, of_them)

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

    def test_two_are_as_one(tmp_path, names):
        alone = _trained(tmp_path / "one.npz", 1, "none", names)
        _assert_as_one(tmp_path, 2, KIND, names, alone)
        files = [tmp_path / f"{name}{WEIGHTS}" for name in ("one", KIND)]
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
                assert not _apart(alone, run.result())


def _free_ports(count):
    """Ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
