"""officer reports erase, on a folder that a real agent has filled: nothing of the violation is left, the others are."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.bootstrap import build_agent, open_database
from services.agent.settings import AgentSettings
from shared.config.settings import read_settings
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from shared.object_keys import event_key
from tests import agent_builders as make
from tests.fakes.reporting import FakeRenderer, FakeWriter

ROOT = Path(__file__).parents[2]
SITE = ROOT / "tests" / "fixtures" / "site.yaml"
OURS, OTHER = make.violation_id(1), make.violation_id(2)
WHAT = "'Worker without hard hat and vest in the hoist area' (Gate camera, 2026-03-04 09:30 UTC, "
VARIABLES = ("MAIL_TRANSPORT", "DATABASE_URL", "STORE", "QUEUE", "MAIL_CAP_PER_HOUR")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What an agent leaves of two violations."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "data"
    environment = {"DATA_DIR": str(folder), "SITE_FILE": str(SITE), "MAIL_TO": "anna@site.example"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    store, queue = FolderStore(folder), SqliteQueue(folder / "queue.db")
    for number in (1, 2):
        message, body = make.opened_message(number), make.body(number)
        store.put(make.opened(number).evidence.key, make.PICTURE, "image/jpeg")
        store.put(event_key(message, body), body, "application/json")
        queue.send(body)
    agent = build_agent(read_settings(AgentSettings), writer=FakeWriter(), renderer=FakeRenderer())
    stop = threading.Event()
    thread = threading.Thread(target=agent.run, args=(stop,), daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while len(list((folder / "mail").glob("*.eml"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stop.set()
    thread.join()
    queue.close()
    return folder


def erase(data: Path, *words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "officer", "reports", "erase", *words, "--data", str(data)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        input=answer,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def files_about(data: Path, violation_id: str) -> list[str]:
    """Files that name the violation, in their names or anywhere inside."""
    files = [path for path in data.rglob("*") if path.is_file()]
    return [
        path.relative_to(data).as_posix()
        for path in files
        if violation_id in str(path) or violation_id.encode() in path.read_bytes()
    ]


def test_all_of_one_violation_goes_once_confirmed_and_the_others_stay(data: Path) -> None:
    others, before = files_about(data, OTHER), files_about(data, OURS)
    assert len(others) == 5  # picture, message, report, mail, database
    digest = data / "mail" / "digest-1.eml"
    digest.write_text(f"X-Violation-Id: {OTHER}\nX-Violation-Id: {OURS}\n\nTwo observations\n")

    done = erase(data, OURS, answer="n\n")
    assert f"{WHAT}{OURS})\nErase this for good?" in done.stdout
    assert done.returncode == 1
    assert len(files_about(data, OURS)) == len(before) + 1

    done = erase(data, OURS, "--reason", "the person asked", answer="y\n")
    assert done.returncode == 0, done.stderr
    for words in ("  evidence/", "  events/", "  reports/", f"  {OURS}.", "  digest-1.eml"):
        assert words in done.stdout
    assert "the mail sent to anna@site.example at " in done.stdout
    assert f"the message of its end, if {OURS} still goes on" in done.stdout
    assert files_about(data, OURS) == ["officer.db"]  # tombstone and audit
    assert files_about(data, OTHER) == others


def test_all_that_is_older_than_a_day_goes_once_confirmed(data: Path) -> None:
    assert "Nothing is that old." in erase(data, "--before", "2026-03-04").stdout

    done = erase(data, "--before", "2026-03-05", answer="y\n")

    assert done.returncode == 0, done.stderr
    assert f"{WHAT}{OURS})\n{WHAT}{OTHER})\nErase these 2 for good?" in done.stdout
    assert done.stdout.count("  reports/") == 2
    assert files_about(data, OURS) == files_about(data, OTHER) == ["officer.db"]


@pytest.mark.parametrize("words", [(), (OURS, "--before", "2026-03-05")])
def test_either_ids_or_a_day_is_given(data: Path, words: tuple[str, ...]) -> None:
    done = erase(data, *words, "--yes")
    assert done.returncode == 2
    assert "give either ids or --before with a day" in done.stderr
    assert files_about(data, OURS) != ["officer.db"]


def test_its_messages_go_from_the_queue_dead_letters_too(data: Path) -> None:
    queue = SqliteQueue(data / "queue.db", max_receives=1)
    queue.send(make.body(1))
    (message,) = queue.receive(1, 30)
    queue.change_visibility(message.receipt, 0)
    assert queue.receive(1, 30) == []  # received too often
    for body in (make.closed_body(1), make.body(2)):
        queue.send(body)

    done = erase(data, OURS, "--yes")

    assert "  messages in queue.db: 2" in done.stdout
    assert files_about(data, OURS) == ["officer.db"]
    assert [left.body for left in queue.receive(10, 30)] == [make.body(2)]
    queue.close()


def test_a_mail_that_was_on_its_way_is_told(data: Path) -> None:
    with closing(sqlite3.connect(data / "officer.db")) as database, database:
        database.execute("UPDATE outbox SET state = 'sending', sent_at = NULL, lease_until = first_tried_at")

    done = erase(data, OURS, "--yes")

    assert "the mail to anna@site.example, if it was sent: it was on its way just now" in done.stdout


def test_the_rows_content_is_overwritten_in_the_file(data: Path) -> None:
    for violation_id in (OURS, OTHER):
        assert erase(data, violation_id, "--yes").returncode == 0
    open_database(read_settings(AgentSettings)).close()
    for path in data.glob("officer.db*"):
        assert b"Worker without hard hat" not in path.read_bytes(), path


def test_the_rows_content_is_gone_while_an_agent_has_the_files_open(data: Path) -> None:
    database, queue = open_database(read_settings(AgentSettings)), SqliteQueue(data / "queue.db")
    for number in (1, 2):
        queue.send(make.body(number))
        (message,) = queue.receive(1, 30)
        queue.delete(message.receipt)
        SqlReportRepository(database).ping()
        assert erase(data, make.violation_id(number), "--yes").returncode == 0
    for path in [*data.glob("officer.db*"), *data.glob("queue.db*")]:
        assert b"hoist area" not in path.read_bytes().lower(), path
    queue.close()
    database.close()


def test_to_erase_again_removes_what_an_interruption_or_a_late_message_left(data: Path) -> None:
    assert erase(data, OURS, "--yes").returncode == 0
    message, body = make.closed_message(1), make.closed_body(1)
    FolderStore(data).put(event_key(message, body), body, "application/json")
    again = erase(data, OURS, "--yes")
    assert again.returncode == 0, again.stderr
    assert f"  {event_key(message, body)}" in again.stdout
    assert files_about(data, OURS) == ["officer.db"]


def test_what_goes_wrong_is_told_with_what_to_do(data: Path) -> None:
    done = erase(data, "beef", "--yes")
    assert done.returncode == 2
    assert "no report's id begins with 'beef'" in done.stderr
    (data / "mail" / "held.eml").mkdir()  # no file, so that it cannot be read
    done = erase(data, OURS, "--yes")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"Not erased whole; do: erase again {OURS}" in done.stderr.replace("\n", " ")


def test_the_agents_own_command_erases_where_nobody_else_reaches_the_database(data: Path) -> None:
    command = [sys.executable, "-m", "services.agent", "erase"]
    for words, code in (([OURS], 0), ([OURS], 0), ([OURS[:4]], 2)):
        done = subprocess.run([*command, *words], cwd=ROOT, timeout=60, check=False)
        assert done.returncode == code
    assert files_about(data, OURS) in ([], ["officer.db"])
    assert len(files_about(data, OTHER)) == 5
    for day, code in (("soon", 2), ("2026-03-04", 0)):
        done = subprocess.run([*command, "--before", day], cwd=ROOT, timeout=60, check=False)
        assert done.returncode == code
        assert len(files_about(data, OTHER)) == 5
    assert (
        subprocess.run([*command, "--before", "2026-03-05"], cwd=ROOT, timeout=60, check=False).returncode
        == 0
    )
    assert files_about(data, OTHER) in ([], ["officer.db"])
