"""After an upgrade: reports that another version of the software has stored, on SQLite and on Postgres."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from services.agent.adapters.sql_database import Database, DatabaseTime
from services.agent.adapters.sql_outbox import SqlOutbox
from services.agent.adapters.sql_report_reader import SqlReportReader
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.adapters.sql_rows import read_report, write_report
from services.agent.adapters.sql_schema import claims, violations
from services.agent.adapters.sql_schema import outbox as outbox_rows
from services.agent.domain.work_claim import Claim
from shared.errors import PermanentError
from tests import agent_builders as make
from tests.servers.databases import ready_database

ANNA = "anna@site.example"
FIXTURE = Path(__file__).parents[2] / "fixtures" / "report-1.json"
FOREIGN = [{"version": 2, "text": "all new"}, {"brief": {"facts": []}}]
"""Made by a newer version, and by one from before versions were written."""


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    ready = ready_database(request.param, tmp_path)
    yield ready
    ready.close()


def claimed(database: Database, number: int = 1) -> Claim:
    claim = SqlReportRepository(database).claim(make.opened_message(number), make.body(number), 30)
    assert isinstance(claim, Claim)
    return claim


def file(database: Database, number: int) -> None:
    repository, claim = SqlReportRepository(database), claimed(database, number)
    repository.commit_report(claim, make.filed(number), [ANNA], mails_presumed_sent=False)


def replace_report(database: Database, number: int, document: object) -> None:
    with database.write() as db:
        ours = violations.c.violation_id == make.violation_id(number)
        db.execute(update(violations).where(ours).values(report=document))


def test_a_stored_report_of_format_1_is_read_for_ever() -> None:
    document = json.loads(FIXTURE.read_text("utf-8"))
    report = read_report(document)
    assert report.brief.opened.camera.name == "Gate camera"
    now = copy.deepcopy(document)
    now["brief"]["recurrence"]["on_days"] = (
        0  # added since: what lacks it has 0, what knows it not ignores it
    )
    assert write_report(report) == now, "the form has changed: give it the next version, and read this one"
    now["brief"]["recurrence"]["of_tomorrow"] = 1
    assert read_report(now) == report
    without = {name: value for name, value in document.items() if name != "version"}
    assert read_report(without) == report


@pytest.mark.parametrize("document", FOREIGN)
def test_a_checkpoint_that_cannot_be_read_counts_as_none_and_the_attempt_stands(
    database: Database, document: object
) -> None:
    first = claimed(database)
    with database.write() as db:
        db.execute(update(claims).values(report=document))
    SqlReportRepository(database).give_back(first, counted=True)
    with capture_logs() as logs:
        again = claimed(database)
    assert (again.attempts, again.report, again.unreadable) == (2, None, True)
    assert [line["event"] for line in logs] == ["checkpoint.unreadable"]


@pytest.mark.parametrize(("document", "age_h"), [(FOREIGN[0], 25), (FOREIGN[1], 0)])
def test_a_mail_whose_report_cannot_be_read_is_refused_and_told_and_the_others_go(
    database: Database, document: object, age_h: int
) -> None:
    for number in (1, 2):
        file(database, number)
    replace_report(database, 1, document)
    with database.write() as db:
        db.execute(update(outbox_rows).values(created_at=DatabaseTime(-3600.0 * age_h)))
    outbox = SqlOutbox(database)
    with capture_logs() as logs:
        letter = outbox.take(30, 10)
    assert letter is not None
    assert [filed.violation_id for filed in letter.contents] == [make.violation_id(2)]
    assert outbox.take(30, 10) is None
    [told] = [line for line in logs if line["event"] == "mail.refused"]
    assert (told["violation_id"], told["recipient"]) == (make.violation_id(1), ANNA)
    [mail] = SqlReportReader(database).get(make.violation_id(1)).mails
    assert mail.state == "refused"
    assert "the stored report" in mail.error


@pytest.mark.parametrize("cap_per_hour", [0, 10])
def test_a_mail_that_newer_software_has_written_is_left_to_that(
    database: Database, cap_per_hour: int
) -> None:
    """While one version replaces another, or when it was taken back."""
    file(database, 1)
    with database.read() as db:
        readable = db.execute(select(violations.c.report)).scalar_one()
    outbox = SqlOutbox(database)
    if not cap_per_hour:
        assert outbox.take(30, 0) is None
        outbox.gather(0, at_once=True)
    replace_report(database, 1, FOREIGN[0])
    assert outbox.take(30, cap_per_hour) is None
    assert outbox.counts().later == 1
    replace_report(database, 1, readable)
    with database.write() as db:
        db.execute(update(outbox_rows).where(outbox_rows.c.kind == "report").values(due_at=DatabaseTime()))
    letter = outbox.take(30, 10)
    assert letter is not None
    assert [filed.violation_id for filed in letter.contents] == [make.violation_id(1)]


def test_a_digest_names_what_can_be_read_and_the_rest_is_refused(database: Database) -> None:
    for number in (1, 2):
        file(database, number)
    outbox = SqlOutbox(database)
    assert outbox.take(30, cap_per_hour=0) is None
    outbox.gather(0, at_once=True)
    replace_report(database, 1, FOREIGN[1])
    digest = outbox.take(30, cap_per_hour=0)
    assert digest is not None
    assert [filed.violation_id for filed in digest.contents] == [make.violation_id(2)]
    [mail] = SqlReportReader(database).get(make.violation_id(1)).mails
    assert mail.state == "refused"


def test_showing_a_report_that_cannot_be_read_says_so(database: Database) -> None:
    file(database, 1)
    replace_report(database, 1, FOREIGN[0])
    with pytest.raises(
        PermanentError, match="has format 2, this software reads format 1; its PDF says the same"
    ):
        SqlReportReader(database).report(make.violation_id(1))
