"""A service is ended when one of its loops is stuck, and only then."""

import pytest
from structlog.testing import capture_logs

from shared.observability.health import Health, Heart
from shared.observability.watchdog import GRACE_S, LOOK_EVERY_S, Watchdog


class Service:
    """With one loop that may be quiet for 60 s, and a watchdog over it."""

    def __init__(self) -> None:
        self.s = 1000.0
        self.ended: list[int] = []
        self.health = Health(lambda: self.s)
        self.heart: Heart = self.health.loop("camera gate", 60)
        self.watchdog = Watchdog(self.health, self.ended.append, lambda: self.s)

    def turns(self, seconds: float) -> None:
        """The process runs on; its loop does not."""
        until_s = self.s + seconds
        while self.s < until_s and not self.ended:
            self.s += LOOK_EVERY_S
            self.watchdog.look()

    def stands_still(self, seconds: float) -> None:
        self.s += seconds


@pytest.fixture
def service() -> Service:
    return Service()


def test_a_loop_that_is_stuck_ends_the_service_and_is_named(service: Service) -> None:
    service.health.loop("courier", 600)
    with capture_logs() as logs:
        service.turns(60 + GRACE_S)
        assert not service.ended
        service.turns(LOOK_EVERY_S)
    assert service.ended == [1]
    (told,) = logs
    assert (told["event"], told["log_level"], told["loops"]) == ("service.stuck", "error", ["camera gate"])
    assert told["problem"].startswith("quiet: camera gate for 125 s")


def test_loops_that_turn_or_have_ended_do_not(service: Service) -> None:
    for _ in range(50):
        service.turns(60)
        service.heart.beat()
    service.heart.rest()
    service.turns(10_000)
    assert not service.ended


def test_after_a_pause_of_the_whole_process_its_loops_have_their_time(service: Service) -> None:
    service.turns(30)
    service.stands_still(100_000)
    service.turns(60 + GRACE_S)
    assert not service.ended
    service.turns(3 * LOOK_EVERY_S)
    assert service.ended == [1]
