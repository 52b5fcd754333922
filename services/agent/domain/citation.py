"""References that a report may print, and when each applies."""

from dataclasses import dataclass

from shared.vocabulary import Finding


@dataclass(frozen=True, slots=True)
class Citation:
    """One entry of the citation table, in our own short wording.

    Attributes:
        id: key in the table, such as ``osha-1926-100-a``.
        title: what to print, such as ``29 CFR 1926.100(a), Head protection``.
        jurisdiction: whose rule it is; ``site-policy`` for the site's own.
        primary: may stand alone; otherwise only beside a primary one.
        requirement: what it asks for.
        applies_when: the condition under which it may be used.
        equipment_standard: product standard named with it; empty if none.
        needs_person_confirmation: camera and zone cannot establish the condition: print "to be confirmed by a person".
    """

    id: str
    title: str
    jurisdiction: str
    primary: bool
    requirement: str
    applies_when: str
    equipment_standard: str
    needs_person_confirmation: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """What may be cited for one finding.

    Attributes:
        finding: what was observed.
        citations: at least one; the first is primary.
        reason: why these apply here (jurisdiction, hazards declared for the zone), or why only site policy does.
    """

    finding: Finding
    citations: tuple[Citation, ...]
    reason: str
