"""Leaves a failing service alone for a while, so that each report does not wait for it again."""

from collections.abc import Callable
from threading import Lock


class CircuitBreaker:
    """Opens after *failures* in a row, for *rest_s* seconds; then one call may try, and a failure opens it again.

    Args:
        failures: calls that failed one after another.
        rest_s: seconds.
        clock: monotonic seconds.
    """

    def __init__(self, failures: int, rest_s: float, clock: Callable[[], float]) -> None:
        self._limit = failures
        self._rest_s = rest_s
        self._clock = clock
        self._lock = Lock()
        self._failed = 0
        self._closed_until = 0.0

    def lets_through(self) -> bool:
        """Whether a call may be made now."""
        with self._lock:
            if self._failed < self._limit:
                return True
            if self._clock() < self._closed_until:
                return False
            self._closed_until = self._clock() + self._rest_s  # the others wait for this one's outcome
            return True

    def succeeded(self) -> None:
        """The call was answered."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """The call was not answered."""
        with self._lock:
            self._failed += 1
            self._closed_until = self._clock() + self._rest_s
