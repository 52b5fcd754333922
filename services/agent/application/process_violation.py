"""READ FIRST: from a violation message to a report in the store and its mails in the outbox, once, whatever breaks.

The claim decides whose turn it is. Under it the steps run in an order in which a kill between any two of them loses
nothing and repeats nothing that shows: what was written is kept before its PDF is made, the PDF lies in the store
before the row names it, and row, mails and audit are one transaction. The message is deleted last, by the consumer.
"""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC
from typing import NoReturn

import structlog

from services.agent.application.brief import build_brief
from services.agent.application.ports import (
    Clock,
    EvidenceStore,
    LeaseLostError,
    ReportRenderer,
    ReportRepository,
    ReportStore,
    ReportWriter,
)
from services.agent.domain.actions import chosen_actions
from services.agent.domain.draft import Written
from services.agent.domain.letter import FiledReport
from services.agent.domain.recipients import Recipient, addresses_for
from services.agent.domain.report import Brief, Report
from services.agent.domain.work_claim import Claim, Finished, Leased, OtherPayload
from shared.contracts.violation import EvidenceFacts, Opened, ViolationMessage, named_violation
from shared.crash_points import crash_point
from shared.errors import ObjectMissingError, PermanentError, TransientError
from shared.object_keys import REPORTS_PREFIX
from shared.regulations.table import RegulationTable

MAX_ATTEMPTS = 3
EVIDENCE_PATIENCE_S = 300.0  # the picture is put before its message is sent: this long covers a slow store
EVIDENCE_RETRY_S = 20.0

log = structlog.get_logger()

Progress = Callable[[], None]
"""To be called after each step: the lease is extended only while steps make progress. Raises LeaseLostError."""

KeepAlive = Callable[[Claim], AbstractContextManager[Progress]]
"""Extends a claim's lease, and the message's visibility with it, while its context lasts."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that it takes to make a report.

    Attributes:
        table: citations and corrective actions that a report may name.
        recipients: who gets mail; asked anew at each report.
        lease_s: how long a claim holds without a sign of life.
    """

    repository: ReportRepository
    evidence: EvidenceStore
    reports: ReportStore
    writer: ReportWriter
    renderer: ReportRenderer
    clock: Clock
    table: RegulationTable
    recipients: Iterable[Recipient]
    lease_s: float


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing is left to do: delete the message."""


@dataclass(frozen=True, slots=True)
class ComeBack:
    """Leave the message where it is; *after_s* is how long it need not show up again."""

    after_s: float


@dataclass(frozen=True, slots=True)
class NotOurs:
    """Somebody else has taken the work over: touch nothing."""


Outcome = Settled | ComeBack | NotOurs


class UnreturnedError(TransientError):
    """The database went away under a claim: give it back, uncounted, once the database answers, or three outages would
    look like a message that kills its worker."""

    def __init__(self, claim: Claim, outage: TransientError) -> None:
        super().__init__(str(outage))
        self.claim = claim


def process_violation(message: ViolationMessage, body: bytes, desk: Desk, keep_alive: KeepAlive) -> Outcome:
    """Make the one report of an `opened`, or complete the row of a `closed`.

    Args:
        message: what *body* says.
        body: the bytes as received.
        desk: stores, database, writer and renderer.
        keep_alive: extends the lease while the work makes progress.

    Raises:
        TransientError: a dependency is down; the claim has been given back and the attempt is not counted.
    """
    claim = desk.repository.claim(message, body, desk.lease_s)
    crash_point("A2")
    match claim:
        case Finished():
            log.info("message.again", violation_id=message.violation_id, phase=message.phase)
            return Settled()
        case Leased():
            log.info("message.leased", violation_id=message.violation_id, left_s=round(claim.left_s, 1))
            return ComeBack(claim.left_s)
        case OtherPayload():
            reason = "the same violation and phase came before with other content"
            put_aside(body, "payload-differs", reason, desk, message)
            return Settled()
        case Claim():
            return _work(claim, message, body, desk, keep_alive)


def _work(claim: Claim, message: ViolationMessage, body: bytes, desk: Desk, keep_alive: KeepAlive) -> Outcome:
    try:
        if claim.attempts > MAX_ATTEMPTS:
            raise PermanentError("kills-its-worker", f"{MAX_ATTEMPTS} attempts ended without a word")
        with keep_alive(claim) as progress:
            _fulfil(claim, message, desk, progress)
        return Settled()
    except _EvidenceNotYetError as error:
        _give_back_uncounted(claim, error, desk)
        return ComeBack(EVIDENCE_RETRY_S)
    except TransientError as error:
        _give_back_uncounted(claim, error, desk)
        raise
    except PermanentError as error:
        return _quarantine(claim, body, error, desk)
    except LeaseLostError:
        log.warning("message.lost", violation_id=claim.violation_id, fence=claim.fence)
        return NotOurs()
    except Exception as error:  # noqa: BLE001 - the edge of one message's work: a defect must not stop the others
        return _failed_attempt(claim, body, error, desk)


def _give_back_uncounted(claim: Claim, outage: TransientError, desk: Desk) -> None:
    try:
        desk.repository.give_back(claim, counted=False)
    except TransientError:
        raise UnreturnedError(claim, outage) from outage


def _fulfil(claim: Claim, message: ViolationMessage, desk: Desk, progress: Progress) -> None:
    if isinstance(message.data, Opened):
        _file_report(claim, message.data, desk, progress)
    else:
        desk.repository.commit_closed(claim, message, message.data)
        log.info("violation.completed", violation_id=claim.violation_id, reason=message.data.reason)


def _file_report(claim: Claim, opened: Opened, desk: Desk, progress: Progress) -> None:
    picture = _genuine_evidence(opened.evidence, claim, desk)
    crash_point("A3")
    progress()
    report = claim.report or _write(claim, opened, picture, desk)
    progress()
    pdf = desk.renderer.render(report, picture)
    crash_point("A6")
    progress()
    desk.repository.extend(claim, desk.lease_s)  # what was erased meanwhile must not be filed
    stored = desk.reports.put(pdf_key(opened), pdf)
    crash_point("A7")
    progress()
    # A report that lies there although nothing of it was ever written down here: the database comes from a backup,
    # and who got a mail then must not get it again.
    adopted = stored.was_there and claim.report is None and not claim.unreadable
    filed = FiledReport(report, pdf_key(opened), stored.sha256, stored.size_bytes)
    addresses = addresses_for(filed.severity, desk.recipients)
    crash_point("A8")
    desk.repository.commit_report(claim, filed, addresses, mails_presumed_sent=adopted)
    crash_point("A9")
    _log_report(filed, len(addresses), adopted=adopted)


def _genuine_evidence(facts: EvidenceFacts, claim: Claim, desk: Desk) -> bytes:
    """The picture, if it is the one that the message means; what is missing or torn gets some minutes to appear."""
    try:
        picture = desk.evidence.fetch(facts.key)
    except ObjectMissingError as error:
        _wait_for_evidence(claim, "evidence-missing", str(error))
    if hashlib.sha256(picture).hexdigest() != facts.sha256:
        _wait_for_evidence(
            claim, "evidence-hash-differs", f"{facts.key} is not the picture the message means"
        )
    return picture


def _wait_for_evidence(claim: Claim, code: str, reason: str) -> NoReturn:
    if claim.age_s >= EVIDENCE_PATIENCE_S:
        raise PermanentError(code, f"{reason}; waited {claim.age_s:.0f} s")
    log.warning("evidence.awaited", violation_id=claim.violation_id, code=code, age_s=round(claim.age_s))
    raise _EvidenceNotYetError(reason)


class _EvidenceNotYetError(TransientError):
    """Concerns this message alone: the others go on."""


def _write(claim: Claim, opened: Opened, picture: bytes, desk: Desk) -> Report:
    brief = build_brief(opened, desk.repository.recurrence(opened), desk.table)
    written = desk.writer.write(brief, picture)
    crash_point("A4")
    report = _report(brief, written, desk)
    desk.repository.checkpoint(claim, report)
    crash_point("A5")
    return report


def _report(brief: Brief, written: Written, desk: Desk) -> Report:
    return Report(
        brief=brief,
        draft=written.draft,
        writer=written.writer,
        actions=chosen_actions(brief, written.draft.actions),
        generated_at=desk.clock.now(),
        table_version=desk.table.label(brief.opened.site.jurisdictions),
    )


def pdf_key(opened: Opened) -> str:
    """Where the report goes: fit for a person's eyes in a folder, and the same at every attempt."""
    day = opened.first_seen.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    return f"{REPORTS_PREFIX}{day}-{opened.camera.id}-{opened.rule.id}-{opened.violation_id}.pdf"


def put_aside(
    body: bytes, code: str, reason: str, desk: Desk, message: ViolationMessage | None = None
) -> None:
    """Quarantine what no claim covers; told once, however often `reconcile` brings it for a version that may do it."""
    violation_id, phase = named_violation(body), message.phase if message else None
    if desk.repository.quarantine_message(body, code, reason, violation_id):
        log.error("message.quarantined", violation_id=violation_id, phase=phase, code=code, reason=reason)


def _quarantine(claim: Claim, body: bytes, error: PermanentError, desk: Desk) -> Outcome:
    try:
        desk.repository.quarantine_claim(claim, body, error.code, str(error))
    except LeaseLostError:
        return NotOurs()
    log.error(
        "message.quarantined",
        violation_id=claim.violation_id,
        phase=claim.phase,
        code=error.code,
        reason=str(error),
    )
    return Settled()


def _failed_attempt(claim: Claim, body: bytes, error: Exception, desk: Desk) -> Outcome:
    what = defect_in_words(error)
    if claim.attempts >= MAX_ATTEMPTS:
        return _quarantine(claim, body, PermanentError("fails-always", what), desk)
    log.exception("message.failed", violation_id=claim.violation_id, attempts=claim.attempts)
    desk.repository.give_back(claim, counted=True)
    return ComeBack(0.0)


def defect_in_words(error: Exception) -> str:
    """What a database takes, whatever the error says."""
    return f"{type(error).__name__}: {str(error)[:300]!a}"


def _log_report(filed: FiledReport, mails: int, *, adopted: bool) -> None:
    opened, writer = filed.report.brief.opened, filed.report.writer
    log.info(
        "report.stored",
        violation_id=filed.violation_id,
        site=opened.site.id,
        camera=opened.camera.id,
        rule=opened.rule.id,
        findings=[f.finding.value for f in opened.findings],
        severity=filed.severity.value,
        pdf=filed.pdf_key,
        writer=writer.name,
        fallback_reason=writer.fallback_reason,
        mails=mails,
        adopted=adopted,
    )
