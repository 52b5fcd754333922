"""The health port of real services, asked over real HTTP."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.agent.adapters.prometheus_metrics import AgentMetrics
from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_migrations import migrate
from services.agent.bootstrap import WORK_LIMIT_S, build_agent
from services.agent.domain.draft import Written
from services.agent.domain.report import Brief
from services.agent.settings import AgentSettings
from shared.errors import ConfigurationError
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from shared.observability import health_port as port_module
from shared.observability.health import Health
from shared.observability.health_port import MAX_CLIENTS, health_port
from shared.observability.metrics import Metrics
from shared.version import VERSION
from tests import agent_builders as make
from tests.fakes.reporting import FakeRenderer
from tests.servers.postgres import PostgresServer
from tests.servers.rtsp import free_port

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"


class Clock:
    """Runs as the real one does, and jumps when told to."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


def ask(port: int, path: str, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def status(port: int, path: str) -> int:
    return ask(port, path)[0]


def document(port: int, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(port, path)[1])
    return found


def until(true: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def port() -> Iterator[int]:
    """Of a port whose service has one loop and one dependency, both well."""
    metrics = Metrics("detection", Health())
    metrics.health.loop("main", 60)
    metrics.health.dependency("store").up()
    number = free_port()
    with health_port(HOST, number, metrics):
        yield number


def test_each_page_answers(port: int) -> None:
    code, body, headers = ask(port, "/healthz")
    assert (code, json.loads(body)["alive"], headers["cache-control"]) == (200, True, "no-store")
    assert document(port, "/readyz")["dependencies"]["store"]["state"] == "up"
    code, body, headers = ask(port, "/metrics?name=x")
    assert (code, headers["content-type"].partition(";")[0]) == (200, "text/plain")
    assert b'officer_dependency_ready{dependency="store"} 1.0' in body


def test_head_is_answered_without_a_body(port: int) -> None:
    code, body, headers = ask(port, "/metrics", "HEAD")
    assert (code, body) == (200, b"")
    assert int(headers["content-length"]) > 1000


@pytest.mark.parametrize("path", ["/", "/healthz/x", "/../etc/passwd", "/health"])
def test_anything_else_is_not_found(port: int, path: str) -> None:
    assert status(port, path) == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed_through_it(port: int, method: str) -> None:
    assert ask(port, "/healthz", method)[0] == 501


def test_without_a_number_nothing_listens() -> None:
    before = threading.active_count()
    with health_port(HOST, None, Metrics("agent", Health())):
        assert threading.active_count() == before


def test_a_port_that_is_taken_is_told_with_what_to_do(port: int) -> None:
    with (
        pytest.raises(ConfigurationError, match=f"HEALTH_PORT {port} .*choose a free port"),
        health_port(HOST, port, Metrics("agent", Health())),
    ):
        pass


def test_the_port_is_free_again_afterwards() -> None:
    number = free_port()
    for _ in range(2):
        with health_port(HOST, number, Metrics("agent", Health())):
            assert status(number, "/healthz") == 200


def test_slow_clients_keep_nobody_else_waiting(port: int) -> None:
    """More of them than there is room for, each with a request that it never ends."""
    slow = [socket.create_connection((HOST, port)) for _ in range(MAX_CLIENTS + 10)]
    for client in slow:
        client.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
    began = time.monotonic()
    assert status(port, "/healthz") == 200
    assert time.monotonic() - began < 2
    for client in slow:
        client.close()


def test_a_client_that_drips_is_cut_off_in_the_end(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_module, "SLOW_CLIENT_S", 1.0)
    with socket.create_connection((HOST, port)) as client:
        began = time.monotonic()
        until(lambda: _cut_off(client), 5)
    assert time.monotonic() - began > 1


def _cut_off(client: socket.socket) -> bool:
    try:
        client.sendall(b"G")
    except OSError:
        return True
    return False


def test_a_client_that_goes_away_leaves_no_thread(port: int) -> None:
    before = threading.active_count()
    for _ in range(20):
        with socket.create_connection((HOST, port)) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\n")
    until(lambda: threading.active_count() <= before)


# --- the agent, with a real database ---


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    made = PostgresServer()
    made.start()
    yield made
    made.remove()


class PatientWriter:
    """Writes nothing until it may."""

    def __init__(self) -> None:
        self.asked, self.may = threading.Event(), threading.Event()

    def write(self, brief: Brief, picture: bytes) -> Written:
        from services.agent.adapters.template_report_writer import TemplateReportWriter

        self.asked.set()
        self.may.wait(60)
        return TemplateReportWriter().write(brief, picture)


@contextmanager
def agent_at_work(
    folder: Path, url: str, clock: Clock, writer: PatientWriter, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """A whole agent in this process; its health port."""
    for name in [name for name in os.environ if name.startswith(("MAIL_", "SMTP_", "LLM_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    settings = AgentSettings(
        data_dir=folder,
        site_file=ROOT / "tests" / "fixtures" / "site.yaml",
        database_url=url,
        mail_to=("anna@site.example",),
    )
    metrics, stop, number = AgentMetrics(Health(clock)), threading.Event(), free_port()
    with health_port(HOST, number, metrics):
        agent = build_agent(settings, metrics=metrics, writer=writer, renderer=FakeRenderer())
        thread = threading.Thread(target=agent.run, args=(stop, 5.0))
        thread.start()
        try:
            yield number
        finally:
            writer.may.set()
            stop.set()
            thread.join(20)


def put_message(folder: Path, number: int = 1) -> None:
    FolderStore(folder).put(make.opened(number).evidence.key, make.PICTURE, "image/jpeg")
    SqliteQueue(folder / "queue.db").send(make.body(number))


def test_a_loop_that_is_stuck_fails_the_health_check_and_turning_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, writer = Clock(), PatientWriter()
    with agent_at_work(tmp_path, f"sqlite:///{tmp_path / 'officer.db'}", clock, writer, monkeypatch) as port:
        put_message(tmp_path)
        assert writer.asked.wait(20)
        assert status(port, "/healthz") == 200
        clock.ahead_s = WORK_LIMIT_S + 1
        until(lambda: not document(port, "/healthz")["loops"]["consumer"]["alive"])
        until(lambda: document(port, "/healthz")["loops"]["main"]["alive"])
        assert status(port, "/healthz") == 503
        assert status(port, "/readyz") == 200
        writer.may.set()
        until(lambda: status(port, "/healthz") == 200)


def test_a_database_that_stops_makes_the_agent_not_ready_and_restarts_nothing(
    tmp_path: Path, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.new_database()
    migrate(Database(url))
    with agent_at_work(tmp_path, url, Clock(), PatientWriter(), monkeypatch) as port:
        until(lambda: document(port, "/readyz")["dependencies"]["queue"]["state"] == "up")
        assert status(port, "/readyz") == 200
        server.kill()
        until(lambda: status(port, "/readyz") == 503)
        told = document(port, "/readyz")["dependencies"]
        assert (told["database"]["state"], told["queue"]["state"]) == ("down", "up")
        assert "the database does not answer" in told["database"]["problem"]
        time.sleep(2)
        assert status(port, "/healthz") == 200
        since = document(port, "/readyz")["dependencies"]["database"]["since"]
        assert since == told["database"]["since"]
        server.start()
        until(lambda: status(port, "/readyz") == 200)


# --- as processes ---


@contextmanager
def service(name: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAIL_", "SMTP_", "LLM_"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", f"services.{name}"],
        cwd=ROOT,
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def healthcheck(name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"services.{name}", "healthcheck"]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def metrics_of(port: int) -> dict[str, float]:
    families = text_string_to_metric_families(ask(port, "/metrics")[1].decode())
    return {
        "".join(
            [sample.name, *(f" {name}={value}" for name, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_the_agent_does_is_measured_however_little_it_logs(tmp_path: Path) -> None:
    port = free_port()
    put_message(tmp_path)
    with service(
        "agent",
        DATA_DIR=str(tmp_path),
        SITE_FILE=str(ROOT / "tests" / "fixtures" / "site.yaml"),
        MAIL_TO="anna@site.example",
        LOG_LEVEL="error",
        HEALTH_PORT=str(port),
    ) as agent:
        until(lambda: (tmp_path / "mail").is_dir() and bool(list((tmp_path / "mail").glob("*.eml"))), 60)
        until(lambda: metrics_of(port).get("officer_mails_total kind=report outcome=sent") == 1)
        until(lambda: metrics_of(port).get("officer_queue_messages state=waiting") == 0)
        found = metrics_of(port)
        agent.terminate()
        assert agent.communicate(timeout=60)[0] == ""
    assert found["officer_reports_total fallback=no severity=high writer=template"] == 1
    assert found["officer_queue_wait_seconds_count"] == 1
    assert found["officer_violation_to_mail_seconds_count"] == 1
    assert found["officer_build_info service=agent version=" + VERSION] == 1
    assert found["process_resident_memory_bytes"] > 10_000_000


@pytest.mark.parametrize("name", ["detection", "agent"])
def test_the_health_check_of_a_service_that_does_not_run_fails(name: str) -> None:
    done = healthcheck(name, HEALTH_PORT=str(free_port()))
    assert (done.returncode, "nobody answers" in done.stderr) == (1, True)


def test_the_health_check_without_a_port_says_what_to_set() -> None:
    done = healthcheck("agent", HEALTH_PORT="")
    assert (done.returncode, "HEALTH_PORT" in done.stderr) == (1, True)


def test_an_agent_waits_for_its_database_and_then_for_its_tables_and_lives_meanwhile(tmp_path: Path) -> None:
    """Started first of all: Postgres comes later, and `migrate` after that."""
    late = PostgresServer()
    port = free_port()
    settings = {
        "DATA_DIR": str(tmp_path),
        "SITE_FILE": str(ROOT / "tests" / "fixtures" / "site.yaml"),
        "DATABASE_URL": f"postgresql://officer@127.0.0.1:{late.port}/postgres",
        "HEALTH_PORT": str(port),
        "HEALTH_HOST": "0.0.0.0",  # noqa: S104 - as in a container
    }
    try:
        with service("agent", **settings) as agent:
            until(lambda: healthcheck("agent", **settings).returncode == 0, 60)
            until(lambda: document(port, "/readyz")["dependencies"]["database"]["state"] == "down")
            assert agent.poll() is None
            late.start()
            until(lambda: "migrate" in document(port, "/readyz")["dependencies"]["database"]["problem"], 60)
            migrated = subprocess.run(
                [sys.executable, "-m", "services.agent", "migrate"],
                cwd=ROOT,
                env={**os.environ, **settings},
                check=False,
                capture_output=True,
            )
            assert migrated.returncode == 0
            until(lambda: status(port, "/readyz") == 200, 60)
            agent.terminate()
            lines = [json.loads(line) for line in agent.communicate(timeout=60)[0].splitlines()]
        assert agent.returncode == 0
    finally:
        late.remove()
    waits = [line["next_try_s"] for line in lines if line["event"] == "database.awaited"]
    assert waits[:2] == [1.0, 2.0]
    assert sorted(waits) == waits


def test_an_agent_that_waits_for_its_database_stops_when_it_is_told_to(tmp_path: Path) -> None:
    settings = {
        "DATA_DIR": str(tmp_path),
        "SITE_FILE": str(ROOT / "tests" / "fixtures" / "site.yaml"),
        "DATABASE_URL": f"postgresql://officer@127.0.0.1:{free_port()}/postgres",
    }
    with service("agent", **settings) as agent:
        assert agent.stdout
        while "database.awaited" not in (line := agent.stdout.readline()):
            assert line
        agent.terminate()
        assert agent.wait(10) == 0
