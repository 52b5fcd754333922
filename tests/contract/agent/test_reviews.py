"""What people made of violations, on SQLite and on Postgres."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_report_reader import SqlReportReader
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.adapters.sql_reviews import SqlReviews
from services.agent.adapters.sql_schema import audit
from services.agent.application.ports import Verdict
from services.agent.domain.work_claim import Claim
from shared.contracts.violation import encode
from shared.errors import ConfigurationError
from shared.vocabulary import Severity
from tests import agent_builders as make
from tests.builders import AT
from tests.servers.databases import ready_database


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = ready_database(request.param, tmp_path)
    repository = SqlReportRepository(made)
    message = make.opened_message(1)
    claim = repository.claim(message, encode(message), 30)
    assert isinstance(claim, Claim)
    repository.commit_report(claim, make.filed(1, Severity.HIGH), [], mails_presumed_sent=False)
    yield made
    made.close()


def verdict(database: Database) -> Verdict | None:
    return SqlReportReader(database).get(make.violation_id(1)).verdict


def test_a_report_has_no_verdict_until_somebody_has_looked(database: Database) -> None:
    assert verdict(database) is None


def test_a_later_verdict_replaces_an_earlier_one_and_both_stay_in_the_audit(database: Database) -> None:
    reviews = SqlReviews(database)
    reviews.review(make.violation_id(1), Verdict.CONFIRMED)
    assert verdict(database) is Verdict.CONFIRMED
    reviews.review(make.violation_id(1), Verdict.DISMISSED)
    assert verdict(database) is Verdict.DISMISSED
    with database.read() as db:
        told = db.execute(
            select(audit.c.detail).where(audit.c.event == "report.reviewed").order_by(audit.c.id)
        )
        assert [row.detail["verdict"] for row in told] == ["confirmed", "dismissed"]


def test_what_was_dismissed_makes_no_later_one_worse(database: Database) -> None:
    next_one = make.opened(2, first_seen=AT + timedelta(days=1))
    repository = SqlReportRepository(database)
    assert repository.recurrence(next_one).days_7 == 1
    SqlReviews(database).review(make.violation_id(1), Verdict.CONFIRMED)
    assert repository.recurrence(next_one).days_7 == 1
    SqlReviews(database).review(make.violation_id(1), Verdict.DISMISSED)
    assert repository.recurrence(next_one).days_7 == 0


def test_what_has_no_report_cannot_be_reviewed(database: Database) -> None:
    with pytest.raises(ConfigurationError, match="there is no report"):
        SqlReviews(database).review(make.violation_id(2), Verdict.CONFIRMED)


def test_the_verdict_is_erased_with_the_violation(database: Database) -> None:
    SqlReviews(database).review(make.violation_id(1), Verdict.CONFIRMED)
    SqlReportRepository(database).erase(make.violation_id(1), "asked for")
    with pytest.raises(ConfigurationError, match="no report's id begins"):
        verdict(database)
