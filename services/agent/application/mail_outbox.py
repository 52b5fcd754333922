"""Sends what the outbox holds: one envelope for each recipient, nothing dropped, critical ones never held back.

A row is committed as `sending` before a byte goes out and as `sent` after the server has taken the mail. A kill between
the two leaves it open whether the server has it: the row is sent again after its lease, with the same Message-ID, by
which mail programs show it once. That window is inherent in SMTP; it is the only way to get a mail twice.
"""

from email.message import EmailMessage
from threading import Event

import structlog

from services.agent.application.heartbeat import HARD_CAP_S, beating
from services.agent.application.ports import (
    EvidenceStore,
    LeaseLostError,
    MailComposer,
    Mailer,
    MailPostponedError,
    Outbox,
    OutboxCounts,
    ReportStore,
)
from services.agent.domain.letter import FiledReport, Letter
from shared.crash_points import crash_point
from shared.errors import ObjectMissingError, PermanentError, TransientError
from shared.observability.health import Heart

IDLE_S = 0.5
MAX_SERVER_PAUSE_S = 60.0
RETRY_FOR_S = 24 * 3600.0  # RFC 5321, 4.5.4.1 asks for 4 to 5 days; a safety mail is stale sooner
LEAST_TRIES = 12  # however long ago the first was: the machine may have been off
MAX_UNFINISHED = 5  # above the consumer's, so that a violation that kills its worker takes no mail along
FIRST_RETRY_S = 30.0
MAX_RETRY_S = 1800.0

log = structlog.get_logger()


class MailRoom:
    """Takes letters out of the outbox and hands them to the mailer, one at a time."""

    def __init__(
        self,
        outbox: Outbox,
        composer: MailComposer,
        mailer: Mailer,
        evidence: EvidenceStore,
        reports: ReportStore,
        *,
        cap_per_hour: int,
        lease_s: float,
        heart: Heart | None = None,
    ) -> None:
        """Send at most *cap_per_hour* mails an hour to one recipient; *heart* beats with every look and every mail."""
        self._heart = heart or Heart()
        self._outbox = outbox
        self._composer = composer
        self._mailer = mailer
        self._evidence = evidence
        self._reports = reports
        self._cap_per_hour = cap_per_hour
        self._lease_s = lease_s
        self._failures = 0
        self._handed_over: list[tuple[Letter, str]] = []  # taken by the server, and not yet noted as sent

    def run(self, stop: Event) -> None:
        """Send until *stop*; the mail in hand is finished first."""
        while not stop.is_set():
            self._heart.beat()
            try:
                busy = self.step(stop)
                self._back_to_work()
                if not busy:
                    stop.wait(IDLE_S)
            except TransientError as error:
                self._pause(error, stop)
        self._heart.rest()

    def step(self, stop: Event) -> bool:
        """Send what is due until nothing is left or *stop*; False if nothing was due.

        Raises:
            TransientError: no mail can be sent now; nothing is lost and no mail's time runs on.
        """
        self._note_sent()
        counts = self._outbox.counts()
        if counts.held:
            self._outbox.gather(self._cap_per_hour, at_once=False)
        elif not counts.due:
            return False  # an idle mail room must not take the database's write lock twice a second
        busy = False
        while not stop.is_set() and (letter := self._outbox.take(self._lease_s, self._cap_per_hour)):
            busy = True
            self._heart.beat()
            crash_point("M1")
            self._deliver(letter)
        return busy

    def send_held(self) -> None:
        """Make digests of all that is held now; for the end of a run, when nobody would send them later."""
        self._outbox.gather(self._cap_per_hour, at_once=True)

    def counts(self) -> OutboxCounts:
        """How many mails are still to go."""
        return self._outbox.counts()

    def _deliver(self, letter: Letter) -> None:
        try:
            self._hand_over(letter)
        except LeaseLostError:
            log.warning("mail.overtaken", **_about(letter))
        self._note_sent()

    def _hand_over(self, letter: Letter) -> None:
        try:
            if letter.unfinished >= MAX_UNFINISHED:
                raise PermanentError("kills-its-worker", f"{MAX_UNFINISHED} tries ended without a word")
            with beating(
                lambda: self._outbox.extend(letter, self._lease_s), self._lease_s, HARD_CAP_S, HARD_CAP_S
            ):
                message_id = self._mailer.send(self._compose(letter), letter.recipient)
            self._handed_over.append((letter, message_id))
        except (MailPostponedError, ObjectMissingError) as error:
            self._postpone(letter, error)
        except TransientError as error:
            self._outbox.retry(letter, 0.0, str(error), counted=False)
            raise
        except PermanentError as error:
            self._outbox.refused(letter, str(error))
            log.error("mail.refused", problem=str(error), **_about(letter))
        except Exception as error:  # the edge of one mail's work: a defect must not stop the others
            log.exception("mail.failed", **_about(letter))
            self._postpone(letter, TransientError(f"{type(error).__name__} while the mail was made"))

    def _note_sent(self) -> None:
        """Also what a database that was away could not take: it must not go out again."""
        while self._handed_over:
            letter, message_id = self._handed_over[0]
            try:
                self._outbox.sent(letter, message_id)
                crash_point("M4")
                log.info("mail.sent", message_id=message_id, **_about(letter), **_age(letter))
            except LeaseLostError:
                log.warning("mail.overtaken", **_about(letter))
            del self._handed_over[0]

    def _compose(self, letter: Letter) -> EmailMessage:
        if letter.kind == "digest":
            return self._composer.digest(letter.contents, letter.recipient)
        filed = letter.contents[0]
        pdf = self._reports.fetch(filed.pdf_key)
        return self._composer.report(filed, letter.recipient, self._picture(filed), pdf)

    def _picture(self, filed: FiledReport) -> bytes | None:
        try:
            return self._evidence.fetch(filed.report.brief.opened.evidence.key)
        except ObjectMissingError:
            return None  # the PDF holds it; the mail must not wait for a picture that retention has removed

    def _postpone(self, letter: Letter, error: TransientError) -> None:
        if letter.tried_for_s >= RETRY_FOR_S and letter.attempts >= LEAST_TRIES:
            self._outbox.refused(letter, f"given up after {letter.tried_for_s / 3600:.0f} h: {error}")
            log.error("mail.refused", problem=str(error), **_about(letter))
            return
        delay_s = min(MAX_RETRY_S, FIRST_RETRY_S * 2 ** min(letter.attempts - 1, 10))
        self._outbox.retry(letter, delay_s, str(error), counted=True)
        log.warning("mail.retry", in_s=delay_s, problem=str(error), **_about(letter))

    def _pause(self, error: TransientError, stop: Event) -> None:
        """All mail stands still; told at the first failure, the second, the fourth, the eighth ..."""
        self._failures += 1
        pause_s = min(MAX_SERVER_PAUSE_S, float(2 ** min(self._failures, 10)))
        if self._failures.bit_count() == 1:
            log.warning("mail.paused", for_s=pause_s, failures=self._failures, problem=str(error))
        stop.wait(pause_s)

    def _back_to_work(self) -> None:
        if self._failures:
            log.info("mail.resumed", after_failures=self._failures)
        self._failures = 0


def _about(letter: Letter) -> dict[str, object]:
    ids = [filed.violation_id for filed in letter.contents]
    about: dict[str, object] = {"violation_id": ids[0]} if letter.kind == "report" else {"violation_ids": ids}
    return {"recipient": letter.recipient, "kind": letter.kind, "outbox_id": letter.id, **about}


def _age(letter: Letter) -> dict[str, object]:
    """What it takes to say how long the oldest violation took to be told."""
    oldest = letter.contents[0].report.brief.opened
    return {"first_seen": oldest.first_seen.isoformat(), "source": oldest.source.kind}
