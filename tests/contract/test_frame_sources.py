"""What every source of frames keeps to, whether file, folder, camera or fake."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.detection.adapters.frame_sources import open_source
from services.detection.application.ports import FrameSource
from services.detection.domain.frame import Frame
from tests.clips import moving_box, write_clip
from tests.fakes.frame_source import ScriptedFrameSource
from tests.servers.rtsp import RtspServer, annex_b

RECORDED_AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
FRAMES = 40
MOST = 60
Open = Callable[[], FrameSource]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", moving_box(), FRAMES)


@pytest.fixture(params=["file", "folder", "rtsp", "fake-file", "fake-live"])
def open_it(request: pytest.FixtureRequest, clip: Path, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield {
            "file": lambda: lambda: open_source(str(clip), "gate", tmp_path, recorded_at=RECORDED_AT),
            "folder": lambda: _folder(tmp_path),
            "rtsp": lambda: _rtsp(stack, clip, tmp_path),
            "fake-file": lambda: lambda: _fake("file"),
            "fake-live": lambda: lambda: _fake("live"),
        }[request.param]()


def _folder(tmp_path: Path) -> Open:
    scene = moving_box()
    for index in range(FRAMES):
        cv2.imwrite(str(tmp_path / f"{index:03}.png"), scene(index))
    return lambda: open_source(str(tmp_path), "gate", tmp_path, recorded_at=RECORDED_AT)


def _rtsp(stack: ExitStack, clip: Path, tmp_path: Path) -> Open:
    server = stack.enter_context(RtspServer(annex_b([clip], tmp_path / "clip.h264"), 20))
    return lambda: open_source(server.url, "gate", tmp_path)


def _fake(kind: str) -> FrameSource:
    scene = moving_box()
    return ScriptedFrameSource([scene(index) for index in range(FRAMES)], kind=kind)  # type: ignore[arg-type]


def _read(source: FrameSource, most: int = MOST) -> list[Frame]:
    try:
        return [frame for frame in islice(source.frames(), most) if frame is not None]
    finally:
        source.close()


def test_frames_tell_camera_time_and_number_in_order(open_it: Open) -> None:
    frames = _read(open_it())
    assert {frame.camera for frame in frames} == {"gate"}
    assert 0.0 <= frames[0].offset_s < 1.0
    assert all(a.index < b.index for a, b in pairwise(frames))
    assert all(a.offset_s <= b.offset_s for a, b in pairwise(frames))
    assert all(frame.captured_at.utcoffset() == timedelta(0) for frame in frames)


def test_pictures_are_bgr_bytes_of_their_own(open_it: Open) -> None:
    frames = _read(open_it(), most=5)
    assert {(frame.image.shape, frame.image.dtype) for frame in frames} == {
        ((240, 320, 3), np.dtype(np.uint8))
    }
    assert not np.array_equal(frames[0].image, frames[1].image)


def test_the_wall_clock_and_the_offset_tell_the_same_time(open_it: Open) -> None:
    first, *_, last = _read(open_it())
    wall_s = (last.captured_at - first.captured_at).total_seconds()
    assert wall_s == pytest.approx(last.offset_s, abs=0.05)


def test_status_counts_what_came(open_it: Open) -> None:
    source = open_it()
    frames = _read(source)
    assert source.status.offered >= len(frames)
    assert source.status.skipped == 0
    assert source.status.problem == ""
    assert source.status.last_frame_at is not None


def test_a_closed_source_ends_and_says_so(open_it: Open) -> None:
    source = open_it()
    frames = source.frames()
    next(frames)
    source.close()
    assert len(list(frames)) <= 1
    assert source.status.state == "ended"
    source.close()


def test_a_recording_yields_every_frame_once_and_the_same_session_each_time(open_it: Open) -> None:
    source = open_it()
    if source.facts.kind == "live":
        assert source.facts.frames is None
        source.close()
        return
    frames = _read(source)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert source.facts.frames == FRAMES
    assert source.status.state == "ended"
    again = open_it()
    again.close()
    assert again.facts.session == source.facts.session
