"""Clocks that tests move."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Stands still until it is told otherwise; port `Clock`, and a callable for seconds since 1970."""

    def __init__(self, at: datetime = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def __call__(self) -> float:
        return self._at.timestamp()

    def advance(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)
