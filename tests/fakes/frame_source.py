"""A source of frames that plays a script; held to the port by the same contract test as the real ones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from services.detection.application.ports import SourceIdentity, SourceStatus
from services.detection.domain.frame import BgrImage, Frame

RECORDED_AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


class ScriptedFrameSource:
    """Yields *script*: pictures become frames, a None is a frame that was lost (file) or a second without one (live).

    Args:
        script: what comes.
        fps: of the pictures; a None of a live source takes a second.
        kind: what it claims to be.
        camera: id of the camera in the site file.
    """

    def __init__(
        self,
        script: Sequence[BgrImage | None],
        fps: float = 5.0,
        kind: Literal["live", "file", "folder"] = "file",
        camera: str = "gate",
        session: str = "scripted-session",
    ) -> None:
        self._script = script
        self._fps = fps
        self._live = kind == "live"
        self._camera = camera
        self._identity = SourceIdentity(
            kind=kind,
            session=session,
            name="scripted",
            clock="camera-host" if self._live else "recorded-at",
            frames=None if self._live else len(script),
        )
        self._status = SourceStatus(state="starting", offered=0, skipped=0, last_frame_at=None, problem="")
        self._closed = False

    @property
    def facts(self) -> SourceIdentity:
        return self._identity

    @property
    def status(self) -> SourceStatus:
        return self._status

    def frames(self) -> Iterator[Frame | None]:
        offset_s = 0.0
        for picture in self._script:
            if self._closed:
                break
            if picture is None:
                self._lose()
                if self._live:
                    yield None
            else:
                yield self._deliver(picture, offset_s)
            offset_s += 1.0 if picture is None and self._live else 1.0 / self._fps
        self._status = replace(self._status, state="ended")

    def close(self) -> None:
        self._closed = True
        self._status = replace(self._status, state="ended")

    def _deliver(self, picture: BgrImage, offset_s: float) -> Frame:
        captured_at = RECORDED_AT + timedelta(seconds=offset_s)
        index = self._status.offered
        self._status = replace(
            self._status, state="up", offered=index + 1, last_frame_at=captured_at, problem=""
        )
        return Frame(self._camera, index, captured_at, offset_s, picture)

    def _lose(self) -> None:
        if self._live:
            self._status = replace(self._status, state="down", problem="scripted: nothing came")
        else:
            self._status = replace(
                self._status,
                offered=self._status.offered + 1,
                skipped=self._status.skipped + 1,
                problem="scripted: a frame was lost",
            )
