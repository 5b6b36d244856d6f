"""Presets from strangers are refused, or load right, and do nothing else.

Each of the 2,000 cases is one seed, which is its name, too:

    KERAS_BACKEND=jax pytest "tests/hub/test_strangers.py::test_stranger[1234]"

After them come the worst cases, one each.
"""

import contextlib
import faulthandler
import importlib
import os
import pickle
import random
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import keras
import ml_dtypes
import mutations
import numpy as np
import pytest
from mutant import Mutant, layers, parse
from watch import STRANGER, watching

from keras_aegan import AEGAN, losses
from keras_aegan.hub import (
    PresetError,
    PresetFormatError,
    PresetWeightsError,
    load_preset,
    save_preset,
)
from keras_aegan.hub.names import parts_of

# What Keras warns of in a stranger's config is no error of this package.
pytestmark = pytest.mark.filterwarnings("ignore")

CASES = 2000
#: What one case may take, in seconds and in bytes. Most take milliseconds, and
#: the largest that is still built, or read, a second and 100 MB.
SECONDS, BYTES = 10, 256 * 2**20
_DTYPES = {
    "F16": "float16",
    "BF16": ml_dtypes.bfloat16,
    "F32": "float32",
    "F64": "float64",
    "I32": "int32",
    "I64": "int64",
    "U32": "uint32",
}


class Overdue(BaseException):
    """Not an `Exception`, which loaders might take for their own."""


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """The files of good presets: whole, in shards, and in training."""
    folder = tmp_path_factory.mktemp("presets")
    variants = {
        "whole": {},
        "shards": {"max_shard_size": 60, "dtype": "bfloat16"},
        "training": {"include_optimizer": True},
    }
    found = []
    for name, options in variants.items():
        path = save_preset(_model(name == "training"), folder / name, **options)
        load_preset(path)  # Whatever this imports is not a stranger's doing.
        found.append({p.name: p.read_bytes() for p in path.iterdir()})
    return found


def _model(is_compiled):
    def network(name, size_in, size_out, norm=False):
        data = x = keras.Input((size_in,), name=f"{name}_in")
        x = keras.layers.Dense(4, activation="relu", name=f"{name}_a")(x)
        if norm:
            x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
        x = keras.layers.Dense(size_out, name=f"{name}_b")(x)
        return keras.Model(data, x, name=name)

    keras.utils.set_random_seed(0)
    model = AEGAN(
        generator=network("generator", 2, 3, norm=is_compiled),
        encoder=network("encoder", 3, 2),
        losses=[losses.ReconstructionLoss("mae")],
        ema_momentum=None if is_compiled else 0.9,
        data_range=(0, 1),
        data_dtype="float32",
        seed=0,
        name="model",
    )
    rng = np.random.default_rng(0)
    for each in model.networks.values():
        for variable in each.weights:
            variable.assign(rng.uniform(0.1, 1, variable.shape))
    if is_compiled:
        model.compile()
    return model


@pytest.fixture
def room():
    """A folder for one case, removed at once: 2,000 would fill a disk."""
    with tempfile.TemporaryDirectory() as folder:
        outside = Path(folder, "outside")
        outside.mkdir()
        (outside / "sentinel").write_text("{}")
        yield Path(folder)


@contextlib.contextmanager
def within(seconds, size):
    """Fails if the block takes longer, or more memory, than it may."""
    is_late = False

    def interrupt(*_):
        nonlocal is_late
        is_late = True
        raise Overdue

    before = _peak()
    previous = signal.signal(signal.SIGALRM, interrupt)
    # Again and again: some code swallows everything that is raised.
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    faulthandler.dump_traceback_later(12 * seconds, exit=True)
    try:
        with contextlib.suppress(Overdue):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        faulthandler.cancel_dump_traceback_later()
    assert not is_late, f"more than {seconds} s"
    assert _peak() - before < size


def _peak():
    """The most memory that this process has had so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _state(folder):
    """What is in a folder, and when each of it was last changed."""
    found = {}
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(base, name)
            about = os.lstat(path)
            found[path] = (
                about.st_mode,
                about.st_ino,
                about.st_size,
                about.st_mtime_ns,
            )
    return found


def load_strange(mutant, room):
    """Loads a mutant, or returns the error of the package; else it fails."""
    folder = room / "preset"
    mutant.write(folder)
    before = _state(room)
    result = None
    with watching(set(mutations.FOREIGN)) as seen:
        with within(SECONDS, BYTES):
            try:
                result = load_preset(folder, load_weights=mutant.load_weights)
            except PresetError as error:
                result = error
    assert not seen
    assert _state(room) == before
    return result


def check_refusal(error):
    message = str(error)
    assert len(message) < 50_000
    assert "root:" not in message  # of /etc/passwd


def check_model(model, mutant):
    """Holds every tensor on the disk against the model's variables."""
    assert type(model) is AEGAN
    variables = {
        name: variable
        for named in parts_of(model).values()
        for name, variable in named.items()
    }
    if not mutant.load_weights:
        size = sum(np.prod(v.shape) for v in variables.values())
        assert size < 2**21  # the tiny model, and what is let pass unseen
        return
    tensors = {}
    for file in mutant.json("metadata.json")["files"]:
        # Files of parts that the model does not have are not looked for.
        header, data = parse(_content(mutant, file))
        for name, about in header.items():
            if name in variables:
                begin, end = about["data_offsets"]
                value = np.frombuffer(data[begin:end], _DTYPES[about["dtype"]])
                tensors[name] = value.reshape(about["shape"])
    assert variables.keys() == tensors.keys()
    for name, variable in variables.items():
        value = keras.ops.convert_to_numpy(variable)
        np.testing.assert_array_equal(
            value, tensors[name].astype(value.dtype), name
        )


def _content(mutant, name):
    target = mutant.links.get(name)
    return mutant.files.get(target if target in mutant.files else name, b"")


@pytest.fixture
def mutant(presets, room):
    """A good preset, to be changed."""
    marker = room / "outside" / "marker"
    return Mutant(dict(presets[0]), random.Random(0), marker)


@pytest.mark.parametrize("seed", range(CASES))
def test_stranger(seed, presets, room):
    mutant = mutations.mutate(presets, seed, room / "outside" / "marker")
    try:
        result = load_strange(mutant, room)
        if isinstance(result, PresetError):
            check_refusal(result)
        else:
            check_model(result, mutant)
    except Exception as error:
        error.add_note(f"Seed {seed}: {mutations.kinds_of(seed)}")
        raise


# === The test itself ===


def test_a_seed_tells_all(presets, tmp_path):
    for seed in range(0, CASES, 50):
        first, again = (
            mutations.mutate(presets, seed, tmp_path) for _ in range(2)
        )
        first.random = again.random = None
        assert first == again


@pytest.mark.parametrize("kind", mutations.KINDS)
def test_each_kind_changes_something(kind, presets, tmp_path):
    def changed(seed):
        mutant = Mutant(dict(presets[0]), random.Random(seed), tmp_path)
        mutations.KINDS[kind](mutant)
        special = (mutant.links, mutant.pipes, mutant.folders, mutant.sizes)
        return mutant.files != presets[0] or any(special)

    assert any(map(changed, range(8)))


def test_the_watch_sees_what_code_does(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    marker = tmp_path / "marker"
    with watching({"colorsys"}) as seen:
        marker.write_text("")
        os.system("true")
        pickle.loads(b"cposix\ngetpid\n.")
        exec(compile("1", STRANGER, "exec"))
        marker.unlink()
        importlib.import_module("colorsys")
    told = "\n".join(seen)
    for event in ("open", "os.system", "pickle", "exec", "remove", "import"):
        assert event in told


# === Too large ===


@pytest.mark.parametrize("load_weights", [True, False])
@pytest.mark.parametrize("size", [10**9, 2**62])
def test_a_huge_model_that_the_metadata_confirm(
    load_weights, size, mutant, room
):
    config = mutant.json()
    for each in layers(config):
        if "units" in each["config"]:
            each["config"]["units"] = size
    mutant.set_json(config)
    mutant.edit("metadata.json", parameter_count={"generator": 99 * size})
    mutant.load_weights = load_weights
    error = load_strange(mutant, room)
    assert isinstance(error, PresetFormatError)
    assert "larger than the preset says" in str(error)


def test_fresh_weights_are_as_many_as_the_metadata_say(mutant, room):
    mutant.load_weights = False
    check_model(load_strange(mutant, room), mutant)
    config = mutant.json()
    for each in layers(config):
        if each["config"].get("units") == 4:
            each["config"]["units"] = 10**6
    mutant.set_json(config)
    shutil.rmtree(room / "preset")
    assert "larger than" in str(load_strange(mutant, room))
    mutant.edit("metadata.json", parameter_count={"total": True})
    shutil.rmtree(room / "preset")
    assert "expected `parameter_count`" in str(load_strange(mutant, room))


@pytest.mark.parametrize(
    "kind", ["many_layers", "long_sequence", "nested_bomb", "many_calls"]
)
def test_bombs(kind, mutant, room):
    mutant.random = SimpleNamespace(choice=lambda options: options[-1])
    mutations.KINDS[kind](mutant)
    error = load_strange(mutant, room)
    assert isinstance(error, PresetFormatError)
    assert "more than 65,536 parts" in str(error)


def test_a_file_of_a_terabyte_is_not_read_to_its_end(mutant, room):
    mutant.random = SimpleNamespace(choice=lambda options: options[-1])
    mutations.KINDS["with_holes"](mutant)
    error = load_strange(mutant, room)
    assert isinstance(error, PresetWeightsError)
    assert "not this model's weights" in str(error)


def test_a_message_is_short(mutant, room):
    mutant.edit("config.json", registered_name="x" * 10**6)
    message = str(load_strange(mutant, room))
    assert "xxx... (1,000,022 characters)" in message
    assert len(message) < 1500


# === Names and links ===


@pytest.mark.parametrize(
    "name",
    ["../outside/model.safetensors", "/etc/passwd", "model.safetensors/..", ""],
)
def test_names_lead_nowhere_else(name, mutant, room):
    content = mutant.files["model.safetensors"]
    (room / "outside" / "model.safetensors").write_bytes(content)
    facts = mutant.json("metadata.json")["files"]
    mutant.edit(
        "metadata.json", files={name: facts["model.safetensors"], **facts}
    )
    error = load_strange(mutant, room)
    assert isinstance(error, PresetFormatError)
    assert "does not name its weights files" in str(error)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_link_to_a_file_is_read(name, mutant, room):
    (room / "outside" / "kept").write_bytes(mutant.files[name])
    mutant.links[name] = "../outside/kept"
    check_model(load_strange(mutant, room), mutant)


@pytest.mark.parametrize("target", ["/dev/zero", "..", "nowhere", "itself"])
@pytest.mark.parametrize(
    "name", ["config.json", "metadata.json", "model.safetensors"]
)
def test_a_link_to_anything_else_is_not(name, target, mutant, room):
    mutant.links[name] = name if target == "itself" else target
    assert isinstance(load_strange(mutant, room), PresetError)


@pytest.mark.parametrize(
    "name", ["config.json", "metadata.json", "model.safetensors"]
)
def test_a_pipe_is_not_waited_for(name, mutant, room):
    mutant.pipes.add(name)
    assert name in str(load_strange(mutant, room))
