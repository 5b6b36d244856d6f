"""Mutations of what a preset's config describes."""

import base64
import copy
import marshal

from mutant import Mutant, layers, objects, places
from mutations_files import odd_values
from watch import STRANGER

#: Modules that a config may name and no loader may import.
FOREIGN = ("antigravity", "this", "turtle", "keras_cv", "keras_hub")

_SIZES = (0, -1, 1.5, True, None, "4", float("nan"), float("inf"), [4], 10**4)
_HUGE = (40_000, 10**6, 2**31 - 1, 2**31, 10**10, 2**40, 2**63, 10**30)


def described(name, module, registered_name=None, config=None):
    """An object as Keras writes it."""
    return {
        "module": module,
        "class_name": name,
        "config": {} if config is None else config,
        "registered_name": registered_name,
    }


def layer(class_name, name, inputs, module="keras.layers", **config):
    """A layer as a functional model's config has it, called once."""
    history = {"shape": [None, 4], "dtype": "float32"}
    nodes = [
        {
            "args": [
                {
                    "class_name": "__keras_tensor__",
                    "config": {**history, "keras_history": [each, 0, 0]},
                }
            ],
            "kwargs": {},
        }
        for each in inputs
    ]
    return {
        **described(class_name, module, None, {"name": name, **config}),
        "name": name,
        "inbound_nodes": nodes,
    }


def dense(name, inputs, units=4):
    return layer("Dense", name, inputs, units=units)


def model(name, inner, source, target, inputs=()):
    """A functional model as a layer of another, or as a network."""
    config = {
        "name": name,
        "trainable": True,
        "layers": inner,
        "input_layers": [[source, 0, 0]],
        "output_layers": [[target, 0, 0]],
    }
    module = "keras.src.models.functional"
    return {
        **layer("Functional", name, inputs, module),
        "config": config,
        "registered_name": "Functional",
    }


def source(name="in", size=2):
    return layer("InputLayer", name, [], batch_shape=[None, size])


def _arguments(mutant):
    """The whole config, and in it the constructor's arguments."""
    config = mutant.json()
    if not isinstance(config, dict):
        config = {}
    if not isinstance(config.get("config"), dict):
        config["config"] = {}
    return config, config["config"]


# === Foreign code ===


def _foreign(mutant):
    """Objects of which none may be made."""
    marker = str(mutant.marker)
    code = compile(f"open({marker!r}, 'w')", STRANGER, "eval")
    dumped = base64.b64encode(marshal.dumps(code)).decode()
    touch = f"touch {marker}"
    function = {"class_name": "__lambda__", "config": {"value": dumped}}
    return [
        *(
            described(name, module, None, touch)
            for name, module in (
                ("system", "os"),
                ("popen", "os"),
                ("system", "posix"),
                ("run", "subprocess"),
                ("Popen", "subprocess"),
                ("eval", "builtins"),
                ("loads", "pickle"),
                ("run_path", "runpy"),
            )
        ),
        *(
            described("function", module, "function", name)
            for name, module in (
                ("system", "os"),
                ("eval", "builtins"),
                ("exec", None),
                ("get_file", "keras.utils"),
                ("load_model", "keras.models"),
                ("load_model", "builtins"),
                ("import_module", "importlib"),
                (touch, "builtins"),
            )
        ),
        *(described("Dense", module) for module in FOREIGN),
        *(
            described(name, module, config={"function": function, "name": "a"})
            for name, module in (
                ("Lambda", "keras.layers"),
                ("Lambda", "keras.src.layers.core.lambda_layer"),
                ("Lambda", None),
            )
        ),
        {"class_name": "Lambda", "config": {"function": [dumped, None, None]}},
        function,
        described("TFSMLayer", "keras.layers", config={"filepath": marker}),
        described("TFSMLayer", "keras.src.export.tfsm_layer"),
        described("TorchModuleWrapper", "keras.layers", config={"module": "x"}),
        described("JaxLayer", "keras.src.utils.jax_layer"),
        described(
            "StringLookup", "keras.layers", config={"vocabulary": "/etc/passwd"}
        ),
        described(
            "TextVectorization",
            "keras.layers",
            config={"vocabulary": "/etc/passwd"},
        ),
        described("load_model", "keras.models", config={"filepath": marker}),
        described("get_file", "keras.utils", config={"origin": "file:///etc"}),
        described("KerasFileEditor", "keras.src.saving.file_editor"),
        described("ExportArchive", "keras.src.export.saved_model"),
        described("ModelCheckpoint", "keras.callbacks", config={"f": marker}),
        described("MeanIoU", "keras.metrics", config={"num_classes": 10**6}),
        {
            "class_name": "__typespec__",
            "spec_name": "system",
            "module": "os",
            "registered_name": None,
            "config": [touch],
        },
        *(
            described(
                kind, None, config={"value": [1], "dtype": f"({2**33},)i4"}
            )
            for kind in ("__numpy__", "__tensor__")
        ),
        described("__numpy__", None, config={"value": ["a"], "dtype": "S9999"}),
        described("__numpy__", None, config={"value": {"a": 1}, "dtype": "O"}),
        described("__bytes__", None, config={"value": 1}),
        described("__slice__", None, config={}),
    ]


def foreign_object(mutant: Mutant) -> None:
    config = mutant.json()
    if found := places(config):
        container, key = mutant.choose(found)
        container[key] = mutant.choose(_foreign(mutant))
    mutant.set_json(config)


def foreign_layer(mutant: Mutant) -> None:
    config = mutant.json()
    if found := layers(config):
        mutant.choose(found).update(mutant.choose(_foreign(mutant)))
    mutant.set_json(config)


def foreign_name(mutant: Mutant) -> None:
    """Names where Keras looks up functions and classes."""
    config = mutant.json()
    keys = [
        "activation",
        "kernel_initializer",
        "kernel_regularizer",
        "kernel_constraint",
        "dtype",
    ]
    name = mutant.choose(
        [
            "os.system",
            "system",
            "eval",
            "__import__",
            "keras.saving.load_model",
            "builtins>eval",
            "elsewhere>foreign",
            "keras_aegan>AEGAN",
            "keras_aegan>R1Penalty",
            "get",
            "deserialize",
            "__class__",
            "lambda x: x",
            f"touch {mutant.marker}",
        ]
    )
    if found := layers(config):
        chosen = mutant.choose(found)
        if isinstance(chosen.get("config"), dict):
            chosen["config"][mutant.choose(keys)] = name
    mutant.set_json(config)


def registered_otherwise(mutant: Mutant) -> None:
    config = mutant.json()
    if found := objects(config):
        chosen = mutant.choose(found)
        key = mutant.choose(["registered_name", "module", "class_name"])
        chosen[key] = mutant.choose(
            [
                None,
                "",
                [],
                {},
                5,
                True,
                ">",
                "os>system",
                "keras_aegan>",
                "keras_aegan>Nothing",
                "keras_aegan>AEGAN",
                "keras_aegan>Placeholder",
                "keras_aegan>PlayerOptimizers",
                "elsewhere>foreign",
                "Functional",
                "Sequential",
                "Lambda",
                "function",
                "__tensor__",
                "keras",
                "keras.src.saving.saving_lib",
                "keras.src.backend.tensorflow.core",
                "keras.src.applications.vgg16",
                "keras.src.",
                "keras.src.layers.core.dense",
                "keras.layers.",
                "os",
                "x" * 100_000,
            ]
        )
    mutant.set_json(config)


def smuggled(mutant: Mutant) -> None:
    """What Keras would do with an object once it has made it."""
    config = mutant.json()
    if found := objects(config):
        build = {"input_shape": mutant.choose([[None, 2**40], [None, 4], 7])}
        compiling = {
            "optimizer": mutant.choose(
                ["adam", *_foreign(mutant)[:3], {"a": 1}, 5, None]
            ),
            "loss": mutant.choose(["mse", "os.system", None]),
        }
        extra = mutant.choose(
            [
                {"build_config": build},
                {"build_config": {"shapes_dict": {"input_shape": [2**40]}}},
                {"build_config": mutant.choose(odd_values(mutant))},
                {"compile_config": compiling},
                {"compile_config": {"optimizer": None, "run_eagerly": 5}},
                {"compile_config": mutant.choose(odd_values(mutant))},
                {"shared_object_id": mutant.choose([1, [], "x"])},
                {"spec_name": "system"},
            ]
        )
        chosen = mutant.choose([found[0], mutant.choose(found)])
        chosen.update(extra)
    mutant.set_json(config)


# === Sizes ===


def odd_size(mutant: Mutant) -> None:
    config = mutant.json()
    found = [
        (container, key)
        for container, key in places(config)
        if isinstance(container[key], int) and isinstance(key, str)
    ]
    if found:
        container, key = mutant.choose(found)
        container[key] = mutant.choose([*_SIZES, *_HUGE])
    mutant.set_json(config)


def consistent_lie(mutant: Mutant) -> None:
    """Layers of a size that the metadata confirm, and no file holds."""
    config = mutant.json()
    size = mutant.choose([10**9, 10**10, 2**40, 2**62])
    for each in layers(config):
        arguments = each.get("config")
        if isinstance(arguments, dict) and arguments.get("units") == 4:
            arguments["units"] = size
    mutant.set_json(config)
    count = {"total": 100 * size, "generator": 50 * size, "encoder": 50 * size}
    mutant.edit("metadata.json", parameter_count=count)
    mutant.load_weights = mutant.choose([True, False])


def huge_layer(mutant: Mutant) -> None:
    """Layers of huge results or weights before the generator's last."""
    huge = mutant.choose(_HUGE)
    chain = mutant.choose(
        [
            [("RepeatVector", {"n": huge}), ("Flatten", {})],
            [("RepeatVector", {"n": huge}), ("Normalization", {"axis": 1})],
            [
                ("RepeatVector", {"n": huge}),
                ("BatchNormalization", {"axis": 1}),
            ],
            [("Reshape", {"target_shape": [huge, huge]})],
            [("Reshape", {"target_shape": [2, 2]}), ("UpSampling1D", {})],
            [
                ("Reshape", {"target_shape": [2, 2, 1]}),
                ("UpSampling2D", {"size": [huge, huge]}),
                ("Flatten", {}),
            ],
            [
                ("Reshape", {"target_shape": [2, 2, 1]}),
                ("UpSampling2D", {"size": huge, "interpolation": "bilinear"}),
            ],
            [
                ("Reshape", {"target_shape": [2, 2, 1]}),
                ("ZeroPadding2D", {"padding": [[huge, 0], [0, huge]]}),
                ("Conv2D", {"filters": huge, "kernel_size": 1}),
            ],
            [
                ("Reshape", {"target_shape": [4, 1]}),
                ("Conv1D", {"filters": 1, "kernel_size": huge}),
            ],
            [
                ("Reshape", {"target_shape": [4, 1]}),
                ("Conv1D", {"filters": huge, "kernel_size": 1}),
                ("LayerNormalization", {}),
            ],
            [("Embedding", {"input_dim": huge, "output_dim": 8})],
            [("Embedding", {"input_dim": huge, "output_dim": huge})],
            [
                ("Reshape", {"target_shape": [4, 1]}),
                ("LSTM", {"units": huge}),
            ],
            [("Dense", {"units": 4, "lora_rank": huge})],
            [("RMSNormalization", {}), ("Dense", {"units": huge})],
            [("SpectralNormalization", {"layer": dense("s", [], huge)})],
            [("Dropout", {"rate": 0.5, "noise_shape": [huge]})],
            [
                ("Reshape", {"target_shape": [huge, 1]}),
                ("STFTSpectrogram", {"fft_length": huge}),
            ],
            [
                ("Reshape", {"target_shape": [4, 1]}),
                (
                    "STFTSpectrogram",
                    {"frame_length": huge, "fft_length": huge},
                ),
            ],
            [
                ("Reshape", {"target_shape": [4, 1]}),
                ("LSTM", {"units": 4, "stateful": True, "unroll": True}),
            ],
            [("CategoryEncoding", {"num_tokens": huge})],
            [("Discretization", {"num_bins": huge})],
            [("TimeDistributed", {"layer": dense("t", [], huge)})],
            [
                ("Reshape", {"target_shape": [2, 2]}),
                (
                    "MultiHeadAttention",
                    {"num_heads": huge, "key_dim": huge},
                ),
            ],
        ]
    )
    config, arguments = _arguments(mutant)
    inner, last = [source(), dense("a", ["in"])], "a"
    for i, (class_name, settings) in enumerate(chain):
        name = f"x{i}"
        inner.append(layer(class_name, name, [last], **settings))
        last = name
    inner.append(dense("b", [last], 3))
    arguments["generator"] = model("generator", inner, "in", "b")
    mutant.set_json(config)


def huge_mixture(mutant: Mutant) -> None:
    """A prior whose matrices are of another size than its input."""
    size = mutant.choose([40_000, 10**6, 2**40])
    inner = [source(size=size + 1)]
    inner.append(layer("GaussianMixture", "x", ["in"], "keras_aegan"))
    inner[1]["registered_name"] = "keras_aegan>GaussianMixture"
    inner[1]["config"] |= {"components": 1, "latent_shape": [size]}
    config, arguments = _arguments(mutant)
    arguments["prior"] = model("prior", inner, "in", "x")
    arguments["generator"] = model(
        "generator", [source(size=size), dense("b", ["in"], 3)], "in", "b"
    )
    mutant.set_json(config)


# === Many ===


def many_layers(mutant: Mutant) -> None:
    count = mutant.choose([100, 4000])
    wide = [dense(f"d{i}", ["in"]) for i in range(count)]
    chain = [dense(f"d{i}", [f"d{i - 1}" if i else "in"]) for i in range(count)]
    inner = mutant.choose([wide, chain, chain[::-1], wide[::-1]])
    config, arguments = _arguments(mutant)
    arguments[mutant.choose(["generator", "encoder"])] = model(
        "generator", [source(), *inner], "in", f"d{count - 1}"
    )
    mutant.set_json(config)


def long_sequence(mutant: Mutant) -> None:
    """A `Sequential`, which Keras builds anew for each of its layers."""
    count = mutant.choose([400, 2000])
    inner = [dense(f"d{i}", []) for i in range(count)]
    config, arguments = _arguments(mutant)
    for level in range(mutant.choose([1, 1, 3])):
        settings = {"name": f"s{level}", "layers": [source(), *inner]}
        inner = [described("Sequential", "keras", None, settings)]
    arguments["generator"] = inner[0]
    mutant.set_json(config)


def nested_bomb(mutant: Mutant) -> None:
    """Ten models within each other, each calling the next ten times."""
    calls = mutant.choose([2, 10, 10])
    inner = dense("d", ["in"] * calls, 2)
    for level in range(mutant.choose([10, 20])):
        inner = model(
            f"m{level}", [source(), inner], "in", inner["name"], ["in"] * calls
        )
    config, arguments = _arguments(mutant)
    arguments["generator"] = inner
    mutant.set_json(config)


def many_calls(mutant: Mutant) -> None:
    """One layer, called again and again."""
    count = mutant.choose([500, 12_000])
    again = dense("d", ["in"] * count)
    if mutant.choose([True, False]):  # As older versions of Keras wrote it.
        again["inbound_nodes"] = [[["in", 0, 0, {}]]] * count
    inner = [source(), again]
    config, arguments = _arguments(mutant)
    arguments["generator"] = model("generator", inner, "in", "d")
    mutant.set_json(config)


def deep(mutant: Mutant) -> None:
    config = mutant.json()
    if found := places(config):
        container, key = mutant.choose(found)
        value = container[key]
        for _ in range(mutant.choose([10, 60, 200])):
            value = mutant.choose([{"config": value}, [value], [value, value]])
            if len(str(value)) > 100_000:
                break
        container[key] = value
    mutant.set_json(config)


# === The game ===


def odd_argument(mutant: Mutant) -> None:
    """Arguments of AEGAN that are of another type, or out of range."""
    config, arguments = _arguments(mutant)
    networks = [
        copy.deepcopy(each)
        for each in arguments.values()
        if isinstance(each, dict) and "class_name" in each
    ]
    options = {
        "averaged": [5, "generator", ["x"], [[]], [None], {"a": 1}, True],
        "ema_momentum": [None, 1, -1, 2.0, "0.9", float("nan"), [], True],
        "losses": [None, [], {}, 5, "mse", [5], [None], ["mse"], [{}]],
        "updates": [5, "", "both", [[]], [["x"]], [5], None, {"a": 1}],
        "steps": [5, [], {"generator": -1}, {"x": 1}, {"encoder": 10**9}],
        "prior": ["x", 5, [], {}, None, *networks],
        "optimizer": [5, "adam", {"generator": 5}, {}, [], {"x": {}}],
        "data_range": [5, [], [1, 0], [0], ["a", "b"], [float("nan")] * 2, {}],
        "data_dtype": ["complex64", "x", 5, None, "string", "float16", "O"],
        "tokens": [True, 5, "x", None],
        "seed": [-1, 10**30, "x", 1.5, [], True],
        "name": [5, "", "a/b", "../x", "x" * 10_000, None, "\0"],
        "trainable": [5, None, "x"],
        "dtype": [5, "int8", "float64", "mixed_float16", "x", {}, []],
        "generator": [None, {}, 5, "x", *networks],
        "encoder": [None, {}, 5, "x", *networks],
        "discriminator": [{}, 5, *networks],
        "second_encoder": [{}, 5, *networks],
        "unknown": [5],
    }
    key = mutant.choose(options)
    arguments[key] = mutant.choose(options[key])
    mutant.set_json(config)


def another_loss(mutant: Mutant) -> None:
    names = [
        "AEGAN",
        "AdaptiveMarginEnergyLoss",
        "DiffAugment",
        "EquilibriumEnergyLoss",
        "GaussianMixture",
        "Placeholder",
        "PlayerOptimizers",
        "R1Penalty",
        "ReconstructionLoss",
        "ScheduledAdversarialLoss",
    ]
    settings = [
        {},
        {"weight": float("nan")},
        {"weight": "1"},
        {"name": "a/b"},
        {"interval": 0},
        {"components": 10**9, "latent_shape": [10**9]},
    ]
    name = mutant.choose(names)
    loss = described(
        name,
        "keras_aegan",
        f"keras_aegan>{name}",
        mutant.choose(settings),
    )
    config, arguments = _arguments(mutant)
    losses = arguments.get("losses")
    arguments["losses"] = [*losses, loss] if isinstance(losses, list) else loss
    mutant.set_json(config)


def of_another_precision(mutant: Mutant) -> None:
    config = mutant.json()
    policy = mutant.choose(
        [
            "bfloat16",
            "float64",
            "mixed_float16",
            "int8",
            "complex64",
            "string",
            "int8_from_float32",
            "int4/8_from_float32",
            "float8_from_float32",
            "gptq/4/128_from_float32",
            5,
        ]
    )
    names = ["DTypePolicy", "QuantizedDTypePolicy", "DTypePolicyMap"]
    for each in mutant.random.sample(found := objects(config), len(found)):
        if each["class_name"] == "DTypePolicy":
            each["class_name"] = mutant.choose(names)
            each["config"] = {"name": policy}
            break
    mutant.set_json(config)


KINDS = (
    foreign_object,
    foreign_layer,
    foreign_name,
    registered_otherwise,
    smuggled,
    odd_size,
    consistent_lie,
    huge_layer,
    huge_mixture,
    many_layers,
    long_sequence,
    nested_bomb,
    many_calls,
    deep,
    odd_argument,
    another_loss,
    of_another_precision,
)
