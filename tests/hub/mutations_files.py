"""Mutations of a preset's files, of its metadata, and of any JSON."""

import os
import zipfile
from io import BytesIO

from mutant import Mutant, places

_HUGE = (2**31 - 1, 2**31, 2**40, 2**53 + 1, 2**63 - 1, 2**63, 10**30)


def odd_values(mutant):
    """Values that nobody expects, most of them of the wrong type."""
    return [
        None,
        True,
        False,
        0,
        -1,
        -(2**63),
        1.5,
        1e308,
        float("nan"),
        float("inf"),
        -float("inf"),
        *_HUGE,
        "",
        " ",
        "x" * 100_000,
        "\0",
        "\ud800",
        "ｄｅｎｓｅ‮",
        "../../etc/passwd",
        "/etc/passwd",
        "float1e9",
        "os.system",
        "keras_aegan>AEGAN",
        str(mutant.marker),
        [],
        {},
        [[]],
        [None] * 1000,
        {"": None},
        {"a": {"b": {"c": [1]}}},
        list(range(200)),
    ]


# === Bytes ===


def flipped_bytes(mutant: Mutant) -> None:
    name, random = mutant.any_file(), mutant.random
    content = bytearray(mutant.files[name])
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        if content:
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    mutant.files[name] = bytes(content)


def cut(mutant: Mutant) -> None:
    name = mutant.any_file()
    content = mutant.files[name]
    mutant.files[name] = content[: mutant.random.randrange(len(content) + 1)]


def grown(mutant: Mutant) -> None:
    name = mutant.any_file()
    more = mutant.choose([b"\0", b" ", b"}", b"{}", b"\n" * 999, os.linesep])
    more = more if isinstance(more, bytes) else more.encode()
    mutant.files[name] += more * mutant.choose([1, 2, 1000])


def a_piece_moved(mutant: Mutant) -> None:
    name, random = mutant.any_file(), mutant.random
    content = mutant.files[name]
    a, b = sorted(random.randrange(len(content) + 1) for _ in range(2))
    at = random.randrange(len(content) + 1)
    mutant.files[name] = content[:at] + content[a:b] + content[at:]


def missing(mutant: Mutant) -> None:
    del mutant.files[mutant.any_file()]


def swapped(mutant: Mutant) -> None:
    a, b = mutant.any_file(), mutant.any_file()
    files = mutant.files
    files[a], files[b] = files[b], files[a]


def of_another_kind(mutant: Mutant) -> None:
    """Pickles and archives under a preset's names."""
    marker = str(mutant.marker)
    pickled = f"cposix\nsystem\n(S'touch {marker}'\ntR.".encode()
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", pickled)
        file.writestr("../outside", b"")
    mutant.files[mutant.any_file()] = mutant.choose(
        [
            pickled,
            b"\x80\x04" + pickled,
            archive.getvalue(),
            b"\x89HDF\r\n\x1a\n" + bytes(512),
            b"#!/bin/sh\ntouch " + marker.encode(),
            b"\x93NUMPY\x01\x00" + bytes(100),
            b"",
            bytes(4096),
        ]
    )


def a_file_beside(mutant: Mutant) -> None:
    """Code where an import might look for it, which nothing should read."""
    code = f"open({str(mutant.marker)!r}, 'w')".encode()
    for name in ("__init__.py", "model.py", "keras_aegan.py", "model.pkl"):
        mutant.files[name] = code


# === JSON as text ===


def of_another_encoding(mutant: Mutant) -> None:
    name = mutant.choose(["config.json", "metadata.json"])
    text = mutant.files.get(name, b"{}").decode("utf-8", "replace")
    mutant.files[name] = mutant.choose(
        [
            lambda: text.encode("utf-8-sig"),
            lambda: text.encode("utf-16"),
            lambda: text.encode("utf-32"),
            lambda: text.replace("e", "é").encode("latin-1", "replace"),
            lambda: text.replace('"', '"\0', 1).encode(),
            lambda: b"\0" + text.encode(),
        ]
    )


def of_bad_json(mutant: Mutant) -> None:
    name = mutant.choose(["config.json", "metadata.json"])
    text = mutant.files.get(name, b"{}")
    mutant.files[name] = mutant.choose(
        [
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"[" * 900 + b"]" * 900,
            b'{"a":' * 60 + b"1" + b"}" * 60,
            b"1" * 5000,
            b"-" * 5000,
            b"NaN",
            b"null",
            b'"config"',
            b"[1, 2]",
            b"{}",
            b"true",
            b"\n",
            b'{"schema_version": 1, "files": ' + b"9" * 4300 + b"}",
            b"[" + b"[]," * 100_000 + b"[]]",
            text + text,
            text.replace(b"{", b'{"name": 1, "class_name": "os.system",'),
            text.replace(b":", b":\xff", 1),
            text.replace(b",", b",,", 1),
            b'{"class_name": "Lambda",' + text[1:],
        ]
    )


def too_large(mutant: Mutant) -> None:
    name = mutant.any_file()
    mutant.sizes[name] = mutant.choose([17 * 2**20, 2**31, 2**40])


# === JSON as values ===


def an_odd_value(mutant: Mutant) -> None:
    name = mutant.choose(["config.json", "config.json", "metadata.json"])
    value = mutant.json(name)
    for _ in range(mutant.choose([1, 1, 1, 2, 5])):
        if found := places(value):
            container, key = mutant.choose(found)
            container[key] = mutant.choose(odd_values(mutant))
    mutant.set_json(value, name)


def a_key_gone(mutant: Mutant) -> None:
    name = mutant.choose(["config.json", "config.json", "metadata.json"])
    value = mutant.json(name)
    if found := places(value):
        container, key = mutant.choose(found)
        del container[key]
    mutant.set_json(value, name)


def a_key_renamed(mutant: Mutant) -> None:
    name = mutant.choose(["config.json", "config.json", "metadata.json"])
    value = mutant.json(name)
    found = [p for p in places(value) if isinstance(p[0], dict)]
    if found:
        container, key = mutant.choose(found)
        new = mutant.choose(["", "0", "é", key.upper(), key + " ", "self"])
        container[new] = container.pop(key)
    mutant.set_json(value, name)


def parts_swapped(mutant: Mutant) -> None:
    value = mutant.json()
    for _ in range(mutant.choose([1, 2, 4])):
        if found := places(value):
            (a, i), (b, j) = mutant.choose(found), mutant.choose(found)
            # Copies, as one may hold the other.
            mutant.set_json([a[i], b[j]], "swap")
            b[j], a[i] = mutant.json("swap")
            del mutant.files["swap"]
    mutant.set_json(value)


def a_part_twice(mutant: Mutant) -> None:
    value = mutant.json()
    lists = [c[k] for c, k in places(value) if isinstance(c[k], list)]
    if lists := [each for each in lists if each]:
        chosen = mutant.choose(lists)
        chosen += [mutant.choose([chosen[0], chosen[-1]])] * mutant.choose(
            [1, 2, 100]
        )
    mutant.set_json(value)


# === Metadata ===


def of_another_version(mutant: Mutant) -> None:
    version = mutant.choose([0, -1, 2, 999, 10**30, 1.0, "1", True, None, [1]])
    mutant.edit(
        "metadata.json",
        schema_version=version,
        keras_aegan_version=mutant.choose(["9", "x" * 100_000, ["9"]]),
    )


def files_told_wrong(mutant: Mutant) -> None:
    """Sums, sizes and names in the metadata that are not the files'."""
    metadata = mutant.json("metadata.json")
    files = metadata.get("files") if isinstance(metadata, dict) else None
    if not isinstance(files, dict) or not files:
        return
    name = mutant.choose(files)
    facts = files[name]
    if not isinstance(facts, dict):
        return
    count = mutant.choose([2000, 99_999])
    changes = {
        "size": lambda: facts.update(
            bytes=mutant.choose([-1, 0, True, 1.0, "9", 2**63, None, [9]])
        ),
        "sum": lambda: facts.update(
            sha256=mutant.choose(
                ["", "0" * 64, None, 0, facts.get("sha256", "").upper(), "é"]
            )
        ),
        "no facts": lambda: facts.clear(),
        "odd facts": lambda: files.update(
            {name: mutant.choose([None, [], "x", 1])}
        ),
        "left out": lambda: files.pop(name),
        "none": lambda: files.clear(),
        "many": lambda: files.update(
            {
                f"model-{i:05}-of-{count:05}.safetensors": facts
                for i in range(count)
            }
        ),
        "elsewhere": lambda: files.update(
            {
                mutant.choose(
                    [
                        "../outside/model.safetensors",
                        "/etc/passwd",
                        "..",
                        ".",
                        "",
                        "model.safetensors/../../outside",
                        "sub/model.safetensors",
                        "sub\\model.safetensors",
                        "model.safetensors\0",
                        "model.safetensors\n",
                        "MODEL.SAFETENSORS",
                        "model.pkl",
                        "config.json",
                        "model-٠٠٠٠١-of-٠٠٠٠١.safetensors",
                        "hf://me/mine/model.safetensors",
                        str(mutant.marker),
                    ]
                ): facts
            }
        ),
        "another part": lambda: files.update(
            {
                mutant.choose(
                    [
                        "optimizer.safetensors",
                        "model-00001-of-00001.safetensors",
                        "model.ema-00001-of-00001.safetensors",
                    ]
                ): facts
            }
        ),
    }
    mutant.choose(changes.values())
    mutant.set_json(metadata, "metadata.json")


def parameters_told_wrong(mutant: Mutant) -> None:
    count = mutant.choose(
        [
            None,
            {},
            [],
            10**30,
            {"total": 10**30},
            {"total": -5, "generator": "many"},
            {"total": float("nan"), "generator": float("inf")},
            {"total": True, "generator": [1]},
        ]
    )
    mutant.edit("metadata.json", parameter_count=count)
    mutant.load_weights = mutant.choose([True, False])


# === Files that are no files ===


def linked(mutant: Mutant) -> None:
    name = mutant.any_file()
    mutant.links[name] = mutant.choose(
        [
            "/etc/passwd",
            "/etc",
            "/dev/zero",
            "/dev/null",
            "/dev/stdin",
            "/proc/self/mem",
            "/proc/self/environ",
            "nowhere",
            name,
            "x" * 300,
            ".",
            "..",
            "../outside/sentinel",
            "../" * 50 + "etc/passwd",
            "config.json",
            "metadata.json",
        ]
    )


def a_pipe(mutant: Mutant) -> None:
    mutant.pipes.add(mutant.any_file())


def a_folder(mutant: Mutant) -> None:
    mutant.folders.add(mutant.any_file())


def with_holes(mutant: Mutant) -> None:
    """A weights file of terabytes, which holds as much as it says."""
    name = mutant.any_weights()
    size = mutant.choose([2**20, 2**36, 2**42])
    count = size // 4
    header = (
        '{"__metadata__":{"format":"keras_aegan","schema_version":"1"},'
        f'"generator/dense/kernel":{{"dtype":"F32","shape":[1,{count}],'
        f'"data_offsets":[0,{4 * count}]}}}}'
    ).encode()
    mutant.files[name] = len(header).to_bytes(8, "little") + header
    mutant.sizes[name] = 8 + len(header) + 4 * count
    metadata = mutant.json("metadata.json")
    if isinstance(metadata, dict) and isinstance(metadata.get("files"), dict):
        metadata["files"][name] = {
            "bytes": mutant.sizes[name],
            "sha256": "0" * 64,
        }
        mutant.set_json(metadata, "metadata.json")


KINDS = (
    flipped_bytes,
    cut,
    grown,
    a_piece_moved,
    missing,
    swapped,
    of_another_kind,
    a_file_beside,
    of_another_encoding,
    of_bad_json,
    too_large,
    an_odd_value,
    a_key_gone,
    a_key_renamed,
    parts_swapped,
    a_part_twice,
    of_another_version,
    files_told_wrong,
    parameters_told_wrong,
    linked,
    a_pipe,
    a_folder,
    with_holes,
)
#: The kinds that nothing is left of once the metadata tell the truth.
LIES = {"files_told_wrong", "with_holes"}
