"""Keeps a claim and its message ours while the work makes progress, and never for longer than a hard cap."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from threading import Event, Thread

import structlog

from services.agent.application.ports import Delivery, LeaseLostError, ReportRepository, ViolationInbox
from services.agent.application.process_violation import KeepAlive, Progress
from services.agent.domain.work_claim import Claim
from shared.errors import TransientError

STEP_LIMIT_S = (
    240.0  # the slowest step is the writer: three tries of 45 s, a repair and the waits between them
)
HARD_CAP_S = 900.0

log = structlog.get_logger()


def heartbeat(
    delivery: Delivery,
    repository: ReportRepository,
    inbox: ViolationInbox,
    lease_s: float,
    *,
    step_limit_s: float = STEP_LIMIT_S,
    hard_cap_s: float = HARD_CAP_S,
) -> KeepAlive:
    """Extend lease and visibility together, three times in *lease_s*.

    Args:
        delivery: the message under work.
        lease_s: how long each beat holds.
        step_limit_s: without progress for so long there are no more beats: the work hangs.
        hard_cap_s: so long after the start there are no more beats, whatever happens.
    """

    def keep_alive(claim: Claim) -> AbstractContextManager[Progress]:
        def extend() -> None:
            repository.extend(claim, lease_s)
            inbox.extend(delivery, lease_s)

        return beating(extend, lease_s, step_limit_s, hard_cap_s)

    return keep_alive


@contextmanager
def beating(
    extend: Callable[[], None], lease_s: float, step_limit_s: float, hard_cap_s: float
) -> Iterator[Progress]:
    """Call *extend* three times in *lease_s*; until it loses the lease, or one of the limits is reached."""
    beats = _Beats(step_limit_s, hard_cap_s)
    run = copy_context().run  # its log lines name the violation, too
    thread = Thread(target=run, args=(beats.run, extend, lease_s / 3), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield beats.progress
    finally:
        beats.over.set()
        thread.join()


class _Beats:
    def __init__(self, step_limit_s: float, hard_cap_s: float) -> None:
        self.over = Event()
        self._lost = Event()
        self._step_limit_s = step_limit_s
        self._last_step = time.monotonic()
        self._end = self._last_step + hard_cap_s

    def progress(self) -> None:
        if self._lost.is_set():
            raise LeaseLostError("the lease has passed to another worker")
        self._last_step = time.monotonic()

    def run(self, extend: Callable[[], None], every_s: float) -> None:
        while not self.over.wait(every_s) and self._alive():
            try:
                extend()
            except LeaseLostError:
                self._lost.set()
                return
            except TransientError as error:
                log.warning("heartbeat.missed", problem=str(error))

    def _alive(self) -> bool:
        now = time.monotonic()
        alive = now < min(self._end, self._last_step + self._step_limit_s)
        if not alive:
            log.warning("heartbeat.ended", without_progress_s=round(now - self._last_step))
        return alive
