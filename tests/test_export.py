"""Exported parts, each run by its own runtime against the model's verbs."""

import importlib.util
import subprocess
import sys

import keras
import numpy as np
import pytest
from cases import CASES

from keras_aegan import networks, recipes
from keras_aegan.cli import main

FORMATS = {
    "tensorflow": ("tf_saved_model", "onnx"),
    "jax": ("tf_saved_model", "onnx"),
    "torch": ("torch", "onnx"),
}[keras.backend.backend()]
FILES = {"tf_saved_model": "folder", "onnx": "part.onnx", "torch": "part.pt2"}

#: Loads a part as a function on arrays, without this package.
RUNTIME = """
def load(format, path):
    if format == "tf_saved_model":
        import tensorflow as tf

        loaded = tf.saved_model.load(path)
        return lambda x: loaded.serve(x).numpy()
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        (given,) = session.get_inputs()
        return lambda x: session.run(None, {given.name: x})[0]
    import torch

    module = torch.export.load(path).module()
    return lambda x: module(torch.from_numpy(x)).numpy()
"""
ALONE = """
import sys
import numpy as np

part = load(*sys.argv[1:3])
np.save(sys.argv[4], part(np.load(sys.argv[3])))
assert "keras_aegan" not in sys.modules
"""
scope = {}
exec(RUNTIME, scope)
load = scope["load"]

#: Vectors; pictures in 8 bits, with an encoder of distributions; text.
MODELS = {
    "vectors": CASES["aegan"].build,
    "pictures": lambda: recipes.vae_gan((16, 16, 1), 3, width=4, seed=0),
    "text": CASES["arae"].build,
}


def data_for(model, count):
    random = np.random.default_rng(count)
    low, high = model.data_range
    shape, dtype = (count, *model.data_shape), model.spec.dtype
    if dtype.kind == "f":
        return random.uniform(low, high, shape).astype(dtype)
    return random.integers(int(low), int(high) + 1, shape, dtype)


def assert_agree(made, wanted):
    """To 1e-5; whole numbers to 1, where a value was halfway between two."""
    assert made.dtype == wanted.dtype and made.shape == wanted.shape
    if made.dtype.kind in "iu":
        difference = np.abs(made.astype("int64") - wanted)
        assert difference.max() <= 1 and np.mean(difference > 0) < 0.01
    else:
        np.testing.assert_allclose(made, wanted, rtol=1e-5, atol=1e-5)


# === What the parts compute ===


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_parts_are_what_the_verbs_compute(name, format, tmp_path):
    model = MODELS[name]()
    verbs = {
        "generator": model.decode,
        "encoder": model.encode,
        "reconstruction": model.reconstruct,
    }
    for part, verb in verbs.items():
        path = tmp_path / part / FILES[format]
        path.parent.mkdir()
        model.export(path, format, verbose=False, part=part)
        run = load(format, str(path))
        for count in (1, 5):
            x = data_for(model, count)
            if part == "generator":
                x = 2 * model.encode(x)
            assert_agree(run(x), verb(x))


@pytest.mark.parametrize("format", FORMATS)
def test_a_part_runs_without_this_package(format, tmp_path, tiny_model, capsys):
    model = tiny_model()
    path = tmp_path / FILES[format]
    model.export(path, format)
    assert capsys.readouterr().out == f"Exported the generator to {path}\n"
    codes = model.sample_codes(3, seed=0)
    given, made = tmp_path / "given.npy", tmp_path / "made.npy"
    np.save(given, codes)
    arguments = [format, str(path), str(given), str(made)]
    subprocess.run(
        [sys.executable, "-c", RUNTIME + ALONE, *arguments],
        check=True,
        cwd=tmp_path,
    )
    assert_agree(np.load(made), model.decode(codes))
    files = {path.name, given.name, made.name}
    assert {each.name for each in tmp_path.iterdir()} == files


@pytest.mark.parametrize("format", FORMATS)
def test_the_averages_are_exported_in_float32(format, tmp_path):
    def build():
        options = {"data_range": None, "data_dtype": "float32"}
        return recipes.gan((6,), 3, width=8, seed=0, **options)

    keras.config.set_dtype_policy("mixed_bfloat16")
    model = build()
    keras.config.set_dtype_policy("float32")
    exact = build()
    values = [w + 0.1 for w in model.ema_generator.get_weights()]
    for each in (model, exact):
        each.ema_generator.set_weights(values)
    path = tmp_path / FILES[format]
    model.export(path, format, verbose=False)
    codes = model.sample_codes(4, seed=0)
    assert_agree(load(format, str(path))(codes), exact.decode(codes))
    assert np.abs(exact.decode(codes) - model.decode(codes)).max() > 1e-4


# === Where they are written ===


def test_an_earlier_export_is_replaced_and_nothing_else(tiny_model, tmp_path):
    model, format = tiny_model(), FORMATS[0]
    path = tmp_path / FILES[format]
    for _ in range(2):
        model.generator.set_weights(
            [w + 1 for w in model.generator.get_weights()]
        )
        model.ema_generator.set_weights(model.generator.get_weights())
        model.export(path, format, verbose=False)
    codes = model.sample_codes(3, seed=0)
    assert_agree(load(format, str(path))(codes), model.decode(codes))
    assert list(tmp_path.iterdir()) == [path]

    other = tmp_path / "other.pt2"
    if format == "tf_saved_model":
        other.mkdir()
        (other / "mine").write_text("mine")
        problem = "it has other files and no saved_model.pb"
    else:
        other.mkdir()
        problem = "it is a folder"
    with pytest.raises(ValueError, match=problem):
        model.export(other, format)
    with pytest.raises(ValueError, match="there is no folder"):
        model.export(tmp_path / "no" / "part.onnx", "onnx")


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_no_export_is_not_overwritten(tiny_model, tmp_path, format):
    model, path = tiny_model(), tmp_path / FILES[format]
    if format == "tf_saved_model":
        model.export(path, format, verbose=False)
        mine, problem = path / "mine.md", "beside the SavedModel: mine.md"
        mine.write_text("mine")
    else:
        mine, problem = path, "it is another file"
        model.save(tmp_path / "whole.keras")
        for other in (b"mine", (tmp_path / "whole.keras").read_bytes()):
            mine.write_bytes(other)
            with pytest.raises(ValueError, match=problem):
                model.export(path, format)
            assert mine.read_bytes() == other
        mine.write_text("mine")
    with pytest.raises(ValueError, match=problem):
        model.export(path, format)
    assert mine.read_text() == "mine"


def test_a_failed_export_leaves_the_old_one(tiny_model, tmp_path, monkeypatch):
    path = tmp_path / "part.onnx"
    tiny_model().export(path, "onnx", verbose=False)
    old = path.read_bytes()

    def fail(self, filepath, *args, **kwargs):
        with open(filepath, "w") as file:
            file.write("half")
        raise RuntimeError("disk full")

    monkeypatch.setattr(keras.Model, "export", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        tiny_model().export(path, "onnx")
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


# === What is refused ===


def test_parts_that_the_model_has_not(tiny_model, tmp_path):
    model = tiny_model(("discriminator",))
    with pytest.raises(ValueError, match="`export` needs the encoder seat"):
        model.export(tmp_path / "x", part="reconstruction")
    with pytest.raises(ValueError, match="part to be one of.*'critic'"):
        model.export(tmp_path / "x", part="critic")
    assert not list(tmp_path.iterdir())


def test_formats_that_the_backend_has_not(tiny_model, tmp_path, backend):
    other = "tf_saved_model" if backend == "torch" else "torch"
    for format in (other, "pickle"):
        with pytest.raises(ValueError, match=f"On {backend}.*'onnx'"):
            tiny_model().export(tmp_path / "x", format)


def test_a_missing_package_is_named(tiny_model, tmp_path, backend, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    extra = "export-jax" if backend == "jax" else "export"
    with pytest.raises(ImportError, match=rf'"keras-aegan\[{extra}\]"'):
        tiny_model().export(tmp_path / "x.onnx", "onnx")


def test_what_onnx_cannot_say(tmp_path, backend):
    """A choice within the network, by Keras's argmax."""
    model = recipes.arae((5,), 7, 4, 8, 3, (8,), seed=0)
    model.generator = networks.text_generator(
        (5, 7), 4, 8, output="straight_through"
    )
    model.ema_generator = None
    path, codes = tmp_path / "part.onnx", model.sample_codes(3, seed=0)
    if backend == "torch":
        model.export(path, "onnx", verbose=False)
        assert_agree(load("onnx", str(path))(codes), model.decode(codes))
        return
    with pytest.raises(ValueError, match="(?is)no operation.*bitcast"):
        model.export(path, "onnx")
    assert not list(tmp_path.iterdir())


# === The command ===


def test_the_command(tmp_path, backend, tiny_model, monkeypatch, capsys):
    model = tiny_model()
    model.save_to_preset(tmp_path / "preset")
    monkeypatch.chdir(tmp_path)
    argv = ["export", "--preset", "./preset", "--part", "encoder", "--output"]
    assert main([*argv, "new/encoder.onnx"]) == 0
    x = data_for(model, 3)
    assert_agree(load("onnx", "new/encoder.onnx")(x), model.encode(x))

    other = "encoder" if backend == "torch" else "encoder.pt2"
    for output, problem in (
        (other, f"On {backend}"),
        ("encoder.h5", "ends in .onnx or .pt2"),
    ):
        capsys.readouterr()
        assert main([*argv, output]) == 2
        assert problem in capsys.readouterr().err
