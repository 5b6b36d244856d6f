"""How fast, and in how much memory, a preset of 100 MB loads.

    KERAS_BACKEND=jax python tests/benchmarks/load_weights.py

Each in a process of its own, in turns, from files that the system has in its
memory, after what a process does once (a small preset is loaded first):

* `from_preset`: from the Hub's cache, where the files are since an earlier
  process loaded and checked them: builds the model, maps the files, and looks
  at each page of every variable, which is when it is read;
* `from_folder`: the same from a folder, whose files' SHA-256 is checked too;
* `build`: from the cache, a preset of 4 MB with as many layers: what building
  takes of it;
* `safetensors`: the same tensors read with safetensors alone
  (`safetensors.numpy.load_file`).

And the most memory that each takes beyond what the process had, as a share of
the weights' size. The Hub is the tests' own (`tests/hub/hub_server.py`).
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
import safetensors.numpy

from keras_aegan import AEGAN, losses, networks

WAYS = ("from_preset", "from_folder", "build", "safetensors")
HUB = pathlib.Path(__file__).resolve().parents[1] / "hub"


def make(megabytes, layers=6):
    """A model of dense layers, whose weights take about so much."""
    # A generator, an encoder and an average of each, whose layers have
    # width * width values of 4 bytes.
    width = int((megabytes * 1e6 / (4 * 4 * layers)) ** 0.5)
    shape, size = (width,), (width,) * (layers - 1)
    return AEGAN(
        generator=networks.dense_generator(shape, width, size),
        encoder=networks.dense_encoder(shape, width, size),
        losses=[losses.ReconstructionLoss("mse")],
    )


def weights_of(folder):
    return sorted(folder.glob("*.safetensors"))


def resident(field):
    """A line of the process's memory, in bytes."""
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = [x for x in status.splitlines() if x.startswith(field)]
    return int(line.split()[1]) * 1024


def cached(name):
    return AEGAN.from_preset(f"hf://me/{name}", local_files_only=True)


def look_at(variable):
    """Reads a value of each page, without a copy."""
    value = variable.value
    if keras.backend.backend() == "tensorflow":
        value = value.read_value()
    elif keras.backend.backend() == "torch":
        value = value.detach()
    return np.from_dlpack(value).reshape(-1)[::1024].sum()


def load(way, folder):
    """Prints the seconds and the bytes that one way of loading takes."""
    small = cached("small")
    small.generate(1)
    for variable in small.variables:
        look_at(variable)
    before = resident("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # Resets the peak.
    begin = time.perf_counter()
    if way == "safetensors":
        kept = [
            safetensors.numpy.load_file(path)
            for path in weights_of(folder / "large")
        ]
    elif way == "from_folder":
        kept = AEGAN.from_preset(folder / "large")
    else:
        # As many layers as the large one has, and hardly any weights.
        kept = cached("large" if way == "from_preset" else "small")
        for variable in kept.variables:
            look_at(variable)
    print(time.perf_counter() - begin, resident("VmHWM") - before)
    del kept


def fill_cache(folder):
    """Publishes both presets and loads them, in a process of its own."""
    sys.path.insert(0, str(HUB))
    from hub_server import HubServer

    with HubServer(users={"hf_me": "me"}) as server:
        code = (
            "from keras_aegan import AEGAN, upload_preset\n"
            "for name in ('large', 'small'):\n"
            f"    upload_preset(f'hf://me/{{name}}', f'{folder}/{{name}}')\n"
            "    AEGAN.from_preset(f'hf://me/{name}')\n"
        )
        where = {"HF_ENDPOINT": server.url, "HF_TOKEN": "hf_me"}
        where |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        subprocess.run(
            [sys.executable, "-c", code], check=True, env=os.environ | where
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--load", nargs=2)
    args = parser.parse_args()
    if args.load:
        return load(args.load[0], pathlib.Path(args.load[1]))
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        make(args.megabytes).save_to_preset(folder / "large")
        make(4).save_to_preset(folder / "small")
        os.environ |= {"HF_HUB_CACHE": scratch + "/cache"}
        os.environ |= {"HF_HUB_DISABLE_XET": "1"}
        fill_cache(folder)
        size = sum(p.stat().st_size for p in weights_of(folder / "large"))
        seconds, peaks = ({way: [] for way in WAYS} for _ in range(2))
        for _ in range(args.turns):
            for way in WAYS:
                command = [sys.executable, __file__, "--load", way, scratch]
                output = subprocess.run(
                    command, check=True, capture_output=True, text=True
                ).stdout.split()
                seconds[way].append(float(output[-2]))
                peaks[way].append(int(output[-1]) / size)
    print(f"{keras.backend.backend()}: {size / 1e6:.1f} MB of weights")
    for way in WAYS:
        found = [1000 * s for s in seconds[way]]
        print(
            f"{way:12} {statistics.median(found):5.0f} ms "
            f"({min(found):.0f} to {max(found):.0f}), peak memory "
            f"{statistics.median(peaks[way]):.2f} of the weights' size"
        )
    pairs = zip(seconds["safetensors"], seconds["from_preset"], strict=True)
    ratios = [alone / whole for alone, whole in pairs]
    print(
        "speed of from_preset as a share of safetensors': "
        f"{statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )
    return None


if __name__ == "__main__":
    main()
