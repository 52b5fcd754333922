"""A rule holds at the site's own time, over midnight and over the change of clocks."""

from datetime import UTC, datetime

import pytest

from services.detection.domain.schedule import active
from shared.config.site import Schedule

DAY = Schedule.model_validate({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "to": "18:00"})
NIGHT = Schedule.model_validate({"days": ["fri"], "from": "22:00", "to": "05:00"})


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
        (Schedule(), "2026-03-07T05:00", True),
    ],
)
def test_active(schedule: Schedule, at: str, expected: bool) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert active(schedule, moment, "Europe/Berlin") is expected
