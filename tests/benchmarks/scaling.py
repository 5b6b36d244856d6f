"""What an image costs in time and memory, as the training grows.

    KERAS_BACKEND=tensorflow python tests/benchmarks/scaling.py \\
        scaling.csv --picture scaling.svg

One thing at a time is changed around a GAN of 32x32x3 images, 16 filters at
half the size, batch 64: the batch size, the image size, the width, the number
of players (`gan` 2, `vae_gan` 3, `aegan` 4, of the same networks). Each point
is a process of its own: the median time of a step inside `fit`, and how far
the process's memory rose above what it was with the model built, data and
compiling included. Points that the file already has are not measured again, so
a sweep that was interrupted goes on, and one on another backend adds its lines.
"""

import argparse
import csv
import json
import math
import resource
import subprocess
import sys
from pathlib import Path

import keras
from step_limit import build, step_seconds

from keras_aegan.report.axes import Axis, value_axis

_BASE = {"recipe": "gan", "size": 32, "width": 16, "batch_size": 64}
_SWEEPS = {
    "batch_size": (8, 16, 32, 64, 128, 256),
    "size": (16, 32, 64),
    "width": (8, 16, 32, 64),
    "recipe": ("gan", "vae_gan", "aegan"),
}
_KEY = ("backend", *_BASE)
_FOUND = ("players", "parameters", "us_per_image", "memory_mb")

#: What a sweep shows: the column of its horizontal axis, and the axis' name.
_ACROSS = {
    "batch_size": ("batch_size", "batch size"),
    "size": ("size", "image size"),
    "width": ("width", "width"),
    "recipe": ("players", "players"),
}
_UP = {"us_per_image": "µs an image", "memory_mb": "MB above the model"}
_COLOURS = {"tensorflow": "#c2410c", "jax": "#15803d", "torch": "#6d28d9"}
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 250, 200, 60, 24, 44


def points() -> list[dict]:
    """Every point of every sweep, each once."""
    found = []
    for name, values in _SWEEPS.items():
        for value in values:
            point = {**_BASE, name: value}
            if point not in found:
                found.append(point)
    return found


def measured(recipe, size, width, batch_size, steps, turns) -> dict:
    """Measures one point, in this process."""

    def peak():
        # Kilobytes, but for macOS, which counts bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    model = build(recipe, (size, size, 3), width=width)
    before = peak()
    seconds = step_seconds(model, batch_size, steps, turns)
    owned = [v for player in model.players for v in model.owned[player]]
    return {
        "players": len(model.players),
        "parameters": sum(math.prod(variable.shape) for variable in owned),
        "us_per_image": round(1e6 * seconds / batch_size, 1),
        "memory_mb": round((peak() - before) / 1e6, 1),
    }


def _measured_apart(point, args):
    """The same in a process of its own."""
    command = [sys.executable, __file__, args.table, "--point"]
    command += [json.dumps(point), "--steps", str(args.steps)]
    command += ["--turns", str(args.turns)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def _read(path):
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _add(path, row):
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, (*_KEY, *_FOUND))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def _of_sweep(rows, name):
    """The rows of one sweep, in its order."""
    fixed = {key: str(v) for key, v in _BASE.items() if key != name}
    rows = [r for r in rows if all(r[key] == v for key, v in fixed.items())]
    rows = [r for r in rows if r[name] in map(str, _SWEEPS[name])]
    return sorted(rows, key=lambda row: float(row[_ACROSS[name][0]]))


def picture(rows) -> str:
    """All sweeps as curves, an SVG: time above, memory below."""
    parts = [
        _chart(_of_sweep(rows, sweep), sweep, value, column, line)
        for line, value in enumerate(_UP)
        for column, sweep in enumerate(_SWEEPS)
    ]
    backends = sorted({row["backend"] for row in rows})
    legend = [
        f'<text x="{_LEFT + 110 * place}" y="{2 * _HEIGHT + 16}" '
        f'fill="{_COLOURS[backend]}">{backend}</text>'
        for place, backend in enumerate(backends)
    ]
    size = f"{_WIDTH * len(_SWEEPS)} {2 * _HEIGHT + 26}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
        'font-family="sans-serif" font-size="11">\n'
        "<title>Cost of an image as the training grows</title>\n"
        '<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join([*parts, *legend])
        + "\n</svg>\n"
    )


def _chart(rows, sweep, value, column, line):
    key, name = _ACROSS[sweep]
    places = sorted({float(row[key]) for row in rows}) or [1.0]
    low, high = math.log10(places[0]), math.log10(places[-1])
    across = Axis(low, high if high > low else low + 1, [], True)
    up = value_axis([0.0, *(float(row[value]) for row in rows)])

    def x(place):
        return round(_LEFT + across.place(place) * (_WIDTH - _LEFT - 16), 1)

    def y(place):
        height = _HEIGHT - _TOP - _BOTTOM
        return round(_TOP + (1 - place) * height, 1)

    parts = [
        f'<path d="M{_LEFT},{y(at)}H{_WIDTH - 16}" stroke="#ddd"/>'
        f'<text x="{_LEFT - 6}" y="{y(at) + 4}" text-anchor="end">{label}'
        "</text>"
        for at, label in up.ticks
    ]
    parts += [
        f'<text x="{x(place)}" y="{_HEIGHT - _BOTTOM + 16}" '
        f'text-anchor="middle">{place:g}</text>'
        for place in places
    ]
    for backend in sorted({row["backend"] for row in rows}):
        line_points = [
            f"{x(float(row[key]))},{y(up.place(float(row[value])))}"
            for row in rows
            if row["backend"] == backend
        ]
        colour = _COLOURS[backend]
        parts.append(
            f'<path d="M{"L".join(line_points)}" fill="none" '
            f'stroke="{colour}" stroke-width="1.5"/>'
        )
        parts += [
            '<circle cx="{}" cy="{}" r="2.5" fill="{}"/>'.format(
                *point.split(","), colour
            )
            for point in line_points
        ]
    parts.append(
        f'<text x="{_LEFT}" y="14">{_UP[value]}</text>'
        f'<text x="{_WIDTH - 16}" y="{_HEIGHT - 12}" text-anchor="end">{name}'
        "</text>"
    )
    moved = f"translate({_WIDTH * column},{_HEIGHT * line})"
    return f'<g transform="{moved}">\n' + "\n".join(parts) + "\n</g>"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", help="CSV of the points, read and added to")
    parser.add_argument("--picture", help="SVG to draw")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--most", type=int, help="measure so many points")
    parser.add_argument("--point", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.point:
        found = measured(**args.point, steps=args.steps, turns=args.turns)
        print(json.dumps(found))
        return

    table = Path(args.table)
    backend = keras.backend.backend()
    known = {tuple(row[key] for key in _KEY) for row in _read(table)}
    missing = [
        point
        for point in points()
        if (backend, *map(str, point.values())) not in known
    ]
    for point in missing[: args.most]:
        found = _measured_apart(point, args)
        _add(table, {"backend": backend, **point, **found})

    rows = _read(table)
    columns = (*_KEY, *_FOUND)
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for row in rows:
        print(f"| {' | '.join(row[column] for column in columns)} |")
    if args.picture:
        Path(args.picture).write_text(picture(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
