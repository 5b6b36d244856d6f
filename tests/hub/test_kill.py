"""SIGKILL at random moments: what is left is whole, and the next call succeeds.

Each moment is drawn between the start of the call and a little after its end.
"""

import json
import pathlib
import random
import subprocess
import sys

import kill_case
import numpy as np
import pytest
import safetensors.numpy

from keras_aegan import AEGAN
from keras_aegan.hub import save_preset, upload_preset
from keras_aegan.hub.registry import resolve

pytestmark = pytest.mark.filterwarnings(
    # The client sends LFS files in a way that its HTTP library discourages.
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
TIMES = 20
ADDRESS = "hf://me/mine"


def kernel(model):
    """A value that tells the two models apart."""
    return float(np.asarray(model.generator.get_weights()[0]).ravel()[0])


def weights(folder):
    """All weights of a preset, which are one model's or the other's."""
    return {
        (path.name, name): array.astype("float32").tolist()
        for path in sorted(folder.glob("*.safetensors"))
        for name, array in safetensors.numpy.load_file(path).items()
    }


@pytest.fixture
def presets(make_model, tmp_path):
    return [
        save_preset(make_model(seed=seed), tmp_path / f"{seed}")
        for seed in range(2)
    ]


@pytest.fixture
def kernels(presets):
    return [kernel(AEGAN.from_preset(preset)) for preset in presets]


@pytest.fixture
def kill(presets, request):
    """A function that does an action and kills it at a random moment."""
    # The Hub's address and cache are in the environment.
    if "hub" in request.fixturenames:
        request.getfixturevalue("hub")
    case = [sys.executable, pathlib.Path(kill_case.__file__), *presets]
    moments = random.Random(0)
    with subprocess.Popen(
        case, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"

        def do(*action, delay=None):
            process.stdin.write(json.dumps([*map(str, action), delay]) + "\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        def kill(*action, lasts):
            do(*action, delay=moments.uniform(0, 1.2 * lasts))

        kill.do = do
        yield kill
        process.stdin.close()


def test_saving(kill, presets, kernels, tmp_path):
    folder = tmp_path / "mine"
    kill.do("save", 0, folder)
    states = [weights(preset) for preset in presets]
    lasts = min(kill.do("save", 0, folder) for _ in range(3))
    found = []
    for i in range(TIMES):
        kill("save", (i + 1) % 2, folder, lasts=lasts)
        # What loading begins with: it mends what a killed writer left.
        resolve(folder)
        now = states.index(weights(folder))
        if i % 5 == 0:
            assert kernel(AEGAN.from_preset(folder)) == kernels[now]
        found.append(now == (i + 1) % 2)
    kill.do("save", 0, folder)
    assert kernel(AEGAN.from_preset(folder)) == kernels[0]
    # Some were killed before the new preset was in its place.
    assert 0 < found.count(False) <= TIMES


def test_uploading(hub, kill, presets, kernels, tmp_path):
    upload_preset(ADDRESS, presets[0])
    old = hub.files("me/mine")
    upload_preset(ADDRESS, presets[1])
    states = [old, hub.files("me/mine")]
    lasts = kill.do("upload", presets[0], ADDRESS)
    found = []
    for i in range(TIMES):
        upload_preset(ADDRESS, presets[i % 2])
        assert hub.files("me/mine") == states[i % 2]
        kill("upload", presets[(i + 1) % 2], ADDRESS, lasts=lasts)
        found.append(states.index(hub.files("me/mine")) == (i + 1) % 2)
    assert 0 < found.count(False) <= TIMES
    loaded = AEGAN.from_preset(ADDRESS)
    assert kernel(loaded) in kernels


def test_downloading(hub, kill, presets, kernels, tmp_path):
    upload_preset(ADDRESS, presets[0])
    lasts = kill.do("download", ADDRESS, tmp_path / "first")
    for i in range(TIMES):
        cache = tmp_path / f"{i}"
        kill("download", ADDRESS, cache, lasts=lasts)
        loaded = AEGAN.from_preset(ADDRESS, cache_dir=cache)
        assert kernel(loaded) == kernels[0]
