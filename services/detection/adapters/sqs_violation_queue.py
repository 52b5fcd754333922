"""Violation queue in SQS."""

from shared.aws.sqs_queue import SqsQueue


class SqsViolationQueue:
    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue

    def send(self, message: bytes, violation_id: str, phase: str) -> None:
        """See `ViolationQueue.send`; id and phase go along as attributes, to find the message by."""
        self._queue.send(message, {"violation_id": violation_id, "phase": phase})
