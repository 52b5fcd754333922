"""The agent killed at each of its crash points, paused past its lease, and fed with what kills it; one checker judges.

All runs of the campaign go on side by side: most of their time is waiting for a lease to pass.
"""

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from shared.object_keys import event_key
from tests import agent_builders as make
from tests.faults.agent_process import AgentProcess
from tests.faults.checker import Delivered, mails_in_folder, problems
from tests.servers.smtp import SmtpServer

SITE_FILE = Path(__file__).parents[1] / "fixtures" / "site.yaml"
ANNA, BEN = "anna@site.example", "ben@site.example"
AGENT_POINTS = tuple(f"A{number}" for number in range(1, 11))
MAIL_POINTS = ("M1", "M2", "M3", "M4")
AMBIGUOUS = ("M2", "M3")  # between the end of DATA and the committed `sent`
SECRET = "s3cret-pass-phrase"


@dataclass
class Office:
    """A DATA_DIR and what runs on it."""

    folder: Path
    server: SmtpServer | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = FolderStore(self.folder)
        self.queue = SqliteQueue(self.folder / "queue.db")

    def accept(self, number: int, *, evidence: bool = True, sidecar: bool = True, send: bool = True) -> None:
        """What detection's courier does for `opened` and `closed` of a violation."""
        opened, ended = make.opened_message(number), make.closed_message(number)
        if evidence:
            self.store.put(opened.data.evidence.key, make.PICTURE, "image/jpeg")
        for message, body in ((opened, make.body(number)), (ended, make.closed_body(number))):
            if sidecar:
                self.store.put(event_key(message, body), body, "application/json")
            if send:
                self.queue.send(body)

    def start(self, crash_at: str = "", writer: str = "template", log: str = "run.log") -> AgentProcess:
        environment = {
            "DATA_DIR": str(self.folder),
            "SITE_FILE": str(SITE_FILE),
            "MAIL_TO": f"{ANNA},{BEN}",
            "MAIL_FROM": "officer@site.example",
            "LEASE_S": "1",
            "CRASH_AT": crash_at,
            **self.extra,
        }
        if self.server:
            environment |= {
                "MAIL_TRANSPORT": "smtp",
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(self.server.port),
                "SMTP_SECURITY": "none",
            }
        return AgentProcess(environment, writer, log)

    def mails(self) -> list[Delivered]:
        if self.server is None:
            return mails_in_folder(self.folder)
        return [Delivered(taken.recipients[0], taken.content) for taken in self.server.taken]

    def problems(self, *, mail_may_repeat: bool = False) -> list[str]:
        return problems(
            self.folder, (ANNA, BEN), self.mails(), mail_may_repeat=mail_may_repeat, secrets=(SECRET,)
        )

    def wait_until_quiet(self, timeout_s: float = 40.0) -> None:
        """Until queue and outbox hold nothing that is still to be done."""
        deadline = time.monotonic() + timeout_s
        while not self._quiet():
            assert time.monotonic() < deadline, "".join(
                path.read_text()[-3000:] for path in self.folder.glob("*.log")
            )
            time.sleep(0.1)

    def count(self, query: str) -> int:
        database = sqlite3.connect(self.folder / "officer.db")
        found: int = database.execute(query).fetchone()[0]
        database.close()
        return found

    def writing(self) -> int:
        """How many slow writers have begun."""
        return len(list(self.folder.glob("writing-*")))

    def _quiet(self) -> bool:
        counts = self.queue.counts()
        busy = "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending', 'held')"
        return counts.visible + counts.in_flight == 0 and self.count(busy) == 0


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Office]]:
    """Every point once: killed there, started again, come to rest."""
    with ExitStack() as servers:
        offices = {}
        for point in (*AGENT_POINTS, *MAIL_POINTS):
            server = servers.enter_context(SmtpServer()) if point in MAIL_POINTS else None
            offices[point] = Office(tmp_path_factory.mktemp(point), server)
            offices[point].accept(1)
            offices[point].accept(2)
        first = {point: office.start(f"{point}:2") for point, office in offices.items()}
        for point, process in first.items():
            assert process.wait() == -signal.SIGKILL, f"{point} was not reached"
        second = {point: office.start() for point, office in offices.items()}
        for office in offices.values():
            office.wait_until_quiet()
        for point, process in second.items():
            assert process.stop() == 0, point
        yield offices


@pytest.mark.parametrize("point", [*AGENT_POINTS, *MAIL_POINTS])
def test_nothing_is_lost_or_doubled_by_a_kill_at(campaign: dict[str, Office], point: str) -> None:
    assert campaign[point].problems(mail_may_repeat=point in AMBIGUOUS) == []


@pytest.mark.parametrize("point", AMBIGUOUS)
def test_a_mail_that_the_server_had_before_the_kill_comes_again_under_the_same_id(
    campaign: dict[str, Office], point: str
) -> None:
    assert len(campaign[point].mails()) == 5


def test_a_worker_paused_past_its_lease_can_write_nothing_while_another_works(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.accept(1)
    paused = office.start(writer="slow", log="paused.log")
    _until(lambda: office.writing() == 1)
    paused.send(signal.SIGSTOP)
    time.sleep(1.1)
    other = office.start(writer="slow", log="other.log")
    _until(lambda: office.writing() == 2)
    paused.send(signal.SIGCONT)  # its writer is done at once, while the other one's is not
    _until(lambda: "message.lost" in (tmp_path / "paused.log").read_text())
    _until(lambda: "report.stored" in (tmp_path / "other.log").read_text())
    office.wait_until_quiet()
    assert (paused.stop(), other.stop()) == (0, 0)
    assert "report.stored" not in (tmp_path / "paused.log").read_text()
    assert office.problems() == []


def test_a_message_that_kills_its_worker_is_quarantined_after_three_attempts(tmp_path: Path) -> None:
    office = Office(tmp_path, extra={"POISON": make.violation_id(1), "LEASE_S": "0.5"})
    office.accept(1)
    office.accept(2)
    for _ in range(3):
        assert office.start(writer="deadly").wait() == -signal.SIGKILL
    last = office.start(writer="deadly")
    office.wait_until_quiet()
    assert last.stop() == 0
    assert office.count("SELECT count(*) FROM quarantine WHERE code = 'kills-its-worker'") == 1
    assert office.count("SELECT count(*) FROM violations WHERE reported_at IS NOT NULL") == 1
    assert office.problems() == []


def test_what_is_in_hand_at_a_stop_is_finished_and_the_rest_stays_for_the_next_start(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for number in (1, 2, 3):
        office.accept(number)
    process = office.start(writer="slow")
    _until(lambda: office.writing() == 1)
    assert process.stop() == 0
    assert office.count("SELECT count(*) FROM violations WHERE reported_at IS NOT NULL") == 1
    after = office.start()
    office.wait_until_quiet()
    assert after.stop() == 0
    assert office.problems() == []


def _until(true: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
