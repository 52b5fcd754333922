"""Reads the rows of the database for people: lists, one report, its mails."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, func, select, union_all

from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_rows import ADOPTED, read_report, reviews_of
from services.agent.adapters.sql_schema import audit, claims, outbox, quarantine, violations
from services.agent.application.ports import MailRow, ReportFilter, ReportRow, Review, Verdict
from services.agent.domain.letter import FiledReport
from shared.errors import ConfigurationError
from shared.vocabulary import Severity

_ID_CHARACTERS = set("0123456789abcdef")
_ADOPTED = exists().where(audit.c.violation_id == violations.c.violation_id, audit.c.event == ADOPTED)
_REPORTS = select(violations, _ADOPTED.label("adopted")).where(violations.c.reported_at.is_not(None))

_MAIL: tuple[Any, ...] = tuple(
    outbox.c[name]
    for name in ("violation_id", "recipient", "state", "digest_id", "sent_at", "message_id", "error")
)
"""Not all: a folder of an older release has fewer, and nobody migrates it only to read it."""


class SqlReportReader:
    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, wanted: ReportFilter) -> list[ReportRow]:
        query = (
            _REPORTS.where(*_conditions(wanted))
            .order_by(violations.c.first_seen.desc(), violations.c.violation_id)
            .limit(wanted.limit)
        )
        with self._database.read() as db:
            rows = db.execute(query).all()
            mails = mails_of(db, [row.violation_id for row in rows])
        return [_report_row(row, mails.get(row.violation_id, [])) for row in rows]

    def ids_before(self, at: datetime) -> Sequence[str]:
        seen = select(violations.c.violation_id, violations.c.first_seen.label("at"))
        aside = select(quarantine.c.violation_id, quarantine.c.at).where(
            quarantine.c.violation_id.is_not(None)
        )
        begun = select(claims.c.violation_id, claims.c.first_claimed_at).where(claims.c.state == "open")
        known = union_all(seen, aside, begun).subquery()
        first = func.min(known.c.at)
        query = select(known.c.violation_id).group_by(known.c.violation_id).having(first < at).order_by(first)
        with self._database.read() as db:
            return db.execute(query).scalars().all()

    def get(self, violation_id: str) -> ReportRow:
        with self._database.read() as db:
            row = _only_one(db, violation_id)
            return _report_row(row, mails_of(db, [row.violation_id]).get(row.violation_id, []))

    def report(self, violation_id: str) -> FiledReport:
        with self._database.read() as db:
            row = _only_one(db, violation_id)
        return FiledReport(read_report(row.report), row.pdf_key, row.pdf_sha256, row.pdf_bytes)

    def reviews(self, violation_id: str) -> Sequence[Review]:
        with self._database.read() as db:
            rows = db.execute(select(audit).where(reviews_of(violation_id)).order_by(audit.c.id)).all()
        return [Review(row.at, Verdict(row.detail["verdict"]), row.detail.get("note", "")) for row in rows]


def _conditions(wanted: ReportFilter) -> list[Any]:
    v = violations.c
    conditions: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
        (wanted.site, v.site_id.__eq__),
        (wanted.camera, v.camera_id.__eq__),
        (wanted.rule, v.rule_id.__eq__),
        (wanted.severity, v.severity.__eq__),
        (wanted.since, v.first_seen.__ge__),
        (wanted.until, v.first_seen.__lt__),
    )
    return [condition(value) for value, condition in conditions if value is not None]


def _only_one(db: Connection, violation_id: str) -> Row[Any]:
    if not violation_id or set(violation_id) - _ID_CHARACTERS:
        raise ConfigurationError(
            f"{violation_id[:40]!a} is no report id; give the id, or its first characters (0-9, a-f), "
            "as 'officer reports list' shows them"
        )
    begins_so = func.substr(violations.c.violation_id, 1, len(violation_id)) == violation_id
    rows = db.execute(_REPORTS.where(begins_so).limit(2)).all()
    if len(rows) == 1:
        return rows[0]
    problem = "several reports' ids begin" if rows else "no report's id begins"
    advice = "give more of its characters" if rows else "see 'officer reports list'"
    raise ConfigurationError(f"{problem} with {violation_id[:40]!a}; {advice}")


def mails_of(db: Connection, ids: list[str]) -> dict[str, list[MailRow]]:
    """The mails about each of the violations *ids*, in the order in which they were put into the outbox."""
    digest = outbox.alias("digest")
    rows = db.execute(
        select(
            *_MAIL,
            digest.c.state.label("digest_state"),
            digest.c.sent_at.label("digest_sent_at"),
            digest.c.message_id.label("digest_message_id"),
            digest.c.error.label("digest_error"),
        )
        .outerjoin(digest, outbox.c.digest_id == digest.c.id)
        .where(outbox.c.violation_id.in_(ids))
        .order_by(outbox.c.id)
    )
    found: dict[str, list[MailRow]] = {}
    for row in rows:
        found.setdefault(row.violation_id, []).append(_mail_row(row))
    return found


def _mail_row(row: Any) -> MailRow:
    """What became of a mail; the digest that names it speaks for one that was held back."""
    in_digest = row.digest_id is not None
    return MailRow(
        recipient=row.recipient,
        state=f"digest-{row.digest_state}" if in_digest else row.state,
        sent_at=row.digest_sent_at if in_digest else row.sent_at,
        message_id=row.digest_message_id if in_digest else row.message_id,
        error=row.digest_error if in_digest else row.error,
    )


def _report_row(row: Row[Any], mails: list[MailRow]) -> ReportRow:
    closed = row.closed_reason is not None
    so_far_s: float = (row.last_seen - row.first_seen).total_seconds()
    return ReportRow(
        violation_id=row.violation_id,
        site_id=row.site_id,
        site=row.site,
        camera_id=row.camera_id,
        camera=row.camera,
        zone_id=row.zone_id,
        zone=row.zone,
        rule_id=row.rule_id,
        rule=row.rule,
        findings=tuple(row.findings),
        severity=Severity(row.severity),
        headline=row.headline,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        duration_s=row.duration_s if closed else so_far_s,
        people=max(row.people, row.people_peak or 0),
        confidence=row.confidence,
        closed_reason=row.closed_reason,
        reported_at=row.reported_at,
        evidence_key=row.evidence_key,
        evidence_sha256=row.evidence_sha256,
        pdf_key=row.pdf_key,
        pdf_sha256=row.pdf_sha256,
        pdf_bytes=row.pdf_bytes,
        writer=row.writer,
        fallback_reason=row.fallback_reason,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=row.cost_usd,
        mails=tuple(mails),
        verdict=Verdict(row.verdict) if row.verdict else None,
        looks=row.looks,
        looks_supporting=row.looks_supporting,
        adopted=row.adopted,
    )
