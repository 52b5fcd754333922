"""officer reports, on a database with a violation that has ended and one that goes on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.domain.work_claim import Claim
from shared.contracts.violation import Closed, Opened, encode
from shared.vocabulary import Severity
from tests import agent_builders as make
from tests.integration.test_command_line import environment_of, officer
from tests.servers.databases import ready_database

ROOT = Path(__file__).parents[2]
SITE = ROOT / "tests" / "fixtures" / "site.yaml"
ENDED, ONGOING = make.violation_id(1), make.violation_id(2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    database = ready_database("sqlite", tmp_path)
    repository = SqlReportRepository(database)
    messages = make.opened_message(1), make.opened_message(2), make.closed_message(1, people_peak=3)
    for message in messages:
        claim = repository.claim(message, encode(message), 30)
        assert isinstance(claim, Claim)
        match message.data:
            case Opened(violation_id=made):
                number = (ENDED, ONGOING).index(made) + 1
                filed = make.filed(number, Severity.CRITICAL)
                repository.commit_report(claim, filed, [], mails_presumed_sent=made == ONGOING)
            case Closed():
                repository.commit_closed(claim, message, message.data)
    database.close()
    return tmp_path


def reports(data: Path, *words: str, columns: int = 200) -> str:
    done = officer("reports", *words, "--data", data, environment={"COLUMNS": str(columns)})
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_what_has_ended_is_shown_as_it_ended_before_what_was_reported(data: Path) -> None:
    told = rows(reports(data, "show", ENDED))
    names = [name for name, _ in told]
    shown = dict(reversed(told))
    assert (shown["state"], shown["people"]) == ("ended after 40 s", "3, most at once")
    assert shown["looks"].endswith(" support it")
    assert names.index("looks") < names.index("as reported") < names.index("Duration so far")


def test_what_goes_on_is_shown_as_it_was_reported(data: Path) -> None:
    shown = dict(rows(reports(data, "show", ONGOING)))
    assert shown["state"] == "open"
    assert "looks" not in shown


def test_what_was_written_again_after_a_restore_is_not_told_as_what_the_pdf_says(data: Path) -> None:
    first, again = (reports(data, "show", violation_id) for violation_id in (ENDED, ONGOING))
    assert "and not changed since" in first
    assert "PDF and mail came first, and may tell another severity" in again
    exported = json.loads(reports(data, "export", "--format", "json"))
    assert {row["violation_id"]: row["adopted"] for row in exported} == {ENDED: False, ONGOING: True}


def test_the_list_tells_how_long_each_lasted(data: Path) -> None:
    told = reports(data, "list")
    assert "ended after 40 s" in told
    assert "open" in told


def test_the_list_breaks_no_word_on_80_columns(data: Path) -> None:
    told = reports(data, "list", columns=80)
    assert max(len(line) for line in told.splitlines()) <= 80
    for words in (ENDED[:8], "2026-03-04 ", "critical", "hardhat,", "ended after", "40 s", "0 of 0"):
        assert words in told


def test_a_changed_verdict_is_said_and_each_is_kept_with_its_note(data: Path) -> None:
    assert reports(data, "review", ENDED, "--dismissed").strip() == f"{ENDED}: dismissed"
    told = reports(data, "review", ENDED, "--authorised", "--note", "permit 17")
    assert told.strip() == f"{ENDED}: was dismissed, now authorised"
    assert "authorised" in reports(data, "list")
    reviewed = [value for name, value in rows(reports(data, "show", ENDED)) if name == "reviewed"]
    assert [text.split()[0] for text in reviewed] == ["dismissed", "authorised"]
    assert reviewed[1].endswith(" UTC: permit 17")


def test_the_agents_own_command_keeps_a_verdict_where_nobody_else_reaches_the_database(data: Path) -> None:
    def review(*words: str) -> tuple[int, dict[str, object]]:
        command = [sys.executable, "-m", "services.agent", "review", *words]
        ours = environment_of({"DATA_DIR": str(data), "SITE_FILE": str(SITE)})
        done = subprocess.run(command, cwd=ROOT, env=ours, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    code, told = review(ENDED, "dismissed")
    assert (code, told["event"]) == (0, "violation.reviewed"), told
    assert (told["violation_id"], told["before"]) == (ENDED, None)
    code, told = review(ENDED, "authorised", "permit 17")
    assert (code, told["verdict"], told["before"]) == (0, "authorised", "dismissed")
    assert "permit 17" in reports(data, "show", ENDED)
    code, told = review("beef", "dismissed")
    assert (code, told["event"]) == (2, "service.refused")
    assert str(told["problem"]).startswith("no report's id begins with 'beef'")
    code, told = review(ENDED, "wrong")
    assert code == 2
    assert "one of confirmed, dismissed, authorised, exempt" in str(told["problem"])


@pytest.mark.parametrize("words", [(), ("--confirmed", "--exempt")])
def test_a_review_takes_one_verdict(data: Path, words: tuple[str, ...]) -> None:
    done = officer("reports", "review", ENDED, *words, "--data", data)
    assert done.returncode == 2
    assert "give one verdict: --confirmed, --dismissed, --authorised, --exempt" in done.stderr
