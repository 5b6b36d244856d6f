"""From steps and values to places on a chart, with marks at round ones."""

import dataclasses
import math

from keras_aegan.report.text import number, plain


@dataclasses.dataclass
class Axis:
    """From values to places between 0 and 1.

    Args:
        low: the value at 0; of a logarithmic axis, its decimal logarithm.
        high: the same at 1.
        ticks: places with their labels.
        is_logarithmic: whether equal ways are equal ratios.
    """

    low: float
    high: float
    ticks: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    is_logarithmic: bool = False

    def place(self, value: float) -> float:
        if self.is_logarithmic:
            value = math.log10(value)
        return (value - self.low) / (self.high - self.low)


def step_axis(low: int, high: int) -> Axis:
    """An axis from a step to another, with ticks at whole ones."""
    axis = Axis(low, max(high, low + 1))
    distance = max(1, _round_distance(axis))
    for step in _multiples(axis, distance):
        axis.ticks.append((axis.place(step), f"{step:,.0f}"))
    return axis


def value_axis(values: list[float]) -> Axis:
    """An axis that holds values, logarithmic over more than three decades."""
    low, high = min(values), max(values)
    is_logarithmic = low > 0 and high > 1e3 * low
    if is_logarithmic:
        low, high = math.log10(low), math.log10(high)
    largest = max(abs(low), abs(high))
    if high - low <= max(1e-9 * largest, 1e-300):  # a constant
        low, high = low - (0.1 * largest or 1), high + (0.1 * largest or 1)
    margin = 0.05 * (high - low)
    axis = Axis(low - margin, high + margin, [], is_logarithmic)

    if is_logarithmic:
        powers = range(math.ceil(axis.low), math.floor(axis.high) + 1)
        for power in powers[:: -(-len(powers) // 6)]:
            place = (power - axis.low) / (axis.high - axis.low)
            label = number(10.0**power) if -5 < power < 6 else f"1e{power}"
            axis.ticks.append((place, label))
        return axis
    distance = _round_distance(axis)
    # As many digits as it takes to tell one tick from the next.
    digits = max(5, 2 + math.floor(math.log10(largest / distance or 1)))
    for value in _multiples(axis, distance):
        axis.ticks.append((axis.place(value), plain(f"{value:.{digits}g}")))
    return axis


def _round_distance(axis: Axis) -> float:
    """1, 2 or 5 times a power of ten, so that it goes in about five times."""
    rough = (axis.high - axis.low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    fitting = (f * power for f in (1, 2, 5) if f * power >= rough)
    return next(fitting, 10 * power)


def _multiples(axis: Axis, distance: float) -> list[float]:
    first = math.ceil(axis.low / distance)
    last = math.floor(axis.high / distance)
    return [index * distance for index in range(first, last + 1)]
