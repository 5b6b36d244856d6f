import numpy as np
import pytest

#: The edges of a chart's curves, in its pixels.
LEFT, RIGHT, TOP, BOTTOM = 54, 408, 18, 190


def test_each_value_has_a_line_and_its_last_number(run):
    run.start()
    run.watch(1, norm__encoder=0.5, norm__generator=2.5, accuracy=0.25)
    run.watch(2, norm__encoder=0.125, accuracy=None)
    run.epoch(1, 2, loss=0.75, val_loss=12.3456, precision=1.5e-7, size=12345.6)
    page = run.page()
    assert [plot.find("title").text for plot in page.plots] == [
        "norm over the steps",
        "accuracy over the steps",
        "loss over the steps",
        "precision over the steps",
        "size over the steps",
    ]
    for name, lines in (("norm", 2), ("accuracy", 1), ("loss", 2)):
        assert len(page.lines(name)) == lines
    for last in (
        "encoder 0.125",
        "generator 2.5",
        "accuracy 0.25, then no number",
        "loss 0.75",
        "val_loss 12.35",
        "precision 1.5e-7",
        "size 12,346",
    ):
        assert f" {last}" in page.text


def test_a_curve_stands_at_its_steps_and_values(run):
    run.start()
    for step, value in ((0, 0.0), (50, 10.0), (100, 5.0)):
        run.watch(step, a=value)
    page = run.page()
    ((((x0, y0), (x1, y1), (x2, y2)),),) = page.lines("a")
    assert (x0, x1, x2) == (LEFT, (LEFT + RIGHT) / 2, RIGHT)
    assert y0 - y2 == pytest.approx((y0 - y1) / 2, abs=0.2)
    places = page.labels("a")
    assert list(places) == "0 5 10 20 40 60 80 100 step".split()
    assert places["5"][1] == y2 and places["10"][1] == y1
    assert places["100"][0] == RIGHT


def test_a_logarithmic_scale_is_named(run):
    run.start()
    for step, value in enumerate((1e-3, 1e-1, 1e1)):
        run.watch(step, a=value)
    page = run.page()
    ((((_, y0), (_, y1), (_, y2)),),) = page.lines("a")
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert page.title("a") == "a over the steps, on a logarithmic scale"
    assert "log scale" in page.labels("a")


def test_nulls_leave_gaps_and_points_between_them_are_dots(run):
    run.start()
    many = [0.0] * 31  # No dots for each point of a longer curve.
    for step, value in enumerate([2.0, None, 3.0, None, None, *many]):
        run.watch(step, a=value)
    page = run.page()
    (runs,) = page.lines("a")
    assert [len(run) for run in runs] == [1, 1, 31]
    (dots,) = page.paths("a", "dot")
    expected = "".join(f"M{x},{y}h0" for ((x, y),) in runs[:2])
    assert dots.get("d") == expected


def test_no_numbers_at_all_are_a_chart_without_a_curve(run):
    run.start()
    run.watch(1, a=None)
    page = run.page()
    assert page.lines("a") == [[]]
    assert " a no number " in page.text


def test_thinning_keeps_spikes_and_gaps(run):
    values = np.random.default_rng(0).normal(0, 1, 20_000).round(3).tolist()
    values[7001], values[7013], values[12_345] = 50.0, -40.0, None
    run.start()
    for step, value in enumerate(values):
        run.watch(step, a=value)
    page = run.page()
    (runs,) = page.lines("a")
    points = [point for run in runs for point in run]
    assert 600 < len(points) < 800
    assert len(runs) == 2
    gap = LEFT + (RIGHT - LEFT) * 12_345 / 20_000
    assert runs[0][-1][0] == pytest.approx(gap, abs=1)
    (line,) = page.paths("a", "line")
    steps = line.get("data-steps").split(" ")
    shown = dict(zip(steps, line.get("data-values").split(" "), strict=True))
    assert (shown["7001"], shown["7013"], shown["12345"]) == ("50", "-40", "-")
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    assert bottom - top == pytest.approx((BOTTOM - TOP) / 1.1, abs=0.2)
    assert len(page.source) < 60_000


def test_a_mark_stands_where_the_training_resumed(run):
    run.start()
    run.epoch(1, 10, loss=1.0)
    run.start(10)
    run.epoch(2, 20, loss=0.5)
    page = run.page()
    (mark,) = page.paths("loss", "resumed")
    assert mark.find("title").text == "resumed at step 10"
    assert mark.get("d") == f"M{(LEFT + RIGHT) / 2},{TOP}V{BOTTOM}"
    assert "Dotted lines mark where the training resumed." in page.text


def test_players_keep_their_colour_and_no_two_lines_look_alike(run):
    players = ["discriminator", "encoder", "generator"]
    run.start(players=players)
    run.watch(1, share__generator=0.5)
    run.watch(2, **{f"all__{name}": 1.0 for name in (*"abcdefghij", *players)})
    page = run.page()

    def styles(name):
        return [path.get("class") for path in page.paths(name, "line")]

    assert styles("share") == ["line c2 d0"]
    assert styles("all")[-3:] == ["line c0 d0", "line c1 d0", "line c2 d0"]
    assert styles("all")[:4] == [
        "line c3 d0",
        "line c4 d0",
        "line c5 d0",
        "line c0 d1",
    ]
    assert len(set(styles("all"))) == 13
