"""The agent's end: what is in hand is finished or handed back, what is held is sent, half an agent is none."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from services.agent.application.agent import Agent
from services.agent.application.consumer import Consumer
from services.agent.application.mail_outbox import MailRoom
from services.agent.application.process_violation import Desk
from services.agent.domain.recipients import Recipient
from services.agent.domain.work_claim import Claim
from shared.errors import TransientError
from shared.regulations.table import shipped_table
from tests import agent_builders as make
from tests.fakes.memory_database import MemoryDatabase, MemoryOutbox, MemoryReportRepository
from tests.fakes.memory_stores import MemoryEvidenceStore, MemoryInbox, MemoryReportStore
from tests.fakes.reporting import FakeComposer, FakeMailer, FakeRenderer, FakeWriter, SystemClock


@dataclass
class Office:
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    writer: FakeWriter = field(default_factory=FakeWriter)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    stop: threading.Event = field(default_factory=threading.Event)
    cap_per_hour: int = 10
    closed: bool = False
    ended_well: bool | None = None

    def start(self, stop_budget_s: float = 10.0) -> threading.Thread:
        evidence, reports = MemoryEvidenceStore(), MemoryReportStore()
        for number in (1, 2, 3):
            evidence.objects[make.opened(number).evidence.key] = make.PICTURE
        self.repository = MemoryReportRepository(self.database)
        desk = Desk(
            repository=self.repository,
            evidence=evidence,
            reports=reports,
            writer=self.writer,
            renderer=FakeRenderer(),
            clock=SystemClock(),
            table=shipped_table(),
            recipients=(Recipient("anna@site.example"),),
            lease_s=30.0,
        )
        room = MailRoom(
            MemoryOutbox(self.database),
            FakeComposer(),
            self.mailer,
            evidence,
            reports,
            cap_per_hour=self.cap_per_hour,
            lease_s=30.0,
        )
        agent = Agent(Consumer(self.inbox, desk), room, lambda: 0, self._close)

        def run() -> None:
            self.ended_well = agent.run(self.stop, stop_budget_s)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _close(self) -> None:
        self.closed = True


@pytest.fixture
def office() -> Office:
    return Office()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_message_in_hand_is_finished_after_the_stop(office: Office) -> None:
    office.writer.before = lambda: time.sleep(0.5)
    office.inbox.send(make.body(1))
    office.inbox.send(make.body(2))
    thread = office.start()
    until(lambda: bool(office.writer.briefs))
    office.stop.set()
    thread.join()
    assert list(office.database.reports) == [make.violation_id(1)]
    assert office.inbox.counts().waiting == 1
    assert office.ended_well
    assert office.closed


def test_work_that_takes_longer_than_the_budget_is_handed_back_uncounted(office: Office) -> None:
    go_on = threading.Event()
    office.writer.before = lambda: bool(go_on.wait(10)) and None
    office.inbox.send(make.body(1))
    thread = office.start(stop_budget_s=0.2)
    until(lambda: bool(office.writer.briefs))
    office.stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert office.inbox.counts().waiting == 1
    claim = office.repository.claim(make.opened_message(1), make.body(1), 30)
    assert isinstance(claim, Claim)
    assert claim.attempts == 1
    go_on.set()


def test_what_is_held_goes_out_as_a_digest_at_the_end(office: Office) -> None:
    office.cap_per_hour = 1
    for number in (1, 2, 3):
        office.inbox.send(make.body(number))
    thread = office.start()
    until(lambda: len(office.database.mails) == 3)
    with capture_logs() as logs:
        office.stop.set()
        thread.join()
    assert sorted(line.state for line in office.database.mails) == ["in-digest", "in-digest", "sent", "sent"]
    counted = ("waiting", "in_hand", "mails_waiting", "mails_due", "mails_later", "mails_held")
    left = dict.fromkeys(counted, 0)
    assert logs[-1] == {"event": "agent.stopped", "log_level": "info", **left}


def test_mails_that_no_server_takes_are_told_as_waiting(office: Office) -> None:
    """An alarm hangs on it: they are due all the time, never put off and never refused."""
    office.mailer.raises = [TransientError("the mail server is down")] * 100
    office.inbox.send(make.body(1))
    with capture_logs() as logs:
        thread = office.start()
        until(lambda: any(line["event"] == "mail.paused" for line in logs))
        told = len(logs)
        until(lambda: any(line["event"] == "agent.status" for line in logs[told:]))
        office.stop.set()
        thread.join()
    status = next(line for line in logs[told:] if line["event"] == "agent.status")
    assert (status["mails_waiting"], status["mails_due"], status["mails_later"]) == (1, 1, 0)


def test_a_defect_in_one_part_ends_the_whole(office: Office) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    office.inbox.receive = defect  # type: ignore[method-assign, assignment]
    thread = office.start()
    thread.join(10)
    assert office.ended_well is False
