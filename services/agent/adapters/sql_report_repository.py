"""Claims and reports in SQLite or Postgres. Each method is one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, and_, case, delete, func, or_, select, text, tuple_, union_all, update

from services.agent.adapters.sql_database import Database, DatabaseTime
from services.agent.adapters.sql_rows import (
    ADOPTED,
    closed_columns,
    outbox_columns,
    read_report,
    report_columns,
    reviews_of,
    write_audit,
    write_report,
)
from services.agent.adapters.sql_schema import audit, claims, outbox, quarantine, violations
from services.agent.application.ports import LeaseLostError, Sidecar, Verdict
from services.agent.domain.facts import days_before
from services.agent.domain.letter import FiledReport
from services.agent.domain.report import Recurrence, Report
from services.agent.domain.work_claim import Claim, ClaimOutcome, Finished, Leased, OtherPayload
from shared.contracts.violation import Closed, Opened, ViolationMessage, payload_hash
from shared.errors import PermanentError

MAX_KEPT_BYTES = 64 * 1024

log = structlog.get_logger()


class SqlReportRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    def ping(self) -> None:
        with self._database.read() as db:
            db.execute(text("SELECT 1"))

    def claim(self, message: ViolationMessage, body: bytes, lease_s: float) -> ClaimOutcome:
        with self._database.write() as db:
            row = db.execute(self._claim_statement(message, payload_hash(body), lease_s)).one_or_none()
            if row is None:
                return _why_not(db, message, payload_hash(body))
        age_s, report = (row.now - row.first_claimed_at).total_seconds(), _checkpoint(message, row.report)
        unreadable = report is None and row.report is not None
        return Claim(message.violation_id, message.phase, row.fence, row.attempts, age_s, report, unreadable)

    def extend(self, claim: Claim, lease_s: float) -> None:
        with self._database.write() as db:
            _update_claim(db, claim, lease_until=DatabaseTime(lease_s))

    def give_back(self, claim: Claim, *, counted: bool) -> None:
        with self._database.write() as db:
            db.execute(
                update(claims)
                .where(*_ours(claim))
                .values(
                    lease_until=DatabaseTime(),
                    fence=claims.c.fence + 1,
                    attempts=claims.c.attempts if counted else claims.c.attempts - 1,
                )
            )

    def recurrence(self, opened: Opened) -> Recurrence:
        with self._database.read() as db:
            week, month = (opened.first_seen - timedelta(days=days) for days in (7, 30))
            return Recurrence(
                days_7=_seen(db, opened, week, opened.first_seen),
                days_30=_seen(db, opened, month, opened.first_seen),
                on_days=sum(_seen(db, opened, *day) > 0 for day in days_before(opened, 7)),
            )

    def checkpoint(self, claim: Claim, report: Report) -> None:
        with self._database.write() as db:
            _update_claim(db, claim, report=write_report(report))

    def commit_report(
        self, claim: Claim, filed: FiledReport, addresses: Sequence[str], *, mails_presumed_sent: bool
    ) -> None:
        with self._database.write() as db:
            _complete(db, claim)
            self._fill_row(db, report_columns(filed))
            state = "presumed-sent" if mails_presumed_sent else "pending"
            for address in addresses:
                db.execute(
                    self._database.insert(outbox)
                    .values(outbox_columns(filed, address, state))
                    .on_conflict_do_nothing(index_elements=["violation_id", "recipient"])
                )
            event = ADOPTED if mails_presumed_sent else "report.stored"
            write_audit(db, event, claim.violation_id, pdf_sha256=filed.pdf_sha256, mails=len(addresses))

    def commit_closed(self, claim: Claim, message: ViolationMessage, closed: Closed) -> None:
        with self._database.write() as db:
            _complete(db, claim)
            self._fill_row(db, closed_columns(message, closed))
            write_audit(db, "violation.completed", claim.violation_id)

    def quarantine_claim(self, claim: Claim, body: bytes, code: str, reason: str) -> None:
        with self._database.write() as db:
            _finish(db, claim, "quarantined")
            self._put_in_quarantine(db, body, code, reason, claim.violation_id, claim.phase)

    def quarantine_message(
        self, body: bytes, code: str, reason: str, violation_id: str | None = None
    ) -> bool:
        with self._database.write() as db:
            return self._put_in_quarantine(db, body, code, reason, violation_id, None)

    def unfinished(self, sidecars: Sequence[Sidecar]) -> list[Sidecar]:
        keys = [(s.violation_id, s.phase) for s in sidecars]
        with self._database.read() as db:
            rows = db.execute(
                select(claims.c.violation_id, claims.c.phase).where(
                    tuple_(claims.c.violation_id, claims.c.phase).in_(keys),
                    or_(claims.c.state != "open", claims.c.lease_until > DatabaseTime()),
                )
            )
            busy = {(row.violation_id, row.phase) for row in rows}
        return [s for s in sidecars if (s.violation_id, s.phase) not in busy]

    def erase(self, violation_id: str, reason: str) -> float:
        with self._database.write() as db:
            held_s = _held_s(db, violation_id)
            for phase in ("opened", "closed"):
                self._put_tombstone(db, violation_id, phase)
            db.execute(delete(outbox).where(outbox.c.violation_id == violation_id))
            db.execute(delete(violations).where(violations.c.violation_id == violation_id))
            db.execute(delete(quarantine).where(quarantine.c.violation_id == violation_id))
            db.execute(delete(audit).where(reviews_of(violation_id)))  # a person's own words
            write_audit(db, "violation.erased", violation_id, reason=reason)
        return held_s

    def _claim_statement(self, message: ViolationMessage, sha256: str, lease_s: float) -> Any:
        new = self._database.insert(claims).values(
            violation_id=message.violation_id,
            phase=message.phase,
            payload_sha256=sha256,
            state="open",
            fence=1,
            attempts=1,
            lease_until=DatabaseTime(lease_s),
            first_claimed_at=DatabaseTime(),
        )
        return new.on_conflict_do_update(
            index_elements=["violation_id", "phase"],
            set_={
                "fence": claims.c.fence + 1,
                "attempts": claims.c.attempts + 1,
                "lease_until": DatabaseTime(lease_s),
            },
            where=and_(
                claims.c.state == "open",
                claims.c.lease_until <= DatabaseTime(),
                claims.c.payload_sha256 == sha256,
            ),
        ).returning(
            claims.c.fence,
            claims.c.attempts,
            claims.c.first_claimed_at,
            claims.c.report,
            DatabaseTime().label("now"),
        )

    def _fill_row(self, db: Connection, columns: dict[str, Any]) -> None:
        """Fill the violation's row, made if missing; once it has closed, its last time stays."""
        new = self._database.insert(violations).values(columns)
        change = {name: new.excluded[name] for name in columns if name != "violation_id"}
        if "closed_reason" not in columns:
            ended = violations.c.closed_reason.is_not(None)
            change["last_seen"] = case((ended, violations.c.last_seen), else_=new.excluded.last_seen)
        db.execute(new.on_conflict_do_update(index_elements=["violation_id"], set_=change))

    def _put_in_quarantine(
        self, db: Connection, body: bytes, code: str, reason: str, violation_id: str | None, phase: str | None
    ) -> bool:
        new = self._database.insert(quarantine).values(
            payload_sha256=payload_hash(body),
            violation_id=violation_id,
            phase=phase,
            code=code,
            reason=reason,
            payload=body[:MAX_KEPT_BYTES],
            payload_bytes=len(body),
            at=DatabaseTime(),
        )
        made = db.execute(new.on_conflict_do_nothing(index_elements=["payload_sha256"]))
        if made.rowcount:
            write_audit(db, "message.quarantined", violation_id, code=code)
        return bool(made.rowcount)

    def _put_tombstone(self, db: Connection, violation_id: str, phase: str) -> None:
        new = self._database.insert(claims).values(
            violation_id=violation_id,
            phase=phase,
            payload_sha256="",
            state="erased",
            fence=1,
            attempts=0,
            lease_until=DatabaseTime(),
            first_claimed_at=DatabaseTime(),
            finished_at=DatabaseTime(),
        )
        change = {
            "state": "erased",
            "report": None,
            "fence": claims.c.fence + 1,
            "finished_at": DatabaseTime(),
        }
        db.execute(new.on_conflict_do_update(index_elements=["violation_id", "phase"], set_=change))


def _checkpoint(message: ViolationMessage, document: Any) -> Report | None:
    try:
        return None if document is None else read_report(document)
    except PermanentError as error:
        log.warning("checkpoint.unreadable", violation_id=message.violation_id, problem=str(error))
        return None  # it is written again


def _ours(claim: Claim) -> tuple[Any, ...]:
    """The fence: every write under a claim carries it."""
    return (
        claims.c.violation_id == claim.violation_id,
        claims.c.phase == claim.phase,
        claims.c.state == "open",
        claims.c.fence == claim.fence,
    )


def _update_claim(db: Connection, claim: Claim, **values: Any) -> None:
    if db.execute(update(claims).where(*_ours(claim)).values(values)).rowcount != 1:
        raise LeaseLostError(f"the claim on {claim.violation_id}/{claim.phase} has passed to another worker")


def _finish(db: Connection, claim: Claim, state: str) -> None:
    _update_claim(db, claim, state=state, finished_at=DatabaseTime(), report=None)


def _complete(db: Connection, claim: Claim) -> None:
    """It is done, and in quarantine no more: an older version may have refused what this one reads."""
    _finish(db, claim, "done")
    payload = select(claims.c.payload_sha256).where(
        claims.c.violation_id == claim.violation_id, claims.c.phase == claim.phase
    )
    db.execute(delete(quarantine).where(quarantine.c.payload_sha256 == payload.scalar_subquery()))


def _why_not(db: Connection, message: ViolationMessage, sha256: str) -> ClaimOutcome:
    row = db.execute(
        select(
            claims.c.state, claims.c.payload_sha256, claims.c.lease_until, DatabaseTime().label("now")
        ).where(claims.c.violation_id == message.violation_id, claims.c.phase == message.phase)
    ).one()
    if row.state == "erased":
        return Finished()
    if row.payload_sha256 != sha256:
        return OtherPayload(row.payload_sha256)
    if row.state != "open":
        return Finished()
    return Leased(max(0.0, (row.lease_until - row.now).total_seconds()))


def _held_s(db: Connection, violation_id: str) -> float:
    digests = select(outbox.c.digest_id).where(outbox.c.violation_id == violation_id)
    about_it = or_(outbox.c.violation_id == violation_id, outbox.c.id.in_(digests))
    works = select(claims.c.lease_until).where(
        claims.c.violation_id == violation_id,
        claims.c.state.in_(("open", "erased")),  # erased: when asked before
    )
    mails = select(outbox.c.lease_until).where(outbox.c.state == "sending", about_it)
    leases = union_all(works, mails).subquery()
    row = db.execute(select(func.max(leases.c.lease_until).label("last"), DatabaseTime().label("now"))).one()
    return max(0.0, (row.last - row.now).total_seconds()) if row.last else 0.0


def _seen(db: Connection, opened: Opened, since: datetime, until: datetime) -> int:
    return db.execute(
        select(func.count())
        .select_from(violations)
        .where(
            violations.c.site_id == opened.site.id,
            violations.c.camera_id == opened.camera.id,
            violations.c.rule_id == opened.rule.id,
            violations.c.first_seen >= since,
            violations.c.first_seen < until,
            func.coalesce(violations.c.verdict, Verdict.CONFIRMED.value) == Verdict.CONFIRMED.value,
        )
    ).scalar_one()
