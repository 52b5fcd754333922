"""What the agent service needs from the outside; each port has at least two adapters under one contract test."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import Protocol

from services.agent.domain.draft import Written
from services.agent.domain.letter import FiledReport, Letter
from services.agent.domain.report import Brief, Recurrence, Report
from services.agent.domain.work_claim import Claim, ClaimOutcome, Phase
from shared.contracts.violation import Closed, Opened, ViolationMessage
from shared.errors import OfficerError, PermanentError, TransientError
from shared.vocabulary import Severity


class LeaseLostError(OfficerError):
    """The lease has passed to somebody else: stop, write nothing more, leave the message to him."""


class MailPostponedError(TransientError):
    """The mail server refused this mail for now; others may pass."""


class MailRefusedError(PermanentError):
    """The mail server will never take this mail for this recipient."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in our hands until its visibility ends.

    Attributes:
        body: bytes that may come from anybody.
        receipt: names this receive.
        receive_count: how often it was received, this time included.
        sent_at: aware UTC.
    """

    body: bytes
    receipt: str
    receive_count: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """Messages that can be received now, and that somebody holds."""

    waiting: int
    held: int


class ViolationInbox(Protocol):
    """Delivers each message at least once, in any order. All of its calls raise TransientError when it is down.

    A delivery that came again since is out of date: to extend or delete it does nothing, or (in SQS) perhaps what it
    would have done before. So only what is settled for good may be deleted.
    """

    def receive(self, visibility_s: float, wait_s: float) -> Delivery | None:
        """Take one message and hide it for *visibility_s*; None if none came within *wait_s*."""
        ...

    def extend(self, delivery: Delivery, visibility_s: float) -> None:
        """Hide the message for *visibility_s* from now; 0 gives it back at once."""
        ...

    def delete(self, delivery: Delivery) -> None:
        """Forget the message; nothing happens if it is gone already."""
        ...

    def send(self, body: bytes) -> None:
        """Put a message back that got lost."""
        ...

    def counts(self) -> InboxCounts: ...


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A message as it lies in the evidence store.

    Attributes:
        key: object key.
        violation_id, phase: as the key tells.
    """

    key: str
    violation_id: str
    phase: Phase


class EvidenceStore(Protocol):
    def fetch(self, key: str) -> bytes:
        """The picture or sidecar of that name, unchecked.

        Raises:
            ObjectMissingError: there is none (yet).
            PermanentError: it is too large, or no such name is allowed.
            TransientError: the store does not answer.
        """
        ...

    def sidecars(self) -> Iterator[Sidecar]:
        """Every message that detection has stored."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPdf:
    """A report in the store.

    Attributes:
        sha256: hash of what the store holds, read back.
        size_bytes: its length.
        was_there: the key existed before; its bytes stay as they were.
    """

    sha256: str
    size_bytes: int
    was_there: bool


class ReportStore(Protocol):
    def put(self, key: str, pdf: bytes) -> StoredPdf:
        """Store *pdf* unless *key* exists.

        Raises:
            TransientError: full, or does not answer.
        """
        ...

    def fetch(self, key: str) -> bytes:
        """The PDF; errors as for `EvidenceStore.fetch`."""
        ...


class ReportWriter(Protocol):
    def write(self, brief: Brief, picture: bytes) -> Written:
        """Write the narrative.

        Args:
            brief: all that may be said.
            picture: the evidence JPEG, faces blurred.

        Raises:
            TransientError: the model's service cannot be reached now and no fallback is set.
        """
        ...


class ReportRenderer(Protocol):
    def render(self, report: Report, picture: bytes) -> bytes:
        """Lay the report out as a PDF; the same input gives the same bytes.

        Args:
            report: what to print.
            picture: the evidence JPEG; overlays are drawn from `report.brief.opened.evidence.boxes`.

        Raises:
            PermanentError: *picture* is no readable JPEG.
        """
        ...


class ReportRepository(Protocol):
    """Claims and rows. Its clock is the database's. Every call raises TransientError when the database is down; every
    write under a claim raises LeaseLostError once somebody else has a higher fence."""

    def ping(self) -> None:
        """Do nothing but ask the database for an answer."""
        ...

    def claim(self, message: ViolationMessage, body: bytes, lease_s: float) -> ClaimOutcome:
        """Take the right to work on *message* (*body* as received); the attempt is committed before this returns."""
        ...

    def extend(self, claim: Claim, lease_s: float) -> None:
        """Let the lease end *lease_s* from now."""
        ...

    def give_back(self, claim: Claim, *, counted: bool) -> None:
        """End the lease now and outdate the fence; not *counted*: the attempt was nobody's fault.

        Nothing happens, and no LeaseLostError, if the claim has ended or passed to somebody else.
        """
        ...

    def recurrence(self, opened: Opened) -> Recurrence:
        """Earlier violations of the same camera and rule."""
        ...

    def checkpoint(self, claim: Claim, report: Report) -> None:
        """Keep what was written, so that no later attempt writes (and pays) again."""
        ...

    def commit_report(
        self, claim: Claim, filed: FiledReport, addresses: Sequence[str], *, mails_presumed_sent: bool
    ) -> None:
        """In one transaction: the row, one outbox row for each address, the audit row, the claim's end."""
        ...

    def commit_closed(self, claim: Claim, message: ViolationMessage, closed: Closed) -> None:
        """Complete the violation's row with its end, whether the report stands there already or not."""
        ...

    def quarantine_claim(self, claim: Claim, body: bytes, code: str, reason: str) -> None:
        """End the claim as quarantined, with the message and why."""
        ...

    def quarantine_message(
        self, body: bytes, code: str, reason: str, violation_id: str | None = None
    ) -> bool:
        """Keep a message that no claim covers, with why, until it can be done; False if its bytes are kept already."""
        ...

    def unfinished(self, sidecars: Sequence[Sidecar]) -> list[Sidecar]:
        """Those of *sidecars* that are neither finished, quarantined, erased nor leased."""
        ...

    def erase(self, violation_id: str, reason: str) -> float:
        """Remove all rows about a violation and leave a tombstone, so that nothing brings it back.

        Returns:
            Seconds until the leases of those have passed who still make its report or send its mail; 0 if nobody does.
        """
        ...


class Erasable(Protocol):
    def erase(self, violation_ids: Set[str], prefix: str) -> list[str]:
        """Remove every object, under a key that begins with *prefix*, that belongs to one of them; give the keys.

        Raises:
            TransientError: the store does not answer, or does not allow it; to try again goes on from there.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """Mails still to be sent.

    Attributes:
        due: could be sent now, or are being sent.
        later: wait for their next try.
        held: wait for the next digest.
    """

    due: int
    later: int
    held: int


class Outbox(Protocol):
    """Mails as rows. Its clock is the database's; errors as for `ReportRepository`."""

    def take(self, lease_s: float, cap_per_hour: int) -> Letter | None:
        """Claim the next mail that is due, critical ones first, and commit it as `sending`; None if none is.

        What it tells of is never empty: a mail whose reports were all erased, or cannot be read, is refused instead.
        A mail beyond *cap_per_hour* of its recipient is held for the digest instead, unless it is critical; critical
        ones take no place of the others.
        """
        ...

    def gather(self, cap_per_hour: int, *, at_once: bool) -> int:
        """Put all that is held into digests, for each recipient whose hour has room again (*at_once*: for each).

        One digest names `MAX_IN_DIGEST` of them at most.

        Returns:
            Number of digests made.
        """
        ...

    def extend(self, letter: Letter, lease_s: float) -> None:
        """Keep it for *lease_s* from now on."""
        ...

    def sent(self, letter: Letter, message_id: str) -> None:
        """It was handed over."""
        ...

    def retry(self, letter: Letter, delay_s: float, why: str, *, counted: bool) -> None:
        """Let it rest for *delay_s*; not *counted*: it was not this mail's fault."""
        ...

    def refused(self, letter: Letter, why: str) -> None:
        """It can never be sent to this recipient."""
        ...

    def counts(self) -> OutboxCounts: ...


class MailComposer(Protocol):
    def report(self, filed: FiledReport, recipient: str, picture: bytes | None, pdf: bytes) -> EmailMessage:
        """The mail for one report.

        Args:
            filed: what to tell.
            recipient: one address.
            picture: the evidence JPEG; None if it is gone from the store.
            pdf: the report's pages, to attach.
        """
        ...

    def digest(self, filed: Sequence[FiledReport], recipient: str) -> EmailMessage:
        """One mail that names every one of *filed*."""
        ...


class Mailer(Protocol):
    def send(self, mail: EmailMessage, recipient: str) -> str:
        """Hand *mail* over for *recipient* alone.

        Returns:
            The Message-ID that the recipient sees; some services put their own in place of the mail's.

        Raises:
            MailRefusedError: never for this recipient.
            MailPostponedError: not this mail now.
            TransientError: no mail at all can be handed over now.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which rows to read; None: any.

    Attributes:
        since, until: bounds of first_seen, aware; *until* is left out itself.
        limit: newest rows first, at most this many.
    """

    site: str | None = None
    camera: str | None = None
    rule: str | None = None
    severity: Severity | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = 100


@dataclass(frozen=True, slots=True)
class MailRow:
    """One recipient's mail of a violation, as it stands.

    Attributes:
        state: pending, sending, sent, held, refused or presumed-sent; ``digest-`` before it: that of the digest which
            names the violation.
        sent_at: aware UTC; None if not sent.
        message_id: of the mail that told of it; empty if none was sent.
        error: last refusal; empty if none.
    """

    recipient: str
    state: str
    sent_at: datetime | None
    message_id: str
    error: str


class Verdict(StrEnum):
    """What a person made of a violation: only one that is confirmed, or that nobody has looked at, counts as one."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    AUTHORISED = "authorised"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Review:
    """What a person once made of a violation.

    Attributes:
        at: aware UTC.
        note: in his own words; empty if none.
    """

    at: datetime
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One violation, as the database has it. Times are aware UTC.

    Attributes:
        findings: words of `shared.vocabulary.Finding`.
        last_seen: final once `closed_reason` is set, else as it was when the report was written.
        duration_s, people: likewise.
        closed_reason: ended, unobserved or source-ended; None while it goes on.
        looks, looks_supporting: how often somebody looked, and how often it was seen then; None while it goes on.
        pdf_bytes: length of the PDF.
        mails: one for each recipient.
        verdict: what a person made of it; None until somebody has looked.
        adopted: the database had been lost: the PDF is older than what the row says, which was written anew.
    """

    violation_id: str
    site_id: str
    site: str
    camera_id: str
    camera: str
    zone_id: str
    zone: str
    rule_id: str
    rule: str
    findings: tuple[str, ...]
    severity: Severity
    headline: str
    first_seen: datetime
    last_seen: datetime
    duration_s: float
    people: int
    confidence: float
    closed_reason: str | None
    reported_at: datetime
    evidence_key: str
    evidence_sha256: str
    pdf_key: str
    pdf_sha256: str
    pdf_bytes: int
    writer: str
    fallback_reason: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    mails: tuple[MailRow, ...]
    verdict: Verdict | None = None
    looks: int | None = None
    looks_supporting: int | None = None
    adopted: bool = False


class Reviews(Protocol):
    def review(self, violation_id: str, verdict: Verdict, note: str = "") -> Verdict | None:
        """Keep what a person made of the report of that whole id.

        Returns:
            The verdict that this one replaces.

        Raises:
            ConfigurationError: there is no such report.
        """
        ...


class ReportReader(Protocol):
    def list(self, wanted: ReportFilter) -> "list[ReportRow]":
        """Rows that have a report, newest first."""
        ...

    def ids_before(self, at: datetime) -> Sequence[str]:
        """Violations first seen, or put aside, before *at* (aware), with a report and without; oldest first."""
        ...

    def get(self, violation_id: str) -> ReportRow:
        """The row of that id, or the only one whose id begins so.

        Raises:
            ConfigurationError: none or several begin so.
        """
        ...

    def report(self, violation_id: str) -> FiledReport:
        """All that the report says; errors as for `get`."""
        ...

    def reviews(self, violation_id: str) -> Sequence[Review]:
        """What people made of the report of that whole id, the last one last."""
        ...


class TaskProtection(Protocol):
    """Keeps whoever counts tasks from ending this one in the middle of a work. Neither call raises."""

    def hold(self) -> None:
        """From now on, for minutes; called with each message that comes."""
        ...

    def release(self) -> None:
        """Nothing is in hand any more."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...
