"""Names of objects: the same for both services, and never a way out of the store."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.violation import encode, envelope, payload_hash
from shared.errors import PermanentError
from shared.object_keys import check_key, event_key, evidence_key, violation_id_of
from tests.builders import VIOLATION_ID, closed, evidence, message, opened

LATE_IN_TOKYO = datetime(2026, 3, 5, 1, 0, tzinfo=timezone(timedelta(hours=9)))  # still the 4th in UTC


def test_the_day_in_a_key_is_that_of_utc() -> None:
    late = envelope(opened(), site="north-yard", camera="gate", at=LATE_IN_TOKYO)

    assert event_key(late, encode(late)).startswith("events/2026/03/04/")
    assert evidence_key(VIOLATION_ID, "a" * 64, LATE_IN_TOKYO).startswith("evidence/2026/03/04/")


def test_the_picture_has_the_key_that_the_contract_wants() -> None:
    key = evidence_key(VIOLATION_ID, "a" * 64, LATE_IN_TOKYO)

    assert evidence(key=key).key == check_key(key)


@pytest.mark.parametrize(("data", "phase"), [(opened(), "opened"), (closed(), "closed")])
def test_each_phase_has_its_own_sidecar(data: object, phase: str) -> None:
    told = message(data)  # type: ignore[arg-type]
    body = encode(told)

    assert event_key(told, body) == f"events/2026/03/04/{VIOLATION_ID}/{phase}-{payload_hash(body)[:16]}.json"


@pytest.mark.parametrize(
    ("key", "violation_id"),
    [
        (evidence_key(VIOLATION_ID, "a" * 64, LATE_IN_TOKYO), VIOLATION_ID),
        (f"events/2026/03/04/{VIOLATION_ID}/closed-0123456789abcdef.json", VIOLATION_ID),
        (f"reports/2026-03-04T093000Z-gate-ppe-{VIOLATION_ID}.pdf", VIOLATION_ID),
        (f"evidence/{'a' * 64}.jpg", None),
        ("probe.json", None),
    ],
)
def test_a_key_tells_its_violation(key: str, violation_id: str | None) -> None:
    assert violation_id_of(key) == violation_id


@given(st.text(alphabet="ab1./\\\n\0\u00e9 ~-_", max_size=12))
def test_a_key_that_is_let_through_stays_inside(key: str) -> None:
    try:
        parts = check_key(key).split("/")
    except PermanentError:
        return
    assert all(part and not part.startswith(".") and part.isascii() and part.isprintable() for part in parts)
