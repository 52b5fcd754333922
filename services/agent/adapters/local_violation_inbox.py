"""Violation inbox in a SQLite file, for one PC without a cloud."""

from services.agent.application.ports import Delivery, InboxCounts
from shared.local.sqlite_queue import SqliteQueue


class LocalViolationInbox:
    def __init__(self, queue: SqliteQueue) -> None:
        self._queue = queue

    def receive(self, visibility_s: float, wait_s: float) -> Delivery | None:
        for message in self._queue.receive(1, visibility_s, wait_s):
            return Delivery(message.body, message.receipt, message.receive_count, message.sent_at)
        return None

    def extend(self, delivery: Delivery, visibility_s: float) -> None:
        self._queue.change_visibility(delivery.receipt, visibility_s)

    def delete(self, delivery: Delivery) -> None:
        self._queue.delete(delivery.receipt)

    def send(self, body: bytes) -> None:
        self._queue.send(body, name="found by the reconciler")

    def counts(self) -> InboxCounts:
        counts = self._queue.counts()
        return InboxCounts(waiting=counts.visible, held=counts.in_flight)
