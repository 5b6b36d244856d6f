import numpy as np
import PIL.Image
import pytest

from keras_aegan.images import (
    image_grid,
    read_data,
    replacing,
    save_animation,
    save_image,
)


def picture(path, height=4, width=4, mode="L", fill=100):
    image = PIL.Image.new(mode, (width, height), fill)
    image.save(path)


def test_pictures_come_in_the_order_of_their_names(tmp_path):
    (tmp_path / "sub").mkdir()
    picture(tmp_path / "b.png", fill=2)
    picture(tmp_path / "a.png", fill=1)
    picture(tmp_path / "sub" / "c.bmp", fill=3)
    (tmp_path / "notes.txt").write_text("no picture")
    data = read_data(tmp_path)
    assert data.shape == (3, 4, 4, 1)
    assert data.dtype == "uint8"
    assert data[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert len(read_data(tmp_path, limit=2)) == 2


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "gif"])
def test_reads_each_kind_of_picture(tmp_path, suffix):
    picture(tmp_path / f"a.{suffix}", 8, 8)
    data = read_data(tmp_path / f"a.{suffix}", channels=1)
    assert data.shape == (1, 8, 8, 1)
    assert abs(int(data.mean()) - 100) <= 2


def test_channels_follow_the_pictures_unless_given(tmp_path):
    picture(tmp_path / "a.png")
    assert read_data(tmp_path).shape == (1, 4, 4, 1)
    assert read_data(tmp_path, channels=3).shape == (1, 4, 4, 3)
    picture(tmp_path / "b.png", mode="RGB", fill=(1, 2, 3))
    assert read_data(tmp_path)[1, 0, 0].tolist() == [1, 2, 3]
    assert read_data(tmp_path, channels=1).shape == (2, 4, 4, 1)


def test_what_is_hidden_is_left_out(tmp_path):
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "folder.png").mkdir()
    pixels = np.full((4, 4), 7, "uint8")
    for name in ("a.png", ".b.png", ".ipynb_checkpoints/a.png"):
        PIL.Image.fromarray(pixels).save(tmp_path / name)
    assert read_data(tmp_path).shape == (1, 4, 4, 1)


def test_linked_folders_are_read_each_once(tmp_path):
    for name, value in (("data/a", 1), ("elsewhere", 2)):
        (tmp_path / name).mkdir(parents=True)
        pixels = np.full((4, 4), value, "uint8")
        PIL.Image.fromarray(pixels).save(tmp_path / name / "a.png")
    (tmp_path / "data" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "a" / "loop").symlink_to(tmp_path / "data")
    read = read_data(tmp_path / "data")
    assert read[:, 0, 0, 0].tolist() == [1, 2]


def test_opacity_is_read_when_asked_for(tmp_path):
    pixels = np.arange(64, dtype="uint8").reshape(1, 4, 4, 4)
    PIL.Image.fromarray(pixels[0], "RGBA").save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_data(tmp_path, channels=4), pixels)


def test_pictures_are_cropped_around_their_centre(tmp_path):
    pixels = np.zeros((4, 12), "uint8")
    pixels[:, 4:8] = 200
    PIL.Image.fromarray(pixels).save(tmp_path / "wide.png")
    data = read_data(tmp_path, size=(4, 4))
    assert data.shape == (1, 4, 4, 1)
    assert (data == 200).all()


def test_pictures_that_lie_down_are_turned_upright(tmp_path):
    image = PIL.Image.new("L", (6, 4))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert read_data(tmp_path).shape == (1, 6, 4, 1)


def test_pictures_of_different_sizes_need_a_size(tmp_path):
    picture(tmp_path / "a.png", 4, 4)
    picture(tmp_path / "b.png", 5, 7)
    with pytest.raises(ValueError, match="b.png is 5x7.*Give one image size"):
        read_data(tmp_path)


def test_unreadable_pictures_are_named(tmp_path):
    picture(tmp_path / "good.png", 64, 64)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="1 of the pictures .*text.png"):
        read_data(tmp_path)
    (tmp_path / "text.png").unlink()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), "uint8")
    PIL.Image.fromarray(noise).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="1 of the pictures .*cut.png"):
        read_data(tmp_path)


def test_pictures_of_more_than_eight_bits_are_refused(tmp_path):
    deep = np.full((4, 4), 40_000, "uint16")
    PIL.Image.fromarray(deep).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="deep.png.*more than 8 bits"):
        read_data(tmp_path)


def test_a_place_without_data_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="holds no pictures"):
        read_data(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        read_data(tmp_path / "missing")
    (tmp_path / "data.csv").write_text("1,2")
    with pytest.raises(ValueError, match="no kind of data"):
        read_data(tmp_path / "data.csv")
    for limit in (0, -1):
        with pytest.raises(ValueError, match=f"one sample.*limit={limit}"):
            read_data(tmp_path, limit=limit)
    with pytest.raises(ValueError, match="a height and a width.*size=64"):
        read_data(tmp_path, size=64)


def test_arrays_are_chosen_by_key(tmp_path):
    path = tmp_path / "data.npz"
    ones, twos = np.ones((3, 2)), np.full((3, 2), 2.0)
    np.savez(path, x_train=ones, x_test=twos)
    assert (read_data(path) == 1).all()
    assert (read_data(path, key="x_test", limit=2) == 2).all()
    with pytest.raises(ValueError, match="x_test, x_train.*key 'y'"):
        read_data(path, key="y")
    np.savez(path, faces=ones, labels=twos)
    with pytest.raises(ValueError, match="faces, labels.*no key"):
        read_data(path)
    np.savez(path, faces=ones)
    assert (read_data(path) == 1).all()
    np.save(tmp_path / "data.npy", twos)
    assert (read_data(tmp_path / "data.npy") == 2).all()
    with pytest.raises(ValueError, match="within an .npz file"):
        read_data(tmp_path / "data.npy", key="x")


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_pickles_are_never_loaded(tmp_path, suffix):
    path = tmp_path / f"data.{suffix}"
    objects = np.array([{"a": 1}, None], dtype=object)
    np.save(path, objects) if suffix == "npy" else np.savez(path, x=objects)
    with pytest.raises(ValueError, match="never loaded"):
        read_data(path)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_damaged_arrays_are_an_error(tmp_path, suffix):
    path = tmp_path / f"data.{suffix}"
    path.write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(ValueError, match="cannot be read as plain arrays"):
        read_data(path)


def test_arrays_damaged_within_are_an_error(tmp_path):
    path, array = tmp_path / "data.npz", np.arange(8000).reshape(80, 100)
    np.savez_compressed(path, x=array)
    content = path.read_bytes()
    for at, patch in (
        (100, b"\xff" * 60),  # of what is compressed
        (content.rindex(b"PK\x01\x02"), b"\0"),  # of the archive's directory
    ):
        rest = content[at + len(patch) :]
        path.write_bytes(content[:at] + patch + rest)
        with pytest.raises(ValueError, match="cannot be read as plain arrays"):
            read_data(path)
    path = tmp_path / "data.npy"
    np.save(path, array)
    claim = path.read_bytes().replace(b"(80, 100)", b"(10000000000000000, 1)")
    path.write_bytes(claim)
    with pytest.raises(ValueError, match="cannot be read as plain arrays"):
        read_data(path)


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.zeros(3), np.zeros((0, 2))]
)
def test_arrays_that_are_no_samples_are_refused(tmp_path, array):
    np.save(tmp_path / "data.npy", array)
    with pytest.raises(ValueError, match="expected numbers of shape"):
        read_data(tmp_path / "data.npy")


def test_grid_puts_pictures_row_after_row():
    images = np.arange(5, dtype="uint8").reshape(5, 1, 1, 1)
    grid = image_grid(images.repeat(3, 1).repeat(2, 2), columns=3, padding=1)
    assert grid.shape == (2 * 4 + 1, 3 * 3 + 1, 1)
    assert grid.dtype == "uint8"
    assert grid[1, 1::3, 0].tolist() == [0, 1, 2]
    assert grid[5, 1::3, 0].tolist() == [3, 4, 255]
    assert (grid[0] == 255).all() and (grid[:, 0] == 255).all()


def test_grid_maps_the_range_to_black_and_white():
    images = np.array([-1.0, 0.0, 1.0, 2.0]).reshape(4, 1, 1, 1)
    grid = image_grid(images, columns=4, data_range=(-1, 1), padding=0)
    assert grid.ravel().tolist() == [0, 128, 255, 255]


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 4, 4, 2), (0, 4, 4, 1)])
def test_grid_refuses_what_is_no_picture(shape):
    with pytest.raises(ValueError, match="Pictures have the shape"):
        image_grid(np.zeros(shape))
    with pytest.raises(ValueError, match="one picture or more.*columns=0"):
        image_grid(np.zeros((2, 4, 4, 1)), columns=0)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_saved_pictures_are_enlarged_pixel_by_pixel(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(
        0, 256, (2, 3, channels), dtype="uint8"
    )
    save_image(tmp_path / "a.png", pixels, scale=3)
    with PIL.Image.open(tmp_path / "a.png") as image:
        read = np.asarray(image).reshape(6, 9, channels)
    np.testing.assert_array_equal(read[1::3, 1::3], pixels)
    np.testing.assert_array_equal(read, pixels.repeat(3, 0).repeat(3, 1))


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    with (
        pytest.raises(FileNotFoundError, match="There is no folder .*missing"),
        replacing(tmp_path / "missing" / "a.txt"),
    ):
        pass


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_animation_has_the_pixels_of_its_frames(tmp_path, channels):
    shape = (3, 20, 38, channels)
    stills = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
    files = [tmp_path / f"{index}.png" for index in range(3)]
    for path, still in zip(files, stills, strict=True):
        save_image(path, still)
    save_animation(tmp_path / "moving.png", files, milliseconds=120)
    with PIL.Image.open(tmp_path / "moving.png") as image:
        assert (image.n_frames, image.info["loop"]) == (3, 0)
        for index, still in enumerate(stills):
            image.seek(index)
            read = np.asarray(image).reshape(still.shape)
            np.testing.assert_array_equal(read, still)
            assert image.info["duration"] == 120


def test_one_frame_is_a_picture(tmp_path):
    picture(tmp_path / "a.png", fill=7)
    save_animation(tmp_path / "a.png", [tmp_path / "a.png"])
    data = read_data(tmp_path / "a.png")
    assert data.shape == (1, 4, 4, 1) and (data == 7).all()


def test_frames_that_do_not_go_together_are_refused(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", mode="RGB", fill=(1, 2, 3))
    picture(tmp_path / "c.png", width=5)
    (tmp_path / "d.png").write_bytes(b"no picture")
    moving = tmp_path / "moving.png"
    with pytest.raises(ValueError, match="one frame or more"):
        save_animation(moving, [])
    for other in ("b.png", "c.png"):
        with pytest.raises(ValueError, match=f"{other}, which differs"):
            save_animation(moving, [tmp_path / "a.png", tmp_path / other])
    with pytest.raises(ValueError, match="d.png cannot be read"):
        save_animation(moving, [tmp_path / "d.png"])
    assert not moving.exists() and len(list(tmp_path.iterdir())) == 4
