"""What every message queue must do: the one in SQLite, SQS and the fake."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.detection.adapters.local_violation_queue import LocalViolationQueue
from services.detection.adapters.sqs_violation_queue import SqsViolationQueue
from shared.aws.sqs_queue import SqsQueue
from shared.local.sqlite_queue import SqliteQueue
from shared.queues import QueueCounts
from tests.fakes.clocks import ManualClock
from tests.fakes.memory_queue import MemoryQueue, MemoryViolationQueue
from tests.servers.localstack import aws_clients, running_localstack

MAX_RECEIVES = 3
SQS_LAG_S = 1.5  # LocalStack looks once a second for messages whose visibility has ended
BODY = '{"site":"Südhof 北京"}'.encode()


@dataclass(frozen=True)
class Subject:
    """A queue that gives up after `MAX_RECEIVES`, and how to let time pass for it (a real one: sleep)."""

    queue: Any
    pass_time: Callable[[float], None]
    now: Callable[[], datetime]
    dead_letters: Callable[[], list[bytes]]


@pytest.fixture(params=["sqlite", "sqs", "memory"])
def subject(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Subject]:
    if request.param == "sqs":
        yield sqs_subject(monkeypatch)
        return
    clock = ManualClock()
    queue: SqliteQueue | MemoryQueue
    if request.param == "sqlite":
        queue = SqliteQueue(tmp_path / "queue.db", max_receives=MAX_RECEIVES, now=clock)
    else:
        queue = MemoryQueue(max_receives=MAX_RECEIVES, now=clock)
    yield Subject(queue, clock.advance, clock.now, queue.dead_letters)
    queue.close()


def sqs_subject(monkeypatch: pytest.MonkeyPatch) -> Subject:
    localstack = running_localstack()
    made = localstack.new_queue(MAX_RECEIVES)
    queue = SqsQueue(aws_clients(monkeypatch).sqs(), name=made.name)

    def pass_time(seconds: float) -> None:
        time.sleep(seconds + SQS_LAG_S)

    return Subject(queue, pass_time, lambda: datetime.now(UTC), lambda: localstack.bodies(made.dead_letters))


twins_only = pytest.mark.parametrize("subject", ["sqlite", "memory"], indirect=True)


def test_gives_the_bytes_that_were_sent(subject: Subject) -> None:
    subject.queue.send(BODY)

    (message,) = subject.queue.receive(10, 30)

    assert message.body == BODY
    assert message.receive_count == 1
    assert message.sent_at.tzinfo is UTC
    assert abs(message.sent_at - subject.now()) < timedelta(seconds=5)


def test_gives_nothing_while_empty(subject: Subject) -> None:
    assert subject.queue.receive(10, 30) == []


def test_gives_no_more_than_asked_for(subject: Subject) -> None:
    for _ in range(5):
        subject.queue.send(BODY)

    assert len(subject.queue.receive(2, 30)) == 2


def test_hides_a_received_message(subject: Subject) -> None:
    subject.queue.send(BODY)
    subject.queue.receive(10, 30)

    assert subject.queue.receive(10, 30) == []


def test_gives_a_message_again_when_its_visibility_has_ended(subject: Subject) -> None:
    subject.queue.send(BODY)
    (first,) = subject.queue.receive(10, 1)

    subject.pass_time(1.1)
    (second,) = subject.queue.receive(10, 30)

    assert (second.body, second.receive_count) == (BODY, 2)
    assert second.receipt != first.receipt
    assert second.sent_at == first.sent_at


def test_forgets_a_deleted_message(subject: Subject) -> None:
    subject.queue.send(BODY)
    (message,) = subject.queue.receive(10, 1)

    subject.queue.delete(message.receipt)

    subject.pass_time(1.1)
    assert subject.queue.receive(10, 30) == []


@twins_only
def test_a_stale_receipt_does_nothing(subject: Subject) -> None:
    subject.queue.send(BODY)
    (first,) = subject.queue.receive(10, 1)
    subject.pass_time(1.1)
    (second,) = subject.queue.receive(10, 30)

    subject.queue.delete(first.receipt)
    subject.queue.change_visibility(first.receipt, 0)

    assert subject.queue.receive(10, 30) == []
    assert subject.queue.counts() == QueueCounts(visible=0, in_flight=1, dead=0)
    subject.queue.delete(second.receipt)
    assert subject.queue.counts() == QueueCounts(visible=0, in_flight=0, dead=0)


def test_a_stale_receipt_harms_no_other_message_and_is_no_error(subject: Subject) -> None:
    subject.queue.send(BODY)
    (first,) = subject.queue.receive(10, 1)
    subject.pass_time(1.1)
    subject.queue.receive(10, 30)
    subject.queue.send(b"other")

    subject.queue.change_visibility(first.receipt, 20)
    subject.queue.delete(first.receipt)

    (other,) = subject.queue.receive(10, 30)
    assert other.body == b"other"


@pytest.mark.parametrize("receipt", ["", "never-given", "' OR 1=1 --"])
def test_an_unknown_receipt_does_nothing(subject: Subject, receipt: str) -> None:
    subject.queue.send(BODY)

    subject.queue.delete(receipt)
    subject.queue.change_visibility(receipt, 10)

    assert subject.queue.counts().visible == 1


def test_deleting_twice_does_nothing_more(subject: Subject) -> None:
    subject.queue.send(BODY)
    (message,) = subject.queue.receive(1, 30)
    subject.queue.delete(message.receipt)
    subject.queue.send(BODY)

    subject.queue.delete(message.receipt)
    subject.queue.change_visibility(message.receipt, 30)

    assert subject.queue.counts() == QueueCounts(visible=1, in_flight=0, dead=0)


@twins_only
def test_the_twins_of_sqs_say_whether_a_receipt_counted(subject: Subject) -> None:
    subject.queue.send(BODY)
    (message,) = subject.queue.receive(10, 30)

    assert subject.queue.change_visibility(message.receipt, 20)
    assert subject.queue.delete(message.receipt)

    assert not subject.queue.change_visibility(message.receipt, 20)
    assert not subject.queue.delete(message.receipt)


def test_a_heartbeat_keeps_a_message_hidden(subject: Subject) -> None:
    subject.queue.send(BODY)
    (message,) = subject.queue.receive(10, 1)

    subject.queue.change_visibility(message.receipt, 60)

    subject.pass_time(1.1)
    assert subject.queue.receive(10, 30) == []


def test_a_message_given_back_can_be_received_at_once(subject: Subject) -> None:
    subject.queue.send(BODY)
    (message,) = subject.queue.receive(10, 60)

    subject.queue.change_visibility(message.receipt, 0)

    (again,) = subject.queue.receive(10, 60)
    assert again.receive_count == 2


def test_a_message_received_too_often_becomes_a_dead_letter(subject: Subject) -> None:
    subject.queue.send(BODY)
    for _ in range(MAX_RECEIVES):
        (message,) = subject.queue.receive(10, 60)
        subject.queue.change_visibility(message.receipt, 0)

    assert subject.queue.receive(10, 60) == []

    assert subject.queue.counts() == QueueCounts(visible=0, in_flight=0, dead=1)
    assert subject.dead_letters() == [BODY]
    assert subject.queue.receive(10, 60) == []


def test_counts_what_is_visible_and_in_flight(subject: Subject) -> None:
    for _ in range(3):
        subject.queue.send(BODY)
    subject.queue.receive(1, 60)

    assert subject.queue.counts() == QueueCounts(visible=2, in_flight=1, dead=0)


@twins_only
def test_purge_drops_everything(subject: Subject) -> None:
    for _ in range(3):
        subject.queue.send(BODY)
    subject.queue.receive(1, 60)

    subject.queue.purge()

    assert subject.queue.counts() == QueueCounts(visible=0, in_flight=0, dead=0)


@pytest.mark.parametrize(("limit", "visibility_s"), [(0, 30), (-1, 30), (1, -1), (1, 43_201)])
def test_refuses_numbers_that_sqs_refuses(subject: Subject, limit: int, visibility_s: float) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        subject.queue.receive(limit, visibility_s)


@dataclass(frozen=True)
class Sender:
    """A port to send by, and a way to read what arrived."""

    port: Any
    arrived: Callable[[], list[bytes]]


@pytest.fixture(params=["sqlite", "sqs", "memory"])
def sender(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sender]:
    if request.param == "sqs":
        made = running_localstack().new_queue()
        queue_there = SqsQueue(aws_clients(monkeypatch).sqs(), name=made.name)
        yield Sender(SqsViolationQueue(queue_there), lambda: running_localstack().bodies(made.name))
        return
    if request.param == "memory":
        fake = MemoryViolationQueue()
        yield Sender(fake, lambda: fake.sent)
        return
    queue = SqliteQueue(tmp_path / "queue.db")
    yield Sender(LocalViolationQueue(queue), lambda: [message.body for message in queue.receive(10, 60)])
    queue.close()


def test_the_port_for_violations_sends_the_message_each_time(sender: Sender) -> None:
    sender.port.send(BODY, "0" * 32, "opened")
    sender.port.send(BODY, "0" * 32, "opened")

    assert sender.arrived() == [BODY, BODY]
