"""A running agent mails to whom the site file names now, not to whom it named at the start."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.agent.bootstrap import build_agent
from services.agent.settings import AgentSettings
from shared.config.settings import read_settings
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from tests import agent_builders as make
from tests.fakes.reporting import FakeRenderer, FakeWriter

SITE = (Path(__file__).parents[2] / "fixtures" / "site.yaml").read_text("utf-8")
BEFORE, AFTER = "safety@example.org", "night.shift@example.org"


def test_a_changed_site_file_changes_who_gets_the_next_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, site = tmp_path / "data", tmp_path / "site.yaml"
    site.write_text(SITE)
    for name in ("MAIL_TO", "MAIL_TRANSPORT", "DATABASE_URL", "STORE", "QUEUE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(data))
    monkeypatch.setenv("SITE_FILE", str(site))
    store, queue = FolderStore(data), SqliteQueue(data / "queue.db")
    for number in (1, 2):
        store.put(make.opened(number).evidence.key, make.PICTURE, "image/jpeg")
    agent = build_agent(read_settings(AgentSettings), writer=FakeWriter(), renderer=FakeRenderer())
    stop = threading.Event()
    thread = threading.Thread(target=agent.run, args=(stop,), daemon=True)
    thread.start()

    queue.send(make.body(1))
    until(lambda: mails_to(data, BEFORE) == 1)
    site.write_text(SITE.replace(BEFORE, AFTER))
    time.sleep(2.5)  # the file is looked at about once a second
    queue.send(make.body(2))
    until(lambda: mails_to(data, AFTER) == 1)
    assert mails_to(data, BEFORE) == 1

    stop.set()
    thread.join()
    queue.close()


def mails_to(data: Path, address: str) -> int:
    return sum(f"To: {address}" in mail.read_text("utf-8") for mail in (data / "mail").glob("*.eml"))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
