"""From a start among dependencies that may still be down, to an orderly stop at a signal."""

import os
import signal
import time
from collections.abc import Callable
from threading import Event
from types import FrameType
from typing import TypeVar

from shared.errors import OfficerError, TransientError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 10.0

Result = TypeVar("Result")


class StoppedError(OfficerError):
    """We were told to stop while we waited for a dependency."""


def keep_private() -> None:
    """Other users of the machine read nothing of what this process makes; its group what the umask allows."""
    os.umask(os.umask(0o077) | 0o007)


def stop_on_signals() -> Event:
    """An event that SIGTERM or SIGINT sets; a second signal ends the process at once (exit code 128 + signal).

    To be called once, from the main thread.
    """
    stop = Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop


def persist(
    attempt: Callable[[], Result],
    stop: Event,
    told: Callable[[TransientError, float], None],
    patience_s: float = float("inf"),
) -> Result:
    """Do *attempt* again and again, after 1, 2, 4, 8 and then every 10 seconds, until its dependency answers.

    Args:
        attempt: raises TransientError while the dependency is down.
        stop: ends the waiting.
        told: gets each failure and the seconds until the next try.
        patience_s: the last failure is raised after so many seconds.

    Raises:
        StoppedError: *stop* was set.
    """
    until_s, pause_s = time.monotonic() + patience_s, FIRST_PAUSE_S
    while True:
        try:
            return attempt()
        except TransientError as error:
            if time.monotonic() + pause_s > until_s:
                raise
            told(error, pause_s)
        if stop.wait(pause_s):
            raise StoppedError("stopped before the dependency answered")
        pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
