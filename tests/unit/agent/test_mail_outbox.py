"""The mail room with everything in memory: refusals, retries, cap, digests, and that nothing is ever dropped."""

import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from threading import Event

import pytest
from structlog.testing import capture_logs

from services.agent.application.mail_outbox import (
    FIRST_RETRY_S,
    IDLE_S,
    MAX_UNFINISHED,
    RETRY_FOR_S,
    MailRoom,
)
from services.agent.application.ports import MailPostponedError, MailRefusedError
from services.agent.domain.letter import Letter
from services.agent.domain.work_claim import Claim
from shared.errors import TransientError
from shared.vocabulary import Severity
from tests import agent_builders as make
from tests.fakes.memory_database import MemoryDatabase, MemoryOutbox, MemoryReportRepository
from tests.fakes.memory_stores import MemoryEvidenceStore, MemoryReportStore
from tests.fakes.reporting import FakeComposer, FakeMailer

ANNA, BEN = "anna@site.example", "ben@site.example"
NEVER = Event()


@dataclass
class Office:
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    evidence: MemoryEvidenceStore = field(default_factory=MemoryEvidenceStore)
    reports: MemoryReportStore = field(default_factory=MemoryReportStore)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    outbox: type[MemoryOutbox] = MemoryOutbox
    cap_per_hour: int = 10

    def file(self, number: int, *addresses: str, severity: Severity = Severity.HIGH) -> None:
        repository, filed = MemoryReportRepository(self.database), make.filed(number, severity)
        claim = repository.claim(make.opened_message(number), make.body(number), 30)
        assert isinstance(claim, Claim)
        repository.commit_report(claim, filed, addresses, mails_presumed_sent=False)
        self.reports.pdfs[filed.pdf_key] = b"%PDF"
        self.evidence.objects[filed.report.brief.opened.evidence.key] = make.PICTURE

    @property
    def room(self) -> MailRoom:
        return self.room_with(lease_s=30.0)

    def room_with(self, lease_s: float) -> MailRoom:
        return MailRoom(
            self.outbox(self.database),
            FakeComposer(),
            self.mailer,
            self.evidence,
            self.reports,
            cap_per_hour=self.cap_per_hour,
            lease_s=lease_s,
        )

    def states(self) -> list[str]:
        return [line.state for line in self.database.mails]


@pytest.fixture
def office() -> Office:
    return Office()


def test_each_recipient_gets_a_mail_of_his_own(office: Office) -> None:
    office.file(1, ANNA, BEN)
    assert office.room.step(NEVER)
    assert [recipient for recipient, _ in office.mailer.sent] == [ANNA, BEN]
    assert office.states() == ["sent", "sent"]
    assert not office.room.step(NEVER)


def test_the_id_that_the_mail_service_gave_is_kept(office: Office) -> None:
    class Ses(FakeMailer):
        def send(self, mail: EmailMessage, recipient: str) -> str:
            super().send(mail, recipient)
            return "<0102@eu-central-1.amazonses.com>"

    office.file(1, ANNA)
    office.mailer = Ses()
    office.room.step(NEVER)
    assert office.database.mails[0].message_id == "<0102@eu-central-1.amazonses.com>"


def test_a_temporary_refusal_is_tried_again_later_under_the_same_id(office: Office) -> None:
    office.file(1, ANNA)
    office.mailer.raises = [MailPostponedError("451 try later")]
    office.room.step(NEVER)
    assert office.states() == ["pending"]
    assert not office.room.step(NEVER)
    office.database.offset_s += FIRST_RETRY_S + 1
    office.room.step(NEVER)
    assert office.states() == ["sent"]
    assert office.database.mails[0].message_id == office.mailer.sent[0][1]


def test_temporary_refusals_are_given_up_after_a_day_and_told(office: Office) -> None:
    office.file(1, ANNA)
    tries = 0
    while office.states() == ["pending"]:
        office.mailer.raises = [MailPostponedError("451 try later")]
        office.room.step(NEVER)
        office.database.offset_s += 1800.0
        tries += 1
    assert office.states() == ["refused"]
    assert office.database.offset_s >= RETRY_FOR_S
    assert "given up after 24 h" in office.database.mails[0].error
    assert tries > 40


def test_a_mail_is_not_given_up_after_two_tries_because_the_machine_was_off_in_between(
    office: Office,
) -> None:
    office.file(1, ANNA)
    for _ in range(2):
        office.mailer.raises = [MailPostponedError("451 greylisted")]
        office.room.step(NEVER)
        office.database.offset_s += 62 * 3600.0
    office.room.step(NEVER)
    assert office.states() == ["sent"]


def test_a_mail_that_takes_longer_than_its_lease_is_sent_by_nobody_else(office: Office) -> None:
    office.file(1, ANNA)
    slow = office.room_with(lease_s=0.15)
    other = MemoryOutbox(office.database)
    taken: list[Letter | None] = []

    def a_slow_line() -> None:
        time.sleep(0.5)
        taken.append(other.take(30.0, 10))

    office.mailer.after = a_slow_line
    slow.step(NEVER)
    assert taken == [None]
    assert office.states() == ["sent"]


def test_a_permanent_refusal_fails_that_recipient_alone(office: Office) -> None:
    office.file(1, ANNA, BEN)
    office.mailer.raises = [MailRefusedError("refused", "550 no such user")]
    office.room.step(NEVER)
    assert office.states() == ["refused", "sent"]
    assert office.database.mails[0].error == "550 no such user"


def test_a_server_that_is_down_costs_no_mail_its_time(office: Office) -> None:
    office.file(1, ANNA)
    for _ in range(3):
        office.mailer.raises = [TransientError("connection refused")]
        with pytest.raises(TransientError):
            office.room.step(NEVER)
        office.database.offset_s += RETRY_FOR_S
    office.room.step(NEVER)
    assert office.states() == ["sent"]


def test_an_outage_is_told_ever_more_rarely_and_its_end_once(office: Office) -> None:
    office.file(1, ANNA)
    office.mailer.raises = [TransientError("550 the sender is not allowed") for _ in range(9)]
    stop = Ticking()
    office.mailer.after = stop.set
    with capture_logs() as logs:
        office.room.run(stop)
    told = [(line["event"], line.get("failures")) for line in logs]
    assert told == [
        *(("mail.paused", failures) for failures in (1, 2, 4, 8)),
        ("mail.sent", None),
        ("mail.resumed", None),
    ]
    assert stop.waited_s == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]


class Ticking(Event):
    """Does not wait, and says for how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        if timeout != IDLE_S:
            self.waited_s.append(timeout or 0.0)
        return self.is_set()


def test_beyond_the_cap_one_digest_names_all_and_critical_ones_pass(office: Office) -> None:
    office.cap_per_hour = 2
    for number in range(1, 6):
        office.file(number, ANNA)
    office.file(6, ANNA, severity=Severity.CRITICAL)
    office.room.step(NEVER)
    assert sorted(office.states()) == ["held"] * 3 + ["sent"] * 3
    assert make.violation_id(6) in office.mailer.sent[0][1]
    office.database.offset_s += 3601
    office.room.step(NEVER)
    assert len(office.mailer.sent) == 4
    digest = office.mailer.sent[3][1]
    assert digest.startswith("<digest-")
    assert sorted(office.states()) == ["in-digest"] * 3 + ["sent"] * 4


def test_what_is_held_can_be_sent_at_once_at_the_end(office: Office) -> None:
    office.cap_per_hour = 1
    for number in (1, 2, 3):
        office.file(number, ANNA)
    office.room.step(NEVER)
    office.room.send_held()
    office.room.step(NEVER)
    assert sorted(office.states()) == ["in-digest", "in-digest", "sent", "sent"]


def test_a_defect_in_making_one_mail_does_not_stop_the_others(office: Office) -> None:
    office.file(1, ANNA, BEN)
    office.mailer.raises = [ZeroDivisionError("a defect")]
    office.room.step(NEVER)
    assert office.states() == ["pending", "sent"]


def test_a_mail_that_kills_its_worker_is_given_up_and_the_others_go(office: Office) -> None:
    office.file(1, ANNA, severity=Severity.CRITICAL)
    office.file(2, ANNA)

    class Killed(BaseException):
        pass

    class Deadly(FakeMailer):
        def send(self, mail: EmailMessage, recipient: str) -> str:
            if make.violation_id(1) in str(mail):
                raise Killed
            return super().send(mail, recipient)

    office.mailer = Deadly()
    for _ in range(MAX_UNFINISHED):
        with pytest.raises(Killed):
            office.room.step(NEVER)
        office.database.mails[0].lease_until = 0.0
    with capture_logs() as logs:
        office.room.step(NEVER)
    assert office.states() == ["refused", "sent"]
    assert office.database.mails[0].error == "5 tries ended without a word"
    assert [line["violation_id"] for line in logs if line["event"] == "mail.refused"] == [
        make.violation_id(1)
    ]


def test_a_mail_goes_without_its_picture_if_that_is_gone(office: Office) -> None:
    office.file(1, ANNA)
    office.evidence.objects.clear()
    office.room.step(NEVER)
    assert office.mailer.bodies == ["without picture"]


def test_a_mail_waits_for_its_pages(office: Office) -> None:
    office.file(1, ANNA)
    pdfs = dict(office.reports.pdfs)
    office.reports.pdfs.clear()
    office.room.step(NEVER)
    assert office.states() == ["pending"]
    office.reports.pdfs = pdfs
    office.database.offset_s += FIRST_RETRY_S + 1
    office.room.step(NEVER)
    assert office.states() == ["sent"]


def test_a_database_that_is_away_when_the_server_has_taken_a_mail_doubles_nothing(office: Office) -> None:
    office.file(1, ANNA)

    class Away(MemoryOutbox):
        outages = 2

        def sent(self, letter: Letter, message_id: str) -> None:
            if self.outages:
                self.outages -= 1
                raise TransientError("the database does not answer")
            super().sent(letter, message_id)

    office.outbox = Away
    room = office.room
    for _ in range(2):
        with pytest.raises(TransientError):
            room.step(NEVER)
        assert office.states() == ["sending"]
    room.step(NEVER)
    assert (office.states(), len(office.mailer.sent)) == (["sent"], 1)


def test_who_was_overtaken_while_sending_writes_nothing(office: Office) -> None:
    office.file(1, ANNA)

    class Overtaken(FakeMailer):
        def send(self, mail: object, recipient: str) -> str:
            office.database.mails[0].fence += 1
            return ""

    office.mailer = Overtaken()
    office.room.step(NEVER)
    assert office.states() == ["sending"]


@pytest.mark.parametrize(
    "problem", [MailRefusedError("550", "no such user"), MailPostponedError("busy"), TransientError("gone")]
)
def test_who_was_overtaken_by_the_time_it_fails_writes_nothing_and_goes_on(
    office: Office, problem: Exception
) -> None:
    office.file(1, ANNA)

    class Overtaken(FakeMailer):
        def send(self, mail: object, recipient: str) -> str:
            office.database.mails[0].fence += 1
            raise problem

    office.mailer = Overtaken()
    office.room.step(NEVER)
    assert office.states() == ["sending"]
