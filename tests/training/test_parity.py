"""The backends agree on every number of a step."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import parity_case
import pytest


@pytest.mark.parametrize("case", parity_case.CASES)
def test_agrees_with_another_backend(case, tmp_path):
    # A ring: each backend's suite compares with the next one's.
    other = {"tensorflow": "jax", "jax": "torch", "torch": "tensorflow"}
    output = tmp_path / "other.npz"
    environment = os.environ | {
        "KERAS_BACKEND": other[keras.backend.backend()],
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    script = Path(parity_case.__file__)
    subprocess.run(
        [sys.executable, script, case, output], env=environment, check=True
    )
    ours, theirs = parity_case.results(case), np.load(output)

    assert set(ours) == set(theirs.files)
    # A relativistic score's bias has no gradient but rounding: what is that
    # small is compared at the scale of its player's largest gradient.
    largest = {}
    for name in ours:
        owner = name.rpartition("/")[0] if "gradient" in name else name
        largest[owner] = max(
            largest.get(owner, 1e-6), np.abs(theirs[name]).max()
        )
    worst = {}
    for name, value in ours.items():
        owner = name.rpartition("/")[0] if "gradient" in name else name
        scale = np.abs(theirs[name]).max()
        if scale < 1e-6 * largest[owner]:
            scale = largest[owner]
        kind = "adam" if name.startswith("adam") else "rest"
        error = np.abs(value - theirs[name]).max() / scale
        worst[kind] = max(worst.get(kind, (0, "")), (error, name))
    assert worst["rest"][0] < 1e-4, worst
    assert worst["adam"][0] < 1e-3, worst
    penalties = [n for n in ours if n.endswith(("term/r1", "term/r2"))]
    assert len(penalties) == 4 and all(ours[n] > 0 for n in penalties)
