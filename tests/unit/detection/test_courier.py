"""The courier's order, patience and end."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from services.detection.application.courier import GIVE_UP_AFTER, LONGEST_PAUSE_S, Courier, pause_s
from services.detection.application.ports import Picture, SpoolEntry
from shared.contracts.violation import encode
from shared.errors import TransientError
from tests.builders import closed, message, opened
from tests.fakes.memory_queue import MemoryViolationQueue
from tests.fakes.memory_spool import MemorySpool
from tests.fakes.memory_store import MemoryStore

JPEG = b"\xff\xd8 picture"


@dataclass
class Route:
    spool: MemorySpool = field(default_factory=MemorySpool)
    store: MemoryStore = field(default_factory=MemoryStore)
    queue: MemoryViolationQueue = field(default_factory=MemoryViolationQueue)

    def courier(self) -> Courier:
        return Courier(self.spool, self.store, self.queue, pause=lambda failed_rounds: 0.01)

    def accept_opened(self, number: int = 0) -> bytes:
        violation_id = f"{number:032x}"
        body = encode(message(opened(violation_id=violation_id)))
        picture = Picture(JPEG, hashlib.sha256(JPEG).hexdigest(), width=16, height=16)
        self.spool.accept(body, violation_id, "opened", picture)
        return body

    def accept_closed(self, number: int = 0) -> bytes:
        violation_id = f"{number:032x}"
        body = encode(message(closed(violation_id=violation_id)))
        self.spool.accept(body, violation_id, "closed", None)
        return body


@pytest.fixture
def route() -> Route:
    return Route()


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_delivers_picture_sidecar_and_message(route: Route) -> None:
    body = route.accept_opened()

    assert route.courier().deliver_pending()

    sidecar, evidence = sorted(route.store.list())
    assert evidence.startswith("evidence/2026/03/04/" + "0" * 32)
    assert sidecar == f"events/2026/03/04/{'0' * 32}/opened-{hashlib.sha256(body).hexdigest()[:16]}.json"
    assert (route.store.get(evidence), route.store.get(sidecar)) == (JPEG, body)
    assert route.queue.sent == [body]
    assert len(route.spool.pending()) == 0


def test_delivers_the_end_of_a_violation_without_picture(route: Route) -> None:
    body = route.accept_closed()

    assert route.courier().deliver_pending()

    (sidecar,) = route.store.list()
    assert "/closed-" in sidecar
    assert route.queue.sent == [body]


def test_delivers_the_oldest_first(route: Route) -> None:
    bodies = [route.accept_opened(number) for number in (3, 1, 2)]

    route.courier().deliver_pending()

    assert route.queue.sent == bodies


def test_sends_nothing_before_the_store_has_it(route: Route) -> None:
    route.accept_opened()
    route.store.problem = "store is not reachable"

    assert not route.courier().deliver_pending()

    assert route.queue.sent == []
    assert len(route.spool.pending()) == 1


def test_keeps_the_entry_until_the_message_was_sent(route: Route) -> None:
    body = route.accept_opened()
    route.queue.problem = "queue is not reachable"
    courier = route.courier()

    assert not courier.deliver_pending()
    assert len(route.spool.pending()) == 1
    assert courier.status.problem == "queue is not reachable"

    route.queue.problem = ""
    assert courier.deliver_pending()
    assert route.queue.sent == [body]
    assert courier.status.problem == ""


def test_an_outage_is_not_asked_for_every_entry(route: Route) -> None:
    for number in range(100):
        route.accept_opened(number)
    route.store.problem = "store is not reachable"

    assert not route.courier().deliver_pending()

    assert route.store.puts == GIVE_UP_AFTER


def test_one_entry_that_the_store_refuses_delays_no_other(route: Route) -> None:
    route.store = Refusing({0})
    for number in range(5):
        route.accept_opened(number)

    route.courier().deliver_pending()

    assert [entry.violation_id for entry in route.spool.pending()] == [f"{0:032x}"]
    assert len(route.queue.sent) == 4


class Refusing(MemoryStore):
    """Never takes what belongs to one of *refused*."""

    def __init__(self, refused: set[int]) -> None:
        super().__init__()
        self.refused = {f"{number:032x}" for number in refused}

    def put(self, key: str, body: bytes, content_type: str) -> None:
        if any(one in key for one in self.refused):
            raise TransientError("this one not")
        super().put(key, body, content_type)


@pytest.mark.parametrize(
    "refused", [range(3), range(5), range(7, 12), (0, 1, 2, 7, 8, 9), (3, 4, 5, 17, 18, 19), range(20)]
)
def test_however_many_entries_are_refused_the_others_are_delivered(
    route: Route, refused: Sequence[int]
) -> None:
    route.store = Refusing(set(refused))
    for number in range(20):
        route.accept_opened(number)
    courier = route.courier()

    for _ in range(8):
        courier.deliver_pending()
    late = route.accept_opened(20)
    for _ in range(8):
        courier.deliver_pending()

    assert [int(entry.violation_id, 16) for entry in route.spool.pending()] == list(refused)
    assert late in route.queue.sent


def test_rounds_that_give_up_take_turns(route: Route) -> None:
    for number in range(7):
        route.accept_opened(number)
    tried: list[int] = []

    class Away(MemoryStore):
        def put(self, key: str, body: bytes, content_type: str) -> None:
            tried.append(int(key.split("/")[4][:32], 16))
            raise TransientError("store is not reachable")

    route.store = Away()
    courier = route.courier()
    for _ in range(4):
        courier.deliver_pending()

    assert tried == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4]


def test_entries_that_can_neither_be_delivered_nor_set_aside_hold_up_no_other(route: Route) -> None:
    class Full(MemorySpool):
        def quarantine(self, entry: SpoolEntry, reason: str) -> None:
            raise TransientError("it cannot be set aside")

    route.spool = Full()
    for number in range(10, 14):
        route.spool.accept(b"no message", f"{number:032x}", "opened", None)
    good = route.accept_opened()
    courier = route.courier()

    for _ in range(2):
        assert not courier.deliver_pending()

    assert route.queue.sent == [good]
    assert "set aside" in courier.status.problem


@pytest.mark.parametrize(
    ("body", "picture", "reason"),
    [
        (b"\xff no message", None, "not-utf8"),
        (b'{"type": "officer.violation.opened.v9", "specversion": "1.0"}', None, "unknown-version"),
        (encode(message(opened())), None, "evidence-missing"),
    ],
)
def test_what_can_never_be_delivered_is_set_aside_with_its_reason(
    route: Route, body: bytes, picture: Picture | None, reason: str
) -> None:
    route.spool.accept(body, "f" * 32, "opened", picture)
    good = route.accept_opened()
    courier = route.courier()

    assert courier.deliver_pending()

    ((entry, why),) = route.spool.quarantined
    assert entry.violation_id == "f" * 32
    assert why.startswith(reason + ":")
    assert route.queue.sent == [good]
    assert (courier.status.delivered, courier.status.quarantined) == (1, 1)


def test_who_cannot_sign_in_says_so_although_nothing_waits_and_delivers_once_he_can(route: Route) -> None:
    problem = "there are no AWS credentials"

    def sign_in() -> None:
        if problem:
            raise TransientError(problem)

    courier = Courier(route.spool, route.store, route.queue, pause=lambda _: 0.01, sign_in=sign_in)
    assert not courier.deliver_pending()
    assert courier.status.problem == problem
    body = route.accept_opened()
    assert not courier.deliver_pending()
    assert route.store.puts == 0

    problem = ""
    assert courier.deliver_pending()
    assert route.queue.sent == [body]
    assert courier.status.problem == ""


def test_an_adapters_mistake_does_not_end_deliveries(route: Route) -> None:
    class Broken(MemoryViolationQueue):
        def send(self, message: bytes, violation_id: str, phase: str) -> None:
            raise KeyError("QueueUrl")

    working, route.queue = route.queue, Broken()
    body = route.accept_opened()
    courier = route.courier()
    courier.start()
    assert eventually(lambda: courier.status.failures > 1)
    assert "KeyError" in courier.status.problem

    courier._queue = working
    assert eventually(lambda: working.sent == [body])
    courier.stop(1)


def test_runs_beside_and_delivers_what_comes(route: Route) -> None:
    courier = route.courier()
    courier.start()

    bodies = [route.accept_opened(number) for number in range(3)]

    assert eventually(lambda: route.queue.sent == bodies)
    assert courier.stop(1) == 0


def test_stop_delivers_what_came_last(route: Route) -> None:
    courier = Courier(route.spool, route.store, route.queue, pause=lambda failed_rounds: 60.0)
    courier.start()
    time.sleep(0.05)
    body = route.accept_opened()

    assert courier.stop(5) == 0

    assert route.queue.sent == [body]


def test_stop_says_what_is_left_while_the_cloud_is_away(route: Route) -> None:
    route.store.problem = "store is not reachable"
    for number in range(7):
        route.accept_opened(number)
    courier = Courier(route.spool, route.store, route.queue)
    courier.start()

    began = time.monotonic()
    left = courier.stop(5)

    assert left == 7
    assert time.monotonic() - began < 2


def test_stop_keeps_to_its_budget_though_the_store_hangs(route: Route) -> None:
    class Hanging(MemoryStore):
        def put(self, key: str, body: bytes, content_type: str) -> None:
            time.sleep(3)

    route.store = Hanging()
    route.accept_opened()
    courier = route.courier()
    courier.start()

    began = time.monotonic()
    left = courier.stop(0.3)

    assert left == 1
    assert time.monotonic() - began < 1


def test_stop_leaves_the_rest_when_its_budget_is_spent(route: Route) -> None:
    class Slow(MemoryStore):
        def put(self, key: str, body: bytes, content_type: str) -> None:
            time.sleep(0.05)

    route.store = Slow()
    for number in range(50):
        route.accept_opened(number)
    courier = route.courier()
    courier.start()

    left = courier.stop(0.5)
    time.sleep(0.5)

    assert 35 < left < 50
    assert len(route.spool.pending()) >= left - 1, "it must not go on behind the caller's back"


def test_stop_before_start_says_what_waits(route: Route) -> None:
    route.accept_opened()

    assert route.courier().stop(1) == 1


def test_pauses_grow_to_half_a_minute_and_differ() -> None:
    assert pause_s(0) < 1
    for failed_rounds, longest in ((1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (100, 30), (100_000, 30)):
        pauses = [pause_s(failed_rounds) for _ in range(50)]
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(set(pauses)) > 10
    assert LONGEST_PAUSE_S == 30
