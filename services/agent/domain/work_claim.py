"""Whose turn it is: the outcomes of asking for the right to work on one message."""

from dataclasses import dataclass
from typing import Literal

from services.agent.domain.report import Report

Phase = Literal["opened", "closed"]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one message, until the lease passes or somebody else gets a higher fence.

    Attributes:
        violation_id, phase: the key.
        fence: every later write names it; a write with an old fence changes nothing.
        attempts: how often work was begun and not handed back in good order, this time included.
        age_s: seconds since the first claim, by the database's clock.
        report: what an earlier attempt had finished writing; None if nothing that can be read.
        unreadable: another version of this software had written one, whose PDF may be in the store.
    """

    violation_id: str
    phase: Phase
    fence: int
    attempts: int
    age_s: float
    report: Report | None
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The work is done, quarantined or erased: nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Leased:
    """Somebody else works on it.

    Attributes:
        left_s: seconds until that lease passes, by the database's clock.
    """

    left_s: float


@dataclass(frozen=True, slots=True)
class OtherPayload:
    """The same violation and phase came before with other bytes: one of the two is not genuine."""

    known_sha256: str


ClaimOutcome = Claim | Finished | Leased | OtherPayload
