"""Queue in memory, with the methods of `shared.local.sqlite_queue.SqliteQueue`, and the detection side's port to it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import TransientError
from shared.queues import QueueCounts, ReceivedMessage, check_receive, check_visibility


@dataclass
class _Message:
    body: bytes
    sent_at: float
    visible_at: float
    receive_count: int = 0
    receipt: str = ""
    dead: bool = False


class MemoryQueue:
    def __init__(self, *, max_receives: int = 10, now: Callable[[], float] = time.time) -> None:
        self._max_receives = max_receives
        self._now = now
        self._messages: list[_Message] = []
        self._receives = 0

    def send(self, body: bytes, name: str = "") -> None:
        self._messages.append(_Message(body, sent_at=self._now(), visible_at=self._now()))

    def receive(self, limit: int, visibility_s: float, wait_s: float = 0.0) -> list[ReceivedMessage]:
        """As `SqliteQueue.receive`, but never waits: in memory nobody else can send meanwhile."""
        check_receive(limit, visibility_s)
        self._bury()
        return [self._hand_out(message, visibility_s) for message in self._visible()[:limit]]

    def delete(self, receipt: str) -> bool:
        found = self._held(receipt)
        for message in found:
            self._messages.remove(message)
        return bool(found)

    def change_visibility(self, receipt: str, visibility_s: float) -> bool:
        check_visibility(visibility_s)
        found = self._held(receipt)
        for message in found:
            message.visible_at = self._now() + visibility_s
        return bool(found)

    def counts(self) -> QueueCounts:
        visible, dead = len(self._visible()), len(self.dead_letters())
        return QueueCounts(visible=visible, in_flight=len(self._messages) - visible - dead, dead=dead)

    def dead_letters(self) -> list[bytes]:
        return [message.body for message in self._messages if message.dead]

    def purge(self) -> None:
        self._messages.clear()

    def close(self) -> None:
        """Nothing to give back."""

    def _visible(self) -> list[_Message]:
        return [
            message for message in self._messages if not message.dead and message.visible_at <= self._now()
        ]

    def _bury(self) -> None:
        for message in self._visible():
            if message.receive_count >= self._max_receives:
                message.dead, message.receipt = True, ""

    def _hand_out(self, message: _Message, visibility_s: float) -> ReceivedMessage:
        self._receives += 1
        message.receive_count += 1
        message.receipt = f"receipt-{self._receives}"
        message.visible_at = self._now() + visibility_s
        sent_at = datetime.fromtimestamp(message.sent_at, UTC)
        return ReceivedMessage(message.receipt, message.body, message.receive_count, sent_at)

    def _held(self, receipt: str) -> list[_Message]:
        return [message for message in self._messages if receipt and message.receipt == receipt]


class MemoryViolationQueue:
    """Port `ViolationQueue`. Attributes for tests: `sent`; `problem` makes `send` fail with that text."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.problem = ""

    def send(self, message: bytes, violation_id: str, phase: str) -> None:
        if self.problem:
            raise TransientError(self.problem)
        self.sent.append(message)
