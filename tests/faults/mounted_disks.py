"""Real file systems that lose power, are full or read-only. Needs root and loop devices, so it runs only when named:

    sudo .venv/bin/pytest tests/faults/mounted_disks.py

A power cut is made on an ext4 in a file: what the kernel has not written to that file yet is lost when the file is
copied and the copy is mounted. Its disk obeys flushes, which not every disk does.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.detection.adapters.disk_spool import DiskSpool
from services.detection.adapters.local_violation_queue import LocalViolationQueue
from services.detection.application.courier import Courier
from services.detection.application.ports import Picture
from shared.errors import TransientError
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from tests.fakes.clocks import ManualClock
from tests.faults.courier_process import bodies, picture

ID = f"{1:032x}"
KEY = "events/2026/a.json"


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", *arguments, str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(64_000_000)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    with mounted(tmp_path / "disk", "-o", "loop,commit=600", str(image)) as folder:
        yield folder


@contextmanager
def after_power_cut(disk: Path) -> Iterator[Path]:
    """What would be on *disk* had the power gone now."""
    copy = disk.with_name("copy.img")
    copy.write_bytes(disk.with_suffix(".img").read_bytes())
    with mounted(disk.with_name("copy"), "-o", "loop", str(copy)) as folder:
        yield folder


def test_this_power_cut_loses_what_was_not_flushed(disk: Path) -> None:
    """Else the tests below could not fail."""
    (disk / "file").write_bytes(b"x" * 5000)

    with after_power_cut(disk) as remains:
        assert not (remains / "file").exists() or (remains / "file").stat().st_size == 0


def test_an_accepted_violation_survives(disk: Path) -> None:
    spool = DiskSpool(disk / "spool", ManualClock())
    spool.accept(bodies(1)["opened"], ID, "opened", picture(1))

    with after_power_cut(disk) as remains:
        again = DiskSpool(remains / "spool", ManualClock())
        (entry,) = again.pending()
        again.close()
    spool.close()
    assert (entry.message, entry.jpeg) == (bodies(1)["opened"], picture(1).jpeg)


def test_a_stored_object_survives(disk: Path) -> None:
    FolderStore(disk / "store").put(KEY, b"{}", "application/json")

    with after_power_cut(disk) as remains:
        assert FolderStore(remains / "store").get(KEY) == b"{}"


def test_a_sent_message_survives(disk: Path) -> None:
    queue = SqliteQueue(disk / "queue.db")
    queue.send(b"m")

    with after_power_cut(disk) as remains:
        again = SqliteQueue(remains / "queue.db")
        (message,) = again.receive(10, 60)
        again.close()
    queue.close()
    assert message.body == b"m"


def test_a_delivered_violation_survives_in_store_and_queue(disk: Path) -> None:
    spool = DiskSpool(disk / "spool", ManualClock())
    queue = SqliteQueue(disk / "queue.db")
    spool.accept(bodies(1)["opened"], ID, "opened", picture(1))
    assert Courier(spool, FolderStore(disk / "store"), LocalViolationQueue(queue)).deliver_pending()

    with after_power_cut(disk) as remains:
        store = FolderStore(remains / "store")
        stored = {store.get(key) for key in store.list()}
        again = SqliteQueue(remains / "queue.db")
        (message,) = again.receive(10, 60)
        again.close()
    queue.close()
    spool.close()
    assert stored == {bodies(1)["opened"], picture(1).jpeg}
    assert message.body == bodies(1)["opened"]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as folder:
        yield folder


def big() -> Picture:
    return Picture(b"x" * 300_000, "a" * 64, 16, 16)


def test_a_full_disk_refuses_and_recovers(small: Path) -> None:
    spool = DiskSpool(small / "spool", ManualClock())
    for number in range(3):
        spool.accept(b"m", f"{number:032x}", "opened", big())

    with pytest.raises(TransientError, match="takes nothing: No space left on device"):
        spool.accept(b"m", f"{3:032x}", "opened", big())

    assert len(list(spool.pending())) == 3
    assert list((small / "spool" / "unfinished").iterdir()) == []
    spool.settle(spool.pending()[0])
    assert spool.accept(b"m", "f" * 32, "opened", big())
    spool.close()


def test_a_full_disk_refuses_objects_and_messages(small: Path) -> None:
    store, queue = FolderStore(small / "store"), SqliteQueue(small / "queue.db")
    (small / "ballast").write_bytes(b"x" * 900_000)

    with pytest.raises(TransientError, match="No space left on device"):
        store.put(KEY, b"x" * 300_000, "application/json")
    with pytest.raises(TransientError, match="database or disk is full"):
        queue.send(b"x" * 300_000)
    assert not store.exists(KEY)

    (small / "ballast").unlink()
    store.put(KEY, b"x" * 100_000, "application/json")
    queue.send(b"m")
    assert [message.body for message in queue.receive(10, 60)] == [b"m"]
    queue.close()


def test_a_read_only_disk_refuses_and_recovers(small: Path) -> None:
    spool, store = DiskSpool(small / "spool", ManualClock()), FolderStore(small / "store")
    spool.close()  # the lock file is open for writing, and the kernel would not let the disk become read-only
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)

    with pytest.raises(TransientError, match="takes nothing: Read-only file system"):
        spool.accept(b"m", ID, "opened", big())
    with pytest.raises(TransientError, match="Read-only file system"):
        store.put(KEY, b"{}", "application/json")

    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    assert spool.accept(b"m", ID, "opened", big())
    store.put(KEY, b"{}", "application/json")
