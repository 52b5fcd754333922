"""What people read off the rows, on SQLite and on Postgres."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.agent.adapters.sql_outbox import SqlOutbox
from services.agent.adapters.sql_report_reader import SqlReportReader
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.application.ports import ReportFilter
from services.agent.domain.work_claim import Claim
from shared.contracts.violation import Closed, encode
from shared.errors import ConfigurationError
from shared.vocabulary import Severity
from tests import agent_builders as make
from tests.builders import AT
from tests.servers.databases import ready_database

ANNA = "anna@site.example"


@dataclass
class Office:
    repository: SqlReportRepository
    outbox: SqlOutbox
    reader: SqlReportReader

    def file(
        self, number: int, severity: Severity = Severity.HIGH, *, adopted: bool = False, **overrides: object
    ) -> None:
        message = make.opened_message(number, **overrides)
        claim = self.repository.claim(message, encode(message), 30)
        assert isinstance(claim, Claim)
        filed = make.filed(number, severity, **overrides)
        self.repository.commit_report(claim, filed, [ANNA], mails_presumed_sent=adopted)

    def close(self, number: int) -> None:
        message = make.closed_message(number, people_peak=3)
        claim = self.repository.claim(message, encode(message), 30)
        assert isinstance(claim, Claim)
        assert isinstance(message.data, Closed)
        self.repository.commit_closed(claim, message, message.data)


@pytest.fixture(params=["sqlite", "postgres"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    database = ready_database(request.param, tmp_path)
    yield Office(SqlReportRepository(database), SqlOutbox(database), SqlReportReader(database))
    database.close()


def test_an_ongoing_violation_reads_as_its_report_has_it(office: Office) -> None:
    office.file(1)
    row = office.reader.get(make.violation_id(1))
    assert (row.site, row.camera, row.zone, row.rule) == (
        "North yard",
        "Gate camera",
        "Hoist area",
        "Hard hat and vest required",
    )
    assert row.findings == ("no_hardhat", "no_vest")
    assert (row.severity, row.closed_reason, row.duration_s, row.people) == (Severity.HIGH, None, 3.0, 1)
    assert (row.first_seen, row.last_seen) == (AT, AT + timedelta(seconds=3))
    assert [(mail.recipient, mail.state) for mail in row.mails] == [(ANNA, "pending")]


@pytest.mark.parametrize("closed_first", [False, True])
def test_the_end_completes_the_row_whichever_came_first(office: Office, closed_first: bool) -> None:
    steps = [lambda: office.file(1), lambda: office.close(1)]
    for step in reversed(steps) if closed_first else steps:
        step()
    row = office.reader.get(make.violation_id(1))
    assert (row.closed_reason, row.duration_s, row.people) == ("ended", 40.0, 3)
    assert row.last_seen == AT + timedelta(seconds=40)
    assert row.looks
    assert row.looks_supporting


def test_a_row_tells_whether_its_pdf_is_older_than_the_database(office: Office) -> None:
    office.file(1)
    office.file(2, adopted=True)
    told = {row.violation_id: row.adopted for row in office.reader.list(ReportFilter())}
    assert told == {make.violation_id(1): False, make.violation_id(2): True}
    assert office.reader.get(make.violation_id(2)).adopted


def test_what_is_older_is_known_whether_reported_ended_begun_or_put_aside(office: Office) -> None:
    office.file(1)
    office.file(2, first_seen=AT - timedelta(days=2))
    office.close(3)
    office.repository.quarantine_message(make.body(4), "unknown-version", "newer", make.violation_id(4))
    office.repository.quarantine_message(make.body(1), "payload-differs", "other bytes", make.violation_id(1))
    office.repository.quarantine_message(b"broken", "not-json", "no message")
    office.repository.claim(make.opened_message(5), make.body(5), 30)

    def numbers(at: datetime) -> list[int]:
        return [int(whole_id, 16) for whole_id in office.reader.ids_before(at)]

    assert numbers(AT) == [2]
    assert numbers(datetime.now(UTC) + timedelta(days=1)) == [2, 1, 3, 4, 5]


def test_an_end_without_a_report_is_no_report(office: Office) -> None:
    office.close(1)
    assert office.reader.list(ReportFilter()) == []


def test_lists_are_filtered_and_newest_first(office: Office) -> None:
    office.file(1, Severity.LOW, first_seen=AT - timedelta(days=2))
    office.file(2, Severity.CRITICAL, first_seen=AT - timedelta(days=1))
    office.file(3, Severity.LOW)

    def ids(**wanted: object) -> list[str]:
        return [row.violation_id[-1] for row in office.reader.list(ReportFilter(**wanted))]  # type: ignore[arg-type]

    assert ids() == ["3", "2", "1"]
    assert ids(severity=Severity.LOW) == ["3", "1"]
    assert ids(since=AT - timedelta(days=1)) == ["3", "2"]
    assert ids(until=AT - timedelta(days=1)) == ["1"]
    assert ids(limit=1) == ["3"]
    assert ids(camera="gate", rule="ppe", site="north-yard") == ["3", "2", "1"]
    assert ids(camera="other") == []


def test_the_beginning_of_an_id_is_enough_if_only_one_begins_so(office: Office) -> None:
    office.file(0xA1 << 120)
    office.file(0xA2 << 120)
    assert office.reader.get("a1").violation_id.startswith("a1")
    assert office.reader.report("a2").violation_id.startswith("a2")
    with pytest.raises(ConfigurationError, match="several reports' ids begin with 'a'"):
        office.reader.get("a")
    with pytest.raises(ConfigurationError, match="no report's id begins with 'b'"):
        office.reader.get("b")
    with pytest.raises(ConfigurationError, match="is no report id"):
        office.reader.get("%")


def test_the_whole_report_comes_back_word_for_word(office: Office) -> None:
    office.file(1)
    assert office.reader.report(make.violation_id(1)) == make.filed(1, Severity.HIGH)


def test_a_held_mail_reads_as_the_digest_that_names_it(office: Office) -> None:
    office.file(1)
    assert office.outbox.take(30, cap_per_hour=0) is None
    assert office.reader.get(make.violation_id(1)).mails[0].state == "held"
    office.outbox.gather(0, at_once=True)
    digest = office.outbox.take(30, cap_per_hour=0)
    assert digest is not None
    office.outbox.sent(digest, "<digest@x>")
    (mail,) = office.reader.get(make.violation_id(1)).mails
    assert (mail.state, mail.message_id) == ("digest-sent", "<digest@x>")
    assert mail.sent_at is not None
