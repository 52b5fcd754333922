"""The agent at work: consumer and mail room side by side, the reconciler now and then, and an orderly end."""

import time
from collections.abc import Callable
from threading import Event, Thread, Timer

import structlog

from services.agent.application.consumer import Consumer
from services.agent.application.mail_outbox import MailRoom
from shared.errors import TransientError
from shared.observability.health import Heart

STATUS_EVERY_S = 1.0
BLIND_AGAIN_S = 60.0  # an outage is told when it begins, and then once in so long
RECONCILE_FIRST_S, RECONCILE_EVERY_S = 10.0, 300.0
STOP_BUDGET_S = 60.0  # for the message in hand
LAST_MAILS_S = 15.0  # for the digests of what is held

log = structlog.get_logger()


class Agent:
    """Runs until it is told to stop.

    Args:
        find_lost: rings again for messages whose bell got lost, see `reconcile`.
        close: gives back what the adapters hold.
        look_round: called about once a second, to see whether settings have changed.
        heart: beats about once a second.
    """

    def __init__(
        self,
        consumer: Consumer,
        mail_room: MailRoom,
        find_lost: Callable[[], int],
        close: Callable[[], None],
        heart: Heart | None = None,
        look_round: Callable[[], None] = lambda: None,
    ) -> None:
        self._heart = heart or Heart()
        self._blind_told_s: float | None = None
        self._consumer = consumer
        self._mail_room = mail_room
        self._find_lost = find_lost
        self._close = close
        self._look_round = look_round
        self._broken = Event()

    def run(self, stop: Event, stop_budget_s: float = STOP_BUDGET_S) -> bool:
        """Work until *stop*; then finish what is in hand, or hand it back when *stop_budget_s* is over.

        Returns:
            Whether it ended because it was told to.
        """
        log.info("agent.started")
        threads = [
            self._thread("consumer", self._consumer.run, stop),
            self._thread("mail", self._mail_room.run, stop),
        ]
        self._look_after_things(stop)
        self._heart.rest()
        self._end(threads, stop_budget_s)
        return not self._broken.is_set()

    def _thread(self, name: str, work: Callable[[Event], None], stop: Event) -> Thread:
        def guarded() -> None:
            try:
                work(stop)
            except Exception:  # half an agent is worse than none: end, so that it is started again
                log.exception("agent.broken", part=name)
                self._broken.set()
                stop.set()

        thread = Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread

    def _look_after_things(self, stop: Event) -> None:
        reconcile_at = time.monotonic() + RECONCILE_FIRST_S
        while not stop.wait(STATUS_EVERY_S):
            self._heart.beat()
            self._look_round()
            try:
                self._tell_status()
                self._blind_told_s = None
                if time.monotonic() >= reconcile_at:
                    reconcile_at = time.monotonic() + RECONCILE_EVERY_S
                    self._find_lost()
            except TransientError as error:
                self._tell_blindness(error)

    def _tell_blindness(self, error: TransientError) -> None:
        now_s = time.monotonic()
        if self._blind_told_s is None or now_s - self._blind_told_s >= BLIND_AGAIN_S:
            self._blind_told_s = now_s
            log.warning("agent.blind", problem=str(error))

    def _tell_status(self) -> None:
        log.info("agent.status", **self._backlog())

    def _backlog(self) -> dict[str, int]:
        inbox, mails = self._consumer.counts(), self._mail_room.counts()
        return {
            "waiting": inbox.waiting,
            "in_hand": inbox.held,
            "mails_waiting": mails.due + mails.later,
            "mails_due": mails.due,
            "mails_later": mails.later,
            "mails_held": mails.held,
        }

    def _end(self, threads: list[Thread], budget_s: float) -> None:
        deadline = time.monotonic() + budget_s
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if threads[0].is_alive():
            self._consumer.hand_back()
        if not threads[1].is_alive():
            self._send_last_mails()
        self._tell_the_end()
        if not any(thread.is_alive() for thread in threads):
            self._close()

    def _send_last_mails(self) -> None:
        """What is held for a digest goes now: nobody may come back to send it."""
        enough = Event()
        alarm = Timer(LAST_MAILS_S, enough.set)
        alarm.daemon = True
        alarm.start()
        try:
            self._mail_room.step(enough)  # what is still due may turn out to be beyond the cap, too
            self._mail_room.send_held()
            self._mail_room.step(enough)
        except TransientError as error:
            log.warning("mail.left", problem=str(error))
        finally:
            alarm.cancel()

    def _tell_the_end(self) -> None:
        """With what is left: of statuses that follow one another quickly, not each is written."""
        try:
            left = self._backlog()
        except TransientError:
            left = {}
        log.info("agent.stopped", **left)
