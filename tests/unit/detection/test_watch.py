"""A recording counts as seen only if every frame was looked at and all that was found was stored; a live camera tells
for how long it has been blind."""

from collections.abc import Iterator
from itertools import count
from threading import Event
from typing import Literal

import pytest
from structlog.testing import capture_logs

from services.detection.application.watch import CameraWatch
from services.detection.domain.frame import BgrImage, Frame
from shared.errors import PermanentError
from tests.fakes.detector import numbered_picture
from tests.fakes.frame_source import ScriptedFrameSource
from tests.unit.detection.camera_run import BARE, FullSpool, Run, always

FRAMES = 30


class Watched:
    """A camera whose recording of `FRAMES` frames is seen to its end."""

    def __init__(self, run: Run, stop: Event | None = None) -> None:
        self.finished = False
        pictures = [numbered_picture(number, 1280, 720) for number in range(FRAMES)]
        self.camera = CameraWatch("gate", ScriptedFrameSource(pictures), run.pipeline, finished=self._note)
        self.camera.run(stop or Event())

    def _note(self) -> None:
        self.finished = True


def test_a_recording_that_was_seen_and_stored_is_finished() -> None:
    watched = Watched(Run(always(BARE), kind="file"))
    assert (watched.finished, watched.camera.failures) == (True, 0)


def test_a_recording_whose_violations_the_spool_refused_is_not_finished() -> None:
    watched = Watched(Run(always(BARE), kind="file", spool=FullSpool()))
    assert (watched.finished, watched.camera.failures) == (False, 1)


def test_a_recording_with_a_frame_that_could_not_be_looked_at_is_not_finished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run({}, kind="file")
    detect = run.detector.detect

    def fails_once(images: list[object], floor: float) -> object:
        if len(run.detector.looked) == 3:
            run.detector.looked.append(-1)
            raise PermanentError("model-output-not-finite", "the model gave NaN")
        return detect(images, floor)  # type: ignore[arg-type]

    monkeypatch.setattr(run.detector, "detect", fails_once)
    watched = Watched(run)
    assert (watched.finished, watched.camera.failures) == (False, 1)


def test_a_recording_that_was_stopped_is_not_finished() -> None:
    stop = Event()
    stop.set()
    assert not Watched(Run({}, kind="file"), stop).finished


class Breaking(ScriptedFrameSource):
    """Breaks after its pictures."""

    def frames(self) -> Iterator[Frame | None]:
        yield from super().frames()
        raise KeyError("a slip of ours")


@pytest.mark.parametrize(("kind", "awaited"), [("file", False), ("live", True)])
def test_only_for_a_live_camera_that_broke_the_service_is_to_start_again(
    kind: Literal["file", "live"], awaited: bool
) -> None:
    """A recording that broke must not end those beside it."""
    source = Breaking([numbered_picture(0, 1280, 720)], kind=kind)
    camera = CameraWatch("gate", source, Run({}, kind=kind).pipeline)
    camera.run(Event())
    assert camera.failures == 1
    assert (camera.heart.quiet_s is not None) is awaited


class Failing:
    """A detector's `detect` that fails at the looks from *first* to before *last*."""

    def __init__(self, run: Run, first: int, last: int) -> None:
        self._detect, self._fails, self._looks = run.detector.detect, range(first, last), 0

    def __call__(self, images: list[BgrImage], floor: float) -> object:
        self._looks += 1
        if self._looks - 1 in self._fails:
            raise PermanentError("model-failed", "CUDA error 719")
        return self._detect(images, floor)


class Gate:
    """Wants every third frame."""

    def wants(self, frame: Frame, busy: bool) -> bool:
        return frame.index % 3 == 0


@pytest.mark.parametrize(
    ("first", "last", "failing"), [(0, 4, False), (0, 20, True), (3, 20, True), (0, 9, False), (5, 9, False)]
)
def test_a_camera_whose_model_fails_again_and_again_says_so_until_it_works(
    monkeypatch: pytest.MonkeyPatch, first: int, last: int, failing: bool
) -> None:
    run = Run({}, kind="file", gate=Gate())
    monkeypatch.setattr(run.detector, "detect", Failing(run, first, last))
    camera = Watched(run).camera
    assert bool(camera.failing) is failing
    assert camera.problem == camera.failing
    assert ("CUDA error 719" in camera.problem) is failing


def test_a_camera_tells_for_how_long_it_has_not_been_up() -> None:
    """Whatever it was meanwhile: down, frozen, starting again."""
    picture = numbered_picture(0, 1280, 720)
    source = ScriptedFrameSource([picture, None, None, None, picture, None], kind="live")
    clock = count(1000, 300)
    camera = CameraWatch("gate", source, Run({}).pipeline, now_s=lambda: float(next(clock)))
    with capture_logs() as logs:
        camera.run(Event())
    told = [line["blind_s"] for line in logs if line["event"] == "camera.status"]
    assert told == [0, 300, 600, 900, 0, 300, 0]


def test_a_camera_that_was_never_up_is_blind_from_the_start() -> None:
    clock = count(1000, 300)
    source = ScriptedFrameSource([None, None, None], kind="live")
    camera = CameraWatch("gate", source, Run({}).pipeline, now_s=lambda: float(next(clock)))
    with capture_logs() as logs:
        camera.run(Event())
    told = [line["blind_s"] for line in logs if line["event"] == "camera.status"]
    assert told == [0, 300, 600, 0]
