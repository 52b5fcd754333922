"""Ends a service one of whose loops is stuck, so that it is started again.

Not everything that starts services again asks /healthz: Docker, systemd and `officer watch` act on an exit alone. What
was accepted and what is open survives a kill.
"""

import os
import time
from collections.abc import Callable, Mapping
from threading import Thread

import structlog

from shared.observability.health import Health

LOOK_EVERY_S = 5.0
GRACE_S = 60.0  # beyond a loop's limit: whoever asks /healthz may act before
TELL_S = 5.0
EXIT_STUCK = 1

log = structlog.get_logger()


class Watchdog:
    """Looks at the hearts of *health* in a thread of its own, and calls *end* with an exit code if one has stopped."""

    def __init__(
        self,
        health: Health,
        end: Callable[[int], object] = os._exit,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._health, self._end, self._now_s = health, end, now_s
        self._awake_s = self._looked_s = now_s()

    def start(self) -> None:
        """Begin; it ends with the process."""
        Thread(target=self._run, name="watchdog", daemon=True).start()

    def look(self) -> None:
        """End the service if a loop has been quiet for `GRACE_S` longer than it may."""
        now_s = self._now_s()
        stood_still = now_s - self._looked_s > 2 * LOOK_EVERY_S  # in a paused container, and they with us
        if stood_still:
            self._awake_s = now_s
        self._looked_s = now_s
        awake_s = now_s - self._awake_s
        quiet_s = {
            heart.name: (min(heart.quiet_s or 0.0, awake_s), heart.limit_s) for heart in self._health.hearts
        }
        stuck = {name: round(quiet) for name, (quiet, limit) in quiet_s.items() if quiet > limit + GRACE_S}
        if stuck:
            # In a thread, as the log itself may be what they wait for.
            teller = Thread(target=_tell, args=(stuck,), daemon=True)
            teller.start()
            teller.join(TELL_S)
            self._end(EXIT_STUCK)

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            self.look()


def _tell(stuck: Mapping[str, int]) -> None:
    loops = ", ".join(f"{name} for {quiet_s} s" for name, quiet_s in stuck.items())
    log.error(
        "service.stuck", loops=list(stuck), problem=f"quiet: {loops}; the service ends, to be started again"
    )
