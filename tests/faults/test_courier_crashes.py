"""Kill -9 at each of detection's crash points, start again: all that was accepted arrives, each object once.

The page cache survives a kill, so this says nothing about power cuts: see mounted_disks.py and test_flush_order.py.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from shared.contracts.violation import Opened, decode
from shared.crash_points import VARIABLE
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from tests.faults.courier_process import accept, bodies, carry, picture

COUNT = 3


def run_and_crash(folder: Path, crash_at: str) -> None:
    command = [sys.executable, "-m", "tests.faults.courier_process", str(folder), str(COUNT)]
    environment = {**os.environ, VARIABLE: crash_at}
    returncode = subprocess.run(command, env=environment, timeout=60, check=False).returncode
    assert returncode == -signal.SIGKILL, f"{crash_at} did not kill"


def accepted(folder: Path) -> set[bytes]:
    lines = (folder / "accepted").read_text().splitlines()
    return {bodies(int(number))[phase] for number, phase in map(str.split, lines)}


def arrived(folder: Path) -> set[bytes]:
    """The messages in the queue; store and spool must agree with them."""
    queue = SqliteQueue(folder / "queue.db")
    messages = {received.body for received in queue.receive(1000, 0)}
    queue.close()
    _assert_store_holds(folder, messages)
    assert list((folder / "spool" / "waiting").iterdir()) == []
    assert list((folder / "spool" / "quarantine").iterdir()) == []
    return messages


def _assert_store_holds(folder: Path, messages: set[bytes]) -> None:
    store = FolderStore(folder / "store")
    assert Counter(store.get(key) for key in store.list("events/")) == Counter(messages)
    facts = [data for data in (decode(body).data for body in messages) if isinstance(data, Opened)]
    assert sorted(store.list("evidence/")) == sorted(opened.evidence.key for opened in facts)
    for opened in facts:
        assert store.get(opened.evidence.key) == picture(int(opened.violation_id, 16)).jpeg


@pytest.mark.parametrize("at", [1, 4])
@pytest.mark.parametrize("point", ["D1", "D2", "D3", "D4", "D5", "D6"])
def test_killed_anywhere_all_that_was_accepted_arrives(tmp_path: Path, point: str, at: int) -> None:
    run_and_crash(tmp_path, f"{point}:{at}")

    carry(tmp_path)

    in_doubt = 1 if point == "D2" else 0  # killed when it was stored, before it was answered for
    assert accepted(tmp_path) <= arrived(tmp_path)
    assert len(arrived(tmp_path)) == len(accepted(tmp_path)) + in_doubt


def test_killed_again_and_again_all_arrives(tmp_path: Path) -> None:
    for crash_at in ("D2:3", "D6:1", "D5:2", "D3:2"):
        run_and_crash(tmp_path, crash_at)

    accept(tmp_path, COUNT)
    carry(tmp_path)

    assert arrived(tmp_path) == accepted(tmp_path)
    assert len(accepted(tmp_path)) == 2 * COUNT


def test_without_a_crash_each_message_is_sent_once_however_often_it_runs(tmp_path: Path) -> None:
    for _ in range(2):
        accept(tmp_path, COUNT)
        carry(tmp_path)

    queue = SqliteQueue(tmp_path / "queue.db")
    assert queue.counts().visible == 2 * COUNT
    queue.close()
