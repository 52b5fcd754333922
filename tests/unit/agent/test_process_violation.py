"""From message to outbox, with everything around it in memory: what is done once, what waits, what is quarantined."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from structlog.testing import capture_logs

from services.agent.application.consumer import Consumer
from services.agent.application.ports import Delivery, LeaseLostError
from services.agent.application.process_violation import (
    ComeBack,
    Desk,
    NotOurs,
    Outcome,
    Progress,
    Settled,
    process_violation,
)
from services.agent.domain.recipients import Recipient
from services.agent.domain.report import Report
from services.agent.domain.work_claim import Claim, ClaimOutcome
from shared.contracts.violation import ViolationMessage, decode, encode
from shared.errors import PermanentError, TransientError
from shared.regulations.table import shipped_table
from shared.vocabulary import Severity
from tests import agent_builders as make
from tests.builders import AT
from tests.fakes.memory_database import MemoryDatabase, MemoryOutbox, MemoryReportRepository
from tests.fakes.memory_stores import MemoryEvidenceStore, MemoryInbox, MemoryReportStore
from tests.fakes.reporting import FakeRenderer, FakeWriter, SystemClock

ANNA, BEN = "anna@site.example", "ben@site.example"


@dataclass
class Office:
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    evidence: MemoryEvidenceStore = field(default_factory=MemoryEvidenceStore)
    reports: MemoryReportStore = field(default_factory=MemoryReportStore)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    writer: FakeWriter = field(default_factory=FakeWriter)
    renderer: FakeRenderer = field(default_factory=FakeRenderer)
    recipients: tuple[Recipient, ...] = (Recipient(ANNA), Recipient(BEN, Severity.CRITICAL))

    def __post_init__(self) -> None:
        self.evidence.objects[make.opened().evidence.key] = make.PICTURE
        self.repository = MemoryReportRepository(self.database)
        self.outbox = MemoryOutbox(self.database)

    @property
    def desk(self) -> Desk:
        return Desk(
            repository=self.repository,
            evidence=self.evidence,
            reports=self.reports,
            writer=self.writer,
            renderer=self.renderer,
            clock=SystemClock(),
            table=shipped_table(),
            recipients=self.recipients,
            lease_s=30.0,
        )

    def process(self, body: bytes = make.body()) -> Outcome:
        return process_violation(decode(body), body, self.desk, no_heartbeat)

    def restore_old_backup(self) -> None:
        self.database = MemoryDatabase()
        self.repository = MemoryReportRepository(self.database)

    def switch_off(self) -> None:
        self.database.down = True

    def switch_on(self) -> None:
        """Later, after every lease has passed."""
        self.reports.after_put = lambda: None
        self.database.down = False
        self.database.offset_s += 31.0

    @property
    def quarantined(self) -> list[str]:
        return [code for code, _, _ in self.database.quarantine.values()]


@contextmanager
def no_heartbeat(_: Claim) -> Iterator[Progress]:
    yield lambda: None


@pytest.fixture
def office() -> Office:
    return Office()


def test_opened_makes_one_report_and_a_mail_for_each_recipient_of_its_severity(office: Office) -> None:
    assert office.process() == Settled()
    assert list(office.reports.pdfs) == [f"reports/2026-03-04T093000Z-gate-ppe-{make.violation_id(1)}.pdf"]
    assert [line.recipient for line in office.database.mails] == [ANNA]


def test_the_same_message_again_changes_nothing(office: Office) -> None:
    office.process()
    assert office.process() == Settled()
    assert len(office.database.mails) == len(office.writer.briefs) == 1


def test_closed_completes_and_never_makes_a_report(office: Office) -> None:
    assert office.process(make.closed_body()) == Settled()
    assert office.reports.pdfs == {}
    assert office.database.mails == []
    assert office.database.closed[make.violation_id(1)].duration_s == 40.0


def test_other_content_under_the_same_id_is_quarantined_and_the_report_stands(office: Office) -> None:
    office.process()
    assert office.process(make.body(1, people=9)) == Settled()
    assert office.quarantined == ["payload-differs"]
    assert office.database.reports[make.violation_id(1)].report.brief.opened.people == 1


def test_what_comes_again_after_it_was_put_aside_is_not_told_again(office: Office) -> None:
    office.process()
    with capture_logs() as lines:
        office.process(make.body(1, people=9))
        office.process(make.body(1, people=9))
    told = [line for line in lines if line["event"] == "message.quarantined"]
    assert [(line["violation_id"], line["phase"], line["code"]) for line in told] == [
        (make.violation_id(1), "opened", "payload-differs")
    ]


def test_what_somebody_else_works_on_comes_back_when_his_lease_is_over(office: Office) -> None:
    office.repository.claim(make.opened_message(), make.body(), 20.0)
    outcome = office.process()
    assert isinstance(outcome, ComeBack)
    assert 15 < outcome.after_s <= 20


def test_the_brief_counts_earlier_violations(office: Office) -> None:
    office.evidence.objects[make.opened(2).evidence.key] = make.PICTURE
    office.process(make.body(1, first_seen=AT.replace(day=3)))
    office.process(make.body(2))
    assert office.writer.briefs[1].recurrence.days_7 == 1


def test_missing_evidence_is_awaited_without_counting_an_attempt(office: Office) -> None:
    office.evidence.objects.clear()
    for _ in range(5):
        assert isinstance(office.process(), ComeBack)
    assert office.database.claims[make.violation_id(1), "opened"].attempts == 0
    office.evidence.objects[make.opened().evidence.key] = make.PICTURE
    assert office.process() == Settled()
    assert office.quarantined == []


@pytest.mark.parametrize(
    ("stored", "code"), [(None, "evidence-missing"), (b"something else", "evidence-hash-differs")]
)
def test_evidence_that_stays_missing_or_wrong_for_five_minutes_is_quarantined_never_reported(
    office: Office, stored: bytes | None, code: str
) -> None:
    office.evidence.objects = {} if stored is None else {make.opened().evidence.key: stored}
    assert isinstance(office.process(), ComeBack)
    office.database.offset_s = 301.0
    assert office.process() == Settled()
    assert office.quarantined == [code]
    assert office.reports.pdfs == {}


def test_a_transient_error_leaves_the_message_and_counts_no_attempt(office: Office) -> None:
    office.reports.down = True
    for _ in range(5):
        with pytest.raises(TransientError):
            office.process()
    office.reports.down = False
    assert office.process() == Settled()
    assert office.quarantined == []


def test_what_was_written_is_not_written_again_after_a_failure(office: Office) -> None:
    office.reports.down = True
    with pytest.raises(TransientError):
        office.process()
    office.reports.down = False
    office.process()
    assert len(office.writer.briefs) == 1


def test_a_retry_makes_the_same_bytes(office: Office) -> None:
    made: list[bytes] = []

    def keep_and_fail() -> None:
        raise TransientError("later")

    office.renderer.before = keep_and_fail
    with pytest.raises(TransientError):
        office.process()
    office.renderer.before = lambda: None
    checkpoint = office.database.claims[make.violation_id(1), "opened"].report
    assert checkpoint is not None
    made.append(office.renderer.render(checkpoint, make.PICTURE))
    office.process()
    assert list(office.reports.pdfs.values()) == made


def test_a_permanent_error_is_quarantined_at_the_first_attempt_with_its_code(office: Office) -> None:
    def refuse() -> None:
        raise PermanentError("evidence-unreadable", "it is no whole JPEG")

    office.renderer.before = refuse
    assert office.process() == Settled()
    assert office.quarantined == ["evidence-unreadable"]


def test_a_defect_is_tried_three_times_and_then_quarantined(office: Office) -> None:
    def defect() -> None:
        raise ZeroDivisionError("a defect")

    office.renderer.before = defect
    assert [office.process() for _ in range(3)] == [ComeBack(0.0), ComeBack(0.0), Settled()]
    assert office.quarantined == ["fails-always"]
    assert len(office.writer.briefs) == 1


def test_three_attempts_that_ended_without_a_word_are_enough(office: Office) -> None:
    for _ in range(3):
        office.repository.claim(make.opened_message(), make.body(), 0.0)
    assert office.process() == Settled()
    assert office.quarantined == ["kills-its-worker"]
    assert office.writer.briefs == []


def test_who_lost_the_lease_while_working_touches_nothing(office: Office) -> None:
    def somebody_takes_over() -> None:
        office.database.claims[make.violation_id(1), "opened"].fence += 1

    office.renderer.before = somebody_takes_over
    assert office.process() == NotOurs()
    assert office.database.mails == []
    assert office.reports.pdfs == {}


def test_what_is_erased_while_its_report_is_made_leaves_no_report(office: Office) -> None:
    office.renderer.before = lambda: office.repository.erase(make.violation_id(1), "asked for")
    assert office.process() == NotOurs()
    assert office.reports.pdfs == {}


def test_a_lost_heartbeat_stops_the_work_before_the_next_step(office: Office) -> None:
    @contextmanager
    def lost(_: Claim) -> Iterator[Progress]:
        def progress() -> None:
            raise LeaseLostError("gone")

        yield progress

    outcome = process_violation(make.opened_message(), make.body(), office.desk, lost)
    assert outcome == NotOurs()
    assert office.writer.briefs == []


def test_a_report_that_exists_without_a_trace_in_the_database_is_adopted_and_not_mailed_again(
    office: Office,
) -> None:
    office.process()
    before = dict(office.reports.pdfs)
    office.restore_old_backup()
    office.process()
    assert office.reports.pdfs == before
    assert [line.state for line in office.database.mails] == ["presumed-sent"]
    row = office.database.reports[make.violation_id(1)]
    assert row.pdf_bytes == len(before[row.pdf_key])


def test_a_report_put_just_before_an_outage_is_not_taken_for_an_old_one(office: Office) -> None:
    office.reports.after_put = office.switch_off
    with pytest.raises(TransientError):
        office.process()
    office.switch_on()
    assert office.process() == Settled()
    assert [line.state for line in office.database.mails] == ["pending"]


def test_a_checkpoint_of_another_version_is_written_again_and_its_mails_go_out(office: Office) -> None:
    def outage() -> None:
        raise TransientError("the database went away before the row stood")

    office.reports.after_put = outage
    with pytest.raises(TransientError):
        office.process()
    office.reports.after_put = lambda: None
    office.repository = OtherVersion(office.database)
    assert office.process() == Settled()
    assert len(office.writer.briefs) == 2
    assert [line.state for line in office.database.mails] == ["pending"]


class OtherVersion(MemoryReportRepository):
    """Cannot read what was written before."""

    def claim(self, message: ViolationMessage, body: bytes, lease_s: float) -> ClaimOutcome:
        outcome = super().claim(message, body, lease_s)
        assert isinstance(outcome, Claim)
        return replace(outcome, report=None, unreadable=outcome.report is not None)


# --- the loop around it


def consumer(office: Office) -> Consumer:
    return Consumer(office.inbox, office.desk)


def test_the_loop_settles_duplicates_and_any_order(office: Office) -> None:
    for body in (make.closed_body(), make.body(), make.body(), make.closed_body()):
        office.inbox.send(body)
    worker = consumer(office)
    while worker.step(0.0):
        pass
    assert office.inbox.messages == []
    assert (len(office.database.reports), len(office.database.closed), len(office.database.mails)) == (
        1,
        1,
        1,
    )


@dataclass
class Noting:
    """A task protection that notes what it is asked."""

    asked: list[str] = field(default_factory=list)

    def hold(self) -> None:
        self.asked.append("hold")

    def release(self) -> None:
        self.asked.append("release")


def test_the_task_is_protected_from_a_messages_arrival_until_none_is_left(office: Office) -> None:
    office.inbox.send(make.body())
    office.inbox.send(b"broken")
    protection = Noting()
    worker = Consumer(office.inbox, office.desk, protection=protection)
    while worker.step(0.0):
        pass
    assert protection.asked == ["hold", "hold", "release"]


class MisbehavingInbox(MemoryInbox):
    """Does what SQS may do: any order, duplicates, messages that come back after they were deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.random = random.Random(7)

    def send(self, body: bytes) -> None:
        for _ in range(1 + (self.random.random() < 0.2)):
            super().send(body)

    def receive(self, visibility_s: float, wait_s: float) -> Delivery | None:
        self.random.shuffle(self.messages)
        return super().receive(visibility_s, wait_s)

    def delete(self, delivery: Delivery) -> None:
        if self.random.random() < 0.2:
            self.extend(delivery, 0.0)
        else:
            super().delete(delivery)


def test_a_queue_that_shuffles_doubles_and_brings_back_has_one_effect_each(office: Office) -> None:
    office.inbox = MisbehavingInbox()
    for number in range(1, 31):
        office.evidence.objects[make.opened(number).evidence.key] = make.PICTURE
        office.inbox.send(make.body(number))
        office.inbox.send(make.closed_body(number))
    worker = consumer(office)
    while worker.step(0.0):
        pass
    assert office.inbox.messages == []
    assert len(office.database.reports) == len(office.database.closed) == len(office.database.mails) == 30
    assert len(office.reports.pdfs) == len(office.writer.briefs) == 30


@pytest.mark.parametrize(
    "body",
    [
        make.body().replace(b'"schema_version":"1.0"', b'"schema_version":"1.1"'),
        make.body().replace(b'"people":1', b'"people":-1'),
        make.closed_body(1, first_seen=AT.replace(year=2199), last_seen=AT.replace(year=2199)),
    ],
    ids=["of a newer version", "invalid", "ahead of the clock"],
)
def test_what_is_put_aside_undecoded_goes_when_the_violation_that_it_names_is_erased(
    office: Office, body: bytes
) -> None:
    office.inbox.send(body)
    with capture_logs() as lines:
        assert consumer(office).step(0.0)
    told = [line["violation_id"] for line in lines if line["event"] == "message.quarantined"]
    assert told == [make.violation_id(1)]
    office.repository.erase(make.violation_id(1), "asked for")
    assert office.quarantined == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xfe", "not-utf8"),
        (b"{", "not-json"),
        (b"[" * 200_000, "too-large"),
        (b'{"specversion":"1.0","type":"officer.violation.opened.v9"}', "unknown-version"),
        (encode(make.opened_message()).replace(b'"people":1', b'"people":-1'), "invalid"),
    ],
)
def test_what_breaks_the_contract_is_quarantined_at_the_first_receive(
    office: Office, body: bytes, code: str
) -> None:
    office.inbox.send(body)
    assert consumer(office).step(0.0)
    assert office.quarantined == [code]
    assert office.inbox.messages == []


def test_a_renderer_with_a_defect_costs_its_message_three_attempts_and_the_others_nothing(
    office: Office,
) -> None:
    class Defective(FakeRenderer):
        def render(self, report: Report, picture: bytes) -> bytes:
            if report.brief.opened.violation_id == make.violation_id(1):
                raise RuntimeError("a defect \0 with what no database takes")
            return super().render(report, picture)

    office.renderer = Defective()
    office.evidence.objects[make.opened(2).evidence.key] = make.PICTURE
    office.inbox.send(make.body(1))
    office.inbox.send(make.body(2))
    worker, stop = consumer(office), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    until(lambda: not office.inbox.messages)
    assert thread.is_alive()
    stop.set()
    thread.join()
    assert office.quarantined == ["fails-always"]
    assert list(office.database.reports) == [make.violation_id(2)]
    assert office.database.claims[make.violation_id(1), "opened"].attempts == 3


def test_a_defect_outside_a_claim_is_quarantined_at_the_third_receive(office: Office) -> None:
    class Defective(MemoryReportRepository):
        def claim(self, message: ViolationMessage, body: bytes, lease_s: float) -> ClaimOutcome:
            raise RuntimeError("a defect")

    office.repository = Defective(office.database)
    office.inbox.send(make.body())
    worker = consumer(office)
    for _ in range(3):
        office.inbox.messages[0].visible_at = 0.0
        assert worker.step(0.0)
    assert office.quarantined == ["fails-always"]
    assert office.inbox.messages == []


def test_while_the_database_is_down_nothing_is_received(office: Office) -> None:
    office.inbox.send(make.body())
    worker, stop = consumer(office), threading.Event()
    office.database.down = True
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    time.sleep(1.5)
    receives = office.inbox.messages[0].receives
    office.database.down = False
    until(lambda: len(office.database.reports) == 1)
    stop.set()
    thread.join()
    assert receives == 1


def test_an_outage_in_the_middle_of_the_work_is_no_failed_attempt(office: Office) -> None:
    office.inbox.send(make.body())
    office.reports.after_put = office.switch_off
    worker, stop = consumer(office), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    until(lambda: office.database.down)
    office.switch_on()
    until(lambda: len(office.database.reports) == 1)
    stop.set()
    thread.join()
    assert office.database.claims[make.violation_id(1), "opened"].attempts == 1


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_work_in_hand_can_be_handed_back_from_another_thread(office: Office) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        go_on.wait(5)

    office.writer.before = wait
    office.inbox.send(make.body())
    worker = consumer(office)
    thread = threading.Thread(target=worker.step, args=(0.0,), daemon=True)
    thread.start()
    entered.wait(5)
    worker.hand_back()
    assert office.inbox.counts().waiting == 1
    claim = office.repository.claim(make.opened_message(), make.body(), 30.0)
    assert isinstance(claim, Claim)
    assert claim.attempts == 1
    go_on.set()
    thread.join()
    assert office.database.reports == {}
