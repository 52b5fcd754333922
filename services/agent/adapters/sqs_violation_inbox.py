"""Violation inbox in SQS."""

import time

from services.agent.application.ports import Delivery, InboxCounts
from shared.aws.sqs_queue import SqsQueue

COUNTS_AGE_S = 5.0  # they are approximate anyway, and each asking is paid for


class SqsViolationInbox:
    def __init__(self, queue: SqsQueue, counts_age_s: float = COUNTS_AGE_S) -> None:
        """Read *queue*, whose counts are asked for again when they are older than *counts_age_s*."""
        self._queue = queue
        self._counts_age_s = counts_age_s
        self._counts = InboxCounts(waiting=0, held=0)
        self._counted_at = float("-inf")

    def receive(self, visibility_s: float, wait_s: float) -> Delivery | None:
        for message in self._queue.receive(1, visibility_s, wait_s):
            return Delivery(message.body, message.receipt, message.receive_count, message.sent_at)
        return None

    def extend(self, delivery: Delivery, visibility_s: float) -> None:
        self._queue.change_visibility(delivery.receipt, visibility_s)

    def delete(self, delivery: Delivery) -> None:
        self._queue.delete(delivery.receipt)

    def send(self, body: bytes) -> None:
        self._queue.send(body, {"sender": "reconciler"})

    def counts(self) -> InboxCounts:
        if time.monotonic() >= self._counted_at + self._counts_age_s:
            counts = self._queue.counts()
            self._counts = InboxCounts(waiting=counts.visible, held=counts.in_flight)
            self._counted_at = time.monotonic()
        return self._counts
