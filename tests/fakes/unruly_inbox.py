"""An inbox that misbehaves as SQS may: messages come twice, late, in another order, and again after their deletion."""

import random

from services.agent.application.ports import Delivery, InboxCounts, ViolationInbox


class UnrulyInbox:
    """Passes everything on to *inner*, and for a share *misbehaves* (0 to 1) of all sends each:

    - sends the message twice,
    - holds it back and sends it after the next one,
    - and, at as many deletions, sends the deleted message again.

    An old receipt counts as the newest one of the same message does.

    Attributes for tests: `twice`, `late`, `returned` count what it did.
    """

    def __init__(self, inner: ViolationInbox, misbehaves: float, seed: int = 1) -> None:
        self._inner = inner
        self._share = misbehaves
        self._random = random.Random(seed)
        self._held_back: list[bytes] = []
        self._newest: dict[bytes, Delivery] = {}
        self.twice = self.late = self.returned = 0

    def receive(self, visibility_s: float, wait_s: float) -> Delivery | None:
        delivery = self._inner.receive(visibility_s, wait_s)
        if delivery is None and self._held_back:
            self._let_go()
            delivery = self._inner.receive(visibility_s, wait_s)
        if delivery is not None:
            self._newest[delivery.body] = delivery
        return delivery

    def extend(self, delivery: Delivery, visibility_s: float) -> None:
        self._inner.extend(self._newest[delivery.body], visibility_s)

    def delete(self, delivery: Delivery) -> None:
        self._inner.delete(self._newest[delivery.body])
        if self._misbehaves():
            self.returned += 1
            self._inner.send(delivery.body)

    def send(self, body: bytes) -> None:
        if self._misbehaves():
            self.late += 1
            self._held_back.append(body)
            return
        self._inner.send(body)
        if self._misbehaves():
            self.twice += 1
            self._inner.send(body)
        self._let_go()

    def counts(self) -> InboxCounts:
        return self._inner.counts()

    def _let_go(self) -> None:
        while self._held_back:
            self._inner.send(self._held_back.pop())

    def _misbehaves(self) -> bool:
        return self._random.random() < self._share
