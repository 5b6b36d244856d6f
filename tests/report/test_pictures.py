import base64


def decoded(attrs):
    head, data = attrs["src"].split(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(data, validate=True)


def test_pictures_are_embedded_as_they_are(run):
    run.start()
    run.epoch(100, 1000)
    run.pictures("samples", range(0, 101, 5))
    run.pictures("reconstructions", [1])
    (run.folder / "samples_animated.png").write_bytes(b"moving")
    for other in ("samples_x.png", "faces_0001.png", "samples_0001.txt"):
        (run.folder / other).write_bytes(b"other")
    page = run.page()
    expected = {
        "Samples after 0 epochs": "samples_0000.png",
        "Samples after 35 epochs": "samples_0035.png",
        "Samples after 65 epochs": "samples_0065.png",
        "Samples after 100 epochs": "samples_0100.png",
        "Samples from the first epoch to the last": "samples_animated.png",
        "Reconstructions after 1 epoch": "reconstructions_0001.png",
    }
    assert [attrs["alt"] for attrs in page.images] == list(expected)
    for attrs, name in zip(page.images, expected.values(), strict=True):
        assert decoded(attrs) == (run.folder / name).read_bytes()
    assert page.text.count("The page shows") == 1
    assert "The page shows 5 of 22 pictures" in page.text


def test_pictures_of_later_epochs_are_of_another_training(run):
    run.start()
    run.epoch(1, 10)
    run.pictures("samples", range(3))
    page = run.page()
    assert [attrs["alt"] for attrs in page.images] == [
        "Samples after 0 epochs",
        "Samples after 1 epoch",
    ]
    assert "The page shows" not in page.text


def test_large_pictures_are_left_out_the_last_ones_never_first(run):
    run.start()
    run.epoch(3, 10)
    run.pictures("samples", range(4))
    run.pictures("interpolations", [0, 3])
    for path in run.folder.glob("*.png"):
        path.write_bytes(path.read_bytes().ljust(5 * 2**20, b"\0"))
    page = run.page()
    assert [attrs["alt"] for attrs in page.images] == [
        "Samples after 0 epochs",
        "Samples after 3 epochs",
        "Interpolations after 3 epochs",
    ]
    assert "The page shows 2 of 4 pictures" in page.text
    assert "The page shows 1 of 2 pictures" in page.text
    assert len(page.source) < 22 * 2**20
