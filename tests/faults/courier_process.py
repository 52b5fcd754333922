"""A child process for the crash tests: detection's last mile with real spool, folder store and SQLite queue.

    python -m tests.faults.courier_process DIR COUNT    accept COUNT violations, then carry until nothing waits

Each violation that `accept` has answered for is written to DIR/accepted before the next step.
"""

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from services.detection.adapters.disk_spool import DiskSpool
from services.detection.adapters.local_violation_queue import LocalViolationQueue
from services.detection.application.courier import Courier
from services.detection.application.ports import Picture
from shared.contracts.violation import encode
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from tests.builders import closed, evidence, message, opened


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def picture(number: int) -> Picture:
    jpeg = b"\xff\xd8" + bytes([number]) * 20_000
    return Picture(jpeg, hashlib.sha256(jpeg).hexdigest(), width=16, height=16)


def bodies(number: int) -> dict[str, bytes]:
    """The messages of a violation; the same number gives the same bytes."""
    violation_id = f"{number:032x}"
    facts = opened(violation_id=violation_id, evidence=evidence(violation_id, picture(number).sha256))
    return {
        "opened": encode(message(facts)),
        "closed": encode(message(closed(violation_id=violation_id))),
    }


def accept(folder: Path, count: int) -> None:
    spool = DiskSpool(folder / "spool", SystemClock())
    with (folder / "accepted").open("a") as accepted:
        for number in range(count):
            for phase, body in bodies(number).items():
                evidence_of = picture(number) if phase == "opened" else None
                spool.accept(body, f"{number:032x}", phase, evidence_of)
                accepted.write(f"{number} {phase}\n")
                accepted.flush()
    spool.close()


def carry(folder: Path) -> None:
    spool = DiskSpool(folder / "spool", SystemClock())
    queue = SqliteQueue(folder / "queue.db")
    courier = Courier(spool, FolderStore(folder / "store"), LocalViolationQueue(queue))
    while spool.pending():
        courier.deliver_pending()
    queue.close()
    spool.close()


if __name__ == "__main__":
    accept(Path(sys.argv[1]), int(sys.argv[2]))
    carry(Path(sys.argv[1]))
