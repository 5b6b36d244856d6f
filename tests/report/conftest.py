"""A training's log, line by line, and the page that is written of it."""

import html.parser
import json
import re
import xml.etree.ElementTree

import numpy as np
import pytest

from keras_aegan.images import image_grid, save_image
from keras_aegan.report import write_report

PLAYERS = ("discriminator", "encoder", "generator")
VOID = ("meta", "link", "img", "br")


class Run:
    """A folder with a log, a method for each kind of line."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, step=0, **fields):
        fields = {
            "time": "2026-11-24T19:00:00",
            "model": "aegan",
            "players": list(PLAYERS),
            "parameters": {p: 123456 + n for n, p in enumerate(PLAYERS)},
            "backend": "jax",
            "keras": "3.15.1",
            "keras_aegan": "0.1.0",
            **fields,
        }
        self.add("start", step, **fields)

    def watch(self, step, seconds=1.0, **values):
        values = {name.replace("__", "/"): v for name, v in values.items()}
        fields = {"epoch": step // 100, "seconds": seconds}
        self.add("watch", step, **fields, values=values)

    def epoch(self, number, step, **logs):
        self.add("epoch", step, epoch=number, seconds=1.0, logs=logs)

    def verdict(self, step, name, text):
        self.add("verdict", step, epoch=step // 100, name=name, text=text)

    def end(self, step, seconds=60.0):
        self.add("end", step, seconds=seconds)

    def add(self, kind, step, **fields):
        self.line(json.dumps({"kind": kind, "step": step, **fields}).encode())

    def line(self, line):
        with open(self.folder / "monitor.jsonl", "ab") as file:
            file.write(line + b"\n")

    def pictures(self, kind, epochs):
        generator = np.random.default_rng(0)
        for number in epochs:
            tiles = generator.integers(0, 256, (4, 5, 6, 1))
            path = self.folder / f"{kind}_{number:04d}.png"
            save_image(path, image_grid(tiles, columns=2))

    def page(self):
        path = write_report(self.folder)
        assert path == self.folder / "report.html"
        return Page(path.read_text(encoding="utf-8"))


class Page(html.parser.HTMLParser):
    """A page's elements, what links to where, its charts and its text."""

    def __init__(self, source):
        super().__init__()
        self.source = source
        self.open, self.links, self.images, self.words = [], [], [], []
        self.tags, self.handlers = set(), []
        self.feed(source)
        self.close()
        assert self.open == []
        self.text = re.sub(r"\s+", " ", "".join(self.words))
        drawings = [
            xml.etree.ElementTree.fromstring(svg)
            for svg in re.findall(r"<svg.*?</svg>", source, re.DOTALL)
        ]
        self.plots = [svg for svg in drawings if svg.get("class") == "plot"]

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.add(tag)
        self.handlers += [name for name in attrs if name.startswith("on")]
        self.links += [attrs[n] for n in ("src", "href") if n in attrs]
        if tag == "img":
            self.images.append(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def title(self, name):
        return self._plot(name).find("title").text

    def paths(self, name, kind):
        """Of a chart: the paths of a kind, such as `"line"`."""
        return [
            path
            for path in self._plot(name).findall("path")
            if path.get("class").split(" ")[0] == kind
        ]

    def lines(self, name):
        """Of a chart: each line's subpaths, each a list of places."""
        return [
            [
                [tuple(map(float, p.split(","))) for p in run.split("L")]
                for run in path.get("d").split("M")[1:]
            ]
            for path in self.paths(name, "line")
        ]

    def labels(self, name):
        """Of a chart: the places of its labels, of the values' axis first."""
        return {
            text.text: (float(text.get("x")), float(text.get("y")))
            for text in self._plot(name).findall("text")
        }

    def _plot(self, name):
        (plot,) = [
            p for p in self.plots if p.find("title").text.split(" ")[0] == name
        ]
        return plot


@pytest.fixture
def run(tmp_path):
    """A training's folder, empty at first."""
    return Run(tmp_path)
