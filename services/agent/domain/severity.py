"""Severity as declared data: what the hazard could do, how likely that is, and the matrix of both.

The grades and tables are our own judgement, explained in docs/citations.md; they are no regulator's classes.
"""

from collections.abc import Mapping
from typing import Literal

from services.agent.domain.report import Grading, Recurrence
from services.agent.domain.wording import FINDINGS, HAZARDS, PRESENCE
from shared.contracts.violation import Opened
from shared.vocabulary import Finding, Hazard, Severity

Consequence = Literal["minor", "serious", "life-threatening"]
Likelihood = Literal["unlikely", "possible", "likely"]

MATRIX: Mapping[Consequence, Mapping[Likelihood, Severity]] = {
    "minor": {"unlikely": Severity.LOW, "possible": Severity.LOW, "likely": Severity.MEDIUM},
    "serious": {"unlikely": Severity.LOW, "possible": Severity.MEDIUM, "likely": Severity.HIGH},
    "life-threatening": {"unlikely": Severity.MEDIUM, "possible": Severity.HIGH, "likely": Severity.CRITICAL},
}

_CELLS: dict[tuple[str, str], Severity] = {
    (consequence, likelihood): severity
    for consequence, row in MATRIX.items()
    for likelihood, severity in row.items()
}

REPEATED_FROM = 3
"""The same camera and rule on so many of the 7 days before make it likely."""

_LIFE: Consequence = "life-threatening"
_SERIOUS: Consequence = "serious"

_AREA: dict[Hazard, Consequence] = {
    Hazard.OVERHEAD_WORK: _LIFE,
    Hazard.VEHICULAR_TRAFFIC: _LIFE,
    Hazard.PUBLIC_TRAFFIC: _LIFE,
    Hazard.EXCAVATION: _LIFE,
    Hazard.CRANE_SWING: _LIFE,
    Hazard.LIFTING: _LIFE,
    Hazard.POWERED_TRUCKS: _LIFE,
    Hazard.MACHINERY: _LIFE,
    Hazard.ELECTRICAL: _LIFE,
    Hazard.FALL_EDGE: _LIFE,
    Hazard.HOT_WORK: _SERIOUS,
    Hazard.CHEMICAL: _SERIOUS,
}

CONSEQUENCES: Mapping[Finding, Mapping[Hazard, Consequence]] = {
    Finding.NO_HARDHAT: {
        Hazard.OVERHEAD_WORK: _LIFE,
        Hazard.LIFTING: _LIFE,
        Hazard.CRANE_SWING: _LIFE,
        Hazard.ELECTRICAL: _LIFE,
        Hazard.EXCAVATION: _SERIOUS,
        Hazard.MACHINERY: _SERIOUS,
        Hazard.FALL_EDGE: _SERIOUS,
    },
    Finding.NO_VEST: {
        Hazard.VEHICULAR_TRAFFIC: _LIFE,
        Hazard.PUBLIC_TRAFFIC: _LIFE,
        Hazard.POWERED_TRUCKS: _LIFE,
        Hazard.CRANE_SWING: _SERIOUS,
        Hazard.EXCAVATION: _SERIOUS,
    },
    Finding.NO_MASK: {Hazard.CHEMICAL: _SERIOUS, Hazard.HOT_WORK: _SERIOUS},
    Finding.NO_GOGGLES: {
        Hazard.MACHINERY: _SERIOUS,
        Hazard.HOT_WORK: _SERIOUS,
        Hazard.CHEMICAL: _SERIOUS,
        Hazard.OVERHEAD_WORK: _SERIOUS,
    },
    Finding.NO_GLOVES: {
        Hazard.ELECTRICAL: _LIFE,
        Hazard.MACHINERY: _SERIOUS,
        Hazard.HOT_WORK: _SERIOUS,
        Hazard.CHEMICAL: _SERIOUS,
    },
    Finding.NO_BOOTS: {
        Hazard.OVERHEAD_WORK: _SERIOUS,
        Hazard.LIFTING: _SERIOUS,
        Hazard.EXCAVATION: _SERIOUS,
        Hazard.POWERED_TRUCKS: _SERIOUS,
        Hazard.MACHINERY: _SERIOUS,
        Hazard.ELECTRICAL: _SERIOUS,
    },
    Finding.NO_HEARING_PROTECTION: {Hazard.MACHINERY: _SERIOUS, Hazard.HOT_WORK: _SERIOUS},
    Finding.RESTRICTED_ZONE: _AREA,
    Finding.PROXIMITY_VEHICLE: _AREA,
    Finding.UNDER_LOAD: _AREA,
    Finding.WORK_AT_HEIGHT: _AREA,
}
"""What could happen where the zone declares the hazard; any other pair is minor."""

_RANK: tuple[Consequence, ...] = ("minor", "serious", "life-threatening")
_GRADES = tuple(Severity)


def grade(opened: Opened, recurrence: Recurrence, override: Severity | None = None) -> Grading:
    """Grade the worst finding of *opened*; *override* is what the site file sets for the rule."""
    gradings = [_grade(found.finding, opened, recurrence) for found in opened.findings]
    worst = max(gradings, key=lambda grading: _GRADES.index(grading.severity))
    if override is None or override == worst.severity:
        return worst
    return Grading(
        severity=override,
        consequence=worst.consequence,
        likelihood=worst.likelihood,
        reason=f"The site file sets {override} for this rule; the matrix would give {worst.severity}. {worst.reason}",
    )


def by_matrix(grading: Grading) -> Severity:
    """What the matrix gives; the site file may have set another."""
    return _CELLS.get((grading.consequence, grading.likelihood), grading.severity)


def relevant_hazard(finding: Finding, hazards: tuple[Hazard, ...]) -> Hazard | None:
    """The declared hazard that makes *finding* worst; None if no declared hazard bears on it."""
    known = [hazard for hazard in hazards if hazard in CONSEQUENCES[finding]]
    return max(known, key=lambda hazard: _RANK.index(CONSEQUENCES[finding][hazard]), default=None)


def _grade(finding: Finding, opened: Opened, recurrence: Recurrence) -> Grading:
    hazard = relevant_hazard(finding, opened.zone.hazards)
    consequence: Consequence = CONSEQUENCES[finding][hazard] if hazard else "minor"
    likelihood, because = _likelihood(finding, hazard, opened.people, recurrence)
    severity = MATRIX[consequence][likelihood]
    what = FINDINGS[finding].capitalize()
    where = f"where {HAZARDS[hazard]} is declared" if hazard else "in a zone that declares no hazard for it"
    return Grading(
        severity=severity,
        consequence=consequence,
        likelihood=likelihood,
        reason=f"{what} {where}: the consequence could be {consequence}; harm is {likelihood} because {because}.",
    )


def _likelihood(
    finding: Finding, hazard: Hazard | None, people: int, recurrence: Recurrence
) -> tuple[Likelihood, str]:
    if hazard is None:
        return "unlikely", "the zone declares no hazard that bears on it"
    if finding in PRESENCE:
        return "likely", "the person is where the hazard is"
    if people > 1:
        return "likely", f"{people} people are exposed at once"
    if recurrence.on_days >= REPEATED_FROM:
        return "likely", f"the same rule was observed on {recurrence.on_days} of the 7 days before"
    return (
        "possible",
        f"one person is exposed, and it was observed on fewer than {REPEATED_FROM} of the 7 days before",
    )
