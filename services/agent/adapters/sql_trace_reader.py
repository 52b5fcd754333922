"""Reads from the database what became of one violation, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, union

from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_report_reader import mails_of
from services.agent.adapters.sql_schema import audit, claims, quarantine, violations
from services.agent.application.ports import MailRow

MAX_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class ClaimedPhase:
    """Work on one of the two messages.

    Attributes:
        phase: opened or closed.
        state: open, done, quarantined or erased.
        attempts: how often it was begun and not handed back.
        first_claimed_at, finished_at: aware UTC; the latter None while it goes on.
    """

    phase: str
    state: str
    attempts: int
    first_claimed_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """What happened, as the audit has it: when (aware UTC), which event, and more about it."""

    at: datetime
    event: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """All that the database knows of one violation. Times are aware UTC.

    Attributes:
        first_seen, last_seen: None without a row.
        reported_at: when the narrative was finished; None without a report.
        writer, fallback_reason, evidence_key, pdf_key: empty without a report.
        closed_reason: empty while it goes on.
        claims: by phase.
        quarantined: code and reason of each quarantined message.
    """

    first_seen: datetime | None
    last_seen: datetime | None
    reported_at: datetime | None
    writer: str
    fallback_reason: str
    evidence_key: str
    pdf_key: str
    closed_reason: str
    claims: dict[str, ClaimedPhase]
    mails: tuple[MailRow, ...]
    audit: tuple[AuditLine, ...]
    quarantined: tuple[str, ...]


class SqlTraceReader:
    def __init__(self, database: Database) -> None:
        self._database = database

    def ids(self, prefix: str) -> list[str]:
        """Ids of all violations that begin with *prefix*, at most `MAX_CANDIDATES`; errors as for `Database.read`."""
        columns = (t.c.violation_id for t in (violations, claims, quarantine, audit))
        begins_so = (select(c).where(func.substr(c, 1, len(prefix)) == prefix) for c in columns)
        with self._database.read() as db:
            return list(db.execute(union(*begins_so).limit(MAX_CANDIDATES)).scalars())

    def history(self, violation_id: str) -> History:
        """What the database knows of *violation_id*, which may be next to nothing; errors as for `Database.read`."""
        with self._database.read() as db:
            row = db.execute(
                select(violations).where(violations.c.violation_id == violation_id)
            ).one_or_none()
            return History(
                first_seen=row.first_seen if row else None,
                last_seen=row.last_seen if row else None,
                reported_at=row.reported_at if row else None,
                writer=(row.writer if row else None) or "",
                fallback_reason=(row.fallback_reason if row else None) or "",
                evidence_key=(row.evidence_key if row else None) or "",
                pdf_key=(row.pdf_key if row else None) or "",
                closed_reason=(row.closed_reason if row else None) or "",
                claims={found.phase: _claimed(found) for found in _about(db, claims, violation_id)},
                mails=tuple(mails_of(db, [violation_id]).get(violation_id, [])),
                audit=tuple(AuditLine(a.at, a.event, a.detail) for a in _about(db, audit, violation_id)),
                quarantined=tuple(f"{q.code}: {q.reason}" for q in _about(db, quarantine, violation_id)),
            )


def _about(db: Connection, table: Any, violation_id: str) -> Sequence[Row[Any]]:
    return db.execute(
        select(table).where(table.c.violation_id == violation_id).order_by(*table.primary_key)
    ).all()


def _claimed(row: Row[Any]) -> ClaimedPhase:
    return ClaimedPhase(row.phase, row.state, row.attempts, row.first_claimed_at, row.finished_at)
