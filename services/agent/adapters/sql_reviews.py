"""Keeps what people made of violations: the last verdict in their rows, each with its note in the audit."""

from sqlalchemy import select, update

from services.agent.adapters.sql_database import Database, DatabaseTime
from services.agent.adapters.sql_rows import REVIEWED, write_audit
from services.agent.adapters.sql_schema import violations
from services.agent.application.ports import Verdict
from shared.errors import ConfigurationError


class SqlReviews:
    """`Reviews` in the rows of `violations`: who erases a violation erases its verdicts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def review(self, violation_id: str, verdict: Verdict, note: str = "") -> Verdict | None:
        v = violations.c
        reported = v.violation_id == violation_id, v.reported_at.is_not(None)
        with self._database.write() as db:
            before = db.execute(select(v.verdict).where(*reported)).one_or_none()
            if before is None:
                raise ConfigurationError(
                    f"there is no report {violation_id[:40]!a}; see 'officer reports list'"
                )
            change = {"verdict": verdict.value, "reviewed_at": DatabaseTime()}
            db.execute(update(violations).where(*reported).values(change))
            write_audit(db, REVIEWED, violation_id, verdict=verdict.value, note=note)
        return Verdict(before.verdict) if before.verdict else None
