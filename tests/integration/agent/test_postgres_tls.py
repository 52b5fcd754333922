"""Postgres over TLS whose certificate and name are verified, as Amazon RDS is used."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from sqlalchemy import text

from services.agent.adapters.sql_database import Database
from services.agent.settings import AgentSettings
from shared.config.settings import read_settings
from shared.errors import TransientError
from tests.servers.postgres import running_postgres
from tests.servers.tcp_proxy import TcpProxy

SSL_REQUEST_BYTES = 8
AUTHORITY = trustme.CA()
Start = Callable[[str], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give Postgres a certificate for a name, and tell the port."""
    with ExitStack() as proxies:

        def started(name: str) -> int:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            AUTHORITY.issue_cert(name).configure_cert(context)
            return proxies.enter_context(TcpProxy(running_postgres().port, context, agree_to_tls)).port

        yield started


def agree_to_tls(client: socket.socket) -> None:
    """https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL"""
    assert len(client.recv(SSL_REQUEST_BYTES, socket.MSG_WAITALL)) == SSL_REQUEST_BYTES
    client.sendall(b"S")


def database(
    monkeypatch: pytest.MonkeyPatch, folder: Path, port: int, authority: trustme.CA = AUTHORITY
) -> Database:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    environment = {
        "DATA_DIR": str(folder),
        "SITE_FILE": str(folder / "site.yaml"),
        "DB_HOST": "localhost",
        "DB_PORT": str(port),
        "DB_NAME": "postgres",
        "DB_USER": "officer",
        "DB_CA_FILE": str(folder / "ca.pem"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Database(read_settings(AgentSettings).database)


def ask(database: Database) -> None:
    with database.read() as db:
        assert db.execute(text("SELECT 1")).scalar_one() == 1
    database.close()


def test_a_server_whose_certificate_is_verified_is_used(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(database(monkeypatch, tmp_path, start("localhost")))


def test_a_certificate_of_another_authority_is_refused(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(TransientError, match="certificate verify failed"):
        ask(database(monkeypatch, tmp_path, start("localhost"), trustme.CA()))


def test_a_certificate_for_another_name_is_refused(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(TransientError, match="does not match host name"):
        ask(database(monkeypatch, tmp_path, start("db.elsewhere.example")))


def test_a_server_that_speaks_no_tls_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (
        TcpProxy(running_postgres().port, before_tls=refuse_tls) as proxy,
        pytest.raises(TransientError, match="does not support SSL"),
    ):
        ask(database(monkeypatch, tmp_path, proxy.port))


def refuse_tls(client: socket.socket) -> None:
    client.recv(SSL_REQUEST_BYTES, socket.MSG_WAITALL)
    client.sendall(b"N")
