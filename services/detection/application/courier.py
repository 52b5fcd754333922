"""Courier: carries what the spool holds to the store and the queue, oldest first, for as long as it takes.

Where tries fail, a round ends early and the next one begins behind them: what fails for ever holds up nothing.

An entry goes picture, then sidecar, then message, and is forgotten only after all three: killed in between, it goes
again. The store takes the same object twice as once, the queue may deliver twice, the agent makes one report of it.
This is the only layer that retries; store and queue must not.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from structlog.contextvars import bound_contextvars

from services.detection.application.ports import ObjectStore, Spool, SpoolEntry, ViolationQueue
from shared.contracts.violation import Opened, decode
from shared.crash_points import crash_point
from shared.errors import ContractError, OfficerError, PermanentError
from shared.object_keys import event_key
from shared.observability.health import Heart

POLL_S = 0.2
LONGEST_PAUSE_S = 30.0
GIVE_UP_AFTER = (
    3  # failures in a row end a round: one bad entry delays nobody, an outage is not asked 10,000 times
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CourierStatus:
    """What the courier did since its start.

    Attributes:
        delivered, quarantined: entries.
        failures: tries that failed.
        problem: why the last try failed, in words; empty once one has succeeded again.
    """

    delivered: int = 0
    quarantined: int = 0
    failures: int = 0
    problem: str = ""


def pause_s(failed_rounds: int) -> float:
    """Seconds until the next round: 1, 2, 4 ... `LONGEST_PAUSE_S`, of which a random half is left out, so that many
    sites do not come back at the same moment; `POLL_S` after a round that went well."""
    if failed_rounds == 0:
        return POLL_S
    return min(LONGEST_PAUSE_S, 2.0 ** min(failed_rounds - 1, 10)) * random.uniform(0.5, 1.0)


class Courier:
    """Runs beside detection in a thread of its own, so that an unreachable cloud never holds detection up."""

    def __init__(
        self,
        spool: Spool,
        store: ObjectStore,
        queue: ViolationQueue,
        pause: Callable[[int], float] = pause_s,
        heart: Heart | None = None,
        sign_in: Callable[[], None] = lambda: None,
    ) -> None:
        """Carry from *spool* to *store* and *queue*.

        Args:
            pause: gives the seconds to wait after n failed rounds.
            heart: beats with every entry and every round.
            sign_in: called before each round, even while nothing waits, so that a site which could send nothing says
                so before there is anything to send; raises TransientError.
        """
        self._spool = spool
        self._store = store
        self._queue = queue
        self._pause = pause
        self._sign_in = sign_in
        self._heart = heart or Heart()
        self._status = CourierStatus()
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._begin = 0  # how many of the oldest the next round leaves for its end
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    @property
    def status(self) -> CourierStatus:
        return self._status

    def start(self) -> None:
        """Begin; once in an instance's life."""
        self._thread.start()

    def stop(self, budget_s: float) -> int:
        """Deliver what still waits, for at most *budget_s* seconds, and end.

        Returns:
            How many entries are left. They stay in the spool, and go after the next start.
        """
        self._deadline = time.monotonic() + budget_s
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(budget_s)
        left = len(self._spool.pending())
        log.info("courier.stopped", left=left, delivered=self._status.delivered, problem=self._status.problem)
        return left

    def deliver_pending(self) -> bool:
        """One round over what waits; False if `GIVE_UP_AFTER` tries in a row, or the last ones, failed."""
        try:
            self._sign_in()
        except OfficerError as error:
            self._note_failure(str(error))
            return False
        pending = self._spool.pending()
        begin = self._begin if self._begin < len(pending) else 0
        self._begin = failed_in_a_row = 0
        left = begin
        for place in [*range(begin, len(pending)), *range(begin)]:
            self._heart.beat()
            if time.monotonic() > self._deadline:
                break
            left = 0 if place == 0 else left
            if self._try(pending, place):
                failed_in_a_row = 0
                continue
            left, failed_in_a_row = left + 1, failed_in_a_row + 1
            if failed_in_a_row == GIVE_UP_AFTER:
                self._begin = left
                break
        return failed_in_a_row == 0

    def _run(self) -> None:
        failed_rounds = 0
        while not self._stopping.is_set():
            failed_rounds = 0 if self.deliver_pending() else failed_rounds + 1
            self._heart.beat()
            self._stopping.wait(self._pause(failed_rounds))
        self.deliver_pending()
        self._heart.rest()

    def _try(self, pending: Sequence[SpoolEntry], place: int) -> bool:
        """False if what stands at *place* has to be tried again."""
        try:
            entry = pending[place]
        except LookupError:  # it could not be read, and was set aside
            return True
        except OfficerError as error:
            self._note_failure(str(error))
            return False
        with bound_contextvars(violation_id=entry.violation_id, phase=entry.phase):
            return self._tried(entry)

    def _tried(self, entry: SpoolEntry) -> bool:
        try:
            self._deliver_or_set_aside(entry)
        except OfficerError as error:
            self._note_failure(str(error))
            return False
        except Exception as error:  # the loop's edge: an adapter's mistake must not end all deliveries
            log.exception("courier.broken")
            self._note_failure(f"unexpected {type(error).__name__}")
            return False
        return True

    def _deliver_or_set_aside(self, entry: SpoolEntry) -> None:
        try:
            self._deliver(entry)
        except (ContractError, PermanentError) as error:
            self._spool.quarantine(entry, f"{error.code}: {error}")
            self._status = replace(self._status, quarantined=self._status.quarantined + 1)

    def _deliver(self, entry: SpoolEntry) -> None:
        message = decode(entry.message)
        if isinstance(message.data, Opened):
            self._put_picture(message.data, entry)
        crash_point("D3")
        self._store.put(event_key(message, entry.message), entry.message, "application/json")
        crash_point("D4")
        self._queue.send(entry.message, entry.violation_id, entry.phase)
        crash_point("D5")
        self._spool.settle(entry)
        self._status = replace(self._status, delivered=self._status.delivered + 1, problem="")
        log.info("violation.delivered")

    def _put_picture(self, opened: Opened, entry: SpoolEntry) -> None:
        if entry.jpeg is None:
            raise PermanentError(
                "evidence-missing", "an opened violation without its picture cannot be reported"
            )
        self._store.put(opened.evidence.key, entry.jpeg, "image/jpeg")

    def _note_failure(self, problem: str) -> None:
        log.warning("courier.failed", problem=problem, waiting=len(self._spool.pending()))
        self._status = replace(self._status, failures=self._status.failures + 1, problem=problem)
