"""The agent's database in memory: claims, fences, cap and digests as in the SQL adapters, held to one contract."""

import copy
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.agent.application.ports import LeaseLostError, OutboxCounts, Sidecar
from services.agent.domain.facts import days_before
from services.agent.domain.letter import MAX_IN_DIGEST, FiledReport, Letter
from services.agent.domain.report import Recurrence, Report
from services.agent.domain.work_claim import Claim, ClaimOutcome, Finished, Leased, OtherPayload
from shared.contracts.violation import Closed, Opened, ViolationMessage, payload_hash
from shared.errors import TransientError
from shared.vocabulary import Severity

Key = tuple[str, str]


@dataclass
class ClaimRow:
    sha256: str
    fence: int
    attempts: int
    lease_until: float
    first_claimed_at: float
    state: str = "open"
    report: Report | None = None


@dataclass
class MailLine:
    id: int
    kind: str
    recipient: str
    severity: Severity
    due_at: float
    filed: FiledReport | None
    state: str = "pending"
    digest_id: int | None = None
    fence: int = 0
    attempts: int = 0
    unfinished: int = 0
    lease_until: float = 0.0
    first_tried_at: float | None = None
    sent_at: float | None = None
    message_id: str = ""
    error: str = ""


@dataclass
class MemoryDatabase:
    """What the tables hold. `down` makes every call fail as a database that is not there."""

    claims: dict[Key, ClaimRow] = field(default_factory=dict)
    reports: dict[str, FiledReport] = field(default_factory=dict)
    closed: dict[str, Closed] = field(default_factory=dict)
    mails: list[MailLine] = field(default_factory=list)
    quarantine: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)
    down: bool = False
    offset_s: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def now(self) -> float:
        return time.monotonic() + self.offset_s

    def __enter__(self) -> "MemoryDatabase":
        self.lock.acquire()
        if self.down:
            self.lock.release()
            raise TransientError("the database does not answer: it is switched off")
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()


class MemoryReportRepository:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def ping(self) -> None:
        with self._database:
            pass

    def claim(self, message: ViolationMessage, body: bytes, lease_s: float) -> ClaimOutcome:
        with self._database as db:
            key, sha256, now = (message.violation_id, message.phase), payload_hash(body), db.now()
            row = db.claims.setdefault(key, ClaimRow(sha256, 0, 0, now, now))
            if row.state == "erased":
                return Finished()
            if row.sha256 != sha256:
                return OtherPayload(row.sha256)
            if row.state != "open":
                return Finished()
            if row.lease_until > now:
                return Leased(row.lease_until - now)
            row.fence, row.attempts, row.lease_until = row.fence + 1, row.attempts + 1, now + lease_s
            return Claim(*key, row.fence, row.attempts, now - row.first_claimed_at, copy.deepcopy(row.report))

    def extend(self, claim: Claim, lease_s: float) -> None:
        with self._database as db:
            _ours(db, claim).lease_until = db.now() + lease_s

    def give_back(self, claim: Claim, *, counted: bool) -> None:
        with self._database as db:
            row = db.claims[claim.violation_id, claim.phase]
            if row.state == "open" and row.fence == claim.fence:
                row.lease_until, row.fence = db.now(), row.fence + 1
                row.attempts -= 0 if counted else 1

    def recurrence(self, opened: Opened) -> Recurrence:
        with self._database as db:
            earlier = [
                other.first_seen
                for other in (filed.report.brief.opened for filed in db.reports.values())
                if (other.site.id, other.camera.id, other.rule.id)
                == (opened.site.id, opened.camera.id, opened.rule.id)
            ]
        ages = [(opened.first_seen - moment).total_seconds() / 86_400 for moment in earlier]
        days = days_before(opened, 7)
        return Recurrence(
            days_7=sum(0 < age <= 7 for age in ages),
            days_30=sum(0 < age <= 30 for age in ages),
            on_days=sum(any(begin <= moment < end for moment in earlier) for begin, end in days),
        )

    def checkpoint(self, claim: Claim, report: Report) -> None:
        with self._database as db:
            _ours(db, claim).report = report

    def commit_report(
        self, claim: Claim, filed: FiledReport, addresses: Sequence[str], *, mails_presumed_sent: bool
    ) -> None:
        with self._database as db:
            _complete(db, claim)
            db.reports[claim.violation_id] = filed
            for address in addresses:
                line = MailLine(len(db.mails) + 1, "report", address, filed.severity, db.now(), filed)
                line.state = "presumed-sent" if mails_presumed_sent else "pending"
                db.mails.append(line)

    def commit_closed(self, claim: Claim, message: ViolationMessage, closed: Closed) -> None:
        with self._database as db:
            _complete(db, claim)
            db.closed[claim.violation_id] = closed

    def quarantine_claim(self, claim: Claim, body: bytes, code: str, reason: str) -> None:
        with self._database as db:
            _finish(_ours(db, claim), "quarantined")
            db.quarantine.setdefault(payload_hash(body), (code, reason, claim.violation_id))

    def quarantine_message(
        self, body: bytes, code: str, reason: str, violation_id: str | None = None
    ) -> bool:
        with self._database as db:
            new = payload_hash(body) not in db.quarantine
            db.quarantine.setdefault(payload_hash(body), (code, reason, violation_id))
            return new

    def unfinished(self, sidecars: Sequence[Sidecar]) -> list[Sidecar]:
        with self._database as db:
            return [s for s in sidecars if _is_lost(db.claims.get((s.violation_id, s.phase)), db.now())]

    def erase(self, violation_id: str, reason: str) -> float:
        with self._database as db:
            held_s = _held_s(db, violation_id)
            for phase in ("opened", "closed"):
                row = db.claims.setdefault((violation_id, phase), ClaimRow("", 0, 0, 0, 0))
                row.state, row.fence, row.report = "erased", row.fence + 1, None
            db.reports.pop(violation_id, None)
            db.closed.pop(violation_id, None)
            db.quarantine = {sha256: row for sha256, row in db.quarantine.items() if violation_id not in row}
            db.mails = [m for m in db.mails if m.filed is None or m.filed.violation_id != violation_id]
        return held_s


class MemoryOutbox:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def take(self, lease_s: float, cap_per_hour: int) -> Letter | None:
        with self._database as db:
            while line := _next_due(db):
                passes = line.severity == Severity.CRITICAL or line.kind == "digest"
                if not (passes or _used(db, line.recipient, line.id) < cap_per_hour):
                    line.state = "held"
                elif contents := _contents(db, line):
                    return _begin(db, line, contents, lease_s)
                else:
                    line.state = "refused"
            return None

    def gather(self, cap_per_hour: int, *, at_once: bool) -> int:
        with self._database as db:
            held = {line.recipient for line in db.mails if line.state == "held"}
            ready = [r for r in held if at_once or _used(db, r, 0) < cap_per_hour]
            return sum(_make_digests(db, recipient) for recipient in ready)

    def extend(self, letter: Letter, lease_s: float) -> None:
        self._update(letter, lease_until=self._database.now() + lease_s)

    def sent(self, letter: Letter, message_id: str) -> None:
        self._update(letter, state="sent", sent_at=self._database.now(), message_id=message_id, error="")

    def retry(self, letter: Letter, delay_s: float, why: str, *, counted: bool) -> None:
        line = self._update(
            letter, state="pending", due_at=self._database.now() + delay_s, error=why, unfinished=0
        )
        if not counted:
            line.attempts -= 1
            line.first_tried_at = line.first_tried_at if line.attempts else None

    def refused(self, letter: Letter, why: str) -> None:
        self._update(letter, state="refused", error=why)

    def counts(self) -> OutboxCounts:
        with self._database as db:
            waiting = [line for line in db.mails if line.state == "pending"]
            due = [line for line in waiting if line.due_at <= db.now()]
            sending = [line for line in db.mails if line.state == "sending"]
            held = [line for line in db.mails if line.state == "held"]
        return OutboxCounts(len(due) + len(sending), len(waiting) - len(due), len(held))

    def _update(self, letter: Letter, **values: Any) -> MailLine:
        with self._database as db:
            line = next(line for line in db.mails if line.id == letter.id)
            if line.state != "sending" or line.fence != letter.fence:
                raise LeaseLostError(f"mail {letter.id} has passed to another worker")
            for name, value in values.items():
                setattr(line, name, value)
            return line


def _ours(db: MemoryDatabase, claim: Claim) -> ClaimRow:
    row = db.claims[claim.violation_id, claim.phase]
    if row.state != "open" or row.fence != claim.fence:
        raise LeaseLostError("the claim has passed to another worker")
    return row


def _finish(row: ClaimRow, state: str) -> None:
    row.state, row.report = state, None


def _complete(db: MemoryDatabase, claim: Claim) -> None:
    row = _ours(db, claim)
    _finish(row, "done")
    db.quarantine.pop(row.sha256, None)


def _held_s(db: MemoryDatabase, violation_id: str) -> float:
    ours = [m for m in db.mails if m.filed and m.filed.violation_id == violation_id]
    mails = [
        m for m in db.mails if m.state == "sending" and (m in ours or m.id in {o.digest_id for o in ours})
    ]
    works = [
        row
        for (whose, _), row in db.claims.items()
        if whose == violation_id and row.state in ("open", "erased")
    ]
    return max([0.0, *(held.lease_until - db.now() for held in [*works, *mails])])


def _is_lost(row: ClaimRow | None, now: float) -> bool:
    return row is None or (row.state == "open" and row.lease_until <= now)


def _next_due(db: MemoryDatabase) -> MailLine | None:
    due = [
        line
        for line in db.mails
        if (line.state == "pending" and line.due_at <= db.now())
        or (line.state == "sending" and line.lease_until <= db.now())
    ]
    due.sort(key=lambda line: (line.severity != Severity.CRITICAL, line.due_at, line.id))
    return due[0] if due else None


def _used(db: MemoryDatabase, recipient: str, besides: int) -> int:
    return sum(
        line.recipient == recipient
        and line.id != besides
        and line.severity != Severity.CRITICAL
        and (line.state == "sending" or (line.sent_at is not None and line.sent_at > db.now() - 3600))
        for line in db.mails
    )


def _contents(db: MemoryDatabase, line: MailLine) -> list[FiledReport]:
    lines = [other for other in db.mails if line.id in (other.id, other.digest_id)]
    contents = [other.filed for other in lines if other.filed]
    return sorted(contents, key=lambda filed: (filed.report.brief.opened.first_seen, filed.violation_id))


def _begin(db: MemoryDatabase, line: MailLine, contents: list[FiledReport], lease_s: float) -> Letter:
    line.state, line.fence, line.attempts = "sending", line.fence + 1, line.attempts + 1
    line.unfinished += 1
    line.lease_until = db.now() + lease_s
    line.first_tried_at = db.now() if line.first_tried_at is None else line.first_tried_at
    return Letter(
        line.id,
        "digest" if line.kind == "digest" else "report",
        line.recipient,
        line.fence,
        line.attempts,
        line.unfinished - 1,
        db.now() - line.first_tried_at,
        tuple(contents),
    )


def _make_digests(db: MemoryDatabase, recipient: str) -> int:
    held = [line for line in db.mails if line.recipient == recipient and line.state == "held"]
    parts = [held[at : at + MAX_IN_DIGEST] for at in range(0, len(held), MAX_IN_DIGEST)]
    for part in parts:
        worst = max((line.severity for line in part), key=tuple(Severity).index)
        digest = MailLine(len(db.mails) + 1, "digest", recipient, worst, db.now(), None)
        db.mails.append(digest)
        for line in part:
            line.state, line.digest_id = "in-digest", digest.id
    return len(parts)
