"""Time in a recording never falls and survives bad timestamps."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detection.adapters.media_time import MediaTime, Pace


def offsets(raw: list[float | None], fps: float = 10.0) -> list[float]:
    time = MediaTime(fps)
    return [round(time.offset(each), 3) for each in raw]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([7.0, 7.1, 7.2], [0.0, 0.1, 0.2]),  # starts anywhere
        ([0.0, 0.04, 0.3, 1.9], [0.0, 0.04, 0.3, 1.9]),  # variable rate
        ([None, None, None], [0.0, 0.1, 0.2]),  # no timestamps
        ([0.0, 0.0, 0.0, 0.0], [0.0, 0.1, 0.2, 0.3]),  # always the same
        ([0.0, 0.1, None, 0.3], [0.0, 0.1, 0.2, 0.3]),  # one missing
        ([5.0, 5.1, 0.2, 5.3], [0.0, 0.1, 0.2, 0.3]),  # one wrong, behind
        ([0.0, 0.1, 95443.7, 0.3], [0.0, 0.1, 0.2, 0.3]),  # one wrong, far ahead
        ([5.0, 5.1, 0.0, 0.1, 0.2], [0.0, 0.1, 0.2, 0.3, 0.4]),  # clock set anew
        ([0.0, 0.1, 0.2, 1800.0, 0.4, 0.5], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),  # one wrong, less far ahead
        ([0.0, 0.1, 1800.0, 0.3, 1700.0, 0.5], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),  # and soon another
        ([1800.0, 0.1, 0.2, 0.3], [0.0, 0.1, 0.2, 0.3]),  # the first of all
        ([0.0, 600.0, 600.1, 600.2], [0.0, 0.1, 600.1, 600.2]),  # a pause in the recording
        ([0.0, 600.1, 600.0, 600.3, 600.2], [0.0, 0.1, 600.0, 600.3, 600.3]),  # and packets in decoding order
        ([0.0, 8.0, 8.1], [0.0, 8.0, 8.1]),  # a short one
        ([0.0, 0.1, 0.05, 0.2], [0.0, 0.1, 0.1, 0.2]),  # jitter
        ([0.0, math.nan, 0.2], [0.0, 0.1, 0.2]),
        ([0.0, math.inf, 0.2], [0.0, 0.1, 0.2]),
    ],
)
def test_timestamps_become_offsets(raw: list[float | None], expected: list[float]) -> None:
    assert offsets(raw) == expected


def test_where_pictures_are_far_apart_each_keeps_its_time() -> None:
    assert offsets([0.0, 30.0, 60.0, 100.0, 130.0], fps=1 / 30) == [0.0, 30.0, 60.0, 100.0, 130.0]


@given(st.lists(st.none() | st.floats()))
def test_offsets_start_at_zero_never_fall_and_stay_finite(raw: list[float | None]) -> None:
    result = offsets(raw)
    assert result[:1] == [0.0][: len(result)]
    assert all(earlier <= later for earlier, later in pairwise(result))
    assert all(map(math.isfinite, result))


@pytest.mark.parametrize(("fps", "rate"), [(10, 5), (12, 5), (25, 5), (30, 5), (29.97, 8), (5, 5), (15, 10)])
def test_a_pace_keeps_the_rate_on_average_and_evenly(fps: float, rate: float) -> None:
    pace = Pace(rate)
    times = [index / fps for index in range(round(60 * fps))]
    picked = [at_s for at_s in times if pace.wants(at_s)]
    assert len(picked) == pytest.approx(60 * rate, rel=0.02)
    assert max(b - a for a, b in pairwise(picked)) <= 1 / rate + 1 / fps


def test_a_pace_catches_up_after_a_pause_without_a_burst() -> None:
    pace = Pace(2)
    times = [0.0, 0.5, 60.0, 60.1, 60.2, 60.3, 60.4, 60.5]
    assert [at_s for at_s in times if pace.wants(at_s)] == [0.0, 0.5, 60.0, 60.3]


def test_a_slower_source_loses_nothing() -> None:
    pace = Pace(5)
    assert all(pace.wants(index / 4) for index in range(100))


def test_no_rate_picks_all() -> None:
    pace = Pace(None)
    assert all(pace.wants(at_s) for at_s in (0.0, 0.0, 0.001, 0.002))
