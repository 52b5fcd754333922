"""A live camera as a source of frames: always the latest picture, and back by itself after any failure."""

import contextlib
import random
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from services.detection.adapters.freeze_watch import FROZEN_AFTER_S, FreezeWatch
from services.detection.application.ports import SourceIdentity, SourceStatus
from services.detection.domain.frame import BgrImage, Frame, GreyImage
from shared.errors import OfficerError

SILENT_S = 4.0  # a camera that shows nothing for so long is down (to be shown within 5 s)
FIRST_PICTURE_S = (
    12.0  # connecting and waiting for the first whole picture, which cameras send every 1 to 10 s
)
LONGEST_WAIT_S = 30.0
LOOK_EVERY_S = (
    3.0  # while waiting, see whether the camera is back (to be connected within 10 s of its return)
)
_POLL_S = 0.25
_NOTHING_NEW_S = 1.0
_MOST_STUCK = 4


class LivePicture(Protocol):
    """A picture as the camera sent it; turning it into BGR is left to who needs it."""

    def luma(self) -> GreyImage: ...

    def bgr(self) -> BgrImage: ...


class LiveCamera(Protocol):
    """How one kind of camera is reached."""

    @property
    def name(self) -> str:
        """For people; without login."""
        ...

    def pictures(self) -> Generator[LivePicture | None]:
        """Connect and yield each picture as it comes, None for a damaged one; may block. Closing it disconnects.

        Raises:
            OfficerError: no connection, or it broke; says so without the camera's name.
        """
        ...

    def answers(self) -> bool:
        """Whether anything is there, found out within a few seconds and without logging in."""
        ...


class LiveFrameSource:
    """Reads *reached* in a thread of its own and keeps only the latest picture.

    Args:
        reached: the camera.
        camera: its id in the site file.
        rate: frames per second to yield at most; None yields all that the caller is fast enough for.
    """

    def __init__(self, reached: LiveCamera, camera: str, rate: float | None = None) -> None:
        self._reached = reached
        self._camera = camera
        self._step_s = 1.0 / rate if rate else 0.0
        self._identity = SourceIdentity(
            kind="live", session=uuid.uuid4().hex, name=reached.name, clock="camera-host", frames=None
        )
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._status = SourceStatus(state="starting", offered=0, skipped=0, last_frame_at=None, problem="")
        self._latest: _Arrival | None = None
        self._began_s: float | None = None
        self._connection: _Connection | None = None
        self._away = False

    @property
    def facts(self) -> SourceIdentity:
        return self._identity

    @property
    def status(self) -> SourceStatus:
        return self._status

    def frames(self) -> Iterator[Frame | None]:
        """Yield the latest frame whenever there is a new one, None after a second without; to be called once."""
        threading.Thread(target=self._stay_connected, name=f"camera {self._camera}", daemon=True).start()
        due_s = 0.0
        while not self._closed.wait(max(0.0, due_s - time.monotonic())):
            arrival = self._next_arrival()
            if self._closed.is_set():
                return
            if arrival is None:
                yield None
                continue
            due_s = max(due_s + self._step_s, time.monotonic() + self._step_s / 2)
            yield arrival.frame(self._camera)

    def close(self) -> None:
        with self._changed:
            self._closed.set()
            self._status = replace(self._status, state="ended")
            self._changed.notify_all()

    def _next_arrival(self) -> "_Arrival | None":
        with self._changed:
            self._changed.wait_for(lambda: self._latest or self._closed.is_set(), timeout=_NOTHING_NEW_S)
            arrival, self._latest = self._latest, None
            return arrival

    def _stay_connected(self) -> None:
        stuck: list[_Connection] = []
        tries = 0
        while not self._closed.is_set():
            connection = self._connect()
            problem = self._follow(connection)
            tries = 1 if connection.delivered else tries + 1
            self._lose(problem)
            came_back = self._wait_for_return(pause_s(tries))
            tries = 0 if came_back else tries
            stuck = [one for one in [*stuck, connection] if one.alive]
            while len(stuck) >= _MOST_STUCK and not self._closed.wait(1.0):
                stuck = [one for one in stuck if one.alive]

    def _connect(self) -> "_Connection":
        connection = _Connection(self._reached, self._take)
        with self._changed:
            self._connection = connection
        connection.start()
        return connection

    def _follow(self, connection: "_Connection") -> str:
        """Until *connection* has ended or is given up; why, in words."""
        while not connection.ended.wait(_POLL_S) and not self._closed.is_set():
            now_s = time.monotonic()
            silent_s, blind_s = now_s - connection.last_sign_s, now_s - connection.last_whole_s
            if silent_s > SILENT_S and connection.delivered:
                return f"no picture for {silent_s:.0f} s while the connection stays open"
            if blind_s > FIRST_PICTURE_S:
                return f"connected, but no whole picture for {blind_s:.0f} s"
            if blind_s > SILENT_S:
                self._show_down(f"no whole picture for {blind_s:.0f} s")
        return connection.problem

    def _lose(self, problem: str) -> None:
        with self._changed:
            self._connection = None
            self._latest = None
        self._show_down(problem)

    def _show_down(self, problem: str) -> None:
        with self._changed:
            if not self._closed.is_set():
                self._status = replace(
                    self._status, state="down", problem=f"{self._identity.name}: {problem}"
                )

    def _wait_for_return(self, seconds: float) -> bool:
        """Wait, up to a quarter less so that many cameras fall out of step; True if the camera just came back."""
        until_s = time.monotonic() + seconds * random.uniform(0.75, 1.0)
        left_s = seconds
        while left_s > 0 and not self._closed.is_set():
            answers = self._reached.answers()
            if answers and self._away:
                self._away = False
                return True
            self._away = not answers
            left_s = until_s - time.monotonic()
            self._closed.wait(max(0.0, min(left_s, LOOK_EVERY_S)))
        return False

    def _take(self, connection: "_Connection", picture: LivePicture | None, still_s: float) -> bool:
        """Keep *picture* as the latest; False if *connection* has been given up."""
        captured_at, at_s = datetime.now(UTC), time.monotonic()
        with self._changed:
            if connection is not self._connection or self._closed.is_set():
                return False
            self._count(picture is None, captured_at, still_s)
            if picture is not None and still_s < FROZEN_AFTER_S:
                self._began_s = at_s if self._began_s is None else self._began_s
                index = self._status.offered - 1
                self._latest = _Arrival(picture, index, captured_at, at_s - self._began_s)
                self._changed.notify_all()
            return True

    def _count(self, damaged: bool, captured_at: datetime, still_s: float) -> None:
        status = replace(self._status, offered=self._status.offered + 1)
        if damaged:
            self._status = replace(status, skipped=status.skipped + 1)
        elif still_s >= FROZEN_AFTER_S:
            problem = f"{self._identity.name}: the same picture for {still_s:.0f} s"
            self._status = replace(status, state="frozen", problem=problem, last_frame_at=captured_at)
        else:
            self._status = replace(status, state="up", problem="", last_frame_at=captured_at)


def pause_s(tries: int) -> float:
    """How long to wait after so many vain tries (from 1) in a row: 1, 2, 4, 8, 16, 30, 30, ... seconds."""
    return min(LONGEST_WAIT_S, 2.0 ** min(tries - 1, 10))


@dataclass(frozen=True, slots=True)
class _Arrival:
    picture: LivePicture
    index: int
    captured_at: datetime
    offset_s: float

    def frame(self, camera: str) -> Frame:
        return Frame(camera, self.index, self.captured_at, self.offset_s, self.picture.bgr())


class _Connection:
    """One attempt, in a thread that may hang for good: it is left behind then, and what it still brings is dropped.

    Attributes:
        ended: set when the thread is through.
        last_sign_s: monotonic time of the last picture, damaged or not; of the start before the first.
        last_whole_s: the same for whole pictures.
        delivered: whether a whole picture came.
        problem: why it ended, in words.
    """

    def __init__(
        self, reached: LiveCamera, take: Callable[["_Connection", LivePicture | None, float], bool]
    ) -> None:
        self.ended = threading.Event()
        self.last_sign_s = self.last_whole_s = time.monotonic()
        self.delivered = False
        self.problem = "the camera ended the stream"
        self._reached = reached
        self._take = take
        self._freeze = FreezeWatch()
        self._thread = threading.Thread(target=self._run, name=f"read {reached.name}", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            self._read()
        except OfficerError as problem:
            self.problem = str(problem)
        except Exception as failure:  # noqa: BLE001  (the thread's edge: the camera is down, and tried again)
            self.problem = f"reading failed ({type(failure).__name__})"
        self.ended.set()

    def _read(self) -> None:
        with contextlib.closing(self._reached.pictures()) as pictures:
            for picture in pictures:
                self.last_sign_s = time.monotonic()
                if not self._take(self, picture, self._still_s(picture)):
                    return

    def _still_s(self, picture: LivePicture | None) -> float:
        if picture is None:
            return 0.0
        self.delivered = True
        self.last_whole_s = self.last_sign_s
        return self._freeze.still_s(picture.luma(), self.last_sign_s)
