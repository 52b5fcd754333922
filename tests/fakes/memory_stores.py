"""The agent's stores and inbox in memory, held to their ports by the same contract tests as the real ones."""

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from services.agent.adapters.folder_evidence_store import sidecar_of
from services.agent.application.ports import Delivery, InboxCounts, Sidecar, StoredPdf
from shared.errors import ObjectMissingError, TransientError


class MemoryEvidenceStore:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.down = False

    def fetch(self, key: str) -> bytes:
        if self.down:
            raise TransientError("the store does not answer")
        if key not in self.objects:
            raise ObjectMissingError(f"store has no object {key}")
        return self.objects[key]

    def sidecars(self) -> Iterator[Sidecar]:
        for key in sorted(self.objects):
            if key.startswith("events/") and (sidecar := sidecar_of(key)):
                yield sidecar


class MemoryReportStore:
    def __init__(self) -> None:
        self.pdfs: dict[str, bytes] = {}
        self.down = False
        self.after_put: Callable[[], None] = lambda: None

    def put(self, key: str, pdf: bytes) -> StoredPdf:
        if self.down:
            raise TransientError("the store does not answer")
        was_there = key in self.pdfs
        held = self.pdfs.setdefault(key, pdf)
        self.after_put()
        return StoredPdf(hashlib.sha256(held).hexdigest(), len(held), was_there)

    def fetch(self, key: str) -> bytes:
        if key not in self.pdfs:
            raise ObjectMissingError(f"store has no object {key}")
        return self.pdfs[key]


@dataclass
class _Waiting:
    number: int
    body: bytes
    visible_at: float
    receives: int = 0


class MemoryInbox:
    def __init__(self) -> None:
        self.messages: list[_Waiting] = []
        self.receipts: dict[str, tuple[_Waiting, int]] = {}
        self.down = False
        self._numbers = itertools.count(1)

    def receive(self, visibility_s: float, wait_s: float) -> Delivery | None:
        self._check()
        for message in self.messages:
            if message.visible_at <= time.monotonic():
                message.visible_at = time.monotonic() + visibility_s
                message.receives += 1
                receipt = f"{message.number}/{message.receives}"
                self.receipts[receipt] = (message, message.receives)
                return Delivery(message.body, receipt, message.receives, datetime.now(UTC))
        return None

    def extend(self, delivery: Delivery, visibility_s: float) -> None:
        self._check()
        if message := self._held(delivery):
            message.visible_at = time.monotonic() + visibility_s

    def delete(self, delivery: Delivery) -> None:
        self._check()
        if message := self._held(delivery):
            self.messages.remove(message)

    def send(self, body: bytes) -> None:
        self._check()
        self.messages.append(_Waiting(next(self._numbers), body, time.monotonic()))

    def counts(self) -> InboxCounts:
        self._check()
        visible = sum(message.visible_at <= time.monotonic() for message in self.messages)
        return InboxCounts(waiting=visible, held=len(self.messages) - visible)

    def _held(self, delivery: Delivery) -> _Waiting | None:
        message, receives = self.receipts[delivery.receipt]
        return message if message in self.messages and message.receives == receives else None

    def _check(self) -> None:
        if self.down:
            raise TransientError("the inbox does not answer")
