"""A real Postgres that is killed, comes back, and drops connections in the middle of a commit."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_migrations import migrate
from services.agent.adapters.sql_outbox import SqlOutbox
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.adapters.sql_schema import metadata
from services.agent.application.consumer import Consumer
from services.agent.application.process_violation import Desk
from services.agent.domain.recipients import Recipient
from services.agent.domain.work_claim import Claim, Finished
from shared.errors import TransientError
from shared.regulations.table import shipped_table
from tests import agent_builders as make
from tests.fakes.memory_stores import MemoryEvidenceStore, MemoryInbox, MemoryReportStore
from tests.fakes.reporting import FakeRenderer, FakeWriter, SystemClock
from tests.servers.postgres import PostgresServer
from tests.servers.tcp_proxy import TcpProxy

ANNA = "anna@site.example"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    made = PostgresServer()
    made.start()
    yield made
    made.remove()


class Office:
    def __init__(self, database: Database) -> None:
        self.database, self.inbox = database, MemoryInbox()
        self.repository, self.outbox = SqlReportRepository(database), SqlOutbox(database)
        self.evidence, self.writer = MemoryEvidenceStore(), FakeWriter()
        for number in range(1, 6):
            self.evidence.objects[make.opened(number).evidence.key] = make.PICTURE
        desk = Desk(
            repository=self.repository,
            evidence=self.evidence,
            reports=MemoryReportStore(),
            writer=self.writer,
            renderer=FakeRenderer(),
            clock=SystemClock(),
            table=shipped_table(),
            recipients=(Recipient(ANNA),),
            lease_s=2.0,
        )
        self.consumer = Consumer(self.inbox, desk)

    def rows(self, table: str) -> int:
        with self.database.read() as db:
            found: int = db.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()
            return found


def until(true: Callable[[], bool], timeout_s: float = 30.0) -> float:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < timeout_s
        time.sleep(0.05)
    return time.monotonic() - began


def test_work_stands_still_while_the_server_is_gone_and_goes_on_within_fifteen_seconds(
    server: PostgresServer, tmp_path: Path
) -> None:
    database = Database(server.new_database())
    migrate(database)
    office, stop = Office(database), threading.Event()
    office.writer.before = server.kill
    office.inbox.send(make.body(1))
    office.inbox.send(make.body(2))
    thread = threading.Thread(target=office.consumer.run, args=(stop,), daemon=True)
    thread.start()
    until(lambda: len(office.writer.briefs) == 1)
    time.sleep(3.0)
    receives = [message.receives for message in office.inbox.messages]
    office.writer.before = lambda: None
    server.start()
    took_s = until(lambda: office.inbox.messages == [])
    stop.set()
    thread.join()
    assert receives == [1, 0]
    assert took_s < 15
    assert (office.rows("violations"), office.rows("outbox"), office.rows("quarantine")) == (2, 2, 0)
    database.close()


def test_a_commit_whose_answer_got_lost_is_looked_up_before_anything_is_done_again(
    server: PostgresServer,
) -> None:
    url = server.new_database()
    migrate(Database(url))
    with TcpProxy(server.port) as proxy:
        office = Office(Database(url.replace(str(server.port), str(proxy.port))))
        direct = SqlReportRepository(Database(url))
        claim = office.repository.claim(make.opened_message(), make.body(), 30)
        assert isinstance(claim, Claim)
        direct.commit_report(claim, make.filed(), [ANNA], mails_presumed_sent=False)
        proxy.cut()  # the commit took effect, its answer never came
        office.inbox.send(make.body())
        assert _step(office)
        assert office.inbox.messages == []
        assert isinstance(office.repository.claim(make.opened_message(), make.body(), 30), Finished)
        assert (office.rows("violations"), office.rows("outbox"), len(office.writer.briefs)) == (1, 1, 0)


def test_a_server_that_accepts_and_says_nothing_is_given_up_in_time(server: PostgresServer) -> None:
    with TcpProxy(server.port) as proxy:
        proxy.stall()
        database = Database(f"postgresql://officer@127.0.0.1:{proxy.port}/postgres")
        began = time.monotonic()
        with pytest.raises(TransientError):
            SqlReportRepository(database).ping()
        assert time.monotonic() - began < 10


def _step(office: Office) -> bool:
    """One message, over whatever the cut has left of the connections."""
    for _ in range(5):
        try:
            return office.consumer.step(0.0)
        except TransientError:
            time.sleep(2.1)
    return False


def test_a_host_that_vanishes_with_a_query_under_way_is_given_up_after_15_s(server: PostgresServer) -> None:
    """To cut the line takes a network of its own; the kernel's own answer for the real connection stands for it."""
    database = Database(server.new_database())
    with database.read() as db:
        number = os.dup(cast("Any", db.connection.dbapi_connection).fileno())
        with socket.socket(fileno=number) as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
    database.close()
