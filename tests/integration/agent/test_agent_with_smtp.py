"""The whole agent as it is shipped, with real pages, over a real mail server; the checker of the fault tests judges."""

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from services.agent.bootstrap import build_agent
from services.agent.settings import AgentSettings
from shared.config.settings import read_settings
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from shared.object_keys import event_key
from tests import agent_builders as make
from tests.faults.checker import Delivered, problems
from tests.servers.smtp import SmtpServer

ANNA, BEN = "anna@site.example", "ben@site.example"
PASSWORD = "s3cret-pass-phrase"
SITE_FILE = Path(__file__).parents[2] / "fixtures" / "site.yaml"


def test_reports_mails_and_a_digest_reach_every_recipient_and_no_secret_is_left_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    store, queue = FolderStore(data), SqliteQueue(data / "queue.db")
    for number in (1, 2, 3):
        message, body = make.opened_message(number), make.body(number)
        store.put(make.opened(number).evidence.key, make.PICTURE, "image/jpeg")
        store.put(event_key(message, body), body, "application/json")
        queue.send(body)
        queue.send(body)
    with SmtpServer(security="starttls", login=("officer", PASSWORD)) as server:
        server.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        environment = {
            "DATA_DIR": str(data),
            "SITE_FILE": str(SITE_FILE),
            "MAIL_TO": f"{ANNA},{BEN}",
            "MAIL_TRANSPORT": "smtp",
            "MAIL_FROM": "officer@site.example",
            "MAIL_CAP_PER_HOUR": "2",
            "SMTP_HOST": "localhost",
            "SMTP_PORT": str(server.port),
            "SMTP_USER": "officer",
            "SMTP_PASSWORD": PASSWORD,
            "SMTP_CA_FILE": str(tmp_path / "ca.pem"),
        }
        for name in [name for name in os.environ if name.startswith(("MAIL_", "SMTP_", "LLM_"))]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        _run_until(data, queue)
        mails = [Delivered(taken.recipients[0], taken.content) for taken in server.taken]
    assert problems(data, (ANNA, BEN), mails, secrets=(PASSWORD,)) == []
    assert (
        sum(b"X-Violation-Id" in mail.content for mail in mails) == 6
    )  # two for each alone, one digest for each


def _run_until(data: Path, queue: SqliteQueue) -> None:
    agent, stop = build_agent(read_settings(AgentSettings)), threading.Event()
    thread = threading.Thread(target=agent.run, args=(stop,), daemon=True)
    thread.start()
    deadline = time.monotonic() + 40
    while queue.counts().visible + queue.counts().in_flight or _due(data):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    stop.set()
    thread.join()


def _due(data: Path) -> int:
    database = sqlite3.connect(data / "officer.db")
    found: int = database.execute(
        "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')"
    ).fetchone()[0]
    database.close()
    return found
