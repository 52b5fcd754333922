"""What the folder store does when the folder does not behave."""

import errno
import os
import time
from pathlib import Path

import pytest

from shared.errors import ConfigurationError, PermanentError, TransientError
from shared.local.folder_store import FolderStore

KEY = "evidence/2026/a.jpg"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


def test_does_not_follow_a_folder_that_leads_out(store: FolderStore, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.jpg").write_bytes(b"secret")
    (root / "evidence").symlink_to(tmp_path / "outside")

    for call in (
        lambda: store.get("evidence/a.jpg"),
        lambda: store.exists("evidence/a.jpg"),
        lambda: store.put("evidence/b.jpg", b"x", "image/jpeg"),
    ):
        with pytest.raises(PermanentError, match="leads out of the store"):
            call()
    assert list(store.list()) == []
    assert not (tmp_path / "outside" / "b.jpg").exists()


def test_does_not_follow_a_file_that_leads_out(store: FolderStore, root: Path) -> None:
    (root / "evidence").mkdir()
    (root / "evidence" / "a.jpg").symlink_to("/etc/passwd")

    with pytest.raises(PermanentError, match="leads out of the store"):
        store.get("evidence/a.jpg")
    assert list(store.list()) == []


def test_the_store_itself_may_be_reached_by_a_link(root: Path, tmp_path: Path) -> None:
    root.mkdir()
    (tmp_path / "link").symlink_to(root)

    FolderStore(tmp_path / "link").put(KEY, b"x", "image/jpeg")

    assert FolderStore(root).get(KEY) == b"x"


def test_what_is_being_written_is_no_object(store: FolderStore, root: Path) -> None:
    (root / ".unfinished" / "0123456789abcdef").write_bytes(b"hal")

    assert list(store.list()) == []


def test_leaves_nothing_behind_when_it_has_written(store: FolderStore, root: Path) -> None:
    store.put(KEY, b"x", "image/jpeg")
    store.put(KEY, b"x", "image/jpeg")

    assert list((root / ".unfinished").iterdir()) == []


def test_clears_only_what_was_abandoned_long_ago(store: FolderStore, root: Path) -> None:
    old, young = root / ".unfinished" / "old", root / ".unfinished" / "young"
    for path in (old, young):
        path.write_bytes(b"hal")
    yesterday = time.time() - 90_000
    os.utime(old, (yesterday, yesterday))

    FolderStore(root)

    assert [path.name for path in (root / ".unfinished").iterdir()] == ["young"]


def test_works_on_a_disk_without_hard_links(
    store: FolderStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As exFAT, on which many a USB disk comes, answers."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)

    store.put(KEY, b"first", "image/jpeg")
    store.put(KEY, b"second", "image/jpeg")

    assert store.get(KEY) == b"first"
    assert list((root / ".unfinished").iterdir()) == []


def test_leaves_nothing_behind_when_it_cannot_write(
    store: FolderStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(TransientError, match="No space left on device; check free space and permissions"):
        store.put("a.jpg", b"x", "image/jpeg")

    assert not store.exists("a.jpg")
    assert list((root / ".unfinished").iterdir()) == []


def test_names_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(ConfigurationError, match=r"store folder .*/file cannot be used: .*; name a folder"):
        FolderStore(tmp_path / "file")
