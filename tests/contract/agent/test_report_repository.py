"""Every repository keeps the same promises: SQLite, Postgres and the one in memory."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from services.agent.adapters import sql_outbox
from services.agent.adapters.sql_outbox import SqlOutbox
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.application.ports import LeaseLostError, Outbox, ReportRepository, Sidecar
from services.agent.domain.work_claim import Claim, Finished, Leased, OtherPayload
from shared.contracts.violation import Closed, ViolationMessage, encode
from shared.vocabulary import Severity
from tests import agent_builders as make
from tests.builders import AT
from tests.fakes import memory_database
from tests.fakes.memory_database import MemoryDatabase, MemoryOutbox, MemoryReportRepository
from tests.servers.databases import ready_database

ANNA, BEN = "anna@site.example", "ben@site.example"


@dataclass
class Office:
    repository: ReportRepository
    outbox: Outbox

    def claim(self, message: ViolationMessage, lease_s: float = 30.0) -> Claim:
        claim = self.repository.claim(message, encode(message), lease_s)
        assert isinstance(claim, Claim)
        return claim

    def file(
        self, number: int, *addresses: str, severity: Severity = Severity.HIGH, **overrides: object
    ) -> None:
        message = make.opened_message(number, **overrides)
        filed = make.filed(number, severity, **overrides)
        claim = self.claim(message)
        self.repository.commit_report(claim, filed, addresses, mails_presumed_sent=False)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    if request.param == "memory":
        memory = MemoryDatabase()
        yield Office(MemoryReportRepository(memory), MemoryOutbox(memory))
        return
    database = ready_database(request.param, tmp_path)
    yield Office(SqlReportRepository(database), SqlOutbox(database))
    database.close()


def test_a_first_claim_is_given_with_one_attempt_counted(office: Office) -> None:
    claim = office.claim(make.opened_message())
    assert (claim.attempts, claim.report) == (1, None)
    assert claim.age_s < 5


def test_opened_and_closed_of_a_violation_are_claimed_apart(office: Office) -> None:
    office.claim(make.opened_message())
    office.claim(make.closed_message())


def test_a_claim_under_lease_is_refused_with_what_is_left(office: Office) -> None:
    message = make.opened_message()
    office.claim(message, lease_s=30)
    outcome = office.repository.claim(message, encode(message), 30)
    assert isinstance(outcome, Leased)
    assert 25 < outcome.left_s <= 30


def test_only_one_of_many_gets_the_claim(office: Office) -> None:
    message = make.opened_message()
    outcomes: list[object] = []
    workers = [
        threading.Thread(
            target=lambda: outcomes.append(office.repository.claim(message, encode(message), 30))
        )
        for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Leased) for outcome in outcomes) == 5


def test_a_passed_lease_is_taken_over_with_a_higher_fence_and_the_age_goes_on(office: Office) -> None:
    first = office.claim(make.opened_message(), lease_s=0.05)
    time.sleep(0.1)
    second = office.claim(make.opened_message())
    assert second.fence > first.fence
    assert second.attempts == 2
    assert second.age_s >= 0.05


def test_every_write_of_a_fenced_out_worker_is_refused(office: Office) -> None:
    stale = office.claim(make.opened_message(), lease_s=0.05)
    time.sleep(0.1)
    office.claim(make.opened_message())
    repository, filed = office.repository, make.filed()
    with pytest.raises(LeaseLostError):
        repository.extend(stale, 30)
    with pytest.raises(LeaseLostError):
        repository.checkpoint(stale, filed.report)
    with pytest.raises(LeaseLostError):
        repository.commit_report(stale, filed, [ANNA], mails_presumed_sent=False)
    with pytest.raises(LeaseLostError):
        repository.quarantine_claim(stale, b"{}", "code", "reason")
    assert office.outbox.take(30, 10) is None


def test_a_fenced_out_worker_gives_nothing_back(office: Office) -> None:
    stale = office.claim(make.opened_message(), lease_s=0.05)
    time.sleep(0.1)
    office.claim(make.opened_message())
    office.repository.give_back(stale, counted=False)
    outcome = office.repository.claim(make.opened_message(), make.body(), 30)
    assert isinstance(outcome, Leased)


def test_an_extended_lease_lasts(office: Office) -> None:
    claim = office.claim(make.opened_message(), lease_s=0.2)
    office.repository.extend(claim, 30)
    time.sleep(0.25)
    assert isinstance(office.repository.claim(make.opened_message(), make.body(), 30), Leased)


@pytest.mark.parametrize(("counted", "attempts"), [(True, 2), (False, 1)])
def test_what_is_given_back_is_free_at_once_and_counts_only_if_said_so(
    office: Office, counted: bool, attempts: int
) -> None:
    claim = office.claim(make.opened_message())
    office.repository.give_back(claim, counted=counted)
    again = office.claim(make.opened_message())
    assert again.attempts == attempts
    with pytest.raises(LeaseLostError):
        office.repository.extend(claim, 30)


def test_other_content_for_the_same_violation_is_told_apart_even_when_finished(office: Office) -> None:
    office.file(1, ANNA)
    forged = make.opened_message(1, people=7)
    assert isinstance(office.repository.claim(forged, encode(forged), 30), OtherPayload)
    assert isinstance(office.repository.claim(make.opened_message(1), make.body(1), 30), Finished)


def test_other_content_cannot_take_over_a_claim_whose_lease_has_passed(office: Office) -> None:
    office.claim(make.opened_message(1), lease_s=0.01)
    time.sleep(0.05)
    forged = make.opened_message(1, people=7)
    assert isinstance(office.repository.claim(forged, encode(forged), 30), OtherPayload)
    assert office.claim(make.opened_message(1)).attempts == 2


def test_a_checkpoint_comes_back_word_for_word(office: Office) -> None:
    report = make.report()
    claim = office.claim(make.opened_message())
    office.repository.checkpoint(claim, report)
    office.repository.give_back(claim, counted=True)
    assert office.claim(make.opened_message()).report == report


def test_a_committed_report_is_finished_and_has_one_mail_for_each_recipient(office: Office) -> None:
    office.file(1, ANNA, BEN)
    assert isinstance(office.repository.claim(make.opened_message(1), make.body(1), 30), Finished)
    letters = [office.outbox.take(30, 10), office.outbox.take(30, 10)]
    assert {letter.recipient for letter in letters if letter} == {ANNA, BEN}
    assert [letter.contents for letter in letters if letter] == [(make.filed(1, Severity.HIGH),)] * 2
    assert office.outbox.take(30, 10) is None


def test_the_longest_names_that_the_contract_allows_fit(office: Office) -> None:
    long, facts = "界" * 200, make.opened()
    office.file(
        1,
        "a" * 64 + "@" + "b" * 180 + ".example",
        site=facts.site.model_copy(update={"name": long, "timezone": "America/Argentina/ComodRivadavia"}),
        camera=facts.camera.model_copy(update={"name": long}),
        zone=facts.zone.model_copy(update={"id": "z" * 64, "name": long}),
        rule=facts.rule.model_copy(update={"id": "r" * 64, "title": long, "version": long}),
        source=facts.source.model_copy(update={"name": long, "session": "s" * 64}),
        model=facts.model.model_copy(update={"name": long}),
        software_version="v" * 40,
    )
    letter = office.outbox.take(30, 10)
    assert letter is not None
    assert letter.contents[0].report.brief.opened.camera.name == long


def test_mails_of_an_adopted_report_are_presumed_sent(office: Office) -> None:
    claim = office.claim(make.opened_message())
    office.repository.commit_report(claim, make.filed(), [ANNA], mails_presumed_sent=True)
    assert office.outbox.take(30, 10) is None


@pytest.mark.parametrize("order", [("opened", "closed"), ("closed", "opened")])
def test_opened_and_closed_may_come_in_either_order(office: Office, order: tuple[str, str]) -> None:
    for phase in order:
        if phase == "opened":
            office.file(1, ANNA)
        else:
            message = make.closed_message(1)
            assert isinstance(message.data, Closed)
            office.repository.commit_closed(office.claim(message), message, message.data)
    assert office.outbox.take(30, 10) is not None
    assert office.outbox.take(30, 10) is None


def test_recurrence_counts_earlier_ones_of_the_same_camera_and_rule(office: Office) -> None:
    for number, days in ((1, 1), (2, 6), (3, 8), (4, 29), (5, 31), (6, -1)):
        office.file(number, first_seen=AT - timedelta(days=days))
    found = office.repository.recurrence(make.opened(9))
    assert (found.days_7, found.days_30) == (2, 4)


def test_recurrence_counts_a_crowd_as_one_day_and_not_today(office: Office) -> None:
    minutes = (1, 2, 3, 4, 24 * 60, 24 * 60 + 1, 24 * 60 + 2, 6 * 24 * 60, 9 * 24 * 60)
    for number, before in enumerate(minutes, start=1):
        office.file(number, first_seen=AT - timedelta(minutes=before))
    found = office.repository.recurrence(make.opened(99))
    assert (found.days_7, found.on_days) == (8, 2)


def test_recurrence_ignores_other_rules(office: Office) -> None:
    rule = make.opened().rule.model_copy(update={"id": "other"})
    office.file(1, first_seen=AT - timedelta(days=1), rule=rule)
    assert office.repository.recurrence(make.opened(9)).days_7 == 0


def test_quarantined_work_is_finished(office: Office) -> None:
    claim = office.claim(make.opened_message())
    office.repository.quarantine_claim(claim, make.body(), "evidence-missing", "gone")
    assert isinstance(office.repository.claim(make.opened_message(), make.body(), 30), Finished)


def test_the_same_bytes_may_be_quarantined_twice(office: Office) -> None:
    office.repository.quarantine_message(b"\xff\x00 not json", "not-utf8", "message is not UTF-8")
    office.repository.quarantine_message(b"\xff\x00 not json", "not-utf8", "message is not UTF-8")


def test_what_can_be_done_after_all_is_in_quarantine_no_more(office: Office) -> None:
    message = make.opened_message()
    assert office.repository.quarantine_message(encode(message), "future-time", "the clock was wrong")
    assert not office.repository.quarantine_message(encode(message), "future-time", "the clock was wrong")
    office.file(1)
    assert office.repository.quarantine_message(encode(message), "future-time", "the clock was wrong")


def test_only_lost_sidecars_are_unfinished(office: Office) -> None:
    office.file(1)
    office.claim(make.opened_message(2), lease_s=30)
    office.claim(make.opened_message(3), lease_s=0.01)
    quarantined = office.claim(make.opened_message(4))
    office.repository.quarantine_claim(quarantined, make.body(4), "code", "reason")
    office.repository.erase(make.violation_id(5), "asked for")
    time.sleep(0.05)
    sidecars = [Sidecar(f"events/{n}.json", make.violation_id(n), "opened") for n in range(1, 7)]
    assert [s.key for s in office.repository.unfinished(sidecars)] == ["events/3.json", "events/6.json"]


def test_what_was_erased_never_comes_back(office: Office) -> None:
    office.file(1, ANNA)
    office.repository.erase(make.violation_id(1), "asked for")
    assert isinstance(office.repository.claim(make.opened_message(1), make.body(1), 30), Finished)
    other = make.opened_message(1, people=9)
    assert isinstance(office.repository.claim(other, encode(other), 30), Finished)
    assert isinstance(office.repository.claim(make.closed_message(1), make.closed_body(1), 30), Finished)
    assert office.outbox.take(30, 10) is None


def test_what_was_put_aside_goes_with_its_violation(office: Office) -> None:
    for number in (1, 2):
        body, whose = make.body(number), make.violation_id(number)
        assert office.repository.quarantine_message(body, "unknown-version", "newer", whose)
    office.repository.erase(make.violation_id(1), "asked for")
    kept = [
        not office.repository.quarantine_message(make.body(n), "unknown-version", "newer") for n in (1, 2)
    ]
    assert kept == [False, True]


def test_erasing_fences_out_who_works_on_it(office: Office) -> None:
    claim = office.claim(make.opened_message(1))
    office.repository.erase(make.violation_id(1), "asked for")
    with pytest.raises(LeaseLostError):
        office.repository.commit_report(claim, make.filed(1), [ANNA], mails_presumed_sent=False)


def test_erasing_tells_how_long_somebody_may_still_be_at_work_on_it(office: Office) -> None:
    office.claim(make.opened_message(1), lease_s=30)
    office.claim(make.opened_message(2), lease_s=0.01)
    for number in (3, 4, 5):
        office.file(number, ANNA)
    assert office.outbox.take(60, 1) is not None
    assert office.outbox.take(60, 1) is None
    office.outbox.gather(1, at_once=True)
    assert office.outbox.take(90, 1) is not None
    time.sleep(0.05)
    held = [office.repository.erase(make.violation_id(number), "asked for") for number in range(1, 7)]
    assert [round(seconds, -1) for seconds in held] == [30, 0, 60, 90, 90, 0]
    assert round(office.repository.erase(make.violation_id(1), "what an interruption left"), -1) == 30


def test_tries_of_a_mail_that_end_without_a_word_are_counted_until_one_gives_a_word(office: Office) -> None:
    office.file(1, ANNA)
    killed = [office.outbox.take(0.0, 10) for _ in range(3)]
    assert [letter and (letter.unfinished, letter.attempts) for letter in killed] == [(0, 1), (1, 2), (2, 3)]
    assert killed[-1] is not None
    office.outbox.retry(killed[-1], 0.0, "busy", counted=True)
    letter = office.outbox.take(30, 10)
    assert letter is not None
    assert (letter.unfinished, letter.attempts) == (0, 4)


def test_critical_mails_go_first(office: Office) -> None:
    office.file(1, ANNA)
    office.file(2, ANNA, severity=Severity.CRITICAL)
    letter = office.outbox.take(30, 10)
    assert letter is not None
    assert letter.contents[0].violation_id == make.violation_id(2)


def test_beyond_the_cap_mails_are_held_and_one_digest_names_them_all(office: Office) -> None:
    for number in range(1, 6):
        office.file(number, ANNA)
    for _ in range(2):
        letter = office.outbox.take(30, cap_per_hour=2)
        assert letter is not None
        office.outbox.sent(letter, "<m@x>")
    assert office.outbox.take(30, cap_per_hour=2) is None
    assert office.outbox.counts().held == 3
    assert office.outbox.gather(2, at_once=False) == 0
    assert office.outbox.gather(2, at_once=True) == 1
    digest = office.outbox.take(30, cap_per_hour=2)
    assert digest is not None
    assert digest.kind == "digest"
    assert [filed.violation_id for filed in digest.contents] == [make.violation_id(n) for n in (3, 4, 5)]
    office.outbox.sent(digest, "<d@x>")
    assert office.outbox.counts().held == office.outbox.counts().due == 0


def test_a_digest_leaves_out_what_was_erased_and_goes_to_nobody_when_all_was(office: Office) -> None:
    for number, address in ((1, ANNA), (2, ANNA), (3, BEN)):
        office.file(number, address)
    assert office.outbox.take(30, cap_per_hour=0) is None
    assert office.outbox.gather(0, at_once=True) == 2
    for number in (1, 3):
        office.repository.erase(make.violation_id(number), "asked for")
    letter = office.outbox.take(30, cap_per_hour=0)
    assert letter is not None
    assert [filed.violation_id for filed in letter.contents] == [make.violation_id(2)]
    office.outbox.sent(letter, "<d@x>")
    assert office.outbox.take(30, cap_per_hour=0) is None
    counts = office.outbox.counts()
    assert (counts.due, counts.later, counts.held) == (0, 0, 0)


def test_many_reports_go_into_several_digests(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sql_outbox, memory_database):
        monkeypatch.setattr(module, "MAX_IN_DIGEST", 2)
    for number in range(1, 6):
        office.file(number, ANNA)
    assert office.outbox.take(30, cap_per_hour=0) is None
    assert office.outbox.gather(0, at_once=True) == 3
    told = []
    while letter := office.outbox.take(30, cap_per_hour=0):
        office.outbox.sent(letter, "<d@x>")
        told.append([filed.violation_id for filed in letter.contents])
    assert told == [[make.violation_id(n) for n in numbers] for numbers in ((1, 2), (3, 4), (5,))]


def test_a_digest_goes_once_the_hour_has_room(office: Office) -> None:
    office.file(1, ANNA)
    assert office.outbox.take(30, cap_per_hour=0) is None
    assert office.outbox.gather(1, at_once=False) == 1


def test_the_cap_counts_each_recipient_for_itself_and_critical_ones_neither_stop_nor_fill_it(
    office: Office,
) -> None:
    office.file(1, ANNA, BEN)
    office.file(2, ANNA)
    office.file(3, ANNA, severity=Severity.CRITICAL)
    taken = []
    while letter := office.outbox.take(30, cap_per_hour=1):
        office.outbox.sent(letter, "<m@x>")
        taken.append((letter.contents[0].violation_id[-1], letter.recipient))
    assert taken == [("3", ANNA), ("1", ANNA), ("1", BEN)]
    assert office.outbox.counts().held == 1


def test_a_mail_left_in_sending_by_a_kill_is_taken_again_after_its_lease(office: Office) -> None:
    office.file(1, ANNA)
    first = office.outbox.take(0.05, 10)
    assert first is not None
    time.sleep(0.1)
    second = office.outbox.take(30, 10)
    assert second is not None
    assert second.id == first.id
    with pytest.raises(LeaseLostError):
        office.outbox.sent(first, "<m@x>")
    office.outbox.sent(second, "<m@x>")


def test_a_mail_that_is_kept_is_taken_by_nobody_else(office: Office) -> None:
    office.file(1, ANNA)
    letter = office.outbox.take(0.05, 10)
    assert letter is not None
    office.outbox.extend(letter, 30)
    time.sleep(0.1)
    assert office.outbox.take(30, 10) is None
    office.outbox.sent(letter, "<m@x>")
    with pytest.raises(LeaseLostError):
        office.outbox.extend(letter, 30)


def test_a_mail_put_off_comes_when_it_is_due(office: Office) -> None:
    office.file(1, ANNA)
    letter = office.outbox.take(30, 10)
    assert letter is not None
    office.outbox.retry(letter, 0.15, "451 greylisted", counted=True)
    assert office.outbox.take(30, 10) is None
    assert office.outbox.counts().later == 1
    time.sleep(0.2)
    again = office.outbox.take(30, 10)
    assert again is not None
    assert again.attempts == 2
    assert again.tried_for_s >= 0.15


def test_time_in_which_no_server_answered_is_not_counted_against_a_mail(office: Office) -> None:
    office.file(1, ANNA)
    letter = office.outbox.take(30, 10)
    assert letter is not None
    office.outbox.retry(letter, 0.0, "connection refused", counted=False)
    time.sleep(0.1)
    again = office.outbox.take(30, 10)
    assert again is not None
    assert again.attempts == 1
    assert again.tried_for_s < 0.09


def test_a_refused_mail_is_not_sent_again_and_others_go_on(office: Office) -> None:
    office.file(1, ANNA, BEN)
    first, second = office.outbox.take(30, 10), office.outbox.take(30, 10)
    assert first is not None
    assert second is not None
    office.outbox.refused(first, "550 no such user")
    office.outbox.sent(second, "<m@x>")
    counts = office.outbox.counts()
    assert (counts.due, counts.later, counts.held) == (0, 0, 0)
