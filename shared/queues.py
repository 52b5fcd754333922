"""What every message queue agrees on: the messages that it hands out, and the numbers that it takes."""

from dataclasses import dataclass
from datetime import datetime

MAX_VISIBILITY_S = 43_200.0  # 12 hours, the limit of SQS


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message in the receiver's hands until its visibility ends.

    Attributes:
        receipt: names this receive; delete and change_visibility take it.
        body: as it was sent.
        receive_count: how often it was received, this time included; 1 the first time.
        sent_at: aware UTC.
    """

    receipt: str
    body: bytes
    receive_count: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Messages that can be received now, that somebody holds, and that were received too often."""

    visible: int
    in_flight: int
    dead: int


def check_receive(limit: int, visibility_s: float) -> None:
    """Raise ValueError unless *limit* is 1 or more and *visibility_s* 0 to `MAX_VISIBILITY_S`."""
    if limit < 1:
        raise ValueError(f"limit must be 1 or more, got {limit}")
    check_visibility(visibility_s)


def check_visibility(visibility_s: float) -> None:
    """Raise ValueError unless *visibility_s* is 0 to `MAX_VISIBILITY_S`."""
    if not 0 <= visibility_s <= MAX_VISIBILITY_S:
        raise ValueError(f"visibility must be 0 to {MAX_VISIBILITY_S:.0f} seconds, got {visibility_s}")
