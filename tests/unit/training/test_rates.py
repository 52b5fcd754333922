"""What thresholds and reliabilities follow from measured shares."""

from typing import Any

import pytest

from officer.training.rates import CONFIDENCES, reliability, thresholds, unkept
from services.detection.domain.detection import Label

USED = {Label.HARDHAT: 0.2, Label.NO_HARDHAT: 0.1}


def row(question: str, share: float, *, looks: int = 98, px: tuple[int, int] | None = None) -> dict[str, Any]:
    return {
        "question": question,
        "by": "person_height_px" if px else "any",
        "px": px,
        "looks": looks,
        "share": {f"{limit:.2f}": share for limit in CONFIDENCES},
    }


def test_a_bare_box_is_worth_what_the_odds_of_its_two_shares_say() -> None:
    rows = [row("no_hardhat found | no_hardhat there", 0.5), row("no_hardhat found | hardhat there", 0.0)]
    assert reliability(rows, USED, {})["no_hardhat"] == {"seen-missing": pytest.approx(50 / 51, abs=0.01)}


def test_absence_is_judged_on_large_people_alone() -> None:
    rows = [
        row("hardhat found | no_hardhat there", 0.1, px=(128, 256)),
        row("hardhat found | hardhat there", 0.9, px=(128, 256)),
        row("hardhat found | no_hardhat there", 0.9, px=(0, 64)),
        row("hardhat found | hardhat there", 0.1, px=(0, 64)),
    ]
    assert reliability(rows, USED, {})["no_hardhat"] == {"not-seen": pytest.approx(0.9, abs=0.02)}


def test_a_few_looks_prove_nothing_for_sure() -> None:
    rows = [
        row("no_hardhat found | no_hardhat there", 1.0, looks=2),
        row("no_hardhat found | hardhat there", 0.0, looks=2),
    ]
    assert reliability(rows, USED, {})["no_hardhat"]["seen-missing"] == 0.75


def test_what_was_not_measured_is_not_told() -> None:
    assert reliability([], USED, {}) == {}


def test_somebody_in_a_zone_is_as_sure_as_a_box_called_person() -> None:
    assert reliability([], USED, {Label.PERSON: 0.853}) == {"restricted_zone": {"present-in-zone": 0.85}}


def test_of_item_thresholds_that_chance_cannot_tell_apart_the_surest_is_taken() -> None:
    there, bare = row("hardhat found | hardhat there", 0.9), row("hardhat found | no_hardhat there", 0.1)
    there["share"] |= {"0.20": 0.89, "0.25": 0.5, "0.30": 0.4, "0.40": 0.3, "0.50": 0.2, "0.60": 0.1}
    assert thresholds([there, bare], {})[Label.HARDHAT] == 0.2


def test_a_bare_box_must_seldom_be_wrong() -> None:
    right = row("no_hardhat found | no_hardhat there", 0.5)
    wrong = row("no_hardhat found | hardhat there", 0.1)
    wrong["share"] |= {"0.30": 0.01, "0.40": 0.01, "0.50": 0.0, "0.60": 0.0}
    assert thresholds([right, wrong], {})[Label.NO_HARDHAT] == 0.3
    assert list(unkept([right, wrong])) == []


def test_where_no_confidence_makes_a_bare_box_seldom_wrong_that_is_told() -> None:
    right = row("no_hardhat found | no_hardhat there", 0.5)
    wrong = row("no_hardhat found | hardhat there", 0.1)
    assert thresholds([right, wrong], {})[Label.NO_HARDHAT] == CONFIDENCES[-1]
    assert list(unkept([right, wrong])) == [
        "no_hardhat: 0.100 of hardhat are called that at the highest confidence, too (0.6); at most 0.015 should be"
    ]
    assert list(unkept([wrong])) == []
