"""Mutations of safetensors files."""

import json
import struct

from mutant import Mutant, parse, unparse


def _tensors(header):
    return {k: v for k, v in header.items() if k != "__metadata__"}


def _with_header(mutant, change):
    """Changes the header of a weights file by a function of it."""
    name = mutant.any_weights()
    header, data = parse(mutant.files[name])
    if all(isinstance(each, dict) for each in header.values()):
        if _tensors(header):
            header = change(header) or header
    mutant.files[name] = unparse(header, data)


def header_length(mutant: Mutant) -> None:
    name = mutant.any_weights()
    content = mutant.files[name]
    length = mutant.choose(
        [0, 1, 2**16, 2**31, 2**40, 2**63, 2**64 - 1, len(content)]
    )
    mutant.files[name] = struct.pack("<Q", length) + content[8:]


def odd_header(mutant: Mutant) -> None:
    name = mutant.any_weights()
    header, data = parse(mutant.files[name])
    text = json.dumps(header).encode()
    mutant.files[name] = unparse(
        mutant.choose(
            [
                b"",
                b"{}",
                b"[]",
                b"null",
                b"[" * 100_000,
                b"{" * 200,
                b" " * 64 + text,
                text + b" " * 10_000,
                text[:-1],
                text.decode().encode("utf-16"),
                text.replace(b"{", b"{\xff", 1),
                text.replace(b'"shape"', b'"SHAPE"'),
                # A name twice, with two meanings.
                text[:-1] + b"," + text[1:],
                b'{"__metadata__": 5}',
                b'{"__metadata__": {"format": 5}}',
            ]
        ),
        data,
    )


def lying_offsets(mutant: Mutant) -> None:
    def change(header):
        chosen = mutant.choose(_tensors(header).values())
        begin, end = chosen["data_offsets"]
        chosen["data_offsets"] = mutant.choose(
            [
                [0, 2**63],
                [2**63, 2**64 - 1],
                [end, begin],
                [-4, 0],
                [begin + 1, end + 1],
                [0, end - begin],
                [begin, begin],
                [begin],
                [begin, end, end],
                [1.5, 2.5],
                None,
                "x",
            ]
        )

    _with_header(mutant, change)


def overlapping(mutant: Mutant) -> None:
    def change(header):
        first, second = (mutant.choose(_tensors(header)) for _ in range(2))
        header[first]["data_offsets"] = header[second]["data_offsets"]

    _with_header(mutant, change)


def lying_shape(mutant: Mutant) -> None:
    def change(header):
        chosen = mutant.choose(_tensors(header).values())
        shape = chosen["shape"]
        chosen["shape"] = mutant.choose(
            [
                [],
                [0],
                [2**63, 2],
                [2**32, 2**32],
                [2**40],
                [0, 2**63],
                [-1],
                [1.5],
                [None],
                shape[::-1],
                [*shape, 1],
                [1, *shape],
                [1] * 1000,
                "x",
            ]
        )

    _with_header(mutant, change)


def other_dtype(mutant: Mutant) -> None:
    def change(header):
        chosen = mutant.choose(_tensors(header).values())
        chosen["dtype"] = mutant.choose(
            ["I32", "U32", "F16", "BF16", "F8_E4M3", "C64", "BOOL", "X", 5]
        )

    _with_header(mutant, change)


def terabytes(mutant: Mutant) -> None:
    """A header that claims terabytes, without a lie in itself."""
    count = 2 ** mutant.choose([38, 40, 50])

    def change(header):
        tensors = {
            f"generator/dense_{i}/kernel": {
                "dtype": "F32",
                "shape": [count],
                "data_offsets": [4 * i * count, 4 * (i + 1) * count],
            }
            for i in range(4)
        }
        return {"__metadata__": header.get("__metadata__", {}), **tensors}

    _with_header(mutant, change)


def other_names(mutant: Mutant) -> None:
    def change(header):
        names = list(_tensors(header))
        old, other = mutant.choose(names), mutant.choose(names)
        new = mutant.choose(
            [
                "",
                "../x",
                "/etc/passwd",
                "x" * 100_000,
                old.upper(),
                "ｇenerator/dense/kernel",
                "generator/dense/kernel\0",
                f"{old}/{other}",
            ]
        )
        value = header.pop(old)
        if mutant.choose([True, False]):
            header[new] = value
        elif other in header:
            header[old], header[other] = header[other], value
        # Or else the tensor is gone, and its bytes belong to nothing.

    _with_header(mutant, change)


def many_tensors(mutant: Mutant) -> None:
    count = mutant.choose([2000, 20_000])

    def change(header):
        nothing = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
        return {**{f"generator/{i}": nothing for i in range(count)}, **header}

    _with_header(mutant, change)


def much_metadata(mutant: Mutant) -> None:
    def change(header):
        found = header.setdefault("__metadata__", {})
        more = {str(i): "x" * 100 for i in range(mutant.choose([10, 10_000]))}
        header["__metadata__"] = {**found, **more}

    _with_header(mutant, change)


def of_another_library(mutant: Mutant) -> None:
    def change(header):
        header["__metadata__"] = mutant.choose(
            [
                {},
                {"format": "pt"},
                {"format": "keras_aegan"},
                {"format": "keras_aegan", "schema_version": "2"},
                {"format": "keras_aegan", "schema_version": "x" * 100_000},
                {"format": "\0", "schema_version": "1"},
            ]
        )

    _with_header(mutant, change)


def other_values(mutant: Mutant) -> None:
    """A whole file of the right form, with values of another's choice."""
    name = mutant.any_weights()
    header, data = parse(mutant.files[name])
    value = mutant.choose([0.0, 1e30, float("nan"), float("inf"), -1.0])
    count = len(data) // 4
    rest = data[4 * count :]
    data = struct.pack("<f", value) * count + rest
    mutant.files[name] = unparse(header, data)


def cut_between(mutant: Mutant) -> None:
    name = mutant.any_weights()
    header, data = parse(mutant.files[name])
    mutant.files[name] = unparse(
        header, data[: 4 * mutant.random.randrange(len(data) // 4 + 1)]
    )


def copied_file(mutant: Mutant) -> None:
    """One weights file in another's place."""
    source, target = mutant.any_weights(), mutant.any_weights()
    mutant.files[target] = mutant.files[source]


KINDS = (
    header_length,
    odd_header,
    lying_offsets,
    overlapping,
    lying_shape,
    other_dtype,
    terabytes,
    other_names,
    many_tensors,
    much_metadata,
    of_another_library,
    other_values,
    cut_between,
    copied_file,
)
