"""Processes of PyTorch that train together: data, callbacks, and a kill."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np

if keras.backend.backend() == "torch":
    import processes_case
    from cases import CASES
    from processes_case import BATCH_SIZE, ROWS, state

    FOLDER = Path(processes_case.__file__).parent

    def _started(part, folder):
        command = [sys.executable, "-m", "torch.distributed.run"]
        command += ["--nproc-per-node", "2", "--standalone"]
        paths = f"{FOLDER}:{FOLDER.parent / 'recipes'}"
        return subprocess.run(
            [*command, FOLDER / "processes_case.py", part, folder],
            env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )

    def _run(part, folder):
        """The states of both processes in the end, and what they said."""
        said = _started(part, folder)
        assert said.returncode == 0, said.stderr
        found = [np.load(folder / f"{part}_{rank}.npz") for rank in (0, 1)]
        return *found, said

    def _assert_equal(a, b):
        assert set(a) == set(b)
        different = [k for k in a if not np.array_equal(a[k], b[k])]
        assert not different, f"{len(different)} of {len(list(a))} differ"

    def test_the_first_process_decides(tmp_path):
        first, second, said = _run("callbacks", tmp_path)
        _assert_equal(first, second)
        # Stopped in the second of nine epochs, of five steps each.
        places = [v.path for v in CASES["aegan"].build().variables]
        assert first[str(places.index("aegan/step"))] == 8
        assert (tmp_path / "called_0").exists()
        assert not (tmp_path / "called_1").exists()
        assert said.stdout.count("Epoch 1/9") == 1  # One progress bar.

    def test_a_callback_does_not_wait_for_processes_without_it(tmp_path):
        said = _started("evaluated", tmp_path)
        assert said.returncode != 0
        assert "`evaluate` needs all processes" in said.stderr

    def test_a_distributed_sampler_divides_the_data(tmp_path):
        first, second, _ = _run("loader", tmp_path)
        _assert_equal(first, second)
        # The sampler deals rows out one by one; a batch is both shares.
        data = CASES["wae_mmd"].data(ROWS)
        shares = (data[0::2], data[1::2])
        rows = BATCH_SIZE // 2
        batches = [
            share[i : i + rows]
            for i in range(0, len(data) // 2, rows)
            for share in shares
        ]
        together = np.concatenate(batches)
        model = CASES["wae_mmd"].build()
        model.fit(
            together,
            batch_size=BATCH_SIZE,
            epochs=2,
            shuffle=False,
            validation_data=together,
            validation_batch_size=BATCH_SIZE,
            verbose=0,
        )
        for key, value in state(model).items():
            np.testing.assert_allclose(first[key], value, atol=1e-5)
        for key, value in model.history.history.items():
            np.testing.assert_allclose(first[f"log {key}"], value, rtol=1e-5)

    def test_a_killed_process_costs_nothing(tmp_path):
        whole, _, _ = _run("whole", tmp_path)
        stopped = _started("killed", tmp_path)
        assert stopped.returncode != 0
        assert "Signal 9 (SIGKILL)" in stopped.stderr
        first, second, _ = _run("killed", tmp_path)
        _assert_equal(first, second)
        # The epoch before was not trained again.
        assert len(first["log encoder_loss"]) == 2
        assert len(whole["log encoder_loss"]) == 3
        assert set(first) == set(whole)
        for key in whole:
            if not key.startswith("log"):
                assert np.array_equal(first[key], whole[key])
