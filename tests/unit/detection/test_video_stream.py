"""Which pictures of a stream are intact."""

import re
from pathlib import Path

import av
import numpy as np
import pytest

from services.detection.adapters.video_stream import DecodedPicture, decode, video_of
from tests.clips import damage, moving_box, without, write_clip

KEY_EVERY = 30
FRAMES = 90


def intact(path: Path, live: bool) -> str:
    """A dot for an intact picture, an x for a damaged one."""
    with av.open(str(path)) as container:
        stream = video_of(container)
        assert stream is not None
        return "".join("." if picture else "x" for picture in decode(container.demux(stream), stream, live))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", moving_box((640, 480)), FRAMES, key_every=KEY_EVERY)


@pytest.mark.parametrize("live", [True, False])
def test_a_whole_stream_is_intact(clip: Path, live: bool) -> None:
    assert intact(clip, live) == "." * FRAMES


@pytest.mark.parametrize("live", [True, False])
def test_after_damage_nothing_is_trusted_until_the_next_key_frame(
    clip: Path, tmp_path: Path, live: bool
) -> None:
    damaged = damage(clip, tmp_path / "damaged.mp4", [40])
    assert intact(damaged, live) == "." * 40 + "x" * 20 + "." * 30


def test_a_picture_that_a_live_stream_lost_is_damage_to_the_next_ones(clip: Path, tmp_path: Path) -> None:
    assert intact(without(clip, tmp_path / "lossy.mp4", [40]), live=True) == "." * 40 + "x" * 19 + "." * 30


def test_a_lost_key_frame_is_damage_up_to_the_next(clip: Path, tmp_path: Path) -> None:
    seen = intact(without(clip, tmp_path / "lossy.mp4", [30]), live=True)
    assert re.fullmatch(r"\.{30}x+\.{30}", seen)


def test_a_stream_of_varying_rate_loses_nothing(tmp_path: Path) -> None:
    steps = np.random.default_rng(5).choice([33, 66, 100], FRAMES)
    times = [int(at_ms) for at_ms in np.cumsum(steps)]
    clip = write_clip(tmp_path / "varying.mp4", moving_box(), FRAMES, times_ms=times, key_every=KEY_EVERY)
    assert intact(clip, live=True) == "." * FRAMES


def test_a_stream_that_slows_down_for_good_is_soon_trusted(tmp_path: Path) -> None:
    times = [*range(0, 40 * 40, 40), *range(40 * 40, 40 * 40 + 50 * 100, 100)]
    clip = write_clip(tmp_path / "slower.mp4", moving_box(), FRAMES, times_ms=times, key_every=10)
    assert intact(clip, live=True).count("x") <= 10


def test_pictures_too_small_to_be_a_cameras_are_damage(tmp_path: Path) -> None:
    tiny = write_clip(tmp_path / "tiny.mp4", lambda _: np.zeros((16, 576, 3), np.uint8), 5)
    assert intact(tiny, live=True) == "xxxxx"


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj422p", "nv12", "rgb24", "yuv420p10le", "gray"])
def test_brightness_and_colours_are_right_in_any_pixel_format(pixels: str) -> None:
    image = moving_box((322, 240))(3)
    picture = DecodedPicture(av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pixels))
    assert picture.luma().shape == (240, 322)
    assert picture.luma().dtype == picture.bgr().dtype == np.uint8
    assert np.abs(picture.luma().astype(int) - image[:, :, 1]).mean() < 15
    assert np.abs(picture.bgr().astype(int) - image).mean() < 3
