"""Severity follows the declared matrix and says why."""

import pytest
from hypothesis import given, settings

from services.agent.domain.report import Recurrence
from services.agent.domain.severity import CONSEQUENCES, MATRIX, by_matrix, grade, relevant_hazard
from shared.contracts.violation import Opened
from shared.vocabulary import Finding, Hazard, Severity
from tests import builders
from tests.brief_strategies import recurrences, violations
from tests.drafts import brief, found, zone

F, H, S = Finding, Hazard, Severity


@pytest.mark.parametrize(
    ("finding", "hazards", "people", "on_days", "expected"),
    [
        (F.NO_HARDHAT, (H.OVERHEAD_WORK,), 1, 0, S.HIGH),
        (F.NO_HARDHAT, (H.OVERHEAD_WORK,), 2, 0, S.CRITICAL),
        (F.NO_HARDHAT, (H.OVERHEAD_WORK,), 1, 2, S.HIGH),
        (F.NO_HARDHAT, (H.OVERHEAD_WORK,), 1, 3, S.CRITICAL),
        (F.NO_HARDHAT, (H.EXCAVATION,), 1, 0, S.MEDIUM),
        (F.NO_HARDHAT, (H.EXCAVATION, H.OVERHEAD_WORK), 1, 0, S.HIGH),
        (F.NO_HARDHAT, (H.GENERAL,), 1, 0, S.LOW),
        (F.NO_HARDHAT, (), 9, 7, S.LOW),
        (F.NO_VEST, (H.PUBLIC_TRAFFIC,), 1, 0, S.HIGH),
        (F.NO_GOGGLES, (H.MACHINERY,), 1, 0, S.MEDIUM),
        (F.RESTRICTED_ZONE, (H.CRANE_SWING,), 1, 0, S.CRITICAL),
        (F.RESTRICTED_ZONE, (H.CHEMICAL,), 1, 0, S.HIGH),
        (F.RESTRICTED_ZONE, (H.GENERAL,), 1, 0, S.LOW),
        (F.WORK_AT_HEIGHT, (H.FALL_EDGE,), 1, 0, S.CRITICAL),
    ],
)
def test_the_matrix_decides(
    finding: Finding, hazards: tuple[Hazard, ...], people: int, on_days: int, expected: Severity
) -> None:
    opened = builders.opened(findings=(found(finding),), zone=zone(*hazards), people=people)

    assert grade(opened, Recurrence(50, 50, on_days)).severity == expected


def test_the_worst_finding_counts() -> None:
    both = builders.opened(findings=(found(F.NO_VEST), found(F.NO_HARDHAT)), zone=zone(H.OVERHEAD_WORK))

    assert grade(both, Recurrence(0, 0)).reason.startswith("No hard hat where overhead work is declared")


def test_the_site_file_may_set_it_and_the_reason_says_so() -> None:
    grading = grade(builders.opened(), Recurrence(0, 0), override=S.LOW)

    assert grading.severity == S.LOW
    assert grading.reason.startswith("The site file sets low for this rule; the matrix would give ")
    assert by_matrix(grading) == grade(builders.opened(), Recurrence(0, 0)).severity


def test_the_brief_takes_it_from_the_rule() -> None:
    rule = builders.opened().rule.model_copy(update={"severity": S.CRITICAL})

    assert brief(rule=rule).grading.severity == S.CRITICAL
    assert brief(rule=rule).offered_actions[0].due_days < brief().offered_actions[0].due_days


def test_graver_or_likelier_is_never_milder() -> None:
    order = list(Severity)
    for row in MATRIX.values():
        ranks = [order.index(severity) for severity in row.values()]
        assert ranks == sorted(ranks)
    for likelihood in ("unlikely", "possible", "likely"):
        ranks = [order.index(row[likelihood]) for row in MATRIX.values()]
        assert ranks == sorted(ranks)


def test_every_finding_has_consequences() -> None:
    assert set(CONSEQUENCES) == set(Finding)
    assert relevant_hazard(F.NO_VEST, (H.GENERAL,)) is None


@settings(max_examples=25, deadline=None)
@given(opened=violations(), recurrence=recurrences)
def test_the_grade_stands_in_the_matrix(opened: Opened, recurrence: Recurrence) -> None:
    grading = grade(opened, recurrence)

    cell = {c: dict(row) for c, row in MATRIX.items()}[grading.consequence][grading.likelihood]  # type: ignore[index]
    assert grading.severity == cell
    assert grading.reason.endswith(".")
