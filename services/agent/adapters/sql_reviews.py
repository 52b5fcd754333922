"""Keeps what people made of violations: a column of their rows, and a line of the audit."""

from sqlalchemy import update

from services.agent.adapters.sql_database import Database, DatabaseTime
from services.agent.adapters.sql_rows import write_audit
from services.agent.adapters.sql_schema import violations
from services.agent.application.ports import Verdict
from shared.errors import ConfigurationError


class SqlReviews:
    """`Reviews` in the rows of `violations`: who erases a violation erases its verdict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def review(self, violation_id: str, verdict: Verdict) -> None:
        v = violations.c
        reported = v.violation_id == violation_id, v.reported_at.is_not(None)
        with self._database.write() as db:
            change = {"verdict": verdict.value, "reviewed_at": DatabaseTime()}
            if not db.execute(update(violations).where(*reported).values(change)).rowcount:
                raise ConfigurationError(
                    f"there is no report {violation_id[:40]!a}; see 'officer reports list'"
                )
            write_audit(db, "report.reviewed", violation_id, verdict=verdict.value)
