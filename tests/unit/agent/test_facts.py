"""The numbered facts say times, people, confidence and evidence as a reader needs them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.agent.domain import facts
from shared.contracts.violation import SourceFacts
from shared.vocabulary import Finding, Severity
from tests import builders
from tests.drafts import brief, found, recording, site, zone


def _fact(name: str, **overrides: object) -> str:
    return next(fact.value for fact in brief(**overrides).facts if fact.name == name)


def test_facts_are_numbered_without_gaps() -> None:
    numbered = [fact.id for fact in brief().facts]

    assert numbered == [f"F{number}" for number in range(1, len(numbered) + 1)]


def test_times_are_local_with_zone_and_utc() -> None:
    assert _fact(facts.FIRST_SEEN) == "Wednesday 4 March 2026, 03:30:00 CST (America/Chicago), 09:30:00 UTC"


def test_another_day_in_utc_is_said() -> None:
    late = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
    value = _fact(facts.FIRST_SEEN, first_seen=late, last_seen=late)

    assert (
        value == "Wednesday 4 March 2026, 20:00:00 CST (America/Chicago), Thursday 5 March 2026 02:00:00 UTC"
    )


def test_the_days_before_are_the_sites_own_and_may_have_another_length() -> None:
    monday = datetime(2026, 3, 9, 15, 0, tzinfo=UTC)  # after the clocks went forward
    days = facts.days_before(builders.opened(first_seen=monday, last_seen=monday), 3)

    assert days[0][0] == datetime(2026, 3, 8, 6, 0, tzinfo=UTC)
    assert [(end.astimezone(UTC) - begin.astimezone(UTC)).total_seconds() / 3600 for begin, end in days] == [
        23,
        24,
        24,
    ]


@pytest.mark.parametrize("timezone", ["UTC", "Not/AZone", "../etc/passwd"])
def test_utc_stands_alone_where_the_zone_is_utc_or_unknown(timezone: str) -> None:
    assert _fact(facts.FIRST_SEEN, site=site(timezone=timezone)) == "Wednesday 4 March 2026, 09:30:00 UTC"


def test_a_recording_without_a_clock_says_its_own_time_first() -> None:
    first = _fact(facts.FIRST_SEEN, source=recording())
    last = _fact(facts.LAST_SEEN, source=recording())

    assert first.startswith("00:01:12 into the recording; its time of day is not known")
    assert last.startswith("00:01:15 into the recording")


@pytest.mark.parametrize(
    ("source", "spoken"),
    [
        (recording(), "from 00:01:12 into the recording"),
        (
            recording(kind="folder", offset_s=None),
            "at a time that is not known (by the date of the file 03:30:00 CST on Wednesday 4 March 2026)",
        ),
        (recording(clock="recorded-at"), "from 03:30:00 CST on Wednesday 4 March 2026"),
    ],
)
def test_the_first_sentence_says_no_time_of_day_that_is_not_known(source: SourceFacts, spoken: str) -> None:
    assert facts.spoken_start(brief(source=source).opened) == spoken


def test_a_recording_with_a_clock_says_the_time_of_day_first() -> None:
    value = _fact(facts.FIRST_SEEN, source=recording(clock="recorded-at"))

    assert value.startswith("Wednesday 4 March 2026, 03:30:00 CST")
    assert value.endswith("00:01:12 into the recording")


def test_an_observation_says_basis_looks_window_and_confidence() -> None:
    name = facts.observation_name(found(Finding.NO_VEST))

    assert _fact(name) == (
        "high-visibility vest not seen where it would be visible in 9 of 10 looks within 2.5 seconds, confidence 70%"
    )


def test_people_have_no_identity() -> None:
    assert _fact(facts.PEOPLE, people=3) == "3, the most at one time; no identity is recorded"


def test_it_is_said_which_earlier_observations_do_not_count() -> None:
    assert _fact(facts.RECURRENCE).endswith("without this one and any dismissed, authorised or exempt")


def test_it_is_said_whether_faces_are_blurred() -> None:
    assert _fact(facts.FACES).startswith("blurred")
    assert _fact(facts.FACES, evidence=builders.evidence(faces_blurred=False)).startswith("not blurred")


def test_hash_model_versions_and_blind_time_stand_there() -> None:
    assert _fact(facts.HASH) == builders.PICTURE_SHA
    assert _fact(facts.MODEL).startswith("ppe4 by openvino at 640 x 384 pixels, SHA-256 bbbb")
    assert _fact(facts.BLIND, camera_blind_s=125.0) == "2 minutes 5 seconds in the hour before"
    assert "citation table" in _fact(facts.VERSIONS)
    assert "not yet reviewed by a competent person" in _fact(facts.VERSIONS)


def test_names_lose_what_turns_or_hides_text() -> None:
    assert _fact(facts.ZONE, zone=zone(name="Gate\u202e\u200b 5")) == "Gate 5"
    assert _fact(facts.ZONE, zone=zone(name="\u202e")) == "(unnamed)"
    assert _fact(facts.ZONE, zone=zone(name="منطقة الرفع")) == "منطقة الرفع"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "0 seconds"), (1, "1 second"), (60, "1 minute"), (3_725, "1 hour 2 minutes 5 seconds")],
)
def test_durations_read_well(seconds: float, told: str) -> None:
    assert facts.duration_text(seconds) == told


def test_actions_are_due_by_severity_with_an_owner_by_role() -> None:
    offered = brief().offered_actions

    assert brief().grading.severity == Severity.HIGH
    assert {action.due_days for action in offered if action.level == "administrative"} == {3}
    assert all(action.suggested_owner for action in offered)


def test_actions_fit_the_zone() -> None:
    without_hazard = {action.id for action in brief(zone=zone()).offered_actions}

    assert "no_hardhat.engineering.2" not in without_hazard
    assert "no_hardhat.administrative.2" in without_hazard


def test_last_seen_is_when_it_was_written() -> None:
    later = builders.AT + timedelta(minutes=2)

    assert _fact(facts.DURATION, last_seen=later) == "2 minutes"
    assert _fact(facts.LAST_SEEN, last_seen=later).endswith("still going on when this was recorded")
