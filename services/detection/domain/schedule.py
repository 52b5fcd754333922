"""Whether a rule holds at a moment."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.config.site import Day, Schedule

_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def active(schedule: Schedule, at: datetime, timezone: str) -> bool:
    """Whether *schedule* holds at *at* (aware), in the local time of *timezone*.

    `to` at or before `from` runs over midnight and belongs to the day it began: 24 hours where they are equal.
    """
    local = at.astimezone(ZoneInfo(timezone))
    now, start, end = local.time(), schedule.start, schedule.end
    if start < end:
        return start <= now < end and _DAYS[local.weekday()] in schedule.days
    if now >= start:
        return _DAYS[local.weekday()] in schedule.days
    return now < end and _DAYS[(local - timedelta(days=1)).weekday()] in schedule.days
