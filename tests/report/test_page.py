import re

import pytest

from keras_aegan.report import write_report


def test_the_page_is_complete_without_a_network(run):
    run.pictures("samples", [0, 1])
    run.start()
    run.watch(1, a=1.0)
    run.epoch(1, 1, loss=1.0)
    run.end(1)
    page = run.page()
    assert not re.search(r"https?:|url\(|@import", page.source)
    assert len(page.links) == 3
    assert all(link.startswith("data:") for link in page.links)
    assert "default-src 'none'; img-src data:; style-src" in page.source
    assert {"style", "script", "title", "figcaption"} <= page.tags
    for plot in page.plots:
        assert plot.get("role") == "img"


def test_hostile_text_stays_text(run):
    evil = "<script src=http://a.b>alert(1)</script>\"'><img onerror=x>&\ud800"
    run.start(
        model=evil,
        time=evil,
        players=[evil],
        parameters={evil: 5},
        backend=evil,
        keras=evil,
        keras_aegan=evil,
    )
    run.watch(1, **{f"{evil[:9]}__{evil}": 1.0})
    run.epoch(1, 1, **{evil: 1.0})
    run.verdict(1, evil, evil)
    page = run.page()
    assert page.text.count(evil.replace("\ud800", "?")) > 10
    assert page.handlers == [] and "img" not in page.tags
    assert page.links == ["data:,"]
    assert page.source.count("<script") == 1


def test_lines_that_could_not_be_read_are_told(run):
    run.start()
    assert "could not be read" not in run.page().text
    run.line(b"{")
    assert "Of the log 1 line could not be read." in run.page().text


def test_a_report_goes_where_it_is_told_and_is_replaced(run, tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    for model in ("first", "second"):
        run.start(model=model)
        output = write_report(str(run.folder), str(pages / "a.html"))
        assert output == pages / "a.html"
        assert f"<h1>{model}</h1>" in output.read_text()
    assert list(pages.iterdir()) == [output]
    assert {path.name for path in run.folder.iterdir()} == {
        "monitor.jsonl",
        "pages",
    }


def test_a_folder_without_a_log_is_refused(run, tmp_path):
    with pytest.raises(ValueError, match="missing, which is no folder. Train"):
        write_report(tmp_path / "missing")
    with pytest.raises(ValueError, match="no monitor.jsonl.*GameMonitor"):
        write_report(tmp_path)
    run.start()
    with pytest.raises(ValueError, match="in a folder that exists.*Make the"):
        write_report(tmp_path, tmp_path / "missing" / "a.html")
    with pytest.raises(ValueError, match="Expected output to be a file"):
        write_report(tmp_path, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["monitor.jsonl"]
