"""Draws what `equal_time.py frontier` found: samples against reconstruction.

    python tests/benchmarks/equal_time.py frontier fashion_mnist.npz
    python tests/benchmarks/frontier.py equal_time.jsonl frontier.svg

A point is a weight of the reconstruction, the mean over its seeds; lower and
further to the left is better.
"""

import argparse
import json
import pathlib
import statistics

from keras_aegan.report.axes import value_axis

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 480, 320, 60, 28, 44
_COLOURS = {"joint": "#c2410c", "none": "#15803d"}
_NAMES = {
    "joint": "encoder and generator pay for it",
    "none": "the encoder alone does",
}


def points(lines):
    """By gradient and weight: the mean error and the mean distance."""
    runs = {}
    for line in lines:
        if "seed" in line:
            weight, gradient = line["method"].split()
            runs.setdefault((gradient, float(weight)), []).append(line)
    return {
        which: [
            statistics.mean(run[key] for run in found)
            for key in ("reconstruction", "samples")
        ]
        for which, found in sorted(runs.items())
    }


def picture(found, title):
    """The points as an SVG, those of one gradient joined by a line."""
    across, up = (
        value_axis(list(v)) for v in zip(*found.values(), strict=True)
    )

    def x(place):
        return round(_LEFT + place * (_WIDTH - _LEFT - 16), 1)

    def y(place):
        return round(_TOP + (1 - place) * (_HEIGHT - _TOP - _BOTTOM), 1)

    parts = [
        f'<path d="M{_LEFT},{y(at)}H{_WIDTH - 16}" stroke="#ddd"/>'
        f'<text x="{_LEFT - 6}" y="{y(at) + 4}" text-anchor="end">{label}'
        "</text>"
        for at, label in up.ticks
    ]
    parts += [
        f'<text x="{x(at)}" y="{_HEIGHT - _BOTTOM + 16}" '
        f'text-anchor="middle">{label}</text>'
        for at, label in across.ticks
    ]
    for number, (gradient, colour) in enumerate(_COLOURS.items()):
        places = {
            weight: (x(across.place(error)), y(up.place(distance)))
            for (of, weight), (error, distance) in found.items()
            if of == gradient
        }
        if not places:  # Not all of them need to have been tried.
            continue
        line = "L".join(f"{a},{b}" for a, b in places.values())
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}"/>')
        for weight, (a, b) in places.items():
            parts.append(
                f'<circle cx="{a}" cy="{b}" r="3" fill="{colour}"/>'
                f'<text x="{a + 5}" y="{b - 5}">{weight:g}</text>'
            )
        parts.append(
            f'<text x="{_WIDTH - 16}" y="{_TOP + 14 * number}" '
            f'text-anchor="end" fill="{colour}">{_NAMES[gradient]}</text>'
        )
    parts.append(
        f'<text x="{_LEFT}" y="16">sample distance, {title}</text>'
        f'<text x="{_WIDTH - 16}" y="{_HEIGHT - 12}" text-anchor="end">'
        "held-out error of reconstructions, of 255</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} '
        f'{_HEIGHT}" font-family="sans-serif" font-size="11">\n'
        "<title>Samples against reconstruction, by its weight</title>\n"
        '<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("picture", type=pathlib.Path)
    args = parser.parse_args()
    lines = [json.loads(x) for x in args.results.read_text().splitlines()]
    title = ", ".join(dict.fromkeys(line["data"] for line in lines))
    args.picture.write_text(picture(points(lines), title))


if __name__ == "__main__":
    main()
