"""A live camera over real RTSP: what it shows, how it fails and how it comes back."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import trustme

from services.detection.adapters.frame_sources import open_source
from services.detection.application.ports import FrameSource
from services.detection.domain.frame import Frame
from tests.clips import damage, frozen, moving_box, write_clip
from tests.servers.rtsp import RtspServer, annex_b, free_port
from tests.servers.tcp_proxy import TcpProxy

FPS = 20
DOWN_SHOWN_S = 5.0
STALL_NOTICED_S = 10.0
BACK_S = 10.0
FROZEN_S = 15.0
SLACK_S = 1.0  # of a busy machine


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    return annex_b([write_clip(folder / "clip.mp4", moving_box(), 80, FPS)], folder / "clip.h264")


class Viewer:
    """Reads a source in a thread, as the service does, and remembers the frames."""

    def __init__(self, source: FrameSource) -> None:
        self.source = source
        self.frames: list[Frame] = []
        self.turns: list[float] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        return self.source.status.state

    def close(self) -> None:
        self.source.close()
        self._thread.join(timeout=5)
        assert not self._thread.is_alive()

    def _read(self) -> None:
        for frame in self.source.frames():
            self.turns.append(time.monotonic())
            if frame is not None:
                self.frames.append(frame)


@contextmanager
def watching(url: str, rate: float | None = None) -> Iterator[Viewer]:
    viewer = Viewer(open_source(url, "gate", Path(), rate))
    try:
        yield viewer
    finally:
        viewer.close()


def seconds_until(reached: Callable[[], bool], most: float) -> float:
    """How long it took; fails if it takes over *most*."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < most + SLACK_S, f"not within {most} s"
        time.sleep(0.05)
    return time.monotonic() - began


def flows(viewer: Viewer) -> Callable[[], bool]:
    """Whether ten more frames than now have come."""
    seen = len(viewer.frames)
    return lambda: viewer.state == "up" and len(viewer.frames) >= seen + 10


def test_a_camera_shows_its_pictures_at_its_rate(clip: Path) -> None:
    with RtspServer(clip, FPS) as server, watching(server.url) as viewer:
        seconds_until(flows(viewer), 5)
        before = len(viewer.frames)
        time.sleep(2)
        assert len(viewer.frames) - before == pytest.approx(2 * FPS, abs=8)
        age_s = (datetime.now(UTC) - viewer.frames[-1].captured_at).total_seconds()
        assert age_s < 0.5


def test_a_wanted_rate_is_kept(clip: Path) -> None:
    with RtspServer(clip, FPS) as server, watching(server.url, rate=5) as viewer:
        seconds_until(lambda: len(viewer.frames) > 2, 5)
        before = len(viewer.frames)
        time.sleep(2)
        assert len(viewer.frames) - before == pytest.approx(10, abs=2)
        assert viewer.source.status.offered > 2 * len(viewer.frames)


def test_a_slow_reader_gets_the_latest_frame_and_no_reconnects(clip: Path) -> None:
    with RtspServer(clip, FPS) as server:
        source = open_source(server.url, "gate", Path())
        ages, indexes = [], []
        for frame in source.frames():
            if frame is not None:
                ages.append((datetime.now(UTC) - frame.captured_at).total_seconds())
                indexes.append(frame.index)
                time.sleep(0.8)
            if len(indexes) == 6:
                break
        assert max(ages) < 0.5
        assert all(step > 5 for step in np.diff(indexes))
        assert source.status.state == "up"
        source.close()


def test_a_killed_camera_is_down_at_once_and_back_after_its_return(clip: Path) -> None:
    with RtspServer(clip, FPS) as server, watching(server.url) as viewer:
        seconds_until(flows(viewer), 5)
        server.kill()
        seconds_until(lambda: viewer.state == "down", DOWN_SHOWN_S)
        time.sleep(5)  # long enough for the pauses between tries to grow
        assert viewer.state == "down"
        assert viewer.source.status.problem
        last = viewer.frames[-1]
        server.start()
        seconds_until(lambda: viewer.frames[-1] is not last, BACK_S)
        assert viewer.state == "up"
        assert viewer.source.status.problem == ""
        assert viewer.frames[-1].offset_s > last.offset_s + 5


def test_a_camera_that_is_not_there_is_down_and_found_when_it_comes(clip: Path) -> None:
    server = RtspServer(clip, FPS)
    with watching(server.url) as viewer:
        seconds_until(lambda: viewer.state == "down", DOWN_SHOWN_S)
        assert "connection was refused" in viewer.source.status.problem
        with server:
            seconds_until(flows(viewer), BACK_S)


def test_a_stall_with_the_socket_open_is_noticed_and_blocks_nothing(clip: Path) -> None:
    with RtspServer(clip, FPS) as server, TcpProxy(server.port) as proxy:
        url = server.url.replace(str(server.port), str(proxy.port))
        with watching(url) as viewer:
            seconds_until(flows(viewer), 5)
            proxy.stall()
            seconds_until(lambda: viewer.state == "down", STALL_NOTICED_S)
            turns = len(viewer.turns)
            time.sleep(3)
            assert len(viewer.turns) >= turns + 2, "frames() must go on telling that nothing is new"
            proxy.resume()
            seconds_until(flows(viewer), BACK_S)


def test_a_camera_that_takes_the_connection_and_says_nothing_is_down(clip: Path) -> None:
    with RtspServer(clip, FPS) as server, TcpProxy(server.port) as proxy:
        proxy.stall()
        with watching(server.url.replace(str(server.port), str(proxy.port))) as viewer:
            seconds_until(lambda: viewer.state == "down", DOWN_SHOWN_S)
            proxy.resume()
            seconds_until(flows(viewer), BACK_S)


def test_a_stalled_camera_does_not_slow_another(clip: Path) -> None:
    with RtspServer(clip, FPS) as server, TcpProxy(server.port) as proxy:
        stalling = server.url.replace(str(server.port), str(proxy.port))
        with watching(stalling) as bad, watching(server.url) as good:
            seconds_until(flows(bad), 5)
            seconds_until(flows(good), 5)
            proxy.stall()
            before = len(good.frames)
            time.sleep(5)
            assert bad.state == "down"
            assert len(good.frames) - before == pytest.approx(5 * FPS, abs=15)


def test_a_frozen_picture_is_noticed_and_not_shown(tmp_path: Path) -> None:
    still = write_clip(tmp_path / "still.mp4", frozen(), 17 * 10, 10)
    moving = write_clip(tmp_path / "moving.mp4", moving_box(), 4 * 10, 10)
    with (
        RtspServer(annex_b([still, moving], tmp_path / "both.h264"), 10) as server,
        watching(server.url) as viewer,
    ):
        seconds_until(lambda: viewer.state == "frozen", FROZEN_S)
        assert "the same picture for" in viewer.source.status.problem
        shown = len(viewer.frames)
        time.sleep(1)
        assert len(viewer.frames) == shown
        seconds_until(flows(viewer), 10)


def test_damaged_pictures_are_left_out_up_to_the_next_key_frame(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "clip.mp4", moving_box((640, 480)), 40, FPS)
    damaged = damage(video, tmp_path / "damaged.mp4", frames=[13, 24])
    with (
        RtspServer(annex_b([damaged], tmp_path / "clip.h264"), FPS) as server,
        watching(server.url) as viewer,
    ):
        seconds_until(lambda: viewer.source.status.skipped >= 2 * (7 + 6), 8)
        assert viewer.state == "up"
    assert max(distances(viewer.frames, video)) < 0.5


def test_a_connection_that_garbles_bytes_is_survived(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "clip.mp4", moving_box((640, 480)), 40, FPS)
    with (
        RtspServer(annex_b([video], tmp_path / "clip.h264"), FPS) as server,
        TcpProxy(server.port) as proxy,
        watching(server.url.replace(str(server.port), str(proxy.port))) as viewer,
    ):
        seconds_until(flows(viewer), 5)
        proxy.flip_bytes(1e-4)
        seconds_until(lambda: viewer.source.status.skipped >= 10, 30)
        proxy.flip_bytes(0)
        seconds_until(flows(viewer), BACK_S)


def distances(frames: Sequence[Frame], video: Path) -> list[float]:
    """How far each frame is from the nearest of *video*: mean difference in grey levels."""
    whole = [
        frame.image[::4, ::4].astype(np.int16)
        for frame in open_source(str(video), "gate", Path()).frames()
        if frame
    ]
    return [min(float(np.abs(frame.image[::4, ::4] - true).mean()) for true in whole) for frame in frames]


def test_a_change_of_the_resolution_needs_no_new_connection(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "small.mp4", moving_box((320, 240)), 30, FPS)
    large = write_clip(tmp_path / "large.mp4", moving_box((640, 480)), 30, FPS)
    with (
        RtspServer(annex_b([small, large], tmp_path / "both.h264"), FPS) as server,
        watching(server.url) as viewer,
    ):
        seconds_until(lambda: {frame.size for frame in viewer.frames} == {(320, 240), (640, 480)}, 8)
        assert viewer.state == "up"
        assert viewer.source.status.skipped == 0


def test_a_password_with_an_at_sign_logs_in_and_is_never_shown(
    clip: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with RtspServer(clip, FPS, "user", "p@ss") as server:
        with watching(server.url.replace("//", "//user:p@ss@")) as viewer:
            seconds_until(flows(viewer), 5)
        with watching(server.url.replace("//", "//user:wr@ng@")) as refused:
            seconds_until(lambda: refused.state == "down", DOWN_SHOWN_S)
            assert "refused the login" in refused.source.status.problem
    shown = f"{viewer.source.facts} {refused.source.facts} {refused.source.status} {capfd.readouterr()}"
    assert "ss@" not in shown
    assert "ng@" not in shown
    assert "p%40ss" not in shown


def test_a_wrong_path_is_told(clip: Path) -> None:
    with RtspServer(clip, FPS) as server, watching(server.url.replace("stream", "nothing")) as viewer:
        seconds_until(lambda: viewer.state == "down", DOWN_SHOWN_S)
        assert "no such stream" in viewer.source.status.problem


def test_an_encrypted_stream_with_the_cameras_own_certificate_is_shown(clip: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with RtspServer(clip, FPS) as server, TcpProxy(server.port, tls=context) as proxy:
        url = server.url.replace("rtsp:", "rtsps:").replace(str(server.port), str(proxy.port))
        with watching(url) as viewer:
            seconds_until(flows(viewer), 8)


def test_something_else_on_the_port_is_no_camera() -> None:
    with TcpProxy(upstream_port=free_port()) as proxy, watching(f"rtsp://127.0.0.1:{proxy.port}/1") as viewer:
        seconds_until(lambda: viewer.state == "down", DOWN_SHOWN_S)
