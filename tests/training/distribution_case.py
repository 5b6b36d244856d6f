"""Ten steps of some recipes on several devices; run as a script to a file.

    KERAS_BACKEND=jax python distribution_case.py 8 data out.npz gan began
    KERAS_BACKEND=torch torchrun --nproc-per-node 2 distribution_case.py \\
        2 data out.npz gan began

On JAX and TensorFlow the devices are virtual ones, on PyTorch processes.
"""

import contextlib
import dataclasses
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = (
        f"--xla_force_host_platform_device_count={sys.argv[1]}"
    )

import keras
import numpy as np
from cases import CASES
from keras import distribution

if keras.backend.backend() == "torch":
    import torch
elif keras.backend.backend() == "tensorflow":
    import tensorflow as tf

#: On JAX a batch divides evenly among the devices; elsewhere it need not.
STEPS, BATCH_SIZE = 10, 16 if keras.backend.backend() == "jax" else 15


def _distribute(kind, devices):
    if "RANK" in os.environ:
        torch.distributed.init_process_group("gloo")
    elif kind == "data":
        distribution.set_distribution(distribution.DataParallel())
    elif kind == "model":
        mesh = distribution.DeviceMesh((1, devices), ("batch", "model"))
        layout = distribution.LayoutMap(mesh)
        layout[".*hidden.*kernel"] = (None, "model")
        distribution.set_distribution(
            distribution.ModelParallel(layout_map=layout)
        )


def replicas(count):
    """A function to the scope of a strategy of virtual devices."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    tf.config.set_logical_device_configuration(cpu, parts)
    devices = [f"CPU:{i}" for i in range(count)]
    return tf.distribute.MirroredStrategy(devices).scope


def trained(name, place, start=None, end=None):
    """All variables and the last logs after ten steps of `CASE+UPDATES`.

    They start from a file of weights, and end in one, where these are named.
    """
    name, _, updates = name.partition("+")
    case = CASES[name]
    if updates:
        options = {**case.options, "updates": updates}
        case = dataclasses.replace(case, options=options)
    with place():
        model = case.build()
    # Adam's usual epsilon lets it step by gradients that are mere rounding.
    model.compile(
        keras.optimizers.Adam(1e-3, epsilon=1e-3, global_clipnorm=0.1)
    )
    if start:
        model.load_weights(start)
    seed = int(os.environ.get("DATA_SEED", 5))
    data = case.data(STEPS * BATCH_SIZE, seed)
    logs = model.fit(data, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
    if end and os.environ.get("RANK", "0") == "0":
        model.save_weights(end)
    found = {f"{v.path} {i}": v.numpy() for i, v in enumerate(model.variables)}
    return found | {f"log {k}": v[-1] for k, v in logs.history.items()}


def main(devices, kind, output, *names):
    start = os.environ.get("START")
    end = Path(output).with_suffix(".weights.h5")
    _distribute(kind, int(devices))
    place = contextlib.nullcontext
    if kind == "replicas":
        place = replicas(int(devices))
    elif kind == "workers":  # Of which TF_CONFIG tells.
        place = tf.distribute.MultiWorkerMirroredStrategy().scope
    found = {
        f"{name}: {key}": value
        for name in names
        for key, value in trained(
            name, place, start, end if name == names[0] else None
        ).items()
    }
    if os.environ.get("RANK", "0") == "0":
        np.savez(output, **found)
    if "RANK" in os.environ:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
