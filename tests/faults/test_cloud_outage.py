"""S3 and SQS that are away, stall, break off, storm with 503 and deliver as they like: nothing is lost or doubled."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from services.agent.adapters.s3_evidence_store import S3EvidenceStore
from services.agent.adapters.s3_report_store import S3ReportStore
from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.adapters.sql_schema import metadata
from services.agent.adapters.sqs_violation_inbox import SqsViolationInbox
from services.agent.application.consumer import Consumer
from services.agent.application.ports import EvidenceStore, ReportStore, ViolationInbox
from services.agent.application.process_violation import Desk
from services.agent.domain.recipients import Recipient
from services.detection.adapters.disk_spool import DiskSpool
from services.detection.adapters.sqs_violation_queue import SqsViolationQueue
from services.detection.application.courier import Courier
from shared.aws.clients import AwsClients, Deadlines
from shared.aws.s3_object_store import S3ObjectStore
from shared.aws.sqs_queue import SqsQueue
from shared.errors import TransientError
from shared.object_keys import event_key
from shared.regulations.table import shipped_table
from tests import agent_builders as make
from tests.fakes.memory_stores import MemoryEvidenceStore, MemoryInbox, MemoryReportStore
from tests.fakes.reporting import FakeRenderer, FakeWriter, SystemClock
from tests.fakes.unruly_inbox import UnrulyInbox
from tests.faults.courier_process import bodies, picture
from tests.servers.databases import ready_database
from tests.servers.localstack import LocalStack, aws_clients, running_localstack
from tests.servers.storm import Storm
from tests.servers.tcp_proxy import TcpProxy

COUNT = 6
IMPATIENT = Deadlines(connect_s=1.0, read_s=1.0)
ANNA = "anna@site.example"


def until(true: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass(frozen=True)
class Outpost:
    """Detection's last mile: what was accepted, and the courier that carries it through a bad line."""

    localstack: LocalStack
    bucket: str
    queue: str
    spool: DiskSpool
    courier: Courier

    def accept(self, numbers: range) -> None:
        for number in numbers:
            for phase, body in bodies(number).items():
                self.spool.accept(
                    body, f"{number:032x}", phase, picture(number) if phase == "opened" else None
                )

    def check_all_arrived(self) -> None:
        """Every message on the queue (twice is allowed), every object in the bucket, nothing in the spool."""
        sent = {body for number in range(2 * COUNT) for body in bodies(number).values()}
        assert set(self.localstack.bodies(self.queue)) == sent
        assert self.localstack.s3.list_objects_v2(Bucket=self.bucket)["KeyCount"] == 6 * COUNT
        assert not self.spool.pending()


@pytest.fixture
def outpost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Outpost]]:
    """Build one whose cloud is at a port."""
    spool = DiskSpool(tmp_path / "spool", SystemClock())

    def build(port: int) -> Outpost:
        localstack = running_localstack()
        clients = aws_clients(monkeypatch, port, IMPATIENT)
        bucket, queue = localstack.new_bucket(), localstack.new_queue().name
        store = S3ObjectStore(clients.s3(), bucket, retention="evidence")
        sender = SqsViolationQueue(SqsQueue(clients.sqs(), name=queue))
        courier = Courier(spool, store, sender, pause=lambda failed: 0.1 if failed else 0.02)
        return Outpost(localstack, bucket, queue, spool, courier)

    yield build
    spool.close()


def test_a_cloud_that_stalls_then_breaks_off_gets_all_when_it_is_back(
    outpost: Callable[[int], Outpost],
) -> None:
    with TcpProxy(running_localstack().port) as line:
        site = outpost(line.port)
        site.accept(range(COUNT))
        site.courier.start()
        until(lambda: site.courier.status.delivered >= 2)
        line.stall()
        until(lambda: site.courier.status.failures >= 2)
        site.accept(range(COUNT, 2 * COUNT))  # detection goes on
        line.resume()
        line.cut()
        until(lambda: not site.spool.pending())
        assert site.courier.stop(10) == 0
        assert (site.courier.status.problem, site.courier.status.quarantined) == ("", 0)
        site.check_all_arrived()


def test_a_cloud_that_is_not_there_at_start_gets_all_when_it_comes(
    outpost: Callable[[int], Outpost],
) -> None:
    line = TcpProxy(running_localstack().port)
    site = outpost(line.port)
    site.accept(range(2 * COUNT))
    site.courier.start()
    until(lambda: site.courier.status.failures >= 3)
    assert "cannot be reached" in site.courier.status.problem
    assert site.courier.status.delivered == 0
    with line:
        until(lambda: not site.spool.pending())
        assert site.courier.stop(10) == 0
        site.check_all_arrived()


def test_a_storm_of_503_is_weathered(outpost: Callable[[int], Outpost]) -> None:
    with Storm(running_localstack().port) as storm:
        site = outpost(storm.port)
        site.accept(range(2 * COUNT))
        storm.raging = True
        site.courier.start()
        until(lambda: storm.refused >= 20)
        assert "it asks for fewer requests" in site.courier.status.problem
        storm.raging = False
        until(lambda: not site.spool.pending())
        assert site.courier.stop(10) == 0
        site.check_all_arrived()


class Office:
    """The agent's work on an inbox and stores, with pages and words that cost nothing."""

    def __init__(
        self, database: Database, inbox: ViolationInbox, evidence: EvidenceStore, reports: ReportStore
    ) -> None:
        self.database = database
        desk = Desk(
            repository=SqlReportRepository(database),
            evidence=evidence,
            reports=reports,
            writer=FakeWriter(),
            renderer=FakeRenderer(),
            clock=SystemClock(),
            table=shipped_table(),
            recipients=(Recipient(ANNA),),
            lease_s=2.0,
        )
        self.consumer = Consumer(inbox, desk, wait_s=0.2)

    def rows(self, table: str) -> int:
        with self.database.read() as db:
            found: int = db.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()
            return found

    def done(self) -> int:
        claims = metadata.tables["claims"]
        with self.database.read() as db:
            found: int = db.execute(
                select(func.count()).select_from(claims).where(claims.c.state == "done")
            ).scalar_one()
            return found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = ready_database("sqlite", tmp_path)
    yield made
    made.close()


def test_an_agent_whose_cloud_stalls_and_breaks_off_makes_each_report_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    localstack = running_localstack()
    evidence, reports, queue = localstack.new_bucket(), localstack.new_bucket(), localstack.new_queue()
    fill(S3ObjectStore(aws_clients(monkeypatch).s3(), evidence, retention="evidence"))
    direct = SqsQueue(aws_clients(monkeypatch).sqs(), name=queue.name)
    for number in range(1, COUNT + 1):
        direct.send(make.body(number))
        direct.send(make.closed_body(number))
    with TcpProxy(localstack.port) as line:
        office = cloud_office(
            database, aws_clients(monkeypatch, line.port, IMPATIENT), evidence, reports, queue.name
        )
        stop = threading.Event()
        thread = threading.Thread(target=office.consumer.run, args=(stop,))
        thread.start()
        until(lambda: office.done() >= 2)
        line.stall()
        time.sleep(2.0)
        line.resume()
        line.cut()
        until(lambda: office.done() == 2 * COUNT)
        until(lambda: direct.counts().visible + direct.counts().in_flight == 0)
        stop.set()
        thread.join()
    assert (office.rows("violations"), office.rows("outbox"), office.rows("quarantine")) == (COUNT, COUNT, 0)
    assert localstack.s3.list_objects_v2(Bucket=reports)["KeyCount"] == COUNT
    assert direct.counts().dead == 0


def fill(store: S3ObjectStore) -> None:
    for number in range(1, COUNT + 1):
        message, body = make.opened_message(number), make.body(number)
        store.put(make.opened(number).evidence.key, make.PICTURE, "image/jpeg")
        store.put(event_key(message, body), body, "application/json")


def cloud_office(database: Database, clients: AwsClients, evidence: str, reports: str, queue: str) -> Office:
    client = clients.s3()
    return Office(
        database,
        SqsViolationInbox(SqsQueue(clients.sqs(), name=queue)),
        S3EvidenceStore(S3ObjectStore(client, evidence, retention="evidence")),
        S3ReportStore(S3ObjectStore(client, reports, retention="report")),
    )


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_messages_that_come_twice_late_and_after_their_deletion_have_one_effect(
    database: Database, share: float
) -> None:
    count = 40
    evidence = MemoryEvidenceStore()
    for number in range(1, count + 1):
        evidence.objects[make.opened(number).evidence.key] = make.PICTURE
    inbox = UnrulyInbox(MemoryInbox(), share)
    office = Office(database, inbox, evidence, MemoryReportStore())
    for number in range(1, count + 1):
        inbox.send(make.body(number))
        inbox.send(make.closed_body(number))
    work_until_empty(office)
    assert min(inbox.twice, inbox.late, inbox.returned) > 0
    assert (office.rows("violations"), office.rows("outbox"), office.rows("quarantine")) == (count, count, 0)
    assert office.done() == 2 * count


def work_until_empty(office: Office) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(TransientError):
            if not office.consumer.step(0.0):
                return
    raise AssertionError("it never came to rest")
