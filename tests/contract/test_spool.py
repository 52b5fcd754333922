"""What every spool must do: the one on disk and the fake."""

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from services.detection.adapters.disk_spool import DiskSpool
from services.detection.application.ports import Picture
from tests.fakes.clocks import ManualClock
from tests.fakes.memory_spool import MemorySpool

ID, OTHER = "0" * 32, "1" * 32
PICTURE = Picture(jpeg=b"\xff\xd8 picture", sha256="a" * 64, width=16, height=16)


@pytest.fixture(params=["disk", "memory"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return DiskSpool(tmp_path / "spool", ManualClock()) if request.param == "disk" else MemorySpool()


def keys(spool: Any) -> list[tuple[str, str]]:
    return [(entry.violation_id, entry.phase) for entry in spool.pending()]


def test_holds_what_was_accepted(spool: Any) -> None:
    assert spool.accept(b"message", ID, "opened", PICTURE)

    (entry,) = spool.pending()

    assert (entry.violation_id, entry.phase) == (ID, "opened")
    assert (entry.message, entry.jpeg) == (b"message", PICTURE.jpeg)
    assert entry.accepted_at.tzinfo is UTC


def test_holds_a_message_without_picture(spool: Any) -> None:
    spool.accept(b"message", ID, "closed", None)

    (entry,) = spool.pending()

    assert entry.jpeg is None


def test_gives_the_oldest_first(spool: Any) -> None:
    for violation_id, phase in ((OTHER, "opened"), (ID, "opened"), (OTHER, "closed")):
        spool.accept(b"m", violation_id, phase, None)

    assert keys(spool) == [(OTHER, "opened"), (ID, "opened"), (OTHER, "closed")]


def test_accepting_twice_changes_nothing(spool: Any) -> None:
    spool.accept(b"first", ID, "opened", PICTURE)

    assert not spool.accept(b"second", ID, "opened", None)

    (entry,) = spool.pending()
    assert (entry.message, entry.jpeg) == (b"first", PICTURE.jpeg)


def test_does_not_accept_what_was_delivered(spool: Any) -> None:
    spool.accept(b"first", ID, "opened", None)
    spool.settle(spool.pending()[0])

    assert not spool.accept(b"again", ID, "opened", None)

    assert keys(spool) == []


def test_knows_what_was_accepted_although_it_was_delivered(spool: Any) -> None:
    spool.accept(b"m", ID, "opened", None)
    spool.accept(b"m", OTHER, "opened", None)
    spool.settle(spool.pending()[0])

    assert spool.knows(ID, "opened")
    assert spool.knows(OTHER, "opened")
    assert not spool.knows(ID, "closed")


def test_tells_what_has_begun_and_not_ended(spool: Any) -> None:
    for number, phase in (
        (1, "opened"),
        (2, "opened"),
        (2, "closed"),
        (3, "opened"),
        (3, "closed"),
        (4, "opened"),
    ):
        spool.accept(b"%d" % number, f"{number:032x}", phase, PICTURE if phase == "opened" else None)
    spool.settle(spool.pending()[4])  # the end of the third

    assert spool.begun() == [b"1", b"4"]


def test_forgets_only_what_is_settled(spool: Any) -> None:
    spool.accept(b"m", ID, "opened", PICTURE)
    spool.accept(b"m", OTHER, "opened", PICTURE)
    first = spool.pending()[0]

    spool.settle(first)
    spool.settle(first)

    assert keys(spool) == [(OTHER, "opened")]


def test_what_is_set_aside_is_not_pending(spool: Any) -> None:
    spool.accept(b"m", ID, "opened", PICTURE)
    spool.accept(b"m", OTHER, "opened", PICTURE)

    spool.quarantine(spool.pending()[0], "not-json: no message")

    assert keys(spool) == [(OTHER, "opened")]


def test_pending_may_be_counted_indexed_and_walked_again(spool: Any) -> None:
    for number in range(4):
        spool.accept(b"m%d" % number, f"{number:032x}", "opened", None)

    pending = spool.pending()

    assert len(pending) == 4
    assert pending[-1].message == b"m3"
    assert [entry.message for entry in pending[1:3]] == [b"m1", b"m2"]
    assert [entry.message for entry in pending] == [entry.message for entry in pending]
