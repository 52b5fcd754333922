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
    assert reviews.review(make.violation_id(1), Verdict.CONFIRMED) is None
    assert verdict(database) is Verdict.CONFIRMED
    assert reviews.review(make.violation_id(1), Verdict.DISMISSED, "a poster") is Verdict.CONFIRMED
    assert verdict(database) is Verdict.DISMISSED
    told = SqlReportReader(database).reviews(make.violation_id(1))
    assert [(review.verdict, review.note) for review in told] == [
        (Verdict.CONFIRMED, ""),
        (Verdict.DISMISSED, "a poster"),
    ]
    assert all(review.at.tzinfo for review in told)
    assert SqlReportReader(database).reviews(make.violation_id(2)) == []


@pytest.mark.parametrize("no_violation", [Verdict.DISMISSED, Verdict.AUTHORISED, Verdict.EXEMPT])
def test_what_was_no_violation_makes_no_later_one_worse(database: Database, no_violation: Verdict) -> None:
    next_one = make.opened(2, first_seen=AT + timedelta(days=1))
    repository = SqlReportRepository(database)
    assert repository.recurrence(next_one).days_7 == 1
    SqlReviews(database).review(make.violation_id(1), Verdict.CONFIRMED)
    assert repository.recurrence(next_one).days_7 == 1
    SqlReviews(database).review(make.violation_id(1), no_violation)
    assert repository.recurrence(next_one).days_7 == 0


def test_what_has_no_report_cannot_be_reviewed(database: Database) -> None:
    with pytest.raises(ConfigurationError, match="there is no report"):
        SqlReviews(database).review(make.violation_id(2), Verdict.CONFIRMED)


def test_verdict_and_note_are_erased_with_the_violation(database: Database) -> None:
    SqlReviews(database).review(make.violation_id(1), Verdict.CONFIRMED, "it was Anna")
    SqlReportRepository(database).erase(make.violation_id(1), "asked for")
    with pytest.raises(ConfigurationError, match="no report's id begins"):
        verdict(database)
    assert SqlReportReader(database).reviews(make.violation_id(1)) == []
    with database.read() as db:
        assert "Anna" not in str(db.execute(select(audit)).all())
