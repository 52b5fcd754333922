"""Spool in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.detection.application.ports import Picture, SpoolEntry
from shared.errors import TransientError


class MemorySpool:
    """Attributes for tests: `problem` makes `accept` fail with that text; `quarantined` holds what was set aside."""

    def __init__(self) -> None:
        self.problem = ""
        self.quarantined: list[tuple[SpoolEntry, str]] = []
        self._entries: dict[tuple[str, str], SpoolEntry] = {}
        self._settled: set[tuple[str, str]] = set()
        self._at = datetime(2026, 3, 4, tzinfo=UTC)

    def accept(self, message: bytes, violation_id: str, phase: str, picture: Picture | None) -> bool:
        key = (violation_id, phase)
        if self.knows(violation_id, phase):
            return False
        if self.problem:
            raise TransientError(self.problem)
        self._at += timedelta(seconds=1)
        jpeg = picture.jpeg if picture else None
        self._entries[key] = SpoolEntry(violation_id, phase, message, jpeg, self._at)
        return True

    def knows(self, violation_id: str, phase: str) -> bool:
        return (violation_id, phase) in {*self._entries, *self._settled}

    def pending(self) -> Sequence[SpoolEntry]:
        return tuple(self._entries.values())

    def begun(self) -> list[bytes]:
        return [
            entry.message
            for entry in self._entries.values()
            if entry.phase == "opened" and not self.knows(entry.violation_id, "closed")
        ]

    def settle(self, entry: SpoolEntry) -> None:
        if self._entries.pop((entry.violation_id, entry.phase), None):
            self._settled.add((entry.violation_id, entry.phase))

    def quarantine(self, entry: SpoolEntry, reason: str) -> None:
        if self._entries.pop((entry.violation_id, entry.phase), None):
            self.quarantined.append((entry, reason))
