"""Ten steps of some recipes on virtual devices; run as a script to a file.

KERAS_BACKEND=jax python distribution_case.py 8 data out.npz gan began
"""

import os
import sys

if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = (
        f"--xla_force_host_platform_device_count={sys.argv[1]}"
    )

import keras
import numpy as np
from cases import CASES
from keras import distribution

#: Batches of 16 samples.
STEPS, BATCH_SIZE = 10, 16


def _distribute(kind, devices):
    if kind == "data":
        distribution.set_distribution(distribution.DataParallel())
    elif kind == "model":
        mesh = distribution.DeviceMesh((1, devices), ("batch", "model"))
        layout = distribution.LayoutMap(mesh)
        layout[".*hidden.*kernel"] = (None, "model")
        distribution.set_distribution(
            distribution.ModelParallel(layout_map=layout)
        )


def trained(name):
    """All variables and the last logs after ten steps."""
    model = CASES[name].build()
    model.compile(keras.optimizers.Adam(1e-3))
    data = CASES[name].data(STEPS * BATCH_SIZE)
    logs = model.fit(data, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
    found = {f"{v.path} {i}": v.numpy() for i, v in enumerate(model.variables)}
    return found | {f"log {k}": v[-1] for k, v in logs.history.items()}


def main(devices, kind, output, *names):
    _distribute(kind, int(devices))
    np.savez(
        output,
        **{
            f"{name}: {key}": value
            for name in names
            for key, value in trained(name).items()
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
