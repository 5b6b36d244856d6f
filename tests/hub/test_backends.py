"""Trained here, published, loaded in a new process on the next backend."""

import os
import pathlib
import subprocess
import sys

import backend_case
import keras
import numpy as np
import pytest

from keras_aegan import recipes
from keras_aegan.hub import upload_preset

NEXT = {"tensorflow": "jax", "jax": "torch", "torch": "tensorflow"}


@pytest.mark.filterwarnings(
    # The client sends LFS files in a way that its HTTP library discourages.
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)
@pytest.mark.parametrize("form", ["whole", "shards"])
def test_the_same_outputs(hub, images, tmp_path, form):
    model = recipes.aegan((16, 16, 1), latent_dim=4, width=4, seed=0)
    model.fit(images(32, (16, 16, 1)), batch_size=8, epochs=2, verbose=0)
    if form == "whole":
        upload_preset("hf://me/mine", model)
    else:
        size = 20_000
        folder = model.save_to_preset(tmp_path / "mine", max_shard_size=size)
        upload_preset("hf://me/mine", folder)
        assert sum("-of-" in name for name in hub.files("me/mine")) > 2
    codes = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    np.save(tmp_path / "codes.npy", codes)
    script = pathlib.Path(backend_case.__file__)
    arguments = ["hf://me/mine", tmp_path / "codes.npy", tmp_path / "out.npz"]
    subprocess.run(
        [sys.executable, script, *arguments],
        env=os.environ
        | {
            "KERAS_BACKEND": NEXT[keras.backend.backend()],
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        check=True,
    )
    theirs = np.load(tmp_path / "out.npz")
    for name, ours in backend_case.outputs(model, codes).items():
        scale = np.abs(ours).max()
        assert np.abs(ours - theirs[name]).max() < 1e-5 * scale, name
