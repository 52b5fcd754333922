"""Whether loops turn and dependencies answer, told apart."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import ObjectMissingError, PermanentError, TransientError
from shared.observability.health import DOWN, STARTING, UNUSED, UP, Health, Heart, watched

AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.s - 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock, clock.now)


def test_a_service_without_loops_lives_and_one_without_dependencies_is_ready(health: Health) -> None:
    assert health.alive
    assert health.ready


def test_a_loop_that_does_not_beat_within_its_limit_is_stuck(health: Health, clock: Clock) -> None:
    slow, quick = health.loop("slow", 60), health.loop("quick", 5)
    clock.s += 5
    assert health.alive
    clock.s += 0.1
    assert (slow.alive, quick.alive, health.alive) == (True, False, False)
    quick.beat()
    assert health.alive


def test_a_loop_that_ended_in_good_order_is_not_awaited(health: Health, clock: Clock) -> None:
    heart = health.loop("camera gate", 5)
    heart.rest()
    clock.s += 1000
    assert health.alive
    assert heart.quiet_s is None


def test_a_loop_that_nobody_listens_to_is_never_stuck(clock: Clock) -> None:
    heart = Heart(now_s=clock)
    clock.s += 1e9
    assert heart.alive


def test_a_dependency_that_is_down_makes_the_service_not_ready_but_alive(health: Health) -> None:
    health.dependency("store").up()
    health.dependency("queue").down("nobody answers")
    assert health.alive
    assert not health.ready


def test_what_has_not_been_asked_yet_is_ready_and_what_starts_is_not(health: Health) -> None:
    assert health.dependency("mail").condition.state == UNUSED
    assert health.ready
    assert health.dependency("camera gate", STARTING, ready=False).condition.state == STARTING
    assert not health.ready


def test_a_state_keeps_the_time_at_which_it_began(health: Health, clock: Clock) -> None:
    store = health.dependency("store")
    clock.s += 10
    store.down("refused")
    clock.s += 10
    store.down("timed out")
    assert (store.condition.state, store.condition.since) == (DOWN, AT + timedelta(seconds=10))
    assert store.condition.problem == "timed out"
    clock.s += 10
    store.up()
    assert (store.condition.since, store.condition.problem) == (AT + timedelta(seconds=30), "")


def test_the_same_name_is_the_same_dependency(health: Health) -> None:
    assert health.dependency("database") is health.dependency("database", STARTING, ready=False)


class Store:
    """Raises what it is told to."""

    limit = 3

    def __init__(self) -> None:
        self.error: Exception | None = None

    def get(self, key: str, *, times: int = 1) -> str:
        if self.error:
            raise self.error
        return key * times

    def names(self) -> Iterator[str]:
        yield "first"
        if self.error:
            raise self.error
        yield "second"


def test_a_watched_adapter_does_what_it_did_and_tells_how_it_went(health: Health) -> None:
    store, dependency = Store(), health.dependency("store")
    seen = watched(store, dependency)
    assert (seen.get("a", times=2), seen.limit) == ("aa", 3)
    assert dependency.condition.state == UP
    store.error = TransientError("refused")
    with pytest.raises(TransientError, match="refused"):
        seen.get("a")
    assert (dependency.condition.state, dependency.condition.problem) == (DOWN, "refused")


@pytest.mark.parametrize("error", [ObjectMissingError("none"), PermanentError("too-large", "too large")])
def test_an_answer_that_one_does_not_like_is_an_answer(health: Health, error: Exception) -> None:
    store, dependency = Store(), health.dependency("store")
    dependency.down("refused")
    store.error = error
    with pytest.raises(type(error)):
        watched(store, dependency).get("a")
    assert dependency.condition.state == UP


class BusyError(TransientError):
    """One mail's trouble."""


def test_transient_errors_that_come_from_a_server_at_work_are_answers_where_they_are_named(
    health: Health,
) -> None:
    store, dependency = Store(), health.dependency("mail")
    store.error = BusyError("come back later")
    with pytest.raises(BusyError):
        watched(store, dependency, answered=(BusyError,)).get("a")
    assert dependency.condition.state == UP


def test_a_defect_of_ours_says_nothing_about_the_dependency(health: Health) -> None:
    store, dependency = Store(), health.dependency("store")
    store.error = KeyError("a")
    with pytest.raises(KeyError):
        watched(store, dependency).get("a")
    assert dependency.condition.state == UNUSED


def test_a_listing_that_breaks_off_is_noticed(health: Health) -> None:
    store, dependency = Store(), health.dependency("store")
    listing = watched(store, dependency).names()
    store.error = TransientError("gone")
    assert next(listing) == "first"
    assert dependency.condition.state == UP
    with pytest.raises(TransientError):
        next(listing)
    assert dependency.condition.state == DOWN
