"""References that a report may print, and when each applies: where finding, jurisdiction and zone hazards meet."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.agent.domain.plain_text import shorten
from services.agent.domain.wording import HAZARDS, JURISDICTIONS, listed
from shared.contracts.violation import Opened
from shared.regulations.table import SITE_POLICY, US_PARTS, Entry, RegulationTable
from shared.vocabulary import Finding, Hazard, Jurisdiction

MAX_EXPLAINED = 3


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


def choose_references(opened: Opened, table: RegulationTable) -> tuple[Reference, ...]:
    """What may be cited for each finding of *opened*, in the order of the findings, each finding once."""
    findings = dict.fromkeys(found.finding for found in opened.findings)
    return tuple(_reference(finding, opened, table) for finding in findings)


def _reference(finding: Finding, opened: Opened, table: RegulationTable) -> Reference:
    site = opened.site.jurisdictions
    hazards = opened.zone.hazards
    entries = [entry for entry in table.citations_at(site) if finding in entry.findings]
    primaries = [e for e in entries if _is_law(e, site) and e.role == "primary" and e.fits(hazards)]
    primaries.sort(key=lambda entry: entry.needs_person_confirmation)
    own = [entry for entry in entries if entry.jurisdiction == SITE_POLICY]
    # The site's rule holds in any case: it stands alone, or as the sure ground beside laws that a person must confirm.
    base = own if all(entry.needs_person_confirmation for entry in primaries) else []
    beside = [entry for entry in entries if _supports(entry, primaries) and entry.fits(hazards)]
    left_out = [e for e in entries if _is_law(e, site) and e.role == "primary" and not e.fits(hazards)]
    return Reference(
        finding=finding,
        citations=(
            *(_citation(entry, opened) for entry in [*primaries, *base]),
            *(_beside(_citation(entry, opened), confirmed=not base) for entry in beside),
        ),
        reason=_reason(opened, primaries, left_out),
    )


def _is_law(entry: Entry, site: Iterable[Jurisdiction]) -> bool:
    return entry.jurisdiction in tuple(site)


def _supports(entry: Entry, primaries: list[Entry]) -> bool:
    if entry.role != "supporting":
        return False
    partners = entry.beside or (entry.jurisdiction,)
    return any(primary.jurisdiction in partners for primary in primaries)


def _citation(entry: Entry, opened: Opened) -> Citation:
    rule = opened.rule
    ground = f" ({shorten(opened.site.policy, 60)}, rule {rule.id}, version {shorten(rule.version, 20)})"
    return Citation(
        id=entry.id,
        title=entry.title + (ground if entry.jurisdiction == SITE_POLICY else ""),
        jurisdiction=str(entry.jurisdiction),
        primary=entry.role == "primary",
        requirement=entry.requirement,
        applies_when=entry.applies_when,
        equipment_standard=entry.equipment_standard,
        needs_person_confirmation=entry.needs_person_confirmation,
    )


def _beside(citation: Citation, *, confirmed: bool) -> Citation:
    """A supporting entry is no surer than the primary ones that it stands beside."""
    return citation if confirmed else replace(citation, needs_person_confirmation=True)


def _reason(opened: Opened, primaries: list[Entry], left_out: list[Entry]) -> str:
    declared = _declared(opened.zone.hazards)
    if primaries:
        laws = listed([code(entry.title) for entry in primaries])
        where = listed(sorted({_place(entry) for entry in primaries}))
        verb = "is" if len(primaries) == 1 else "are"
        first = f"{laws} {verb} allowed because the site declares {where} and {declared}."
        if set(opened.site.jurisdictions) >= US_PARTS and any(e.jurisdiction in US_PARTS for e in primaries):
            first += " Which of the two US parts holds, the work decides."
    elif opened.site.jurisdictions:
        first = f"Only the site's own rule is cited: no regulation in the table covers this finding where {declared}."
    else:
        first = "Only the site's own rule is cited because the site file declares no jurisdiction."
    return " ".join([first, *_not_cited(left_out)])


def _not_cited(left_out: list[Entry]) -> list[str]:
    told = [
        f"{code(entry.title)} needs a zone that declares {_needed(entry)}"
        for entry in left_out[:MAX_EXPLAINED]
    ]
    return [f"Not cited: {'; '.join(told)}."] if told else []


def _declared(hazards: tuple[Hazard, ...]) -> str:
    return f"the zone declares {listed([HAZARDS[hazard] for hazard in hazards]) or 'no hazard'}"


def _needed(entry: Entry) -> str:
    if entry.zone_hazards_all:
        return listed([HAZARDS[hazard] for hazard in entry.zone_hazards_all])
    return listed([HAZARDS[hazard] for hazard in entry.zone_hazards], last="or")


def code(title: str) -> str:
    """The part of a title that names the paragraph, such as ``29 CFR 1926.100(a)``."""
    return title.partition(", ")[0]


def _place(entry: Entry) -> str:
    return JURISDICTIONS[Jurisdiction(entry.jurisdiction)]
