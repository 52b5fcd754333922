"""A live source outlives whatever its camera does; what real RTSP shows is in tests/integration."""

import itertools
import threading
import time
from collections.abc import Callable, Generator

import numpy as np

from services.detection.adapters.device_camera import DeviceCamera, DevicePicture
from services.detection.adapters.live_frame_source import LiveFrameSource, LivePicture, pause_s
from services.detection.adapters.source_address import DeviceAddress
from shared.errors import TransientError

Show = Callable[[int], Generator[LivePicture | None]]


class ScriptedCamera:
    """A camera whose nth connection is shown by *show*."""

    name = "scripted camera"

    def __init__(self, show: Show) -> None:
        self.connections: list[float] = []
        self._show = show

    def pictures(self) -> Generator[LivePicture | None]:
        self.connections.append(time.monotonic())
        yield from self._show(len(self.connections) - 1)

    def answers(self) -> bool:
        return True


def steady(fps: float = 20.0) -> Generator[LivePicture | None]:
    for index in itertools.count():
        yield DevicePicture(np.full((48, 64, 3), index % 250, np.uint8))
        time.sleep(1 / fps)


def wait(reached: Callable[[], bool], most: float = 10.0) -> None:
    deadline = time.monotonic() + most
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def read_in_thread(source: LiveFrameSource) -> list[int]:
    indexes: list[int] = []

    def read() -> None:
        indexes.extend(frame.index for frame in source.frames() if frame)

    threading.Thread(target=read, daemon=True).start()
    return indexes


def test_a_read_that_never_returns_is_left_behind() -> None:
    hang = threading.Event()

    def show(connection: int) -> Generator[LivePicture | None]:
        yield from itertools.islice(steady(), 10)  # type: ignore[misc]
        if connection == 0:
            hang.wait()
            yield DevicePicture(np.zeros((4, 4, 3), np.uint8))
        yield from steady()

    camera = ScriptedCamera(show)
    source = LiveFrameSource(camera, "gate")
    indexes = read_in_thread(source)
    wait(lambda: source.status.state == "down")
    wait(lambda: len(camera.connections) == 2 and source.status.state == "up")
    hang.set()
    time.sleep(0.2)
    source.close()
    assert indexes == sorted(set(indexes))


def test_pauses_between_tries_grow_while_the_camera_answers_but_refuses() -> None:
    def refuse(_: int) -> Generator[LivePicture | None]:
        raise TransientError("the camera refused the login; check user and password")
        yield

    camera = ScriptedCamera(refuse)
    source = LiveFrameSource(camera, "gate")
    read_in_thread(source)
    wait(lambda: len(camera.connections) == 4)
    source.close()
    pauses = np.diff(camera.connections)
    assert 0.7 < pauses[0] < 1.5
    assert 1.4 < pauses[1] < 2.7
    assert 2.9 < pauses[2] < 5.0
    assert source.status.problem == "scripted camera: the camera refused the login; check user and password"


def test_a_fault_of_ours_while_reading_is_a_camera_down_and_tried_again() -> None:
    def show(connection: int) -> Generator[LivePicture | None]:
        yield None
        if connection == 0:
            raise ZeroDivisionError
        yield from steady()

    camera = ScriptedCamera(show)
    source = LiveFrameSource(camera, "gate")
    indexes = read_in_thread(source)
    wait(lambda: source.status.problem == "scripted camera: reading failed (ZeroDivisionError)")
    wait(lambda: len(indexes) > 5)
    source.close()
    assert source.status.skipped == 2


def test_pauses_end_at_half_a_minute_however_long_the_camera_is_away() -> None:
    assert [pause_s(tries) for tries in (1, 2, 3, 4, 5, 6, 7, 100_000)] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_camera_that_sends_only_damage_is_down() -> None:
    def show(_: int) -> Generator[LivePicture | None]:
        yield from itertools.islice(steady(), 5)  # type: ignore[misc]
        while True:
            yield None
            time.sleep(0.05)

    source = LiveFrameSource(ScriptedCamera(show), "gate")
    read_in_thread(source)
    wait(lambda: source.status.state == "up")
    wait(lambda: source.status.state == "down", most=5)
    assert "no whole picture for" in source.status.problem
    source.close()


def test_closing_ends_the_connection() -> None:
    closed = threading.Event()

    def show(_: int) -> Generator[LivePicture | None]:
        try:
            yield from steady()
        finally:
            closed.set()

    source = LiveFrameSource(ScriptedCamera(show), "gate")
    read_in_thread(source)
    wait(lambda: source.status.state == "up")
    source.close()
    assert closed.wait(2)
    assert source.status.state == "ended"


def test_a_camera_of_this_computer_that_is_not_there_is_down_with_a_remedy() -> None:
    source = LiveFrameSource(DeviceCamera(DeviceAddress(97)), "gate")
    read_in_thread(source)
    wait(lambda: source.status.state == "down")
    source.close()
    assert source.status.problem.startswith("camera 97 of this computer: it cannot be opened; check that")
