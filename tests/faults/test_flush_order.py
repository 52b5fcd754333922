"""What reaches the disk before what, so that a power cut finds nothing half done.

This watches the calls. That they are enough is shown on a real file system in mounted_disks.py, which needs root.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.detection.adapters.disk_spool import DiskSpool
from services.detection.application.ports import Picture
from shared.local.folder_store import FolderStore
from tests.fakes.clocks import ManualClock

Call = tuple[str, str]
PICTURE = Picture(jpeg=b"\xff\xd8 picture", sha256="a" * 64, width=16, height=16)


class Recorder:
    """Writes down flushes and moves under a folder, by path relative to it, while they go on as ever."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.calls: list[Call] = []

    def flush(self, descriptor: int) -> None:
        self._note("flush", Path(f"/proc/self/fd/{descriptor}").readlink())
        self._fsync(descriptor)

    def rename(self, source: Any, target: Any, **options: Any) -> None:
        self._note("move", Path(target))
        self._rename(source, target, **options)

    def link(self, source: Any, target: Any, **options: Any) -> None:
        self._note("move", Path(target))
        self._link(source, target, **options)

    def _note(self, what: str, path: Path) -> None:
        self.calls.append((what, path.relative_to(self._root).as_posix()))

    _fsync, _rename, _link = staticmethod(os.fsync), staticmethod(os.rename), staticmethod(os.link)


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path)
    monkeypatch.setattr(os, "fsync", recorder.flush)
    monkeypatch.setattr(os, "rename", recorder.rename)
    monkeypatch.setattr(os, "link", recorder.link)
    return recorder


def test_the_spool_flushes_files_then_folder_then_moves_then_flushes_the_move(
    tmp_path: Path, recorder: Recorder
) -> None:
    spool = DiskSpool(tmp_path / "spool", ManualClock())
    recorder.calls.clear()

    spool.accept(b"m", "0" * 32, "opened", PICTURE)

    (name,) = [folder.name for folder in (tmp_path / "spool" / "waiting").iterdir()]
    unfinished, waiting = f"spool/unfinished/{name}", f"spool/waiting/{name}"
    assert recorder.calls == [
        ("flush", f"{unfinished}/message.json"),
        ("flush", f"{unfinished}/evidence.jpg"),
        ("flush", f"{unfinished}/SHA256SUMS"),
        ("flush", unfinished),
        ("move", waiting),
        ("flush", "spool/waiting"),
    ]


def test_the_store_flushes_the_object_before_it_appears_and_the_name_after(
    tmp_path: Path, recorder: Recorder
) -> None:
    store = FolderStore(tmp_path / "store")
    recorder.calls.clear()

    store.put("events/2026/a.json", b"{}", "application/json")

    aside = recorder.calls[2][1]
    assert aside.startswith("store/.unfinished/")
    assert recorder.calls == [
        ("flush", "store"),  # the new folder events
        ("flush", "store/events"),  # the new folder 2026
        ("flush", aside),
        ("move", "store/events/2026/a.json"),
        ("flush", "store/events/2026"),
    ]


def test_the_store_flushes_the_name_again_for_an_object_that_is_there(
    tmp_path: Path, recorder: Recorder
) -> None:
    """Whoever made it may have been killed before the flush; now its spool entry goes."""
    store = FolderStore(tmp_path / "store")
    store.put("events/a.json", b"{}", "application/json")
    recorder.calls.clear()

    store.put("events/a.json", b"{}", "application/json")

    assert recorder.calls == [("flush", "store/events")]
