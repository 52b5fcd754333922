"""What the disk spool does when the disk, or somebody, does not behave."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.detection.adapters.disk_spool import SETTLED_MEMORY, DiskSpool
from services.detection.application.ports import Picture
from shared.errors import ConfigurationError, TransientError
from tests.fakes.clocks import ManualClock

ID, OTHER = "0" * 32, "1" * 32
PICTURE = Picture(jpeg=b"\xff\xd8" + b"x" * 1000, sha256="a" * 64, width=16, height=16)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def spool(root: Path, clock: ManualClock) -> Iterator[DiskSpool]:
    spool = DiskSpool(root, clock)
    yield spool
    spool.close()


def reopened(spool: DiskSpool, root: Path, clock: ManualClock) -> DiskSpool:
    spool.close()
    return DiskSpool(root, clock)


def folder_of(root: Path, violation_id: str) -> Path:
    (folder,) = (root / "waiting").glob(f"*-{violation_id}-*")
    return folder


def test_a_restart_finds_what_was_accepted_in_the_same_order(
    spool: DiskSpool, root: Path, clock: ManualClock
) -> None:
    spool.accept(b"second id first", OTHER, "opened", PICTURE)
    clock.advance(1)
    spool.accept(b"first id second", ID, "opened", None)
    before = list(spool.pending())

    after = reopened(spool, root, clock)

    assert list(after.pending()) == before
    assert after.stats().used_bytes == spool.stats().used_bytes


def test_the_order_holds_though_the_clock_was_set_back(
    spool: DiskSpool, root: Path, clock: ManualClock
) -> None:
    spool.accept(b"m", OTHER, "opened", None)
    clock.advance(-3600)
    spool.accept(b"m", ID, "opened", None)

    again = reopened(spool, root, clock)

    assert [entry.violation_id for entry in again.pending()] == [OTHER, ID]


def test_a_restart_remembers_what_was_delivered(spool: DiskSpool, root: Path, clock: ManualClock) -> None:
    spool.accept(b"m", ID, "opened", None)
    spool.settle(spool.pending()[0])

    again = reopened(spool, root, clock)

    assert not again.accept(b"m", ID, "opened", None)


def test_the_memory_of_deliveries_does_not_grow_for_ever(
    spool: DiskSpool, root: Path, clock: ManualClock
) -> None:
    spool.accept(b"m", ID, "opened", None)
    spool.settle(spool.pending()[0])
    clock.advance(SETTLED_MEMORY.total_seconds() + 1)

    again = reopened(spool, root, clock)

    assert (root / "settled.log").read_text() == ""
    assert again.accept(b"m", ID, "opened", None)


def test_a_torn_line_in_the_memory_of_deliveries_hurts_no_other(
    spool: DiskSpool, root: Path, clock: ManualClock
) -> None:
    spool.accept(b"m", ID, "opened", None)
    spool.settle(spool.pending()[0])
    with (root / "settled.log").open("a") as file:
        file.write("2026-03-04T09:")

    again = reopened(spool, root, clock)
    again.accept(b"m", OTHER, "opened", None)
    again.settle(again.pending()[0])
    third = reopened(again, root, clock)

    assert not third.accept(b"m", ID, "opened", None)
    assert not third.accept(b"m", OTHER, "opened", None)


def test_what_a_killed_process_left_unfinished_is_cleared(root: Path, clock: ManualClock) -> None:
    half = root / "unfinished" / f"{1:020d}-{ID}-opened"
    half.mkdir(parents=True)
    (half / "message.json").write_bytes(b"hal")

    spool = DiskSpool(root, clock)

    assert len(spool.pending()) == 0
    assert list((root / "unfinished").iterdir()) == []
    assert spool.accept(b"whole", ID, "opened", None)


def test_a_second_process_is_refused(spool: DiskSpool, root: Path, clock: ManualClock) -> None:
    with pytest.raises(ConfigurationError, match="in use by another process"):
        DiskSpool(root, clock)


def damage_message(folder: Path) -> None:
    (folder / "message.json").write_bytes(b"m!")


def flip_a_bit_in_the_picture(folder: Path) -> None:
    jpeg = (folder / "evidence.jpg").read_bytes()
    (folder / "evidence.jpg").write_bytes(jpeg[:-1] + bytes([jpeg[-1] ^ 1]))


def cut_the_picture(folder: Path) -> None:
    (folder / "evidence.jpg").write_bytes(b"")


def lose_the_picture(folder: Path) -> None:
    (folder / "evidence.jpg").unlink()


def lose_the_message(folder: Path) -> None:
    (folder / "message.json").unlink()


def lose_the_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()


def empty_the_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").write_bytes(b"")


def message_is_a_folder(folder: Path) -> None:
    (folder / "message.json").unlink()
    (folder / "message.json").mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        damage_message,
        flip_a_bit_in_the_picture,
        cut_the_picture,
        lose_the_picture,
        lose_the_message,
        lose_the_sums,
        empty_the_sums,
        message_is_a_folder,
    ],
)
def test_a_corrupt_entry_is_set_aside_with_its_reason(
    spool: DiskSpool, root: Path, clock: ManualClock, damage: object
) -> None:
    spool.accept(b"m", ID, "opened", PICTURE)
    spool.accept(b"good", OTHER, "opened", PICTURE)
    assert callable(damage)
    damage(folder_of(root, ID))

    again = reopened(spool, root, clock)
    assert again.begun()[-1] == b"good", "a start reads no picture, and is held up by no corrupt entry"
    assert again.stats().quarantined == 0
    with capture_logs() as logs:
        messages = [entry.message for entry in again.pending()]

    assert messages == [b"good"]
    assert again.stats().quarantined == 1
    assert again.stats().waiting == 1
    (quarantined,) = (root / "quarantine").iterdir()
    assert quarantined.name.endswith(f"{ID}-opened")
    assert (quarantined / "reason.txt").read_text().strip()
    assert [log["event"] for log in logs] == ["spool.quarantined"]
    assert again.accept(b"m", ID, "opened", PICTURE), "a corrupt copy must not keep a good one out"


def test_a_foreign_file_is_set_aside(spool: DiskSpool, root: Path, clock: ManualClock) -> None:
    (root / "waiting" / "notes.txt").write_text("do not touch")

    again = reopened(spool, root, clock)

    assert len(again.pending()) == 0
    assert (root / "quarantine" / "notes.txt").read_text() == "do not touch"


def test_an_entry_that_somebody_removed_is_passed_over(spool: DiskSpool, root: Path) -> None:
    spool.accept(b"m", ID, "opened", None)
    spool.accept(b"good", OTHER, "opened", None)
    shutil.rmtree(folder_of(root, ID))

    assert [entry.message for entry in spool.pending()] == [b"good"]
    assert spool.stats().waiting == 1


def test_a_full_spool_refuses_and_keeps_what_it_has(root: Path, clock: ManualClock) -> None:
    spool = DiskSpool(root, clock, capacity_bytes=2500)
    spool.accept(b"m", ID, "opened", PICTURE)
    spool.accept(b"m", OTHER, "opened", PICTURE)

    with pytest.raises(TransientError, match=r"is full: 2 unsent entries with 2006 of 2500 bytes"):
        spool.accept(b"m", "2" * 32, "opened", PICTURE)

    assert spool.stats().refused == 1
    assert len(list(spool.pending())) == 2
    spool.settle(spool.pending()[0])
    assert spool.accept(b"m", "2" * 32, "opened", PICTURE)


def test_warns_once_each_time_it_gets_four_fifths_full(root: Path, clock: ManualClock) -> None:
    spool = DiskSpool(root, clock, capacity_bytes=1000)
    with capture_logs() as logs:
        for number in range(10):
            spool.accept(b"x" * 99, f"{number:032x}", "opened", None)
        for _ in range(3):
            spool.settle(spool.pending()[0])
        spool.accept(b"x" * 99, "a" * 32, "opened", None)
        spool.accept(b"x" * 99, "b" * 32, "opened", None)

    warnings = [log for log in logs if log["event"] == "spool.filling"]
    assert [warning["waiting"] for warning in warnings] == [9, 9]
    assert warnings[0]["used_bytes"] == 891
    assert spool.stats().alarms == 2


def test_a_vanished_folder_is_a_passing_fault(spool: DiskSpool, root: Path) -> None:
    shutil.rmtree(root / "unfinished")

    with pytest.raises(TransientError, match="takes nothing: No such file or directory; check free space"):
        spool.accept(b"m", ID, "opened", PICTURE)
    assert len(spool.pending()) == 0

    (root / "unfinished").mkdir()
    assert spool.accept(b"m", ID, "opened", PICTURE)


def test_names_the_folder_that_cannot_be_used(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(
        ConfigurationError, match=r"spool folder .*/file/spool cannot be used: File exists; name a folder"
    ):
        DiskSpool(tmp_path / "file" / "spool", clock)


@pytest.mark.parametrize("violation_id", ["../../etc", "a/b", "", "x" * 65, "a-b"])
def test_takes_no_id_that_is_no_word(spool: DiskSpool, violation_id: str) -> None:
    with pytest.raises(ValueError, match="must be words"):
        spool.accept(b"m", violation_id, "opened", None)


LIMITED = """
import resource, sys
from pathlib import Path
from services.detection.adapters.disk_spool import DiskSpool
from services.detection.application.ports import Picture
from shared.errors import TransientError
from tests.fakes.clocks import ManualClock

spool = DiskSpool(Path(sys.argv[1]), ManualClock())
spool.accept(b"small", "0" * 32, "opened", None)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    spool.accept(b"large", "1" * 32, "opened", Picture(b"x" * 6000, "a" * 64, 16, 16))
except TransientError as error:
    print(error)
assert [entry.message for entry in spool.pending()] == [b"small"]
assert list((Path(sys.argv[1]) / "unfinished").iterdir()) == []
assert spool.accept(b"fits", "1" * 32, "opened", None)
"""


def test_a_picture_that_cannot_be_written_whole_leaves_nothing(root: Path) -> None:
    """A limit on the size of files stands in for a full disk; mounted_disks.py fills a real one."""
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(root)], capture_output=True, text=True, timeout=60, check=False
    )

    assert child.returncode == 0, child.stderr
    assert "takes nothing: File too large; check free space and permissions" in child.stdout


def test_ten_thousand_entries_are_cheap_to_look_at(spool: DiskSpool, root: Path, clock: ManualClock) -> None:
    for number in range(10_000):  # made by hand: flushing each would take a minute
        folder = root / "waiting" / f"{number:020d}-{number:032x}-opened"
        folder.mkdir()
        (folder / "message.json").write_bytes(b"m")

    began = time.perf_counter()
    spool = reopened(spool, root, clock)
    opened_s = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(100):
        assert len(spool.pending()) == 10_000
    looked_s = (time.perf_counter() - began) / 100

    assert opened_s < 10
    assert looked_s < 0.05, "it must not read the entries"
