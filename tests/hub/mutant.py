"""A preset from a stranger: files that are not what they should be."""

import dataclasses
import hashlib
import json
import os
import pathlib
import random


@dataclasses.dataclass
class Mutant:
    """A preset's files, as they are changed one mutation after the other.

    Args:
        files: the content of each file.
        random: where all choices come from.
        marker: a path outside of the preset that code in the preset would
            create, if it were run.
        load_weights: how the preset is to be loaded.
        links: the target of each file that is a symbolic link.
        pipes: the files that are named pipes.
        folders: the files that are folders.
        sizes: to which size, with holes, a file is stretched.
    """

    files: dict[str, bytes]
    random: random.Random
    marker: pathlib.Path
    load_weights: bool = True
    links: dict[str, str] = dataclasses.field(default_factory=dict)
    pipes: set[str] = dataclasses.field(default_factory=set)
    folders: set[str] = dataclasses.field(default_factory=set)
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)

    # === Choices ===

    def choose(self, options):
        """One of the options, called if it is a function."""
        chosen = self.random.choice(list(options))
        return chosen() if callable(chosen) else chosen

    def any_file(self) -> str:
        """The name of a file that is loaded."""
        return self.choose(n for n in self.files if n != "README.md")

    def any_weights(self) -> str:
        """The name of a weights file."""
        return self.choose(n for n in self.files if n.endswith(".safetensors"))

    # === JSON ===

    def json(self, name: str = "config.json") -> object:
        """What a file says, or an empty dict if it is broken already."""
        try:
            return json.loads(self.files.get(name, b"{}"))
        except (ValueError, RecursionError):
            return {}

    def set_json(self, value: object, name: str = "config.json") -> None:
        """Lets a file say something else."""
        self.files[name] = json.dumps(value).encode()

    def edit(self, name: str, **changes) -> None:
        """Changes some of the topmost values of a JSON file."""
        value = self.json(name)
        if isinstance(value, dict):
            self.set_json({**value, **changes}, name)

    def tell_the_truth(self) -> None:
        """Lets the metadata name the weights files as they now are."""
        files = {
            name: {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in self.files.items()
            if name.endswith(".safetensors")
        }
        self.edit("metadata.json", files=files)

    # === On the disk ===

    def write(self, folder: pathlib.Path) -> None:
        """Writes the preset into a new folder."""
        folder.mkdir()
        for name, content in self.files.items():
            path = folder / name
            if name in self.links:
                path.symlink_to(self.links[name])
            elif name in self.pipes:
                os.mkfifo(path)
            elif name in self.folders:
                path.mkdir()
            else:
                path.write_bytes(content)
                if name in self.sizes:
                    os.truncate(path, self.sizes[name])


def places(value: object) -> list[tuple]:
    """Every place in a JSON value, as its container and its key in it."""
    found, pending = [], [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            found += [(node, key) for key in node]
            pending += node.values()
        elif isinstance(node, list):
            found += [(node, i) for i in range(len(node))]
            pending += node
    return found


def objects(value: object) -> list[dict]:
    """Every dict in a JSON value that names a class."""
    inner = [container[key] for container, key in places(value)]
    return [
        node
        for node in [value, *inner]
        if isinstance(node, dict) and "class_name" in node
    ]


def layers(config: object) -> list[dict]:
    """Every layer of the networks in a config."""
    return [node for node in objects(config) if "inbound_nodes" in node]


def parse(content: bytes) -> tuple[dict, bytes]:
    """The header and the data of a safetensors file, unchecked."""
    size = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + size])
    except (ValueError, RecursionError):
        header = {}
    return header if isinstance(header, dict) else {}, content[8 + size :]


def unparse(header: dict | bytes, data: bytes) -> bytes:
    """A safetensors file of a header and data, whatever they say."""
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + data
