"""Charts of values over the steps, as SVG."""

import itertools
from collections.abc import Iterable
from html import escape

from keras_aegan.report.axes import Axis, step_axis, value_axis
from keras_aegan.report.log import Charts, Log, Points
from keras_aegan.report.text import number

#: Of a chart, in its own pixels; a phone shows about as many.
_WIDTH, _HEIGHT = 420, 228
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 408, 18, 190


def show_curves(title: str, note: str, charts: Charts, log: Log) -> str:
    """A section of the page with charts, all over the same steps.

    Args:
        title: the section's.
        note: what the charts show, as HTML.
        charts: the points of each line of each chart.
        log: the training's, for its steps and the order of its players.

    Returns:
        HTML, empty where there are no charts.
    """
    if not charts:
        return ""
    if log.resumed:
        note += " Dotted lines mark where the training resumed."
    steps = step_axis(log.sessions[0].start["step"], log.step)
    figures = [
        _chart(name, lines, steps, log) for name, lines in charts.items()
    ]
    return (
        f"<section>\n<h2>{title}</h2>\n<p>{note}</p>\n"
        f'<div class="charts">\n{"".join(figures)}</div>\n</section>\n'
    )


def _chart(name: str, lines: dict[str, Points], steps: Axis, log: Log) -> str:
    known = {
        line: [value for _, value in points if value is not None]
        for line, points in lines.items()
    }
    values = value_axis(list(itertools.chain(*known.values())) or [0.0])
    styles = _styles(lines, log.start["players"])
    scale = ", on a logarithmic scale" if values.is_logarithmic else ""
    curves, legend = [], []
    for line, points in lines.items():
        curves.append(_curve(points, steps, values, styles[line]))
        last = number(known[line][-1]) if known[line] else "no number"
        if known[line] and points[-1][1] is None:
            last += ", then no number"
        legend.append(
            f'<li><svg class="key" viewBox="0 0 24 8" aria-hidden="true">'
            f'<path class="line {styles[line]}" d="M1,4H23"/></svg> '
            f'<span class="name">{escape(line)}</span> '
            f'<span class="value">{last}</span></li>\n'
        )
    end = max(points[-1][0] for points in lines.values())
    return (
        f'<figure class="chart">\n<figcaption>{escape(name)}</figcaption>\n'
        f'<svg class="plot" role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'data-left="{_LEFT}" data-right="{_RIGHT}" '
        f'data-low="{steps.low}" data-high="{steps.high}">\n'
        f"<title>{escape(name)} over the steps{scale}</title>\n"
        f"{_grid(steps, values, log.resumed)}\n{''.join(curves)}\n"
        f'<path class="hair" d="M0,{_TOP}V{_BOTTOM}" visibility="hidden"/>\n'
        f'</svg>\n<p class="when">at step {end:,}</p>\n'
        f'<ul class="legend">{"".join(legend)}</ul>\n</figure>\n'
    )


def _styles(names: Iterable[str], players: list[str]) -> dict[str, str]:
    """A player has one colour on the whole page; others get what is left."""
    places = {name: players.index(name) for name in names if name in players}
    free = (n for n in itertools.count() if n not in places.values())
    return {
        name: f"c{place % 6} d{place // 6 % 4}"
        for name in names
        for place in [places[name] if name in places else next(free)]
    }


def _curve(points: Points, steps: Axis, values: Axis, style: str) -> str:
    points = _thin(points, steps)
    runs = [
        [
            f"{_across(steps.place(step))},{_up(values.place(value))}"
            for step, value in run
        ]
        for is_known, run in itertools.groupby(points, _is_known)
        if is_known
    ]
    line = "".join("M" + "L".join(run) for run in runs)
    # A point between two gaps has no line that shows it.
    dots = "".join(
        f"M{place}h0"
        for run in runs
        for place in run
        if len(run) == 1 or len(points) <= 30
    )
    # For the values under the pointer.
    hover_steps = " ".join(str(step) for step, _ in points)
    hover_values = " ".join(
        number(point[1]) if _is_known(point) else "-" for point in points
    )
    return (
        f'<path class="line {style}" d="{line}" data-steps="{hover_steps}" '
        f'data-values="{hover_values}"/>'
        f'<path class="dot {style}" d="{dots}"/>'
    )


def _thin(points: Points, steps: Axis) -> Points:
    """Of each column of pixels the lowest, the highest, and where it breaks."""

    def column(point):
        return int((_RIGHT - _LEFT) * steps.place(point[0]))

    kept = []
    for _, within in itertools.groupby(points, column):
        within = list(within)
        known = [point for point in within if _is_known(point)]
        gaps = [point for point in within if not _is_known(point)]
        keep = {*gaps[:1], *gaps[-1:]}
        if known:
            keep.add(min(known, key=lambda point: point[1]))
            keep.add(max(known, key=lambda point: point[1]))
        kept += [point for point in within if point in keep]
    return kept


def _is_known(point: tuple[int, float | None]) -> bool:
    return point[1] is not None


def _grid(steps: Axis, values: Axis, resumed: list[int]) -> str:
    parts = []
    for place, label in values.ticks:
        y = _up(place)
        parts.append(
            f'<path class="grid" d="M{_LEFT},{y}H{_RIGHT}"/>'
            f'<text class="tick" x="{_LEFT - 6}" y="{y}" dy="4" '
            f'text-anchor="end">{label}</text>'
        )
    for place, label in steps.ticks:
        x = _across(place)
        parts.append(
            f'<path class="axis" d="M{x},{_BOTTOM}v4"/>'
            f'<text class="tick" x="{x}" y="{_BOTTOM + 17}" '
            f'text-anchor="middle">{label}</text>'
        )
    for step in resumed:
        x = _across(steps.place(step))
        parts.append(
            f'<path class="resumed" d="M{x},{_TOP}V{_BOTTOM}">'
            f"<title>resumed at step {step:,}</title></path>"
        )
    if values.is_logarithmic:
        parts.append(
            f'<text class="tick" x="{_LEFT}" y="{_TOP - 7}">log scale</text>'
        )
    parts += [
        f'<path class="axis" d="M{_LEFT},{_BOTTOM}H{_RIGHT}"/>',
        f'<text class="tick" x="{_RIGHT}" y="{_HEIGHT - 6}" '
        'text-anchor="end">step</text>',
    ]
    return "\n".join(parts)


def _across(place: float) -> str:
    return f"{_LEFT + place * (_RIGHT - _LEFT):.1f}"


def _up(place: float) -> str:
    return f"{_BOTTOM - place * (_BOTTOM - _TOP):.1f}"
