"""The agent's loop: receive, decode, process, settle; a dependency that is down pauses receiving."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import structlog
from structlog.contextvars import bound_contextvars

from services.agent.application.heartbeat import heartbeat
from services.agent.application.ports import Delivery, InboxCounts, TaskProtection, ViolationInbox
from services.agent.application.process_violation import (
    MAX_ATTEMPTS,
    ComeBack,
    Desk,
    KeepAlive,
    NotOurs,
    Outcome,
    Progress,
    Settled,
    UnreturnedError,
    defect_in_words,
    process_violation,
    put_aside,
)
from services.agent.domain.work_claim import Claim
from shared.contracts.violation import ViolationMessage, decode
from shared.crash_points import crash_point
from shared.errors import ContractError, TransientError
from shared.observability.health import Heart

WAIT_S = 1.0
MAX_PAUSE_S = 10.0  # the longest that work stands still after the dependency has come back
MAX_REST_S = 300.0

log = structlog.get_logger()


class Consumer:
    """Works on one message at a time: what it holds is never more than its one free slot, and a suspect runs alone.

    More throughput is more processes: the fence keeps them apart.
    """

    def __init__(
        self,
        inbox: ViolationInbox,
        desk: Desk,
        heart: Heart | None = None,
        wait_s: float = WAIT_S,
        protection: TaskProtection | None = None,
    ) -> None:
        """Work at *desk* on what comes into *inbox*.

        Args:
            heart: beats with every look into the inbox and every step of a work.
            wait_s: how long one look waits for a message; to stop takes as long.
            protection: held from a message's arrival until a look finds none.
        """
        self._inbox = inbox
        self._desk = desk
        self._heart = heart or Heart()
        self._wait_s = wait_s
        self._protection = protection or _Unprotected()
        self._failures = 0
        self._unreturned: list[Claim] = []
        self._in_hand: tuple[Delivery, Claim] | None = None

    def run(self, stop: Event) -> None:
        """Work until *stop*; the message in hand is finished first."""
        while not stop.is_set():
            self._heart.beat()
            try:
                self.step(self._wait_s)
            except TransientError as error:
                self._pause(error, stop)
            else:
                self._back_to_work()
        self._protection.release()
        self._heart.rest()

    def step(self, wait_s: float) -> bool:
        """Work on one message; False if none came within *wait_s*.

        Raises:
            TransientError: a dependency is down; the message stays on the queue.
        """
        self._check_database()
        delivery = self._inbox.receive(self._desk.lease_s, wait_s)
        if delivery is None:
            self._protection.release()
            return False
        crash_point("A1")
        self._protection.hold()
        try:
            self._settle(delivery, self._outcome(delivery))
        except TransientError:
            self._leave(delivery)
            raise
        finally:
            self._in_hand = None
        return True

    def counts(self) -> InboxCounts:
        """How full the inbox is."""
        return self._inbox.counts()

    def hand_back(self) -> None:
        """Give up what is in hand, from another thread: it is free at once, and late writes are fenced out."""
        if self._in_hand is None:
            return
        delivery, claim = self._in_hand
        try:
            self._desk.repository.give_back(claim, counted=False)
            self._inbox.extend(delivery, 0.0)
        except TransientError as error:
            log.warning("message.kept", problem=str(error))  # lease and visibility end by themselves
        else:
            log.info("message.released", violation_id=claim.violation_id)

    def _outcome(self, delivery: Delivery) -> Outcome:
        try:
            message = decode(delivery.body, self._desk.clock.now())
        except ContractError as error:
            put_aside(delivery.body, error.code, str(error), self._desk)
            return Settled()
        with bound_contextvars(violation_id=message.violation_id, phase=message.phase):
            self._tell_receipt(delivery)
            try:
                return process_violation(message, delivery.body, self._desk, self._keep_alive(delivery))
            except TransientError:
                raise
            except Exception as error:  # noqa: BLE001 - a defect that one message meets must not end the agent
                return self._failed(delivery, message, error)

    def _failed(self, delivery: Delivery, message: ViolationMessage, error: Exception) -> Outcome:
        """What failed before there was a claim or after its end, so that no claim counts it: the receives do."""
        if delivery.receive_count < MAX_ATTEMPTS:
            log.exception("message.failed", receives=delivery.receive_count)
            return ComeBack(_rest_s(delivery))
        put_aside(delivery.body, "fails-always", defect_in_words(error), self._desk, message)
        return Settled()

    def _tell_receipt(self, delivery: Delivery) -> None:
        waited = self._desk.clock.now() - delivery.sent_at
        log.info(
            "message.received",
            sent_at=delivery.sent_at.isoformat(),
            waited_s=round(waited.total_seconds(), 3),
            receives=delivery.receive_count,
        )

    def _keep_alive(self, delivery: Delivery) -> KeepAlive:
        beating = heartbeat(delivery, self._desk.repository, self._inbox, self._desk.lease_s)

        @contextmanager
        def keep(claim: Claim) -> Iterator[Progress]:
            self._in_hand = (delivery, claim)
            with beating(claim) as progress:

                def step() -> None:
                    self._heart.beat()
                    progress()

                yield step

        return keep

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        match outcome:
            case Settled():
                self._inbox.delete(delivery)
                crash_point("A10")
            case ComeBack():
                self._inbox.extend(delivery, outcome.after_s)
            case NotOurs():
                pass

    def _leave(self, delivery: Delivery) -> None:
        """Let the message rest, longer each time: what fails for it alone must not stop the others."""
        try:
            self._inbox.extend(delivery, _rest_s(delivery))
        except TransientError as error:
            log.warning("message.kept", problem=str(error))

    def _check_database(self) -> None:
        """Receive nothing while the database is down: each receive in vain would count against a message."""
        if self._failures:
            self._desk.repository.ping()
        while self._unreturned:
            self._desk.repository.give_back(self._unreturned[-1], counted=False)
            self._unreturned.pop()

    def _pause(self, error: TransientError, stop: Event) -> None:
        if isinstance(error, UnreturnedError):
            self._unreturned.append(error.claim)
        self._failures += 1
        longest_s = min(MAX_PAUSE_S, 0.5 * 2 ** min(self._failures, 10))
        pause_s = random.uniform(longest_s / 2, longest_s)
        log.warning("agent.paused", for_s=round(pause_s, 1), problem=str(error))
        stop.wait(pause_s)

    def _back_to_work(self) -> None:
        if self._failures:
            log.info("agent.resumed", after_failures=self._failures)
        self._failures = 0


class _Unprotected:
    def hold(self) -> None:
        pass

    def release(self) -> None:
        pass


def _rest_s(delivery: Delivery) -> float:
    return min(MAX_REST_S, 2.0 ** min(delivery.receive_count, 10))
