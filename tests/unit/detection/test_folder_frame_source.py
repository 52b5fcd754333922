"""A folder of pictures: each is a frame; what cannot be read is counted, and told."""

import errno
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from services.detection.adapters.folder_frame_source import LARGEST_BYTES, FolderFrameSource
from services.detection.adapters.frame_sources import open_source
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError, TransientError
from tests.clips import moving_box

RECORDED_AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
PICTURE = moving_box()(0)


def opened(folder: Path, fps: float = 1.0) -> FolderFrameSource:
    return FolderFrameSource(folder, "gate", RECORDED_AT, fps=fps)


def save(path: Path, image: BgrImage = PICTURE) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


def test_pictures_come_in_the_order_of_their_names_at_the_declared_rate(tmp_path: Path) -> None:
    for name, shade in (("b.jpg", 200), ("a.png", 10), ("c.JPEG", 90)):
        save(tmp_path / name, np.full((8, 8, 3), shade, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    frames = list(opened(tmp_path, fps=2).frames())
    assert [int(frame.image.mean()) for frame in frames] == pytest.approx([10, 200, 90], abs=2)
    assert [frame.offset_s for frame in frames] == [0.0, 0.5, 1.0]
    assert frames[2].captured_at == RECORDED_AT + timedelta(seconds=1)


def test_a_folder_stands_for_five_pictures_a_second_unless_told_otherwise(tmp_path: Path) -> None:
    """At one a second nobody walks without being lost, and a vest that is not seen could never be reported."""
    for number in range(3):
        save(tmp_path / f"{number}.png")
    for source, times in (
        (open_source(str(tmp_path), "gate", tmp_path), [0.0, 0.2, 0.4]),
        (open_source(str(tmp_path), "gate", tmp_path, folder_fps=2), [0.0, 0.5, 1.0]),
    ):
        assert [frame.offset_s for frame in source.frames() if frame] == times


def test_colours_are_blue_green_red(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.full((8, 8, 3), (200, 100, 50), np.uint8))
    [frame] = opened(tmp_path).frames()
    assert frame.image[0, 0].tolist() == [200, 100, 50]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_any_kind_of_colour_becomes_bgr(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    Image.new("RGB", (8, 6), "white").convert(mode).save(tmp_path / f"a.{suffix}")
    [frame] = opened(tmp_path).frames()
    assert frame.image.shape == (6, 8, 3)
    assert frame.image.min() > 250


def test_a_picture_is_turned_upright_as_its_camera_noted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored a quarter turn to the left
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    [frame] = opened(tmp_path).frames()
    assert frame.size == (10, 20)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_turn_is_as_pillow_makes_it(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    colours = np.random.default_rng(1).integers(0, 255, (10, 20, 3), np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png", exif=exif)
    [frame] = opened(tmp_path).frames()
    with Image.open(tmp_path / "a.png") as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture))
    assert np.array_equal(frame.image[:, :, ::-1], upright)


TURN = b"MM\0*\0\0\0\x08\0\x02" + b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
WORD_FOR_RESOLUTION = b"\x01\x1a\0\x02\0\0\0\x04odd\0" + bytes(4)


@pytest.mark.parametrize(("notes", "size"), [(TURN + WORD_FOR_RESOLUTION, (10, 20)), (b"\xff" * 9, (20, 10))])
def test_odd_notes_of_a_camera_do_not_stop_the_watch(
    tmp_path: Path, notes: bytes, size: tuple[int, int]
) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + notes)
    [frame] = opened(tmp_path).frames()
    assert frame.size == size


def truncated(path: Path) -> None:
    content = save(path).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def too_large(path: Path) -> None:
    path.write_bytes(save(path).read_bytes() + bytes(LARGEST_BYTES))


def bomb(path: Path) -> None:
    Image.new("1", (8000, 7000)).save(path, format="PNG")


def huge_bomb(path: Path) -> None:
    """One row of a picture that says it has 196 million pixels."""
    Image.new("1", (14000, 1)).save(path, format="PNG")
    content = bytearray(path.read_bytes())
    content[20:24] = (14000).to_bytes(4, "big")  # IHDR: length, name, width, height ...
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)


def disguised(path: Path) -> None:
    Image.new("RGB", (8, 8)).save(path, format="GIF")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (truncated, "damaged or cut short"),
        (too_large, "over 20 MB"),
        (bomb, "8000 x 7000, over 50 megapixels"),
        (huge_bomb, "over 50 megapixels"),
        (disguised, "no JPEG or PNG picture"),
        (Path.touch, "no JPEG or PNG picture"),
        (lambda path: path.write_text("hello"), "no JPEG or PNG picture"),
    ],
)
def test_a_bad_picture_is_left_out_counted_and_told(tmp_path: Path, spoil: object, words: str) -> None:
    save(tmp_path / "1.jpg")
    assert callable(spoil)
    spoil(tmp_path / "2.jpg")
    save(tmp_path / "3.jpg")
    source = opened(tmp_path)
    assert [frame.index for frame in source.frames()] == [0, 2]
    assert (source.status.offered, source.status.skipped) == (3, 1)
    assert source.status.problem == f"2.jpg: {words}"


def test_a_picture_that_goes_while_reading_is_counted_too(tmp_path: Path) -> None:
    save(tmp_path / "1.jpg")
    save(tmp_path / "2.jpg")
    source = opened(tmp_path)
    (tmp_path / "2.jpg").unlink()
    assert [frame.index for frame in source.frames()] == [0]
    assert source.status.skipped == 1


def test_a_picture_whose_disk_fails_is_not_taken_for_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "1.jpg")
    source = opened(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(TransientError, match=r"1.jpg: reading broke off .+ run again"):
        list(source.frames())
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(TransientError, match=r"1.jpg: reading broke off"):
        opened(tmp_path)


def test_only_files_are_pictures(tmp_path: Path) -> None:
    save(tmp_path / "1.jpg")
    (tmp_path / "2.jpg").mkdir()
    (tmp_path / "3.jpg").symlink_to("nowhere")
    assert opened(tmp_path).facts.frames == 1


def test_the_session_depends_on_names_and_contents(tmp_path: Path) -> None:
    def session(**pictures: int) -> str:
        folder = tmp_path / "-".join(f"{name}{shade}" for name, shade in pictures.items())
        folder.mkdir()
        for name, shade in pictures.items():
            save(folder / f"{name}.png", np.full((4, 4, 3), shade, np.uint8))
        return opened(folder).facts.session

    assert len({session(a=1, b=2), session(a=1, c=2), session(a=1, b=3), session(a=1)}) == 4


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_pictures_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=rf"The folder '{name}' .+\. .+\."):
        opened(tmp_path / name)
