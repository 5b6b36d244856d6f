import json

import pytest

from keras_aegan.report.log import read_log


def read(run):
    return read_log(run.folder / "monitor.jsonl")


def test_values_go_to_a_chart_by_their_first_name(run):
    run.start()
    run.watch(1, norm__encoder=0.5, norm__generator=2.5, accuracy=0.25)
    run.watch(2, norm__encoder=0.125, accuracy=None)
    run.epoch(1, 2, loss=0.75, val_loss=0.5)
    log = read(run)
    assert log.watched() == {
        "norm": {"encoder": [(1, 0.5), (2, 0.125)], "generator": [(1, 2.5)]},
        "accuracy": {"accuracy": [(1, 0.25), (2, None)]},
    }
    assert log.logged() == {
        "loss": {"loss": [(2, 0.75)], "val_loss": [(2, 0.5)]}
    }
    assert (log.step, log.epoch, log.resumed) == (2, 1, [])


def test_a_resumed_training_has_each_step_once(run):
    run.start()
    run.watch(10, 30.0, a=1.0)
    run.epoch(1, 10, loss=1.0)
    run.watch(20, 60.0, a=2.0)
    run.verdict(20, "gone", "Seen in steps that were lost.")
    run.start(10)
    run.watch(15, 45.0, a=3.0)
    run.end(18, 50.0)
    log = read(run)
    assert log.watched()["a"]["a"] == [(10, 1.0), (15, 3.0)]
    assert log.logged()["loss"]["loss"] == [(10, 1.0)]
    assert log.of("verdict") == []
    assert (log.step, log.resumed) == (18, [10])
    # The time of what was lost was spent all the same.
    assert [session.seconds for session in log.sessions] == [60.0, 50.0]
    assert [session.has_ended for session in log.sessions] == [False, True]


def test_a_training_that_began_anew_replaces_the_one_before(run):
    run.start(model="first")
    run.watch(500, 9.0, a=1.0)
    run.epoch(3, 500, loss=1.0)
    run.start(model="second")
    run.watch(7, 2.0, b=1.0)
    log = read(run)
    assert list(log.watched()) == ["b"] and log.logged() == {}
    assert (log.step, log.epoch, log.resumed) == (7, 0, [])
    assert [session.seconds for session in log.sessions] == [2.0]
    assert log.start["model"] == "second"


def test_lines_that_cannot_be_read_are_skipped_and_counted(run):
    run.watch(1, a=0.0)  # before any start
    run.start()
    for line in (
        b"not JSON",
        b"\xff\xfe",
        b"",
        b'["a list"]',
        b'{"kind": "unheard of", "step": 1}',
        b'{"kind": "watch", "step": 1, "values": [1]}',
        b'{"kind": "verdict", "step": 1, "epoch": 0, "name": "no text"}',
        b'{"kind": "watch", "step": 2, "val',  # cut by a kill
    ):
        run.line(line)
    run.watch(1, a=1.0)
    log = read(run)
    assert log.unreadable == 9
    assert log.watched() == {"a": {"a": [(1, 1.0)]}}


def test_what_cannot_be_drawn_is_no_number(run):
    run.start()
    values = [None, float("nan"), float("inf"), 1e301, 10**400, "1", [], 3]
    for value in values:
        run.watch(1, a=value)
    drawn = [value for _, value in read(run).watched()["a"]["a"]]
    assert drawn == [None] * 7 + [3.0]


def test_a_log_without_a_start_is_refused(run):
    run.watch(1, a=1.0)
    with pytest.raises(ValueError, match="without the line of a start. Give"):
        read(run)
    run.line(json.dumps({"kind": "start", "step": 0}).encode())
    with pytest.raises(ValueError, match="Expected the lines that GameMonitor"):
        read(run)
