"""Violation queue in a SQLite file, for one PC without a cloud."""

from shared.local.sqlite_queue import SqliteQueue


class LocalViolationQueue:
    def __init__(self, queue: SqliteQueue) -> None:
        self._queue = queue

    def send(self, message: bytes, violation_id: str, phase: str) -> None:
        """See `ViolationQueue.send`."""
        self._queue.send(message, name=f"{violation_id}/{phase}")
