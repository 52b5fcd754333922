"""Video files: every frame, on the recording's time; what is wrong with a file is told."""

import errno
import io
import os
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from av.container import InputContainer, OutputContainer

from services.detection.adapters.file_frame_source import FileFrameSource
from services.detection.adapters.frame_sources import open_source
from services.detection.domain.frame import Frame
from shared.contracts.violation import CLOCK_TOLERANCE
from shared.errors import ConfigurationError, TransientError
from tests.clips import damage, moving_box, write_clip, write_sound

RECORDED_AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def opened(path: Path, rate: float | None = None) -> FileFrameSource:
    return FileFrameSource(path, "gate", RECORDED_AT, rate=rate)


def read(source: FileFrameSource) -> list[Frame]:
    return list(source.frames())


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mp4", "libx264"),
        (".mkv", "libx264"),
        (".avi", "mpeg4"),
        (".mov", "libx265"),
        (".webm", "libvpx"),
        (".ts", "libx264"),
    ],
)
def test_common_formats_are_read_whole(tmp_path: Path, suffix: str, codec: str) -> None:
    source = opened(write_clip(tmp_path / f"clip{suffix}", moving_box(), 30, codec=codec))
    frames = read(source)
    assert [frame.index for frame in frames] == list(range(30))
    assert frames[-1].offset_s == pytest.approx(29 / 20, abs=0.01)
    assert source.status.problem == ""


def test_times_come_from_the_container_where_the_rate_varies(tmp_path: Path) -> None:
    times = [0, 50, 400, 450, 3000, 3100]
    frames = read(opened(write_clip(tmp_path / "vfr.mp4", moving_box(), 6, times_ms=times)))
    assert [round(frame.offset_s * 1000) for frame in frames] == times
    assert frames[-1].captured_at == RECORDED_AT + timedelta(seconds=3.1)


def test_pictures_are_what_was_recorded(tmp_path: Path) -> None:
    scene = moving_box()
    frames = read(opened(write_clip(tmp_path / "clip.mp4", scene, 10)))
    for frame in frames:
        assert np.abs(frame.image.astype(int) - scene(frame.index)).mean() < 6


def test_a_rate_yields_fewer_and_counts_all(tmp_path: Path) -> None:
    source = opened(write_clip(tmp_path / "clip.mp4", moving_box(), 60, fps=20), rate=5)
    frames = read(source)
    assert [frame.index for frame in frames] == list(range(0, 60, 4))
    assert source.status.offered == 60


def test_a_slow_reader_loses_nothing_and_little_is_decoded_ahead(tmp_path: Path) -> None:
    source = opened(write_clip(tmp_path / "clip.mp4", moving_box(), 30))
    indexes = []
    for frame in source.frames():
        indexes.append(frame.index)
        if frame.index < 5:
            time.sleep(0.05)
            assert source.status.offered <= frame.index + 8
    assert indexes == list(range(30))


def test_damaged_frames_are_left_out_and_told(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "clip.mp4", moving_box((640, 480)), 40, key_every=10)
    source = opened(damage(whole, tmp_path / "damaged.mp4", [13, 28]))
    good = read(source)
    assert [frame.index for frame in good] == [*range(13), *range(20, 28), *range(30, 40)]
    assert (source.status.offered, source.status.skipped) == (40, 9)
    assert "damaged" in source.status.problem
    for frame, true in zip(
        good, (f for f in read(opened(whole)) if f.index in {g.index for g in good}), strict=True
    ):
        assert np.array_equal(frame.image, true.image)


def test_a_file_that_was_cut_short_is_read_to_its_end_and_told(tmp_path: Path) -> None:
    content = write_clip(tmp_path / "clip.mp4", moving_box((640, 480)), 60).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    source = opened(tmp_path / "cut.mp4")
    assert 20 < len(read(source)) < 40
    assert "cut short" in source.status.problem
    assert source.status.state == "ended"


def copy_video(whole: Path, copy: OutputContainer) -> None:
    """The packets as they are, none encoded anew."""
    with av.open(str(whole)) as container:
        stream = copy.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            packet.stream = stream
            if packet.size:
                copy.mux(packet)


def in_fragments(path: Path) -> Path:
    """As recorders write mp4, so that a power cut leaves what is there."""
    whole = write_clip(path.with_suffix(".whole.mp4"), moving_box((640, 480)), 200)
    with av.open(str(path), "w", options={"movflags": "empty_moov+frag_keyframe"}) as copy:
        copy_video(whole, copy)
    return path


def test_a_file_that_ends_for_the_reader_where_it_is_damaged_is_told_as_cut_short(tmp_path: Path) -> None:
    clip = in_fragments(tmp_path / "clip.mp4")
    whole = opened(clip)
    assert (len(read(whole)), whole.status.problem) == (200, "")
    content = bytearray(clip.read_bytes())
    second = content.index(b"moof", len(content) * 4 // 10)
    content[second : second + 2000] = bytes(2000)
    clip.write_bytes(content)
    source = opened(clip)
    assert 70 < len(read(source)) < 100
    assert re.fullmatch(r"clip.mp4: cut short by damage, the last (5|6)\d% of it .+\.", source.status.problem)


class FailingFile(io.FileIO):
    """A file on a network share that does not answer any more from *fails_at* on."""

    fails_at: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.fails_at is not None and self.tell() >= self.fails_at:
            raise av.error.OSError(errno.EIO, "Input/output error")  # type: ignore[no-untyped-call]
        return super().read(size)


def test_a_recording_whose_disk_fails_is_not_taken_for_seen_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", moving_box((640, 480)), 200)
    source = opened(clip)
    real_open = av.open

    def failing(path: str, **how: Any) -> InputContainer:
        file = FailingFile(path)
        container = real_open(file, **how)
        file.fails_at = clip.stat().st_size // 2
        return container

    monkeypatch.setattr(av, "open", failing)
    with pytest.raises(TransientError, match=r"clip.mp4: reading broke off .+ run again"):
        read(source)
    assert 50 < source.status.offered < 150


def test_the_session_is_the_files_hash(tmp_path: Path) -> None:
    one = write_clip(tmp_path / "one.mp4", moving_box(), 5)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(one.read_bytes())
    other = write_clip(tmp_path / "other.mp4", moving_box(speed=9), 5)
    assert opened(one).facts.session == opened(copy).facts.session != opened(other).facts.session
    assert len(opened(one).facts.session) == 64


def test_the_files_own_time_is_when_its_recording_began(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", moving_box(), 40, fps=20)
    written_at = datetime.fromtimestamp(clip.stat().st_mtime, UTC)
    source = open_source("clip.mp4", "gate", tmp_path)
    first = next(iter(source.frames()))
    source.close()
    assert source.facts.clock == "file-time"
    assert first is not None
    assert first.captured_at == pytest.approx(written_at - timedelta(seconds=2), abs=timedelta(seconds=0.1))


def of_a_killed_recorder(path: Path) -> Path:
    """Written into a pipe: nobody goes back to note the length."""
    whole = write_clip(path.with_suffix(".whole.mkv"), moving_box(), 40, fps=20)
    with path.open("wb") as file:
        pipe = SimpleNamespace(write=file.write)
        with av.open(pipe, "w", format="matroska") as copy:
            copy_video(whole, copy)
    return path


def bare_pictures(path: Path) -> Path:
    """H.264 without any container: no times at all, 25 pictures a second."""
    return write_clip(path.with_suffix(".h264"), moving_box(), 50, fps=25)


def joined(path: Path) -> Path:
    """Each with a clock of its own: what FFmpeg takes for its length is that of the last."""
    half = write_clip(path.with_suffix(".ts"), moving_box(), 40, fps=20).read_bytes()
    path.with_suffix(".ts").write_bytes(half * 2)
    return path.with_suffix(".ts")


@pytest.mark.parametrize(
    ("make", "last_s"), [(of_a_killed_recorder, 1.95), (bare_pictures, 1.96), (joined, 3.95)]
)
def test_a_recording_whose_length_is_not_told_is_not_dated_into_the_future(
    tmp_path: Path, make: Callable[[Path], Path], last_s: float
) -> None:
    clip = make(tmp_path / "clip.mkv")
    source = open_source(clip.name, "gate", tmp_path)
    written_at = datetime.fromtimestamp(clip.stat().st_mtime, UTC)
    last = [frame for frame in source.frames() if frame][-1]
    assert last.offset_s == pytest.approx(last_s, abs=0.25)
    assert last.captured_at == pytest.approx(written_at, abs=timedelta(seconds=0.3))
    reaches_ahead = datetime.now(UTC) + CLOCK_TOLERANCE - timedelta(seconds=last_s - 0.5)
    with pytest.raises(ConfigurationError, match="by RECORDED_AT, the recording lasts"):
        open_source(clip.name, "gate", tmp_path, recorded_at=reaches_ahead)


@pytest.mark.parametrize("seconds_from_now", [-float(2**31), 3600.0])
def test_a_file_of_an_impossible_time_is_refused_unless_its_time_is_told(
    tmp_path: Path, seconds_from_now: float
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", moving_box(), 5)
    at_s = max(0.0, time.time() + seconds_from_now)
    os.utime(clip, (at_s, at_s))
    with pytest.raises(ConfigurationError, match=r"own time of 'clip.mp4'.* do: set RECORDED_AT"):
        open_source("clip.mp4", "gate", tmp_path)
    open_source("clip.mp4", "gate", tmp_path, recorded_at=RECORDED_AT).close()


def test_a_recording_that_would_reach_into_the_future_is_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", moving_box(), 5)
    with pytest.raises(ConfigurationError, match="by RECORDED_AT, the recording lasts"):
        open_source(
            "clip.mp4",
            "gate",
            tmp_path,
            recorded_at=datetime.now(UTC) + CLOCK_TOLERANCE + timedelta(seconds=5),
        )


def test_closing_early_ends_the_decoding_thread(tmp_path: Path) -> None:
    source = opened(write_clip(tmp_path / "long.mp4", moving_box(), 200))
    next(source.frames())
    source.close()
    deadline = time.monotonic() + 5
    while any(thread.name == "decode long.mp4" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def upright_phone_video(path: Path) -> Path:
    """As phones do: stored on its side, with a note to turn it."""
    lying = write_clip(path.with_suffix(".lying.mp4"), moving_box(), 5)
    content = bytearray(lying.read_bytes())
    unit = bytes.fromhex("00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000")
    turned = bytes.fromhex("00000000 00010000 00000000 ffff0000 00000000 00000000 00000000 00000000 40000000")
    start = content.index(unit, content.index(b"tkhd"))
    content[start : start + len(unit)] = turned
    path.write_bytes(content)
    return path


def test_a_phones_upright_video_is_turned(tmp_path: Path) -> None:
    frames = read(opened(upright_phone_video(tmp_path / "phone.mp4")))
    assert frames[0].size == (240, 320)
    expected = np.rot90(moving_box()(0), -1)
    assert np.abs(frames[0].image.astype(int) - expected).mean() < 6


def not_a_video(path: Path) -> Path:
    path.write_text("hello\n" * 1000)
    return path


def playlist(path: Path) -> Path:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.mp4\n#EXT-X-ENDLIST\n")
    return path


def concat(path: Path) -> Path:
    path.write_text("ffconcat version 1.0\nfile clip.mp4\n")
    return path


def headless(path: Path) -> Path:
    content = write_clip(path.with_suffix(".whole.mp4"), moving_box(), 20).read_bytes()
    path.write_bytes(content[: content.index(b"moov")])
    return path


def only_rubble(path: Path) -> Path:
    whole = write_clip(path.with_suffix(".whole.mp4"), moving_box(), 10, key_every=1)
    content = bytearray(whole.read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = bytes(len(content) - start)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (not_a_video, "cannot be read as a video"),
        (playlist, "cannot be read as a video"),
        (concat, "cannot be read as a video"),
        (headless, "cannot be read as a video"),
        (only_rubble, "no picture that can be decoded"),
        (write_sound, "holds sound but no pictures"),
    ],
)
def test_what_is_no_video_is_refused_with_a_remedy(tmp_path: Path, make: object, words: str) -> None:
    write_clip(tmp_path / "clip.mp4", moving_box(), 5)  # what the playlists point to
    assert callable(make)
    with pytest.raises(ConfigurationError, match=words):
        opened(make(tmp_path / "bad.mp4"))


def test_what_the_decoder_says_is_not_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = write_clip(tmp_path / "clip.mp4", moving_box(), 20)
    read(opened(damage(whole, tmp_path / "damaged.mp4", [5])))
    assert capfd.readouterr().err == ""
    assert av.logging.get_level() is None
