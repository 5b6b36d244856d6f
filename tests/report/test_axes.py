import pytest

from keras_aegan.report.axes import step_axis, value_axis


def labels(axis):
    return [label for _, label in axis.ticks]


def test_ticks_are_round_and_where_their_values_are():
    axis = value_axis([0.0, 10.0, 5.0])
    assert (axis.low, axis.high) == (-0.5, 10.5)
    assert labels(axis) == ["0", "5", "10"]
    for place, label in axis.ticks:
        assert place == pytest.approx((float(label) + 0.5) / 11)
    assert labels(value_axis([-2e-7, 2e-7])) == [
        "-2e-7",
        "-1e-7",
        "0",
        "1e-7",
        "2e-7",
    ]


def test_steps_are_whole_and_begin_where_the_training_does():
    axis = step_axis(9000, 9100)
    assert labels(axis) == [f"9,0{n}0" for n in "02468"] + ["9,100"]
    assert axis.place(9000) == 0 and axis.place(9100) == 1
    assert labels(step_axis(0, 3)) == ["0", "1", "2", "3"]
    assert labels(step_axis(5, 5)) == ["5", "6"]


def test_ticks_tell_close_values_apart():
    close = labels(value_axis([1000.001, 1000.0019]))
    assert len(close) == len(set(close)) >= 4
    assert "1000.0012" in close


def test_more_than_three_decades_are_logarithmic():
    axis = value_axis([1e-3, 1e-1, 1e1])
    assert axis.is_logarithmic
    assert labels(axis) == ["0.001", "0.01", "0.1", "1", "10"]
    assert axis.place(1e-1) == pytest.approx(0.5)
    assert labels(value_axis([1e-9, 1e9])) == [
        "1e-9",
        "1e-5",
        "0.1",
        "1000",
        "1e7",
    ]
    # A zero has no logarithm, and three decades still fit a linear scale.
    assert not value_axis([0.0, 1e1]).is_logarithmic
    assert not value_axis([1.0, 999.0]).is_logarithmic


@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [0.1, 0.1],
        [-5.0, -5.0],
        [1e299, -1e299],
        [5e-324, 1e299],
        [5e-324, 0.0],
        [7.0, 7.0 + 1e-14],
    ],
)
def test_any_numbers_have_a_place(values):
    axis = value_axis(values)
    assert all(0 < axis.place(value) < 1 for value in values)
    assert all(0 <= place <= 1 for place, _ in axis.ticks)
