"""A rule holds at the site's own time, over midnight and over the change of clocks."""

from datetime import UTC, datetime

import pytest

from services.detection.domain.schedule import active
from shared.config.site import Schedule

DAY = Schedule.model_validate({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "to": "18:00"})
NIGHT = Schedule.model_validate({"days": ["fri"], "from": "22:00", "to": "05:00"})
ROUND_THE_CLOCK = Schedule.model_validate({"days": ["fri"], "from": "06:00", "to": "06:00"})
WHOLE_DAY = Schedule.model_validate({"days": ["fri"], "from": "00:00", "to": "00:00"})


@pytest.mark.parametrize(
    ("schedule", "at", "expected"),
    [
        (DAY, "2026-03-04T05:00", True),  # Wednesday 06:00 in Berlin
        (DAY, "2026-03-04T04:59", False),
        (DAY, "2026-03-04T17:00", False),
        (DAY, "2026-03-07T09:00", False),  # Saturday
        (DAY, "2026-07-01T04:30", True),  # summer time: 06:30
        (NIGHT, "2026-03-06T22:30", True),  # Friday 23:30
        (NIGHT, "2026-03-07T03:30", True),  # the night that began on Friday
        (NIGHT, "2026-03-06T03:30", False),  # the night that began on Thursday
        (NIGHT, "2026-03-07T05:00", False),
        (ROUND_THE_CLOCK, "2026-03-06T04:59", False),  # Friday 05:59
        (ROUND_THE_CLOCK, "2026-03-06T05:00", True),
        (ROUND_THE_CLOCK, "2026-03-07T04:59", True),  # Saturday 05:59: began on Friday
        (ROUND_THE_CLOCK, "2026-03-07T05:00", False),
        (WHOLE_DAY, "2026-03-05T22:59", False),
        (WHOLE_DAY, "2026-03-05T23:00", True),  # Friday 00:00
        (WHOLE_DAY, "2026-03-06T22:59", True),
        (WHOLE_DAY, "2026-03-06T23:00", False),
        (Schedule(), "2026-03-07T05:00", True),
    ],
)
def test_active(schedule: Schedule, at: str, expected: bool) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert active(schedule, moment, "Europe/Berlin") is expected
