"""The queue in a file when other processes, the clock or the file do not behave; and against its model."""

import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from shared.errors import ConfigurationError, TransientError
from shared.local.sqlite_queue import SqliteQueue
from shared.queues import MAX_VISIBILITY_S
from tests.fakes.clocks import ManualClock
from tests.fakes.memory_queue import MemoryQueue

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def test_a_restart_finds_the_messages_and_their_receipts(path: Path) -> None:
    queue = SqliteQueue(path)
    queue.send(b"held")
    queue.send(b"waiting")
    (held,) = queue.receive(1, 60)
    queue.close()

    again = SqliteQueue(path)

    assert [message.body for message in again.receive(10, 60)] == [b"waiting"]
    assert again.delete(held.receipt)


def test_gives_the_oldest_first(path: Path) -> None:
    queue = SqliteQueue(path)
    for number in range(5):
        queue.send(b"%d" % number)

    assert [message.body for message in queue.receive(10, 60)] == [b"0", b"1", b"2", b"3", b"4"]


def test_waits_for_a_message_that_comes_late(path: Path) -> None:
    queue, other = SqliteQueue(path), SqliteQueue(path)
    late = threading.Timer(0.3, other.send, [b"late"])
    late.start()

    began = time.monotonic()
    messages = queue.receive(10, 60, wait_s=10)

    assert [message.body for message in messages] == [b"late"]
    assert time.monotonic() - began < 5
    late.join()


def test_waits_no_longer_than_asked(path: Path) -> None:
    began = time.monotonic()

    assert SqliteQueue(path).receive(10, 60, wait_s=0.3) == []

    assert 0.25 < time.monotonic() - began < 3


def test_a_clock_that_was_set_back_hides_no_message_for_long(path: Path) -> None:
    clock = ManualClock()
    queue = SqliteQueue(path, now=clock)
    queue.send(b"m")
    queue.receive(10, 60)
    clock.advance(-MAX_VISIBILITY_S - 3600)

    assert [message.body for message in queue.receive(10, 60)] == [b"m"]


def test_leaves_other_tables_of_the_file_alone(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE violations (id TEXT)")
        db.execute("INSERT INTO violations VALUES ('v')")
    queue = SqliteQueue(path)
    queue.send(b"m")
    queue.purge()

    with sqlite3.connect(path) as db:
        assert db.execute("SELECT id FROM violations").fetchall() == [("v",)]


def test_names_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)

    with pytest.raises(
        ConfigurationError, match=r"queue file .*queue.db cannot be opened: file is not a database"
    ):
        SqliteQueue(path)


def test_a_file_that_somebody_holds_is_a_passing_fault(path: Path) -> None:
    queue = SqliteQueue(path, busy_timeout_s=0.1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(
        TransientError, match="database is locked; check free space, permissions and who else holds"
    ):
        queue.send(b"m")

    holder.execute("ROLLBACK")
    queue.send(b"m")
    assert queue.counts().visible == 1


def _work(path: Path, results: "Queue[bytes]", done: Event) -> None:
    queue = SqliteQueue(path)
    while not done.is_set():
        for message in queue.receive(3, 60, wait_s=0.1):
            results.put(message.body)
            queue.delete(message.receipt)


def _send(path: Path, name: int, count: int) -> None:
    queue = SqliteQueue(path)
    for number in range(count):
        queue.send(b"%d-%d" % (name, number))


def test_many_processes_at_once_lose_and_double_nothing(path: Path) -> None:
    results: Queue[bytes] = SPAWN.Queue()
    done = SPAWN.Event()
    senders = [SPAWN.Process(target=_send, args=(path, name, 50)) for name in range(2)]
    workers = [SPAWN.Process(target=_work, args=(path, results, done)) for _ in range(2)]
    for process in senders + workers:
        process.start()
    got = [results.get(timeout=60) for _ in range(100)]
    done.set()
    for process in senders + workers:
        process.join(60)

    assert sorted(got) == sorted(b"%d-%d" % (name, number) for name in range(2) for number in range(50))
    assert results.empty()
    counts = SqliteQueue(path).counts()
    assert (counts.visible, counts.in_flight, counts.dead) == (0, 0, 0)


def test_threads_may_share_an_instance(path: Path) -> None:
    queue = SqliteQueue(path)
    threads = [threading.Thread(target=lambda: [queue.send(b"m") for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(queue.receive(1000, 60)) == 80


def _hold(path: Path, holding: Event) -> None:
    queue = SqliteQueue(path)
    with queue._write() as db:
        db.execute("DELETE FROM queue_messages")
        holding.set()
        time.sleep(60)


def test_a_process_killed_within_a_write_changes_nothing(path: Path) -> None:
    queue = SqliteQueue(path)
    queue.send(b"m")
    holding = SPAWN.Event()
    process = SPAWN.Process(target=_hold, args=(path, holding))
    process.start()
    assert holding.wait(60)

    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)

    assert [message.body for message in queue.receive(10, 60)] == [b"m"]


class SameAsItsModel(RuleBasedStateMachine):
    """Whatever is done in whatever order, the queue in the file answers as the one in memory."""

    receipts = Bundle("receipts")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.real = SqliteQueue(Path(":memory:"), max_receives=2, now=self.clock)
        self.model = MemoryQueue(max_receives=2, now=self.clock)

    @rule(body=st.binary(max_size=20))
    def send(self, body: bytes) -> None:
        self.real.send(body)
        self.model.send(body)

    @rule(target=receipts, limit=st.integers(1, 3), visibility_s=st.sampled_from([0, 5, 60]))
    def receive(self, limit: int, visibility_s: float) -> tuple[str, str]:
        real, model = self.real.receive(limit, visibility_s), self.model.receive(limit, visibility_s)
        assert [(m.body, m.receive_count, m.sent_at) for m in real] == [
            (m.body, m.receive_count, m.sent_at) for m in model
        ]
        return (real[-1].receipt, model[-1].receipt) if real else ("none", "none")

    @rule(receipt=receipts)
    def delete(self, receipt: tuple[str, str]) -> None:
        assert self.real.delete(receipt[0]) == self.model.delete(receipt[1])

    @rule(receipt=receipts, visibility_s=st.sampled_from([0, 5, 60]))
    def change_visibility(self, receipt: tuple[str, str], visibility_s: float) -> None:
        changed = self.real.change_visibility(receipt[0], visibility_s)
        assert changed == self.model.change_visibility(receipt[1], visibility_s)

    @rule(seconds=st.sampled_from([1, 5, 61]))
    def pass_time(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def count_the_same(self) -> None:
        assert self.real.counts() == self.model.counts()
        assert self.real.dead_letters() == self.model.dead_letters()

    def teardown(self) -> None:
        self.real.close()


SameAsItsModel.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestSameAsItsModel = SameAsItsModel.TestCase
