"""A training that was stopped ends where it would have ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import resume_case


def _run(part, folder):
    script = Path(resume_case.__file__)
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, script, part, folder], env=environment
    ).returncode


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert _run("whole", folder) == 0
    return np.load(folder / "whole.npz")


def _assert_same(folder, part, whole):
    resumed = np.load(folder / f"{part}.npz")
    assert set(resumed.files) == set(whole.files)
    different = [
        name
        for name in whole.files
        if not np.array_equal(resumed[name], whole[name])
    ]
    assert not different, f"{len(different)} of {len(whole.files)} differ"


def test_save_and_load_in_a_new_process(tmp_path, whole):
    assert _run("first", tmp_path) == 0
    assert _run("second", tmp_path) == 0
    _assert_same(tmp_path, "second", whole)


def test_backup_and_restore_after_sigkill(tmp_path, whole):
    assert _run("killed", tmp_path) == -signal.SIGKILL
    assert _run("restored", tmp_path) == 0
    _assert_same(tmp_path, "restored", whole)
