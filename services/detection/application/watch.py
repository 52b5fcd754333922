"""Watches all cameras of a site, each in a thread of its own, so that a bad one does not hold up the others."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread

import structlog

from services.detection.application.pipeline import CameraPipeline
from services.detection.application.ports import FrameSource, LookSink
from services.detection.domain.frame import Frame
from shared.errors import OfficerError
from shared.observability.health import Heart

STATUS_EVERY_S = 1.0
FAILS_AFTER = 5  # looks in a row that failed: one odd picture is no news
POLL_S = 0.5

log = structlog.get_logger()


@dataclass(slots=True)
class CameraWatch:
    """One camera on its way through the pipeline.

    Attributes:
        camera: id in the site file.
        source: where its frames come from.
        pipeline: what they go through.
        sink: gets every frame, if an annotated video is wanted.
        finished: told once when a recording has been seen to its end, every frame of it, and all was stored.
        heart: beats from the start of `run`, with every frame, and about once a second while there is none.
        failures: frames that could not be looked at, and a loop that broke.
        failing: why nothing that it shows is looked at, in words; empty if it is.
        now_s: seconds of a clock that nobody sets.
    """

    camera: str
    source: FrameSource
    pipeline: CameraPipeline
    sink: LookSink | None = None
    finished: Callable[[], None] = lambda: None
    heart: Heart = field(default_factory=Heart)
    now_s: Callable[[], float] = time.monotonic
    failures: int = 0
    failing: str = ""
    _failed_in_a_row: int = 0
    _told_s: float = 0.0
    _told: tuple[int, int] = (0, 0)
    _last: Frame | None = None
    _up_s: float | None = None
    _began_s: float = field(default_factory=time.monotonic)

    def run(self, stop: Event) -> None:
        """Until the source ends or *stop* is set."""
        self.heart.beat()
        try:
            for frame in self.source.frames():
                self.heart.beat()
                if stop.is_set():
                    break
                if frame is not None:
                    self._see(frame)
                self._tell(every_s=STATUS_EVERY_S)
            self._end(stopped=stop.is_set())
            self.heart.rest()
        except OfficerError as error:
            self._break_off(str(error))
            log.error("camera.broken", camera=self.camera, problem=str(error))
        except Exception as error:  # the thread's edge: tell, and let the other cameras go on
            self._break_off(f"unexpected {type(error).__name__}")
            log.exception("camera.broken", camera=self.camera)
        finally:
            self.source.close()
            if self.sink:
                self.sink.close()

    def _break_off(self, problem: str) -> None:
        self.failures += 1
        self.failing = f"watching it broke off: {problem}"
        if self.source.facts.kind != "live":  # else its heart stops, and the service is started again for it
            self.heart.rest()

    def _see(self, frame: Frame) -> None:
        self._last = frame
        try:
            look = self.pipeline.see(frame)
            if self.sink:
                self.sink.add(frame, look)
            if look:
                self._failed_in_a_row, self.failing = 0, ""
        except OfficerError as error:
            self._note_failure(str(error))
            log.error("frame.failed", camera=self.camera, frame=frame.index, problem=str(error))
        except Exception as error:  # a loop's edge: one frame that breaks us must not end the camera
            self._note_failure(f"unexpected {type(error).__name__}")
            log.exception("frame.broken", camera=self.camera, frame=frame.index)

    def _note_failure(self, problem: str) -> None:
        self.failures += 1
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= FAILS_AFTER:
            self.failing = f"its pictures come, but none can be looked at: {problem}"

    def _end(self, stopped: bool) -> None:
        if stopped:
            self.pipeline.pause()
        else:
            self.failures += not self.pipeline.finish()
            if not self.failures:  # else the next run sees the recording again, and adds what is missing
                self.finished()
        self._tell(every_s=0)
        log.info(
            "run.stopped" if stopped else "run.finished",
            camera=self.camera,
            frames=self.source.status.offered,
            skipped=self.source.status.skipped,
            processed=self.pipeline.counts.processed,
            seconds=round(time.monotonic() - self._began_s, 2),
            failures=self.failures,
        )

    def _tell(self, every_s: float) -> None:
        now_s = self.now_s()
        seconds = now_s - self._told_s
        if seconds < every_s:
            return
        status, counts = self.source.status, self.pipeline.counts
        offered, processed = self._told
        log.info(
            "camera.status",
            camera=self.camera,
            state=status.state,
            blind_s=self._blind_s(status.state, now_s),
            offered=status.offered,
            processed=counts.processed,
            skipped=status.skipped,
            offered_fps=round((status.offered - offered) / seconds, 1) if self._told_s else None,
            processed_fps=round((counts.processed - processed) / seconds, 1) if self._told_s else None,
            frame_age_s=self.frame_age_s,
            people=counts.people,
            open=counts.open,
            offset_s=round(self._last.offset_s, 2) if self._last else None,
            frame_index=self._last.index if self._last else None,
            total_frames=self.source.facts.frames,
            problem=self.problem,
        )
        self._told_s, self._told = now_s, (status.offered, counts.processed)

    def _blind_s(self, state: str, now_s: float) -> float:
        """Seconds since it was up and looked at, or since the start; 0 while it is, and after a recording's end."""
        if self._up_s is None or (state in ("up", "ended") and not self.failing):
            self._up_s = now_s
        return round(now_s - self._up_s, 1)

    @property
    def problem(self) -> str:
        """What is wrong with it, or why violations may be missed, in words; empty if nothing is."""
        return self.source.status.problem or self.failing or self.pipeline.problem

    @property
    def frame_age_s(self) -> float | None:
        """Seconds since a live camera's last good frame; None before the first, and for a recording."""
        last = self.source.status.last_frame_at
        if last is None or self.source.facts.kind != "live":
            return None
        return round((datetime.now(UTC) - last).total_seconds(), 2)


def watch(cameras: Sequence[CameraWatch], stop: Event, on_tick: Callable[[], None]) -> int:
    """Run all *cameras* until their sources end or *stop* is set; *on_tick* is called about twice a second.

    Returns:
        Number of failures: frames that could not be looked at, and cameras that broke.
    """
    threads = [
        Thread(target=camera.run, args=(stop,), name=f"camera-{camera.camera}", daemon=True)
        for camera in cameras
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        on_tick()
        stop.wait(POLL_S) if not stop.is_set() else threads[0].join(POLL_S)
        for thread in threads:
            thread.join(0.01)
    return sum(camera.failures for camera in cameras)
