"""What a service says of itself: do its loops turn (liveness), do its dependencies answer (readiness)?

A loop beats its heart each time round. A camera, queue or database that is down never stops a heart: it makes the
service not ready, which no restart could mend.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any, TypeVar, cast

from shared.errors import ObjectMissingError, OfficerError, TransientError

STARTING, UNUSED, UP, DOWN = "starting", "unused", "up", "down"

Adapter = TypeVar("Adapter")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Heart:
    """One loop's sign of life. `Heart()` is one that nobody listens to."""

    def __init__(
        self, name: str = "", limit_s: float = float("inf"), now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with a beat; see `Health.loop`."""
        self.name, self.limit_s = name, limit_s
        self._now_s = now_s
        self._last_s: float | None = now_s()

    def beat(self) -> None:
        """The loop came round once more."""
        self._last_s = self._now_s()

    def rest(self) -> None:
        """The loop has ended in good order, or has yet to begin: no beat is awaited until the next one."""
        self._last_s = None

    @property
    def quiet_s(self) -> float | None:
        """Seconds since the last beat; None while it rests."""
        last_s = self._last_s
        return None if last_s is None else max(0.0, self._now_s() - last_s)

    @property
    def alive(self) -> bool:
        return (self.quiet_s or 0.0) <= self.limit_s


@dataclass(frozen=True, slots=True)
class Condition:
    """How a dependency is.

    Attributes:
        state: starting, unused (not asked yet), up, down, or a camera's own word such as frozen.
        ready: whether the service can do its work as far as this dependency goes.
        since: when this state began, aware UTC.
        problem: what is wrong, in words without secrets; of one that is ready, what does not work well.
    """

    state: str
    ready: bool
    since: datetime
    problem: str = ""


class Dependency:
    """Something outside that the service needs, such as a camera or a queue. `Dependency()` is one nobody asks for."""

    def __init__(
        self, name: str = "", state: str = UNUSED, ready: bool = True, now: Callable[[], datetime] = _utc_now
    ) -> None:
        """Begin in *state*; see `Health.dependency`."""
        self.name = name
        self._now = now
        self._condition = Condition(state, ready, now())

    @property
    def condition(self) -> Condition:
        return self._condition

    def up(self) -> None:
        """It has answered."""
        self.note(UP, ready=True)

    def down(self, problem: str) -> None:
        """It has not answered, or not as it should."""
        self.note(DOWN, ready=False, problem=problem)

    def note(self, state: str, *, ready: bool, problem: str = "") -> None:
        """It is in *state* now."""
        before = self._condition
        since = before.since if before.state == state else self._now()
        self._condition = Condition(state, ready, since, problem)


class Health:
    """All loops and dependencies of a service. Threads may share it."""

    def __init__(
        self,
        now_s: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Measure by *now_s* (seconds that only grow) and date by *now* (aware UTC)."""
        self._now_s, self._now = now_s, now
        self._lock = Lock()
        self._hearts: dict[str, Heart] = {}
        self._dependencies: dict[str, Dependency] = {}

    def loop(self, name: str, limit_s: float) -> Heart:
        """A new loop, which is stuck when it does not beat for *limit_s* seconds."""
        with self._lock:
            self._hearts[name] = Heart(name, limit_s, self._now_s)
            return self._hearts[name]

    def dependency(self, name: str, state: str = UNUSED, *, ready: bool = True) -> Dependency:
        """The dependency of that name; a new one begins in *state*."""
        with self._lock:
            if name not in self._dependencies:
                self._dependencies[name] = Dependency(name, state, ready, self._now)
            return self._dependencies[name]

    @property
    def hearts(self) -> list[Heart]:
        with self._lock:
            return list(self._hearts.values())

    @property
    def dependencies(self) -> list[Dependency]:
        with self._lock:
            return list(self._dependencies.values())

    @property
    def alive(self) -> bool:
        """Whether every loop turns."""
        return all(heart.alive for heart in self.hearts)

    @property
    def ready(self) -> bool:
        """Whether every dependency is as it should be."""
        return all(dependency.condition.ready for dependency in self.dependencies)


def watched(
    adapter: Adapter, dependency: Dependency, answered: tuple[type[OfficerError], ...] = ()
) -> Adapter:
    """*adapter* itself in all that it does, with the outcome of each call noted in *dependency*.

    A TransientError means that it is down, anything else that it has answered: so do an ObjectMissingError and the
    errors in *answered*, although they are transient.
    """
    return cast("Adapter", _Watched(adapter, dependency, (ObjectMissingError, *answered)))


class _Watched:
    def __init__(
        self, adapter: object, dependency: Dependency, answered: tuple[type[OfficerError], ...]
    ) -> None:
        self._adapter, self._dependency, self._answered = adapter, dependency, answered

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._adapter, name)
        return self._noting(attribute) if callable(attribute) else attribute

    def _noting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            result = self._outcome(lambda: method(*arguments, **named))
            return self._each(result) if isinstance(result, Iterator) else result

        return call

    def _each(self, items: Iterator[Any]) -> Iterator[Any]:
        """A generator has asked nobody yet when it is made."""
        end = object()
        while (item := self._outcome(lambda: next(items, end))) is not end:
            yield item

    def _outcome(self, ask: Callable[[], Any]) -> Any:
        try:
            result = ask()
        except OfficerError as error:
            if isinstance(error, TransientError) and not isinstance(error, self._answered):
                self._dependency.down(str(error))
            else:
                self._dependency.up()
            raise
        self._dependency.up()
        return result
