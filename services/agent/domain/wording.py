"""How the vocabulary reads in an English report."""

from shared.vocabulary import Finding, Hazard, Item, Jurisdiction

HAZARDS: dict[Hazard, str] = {
    Hazard.GENERAL: "general site hazards",
    Hazard.OVERHEAD_WORK: "overhead work",
    Hazard.VEHICULAR_TRAFFIC: "vehicle traffic",
    Hazard.PUBLIC_TRAFFIC: "public traffic",
    Hazard.EXCAVATION: "excavation",
    Hazard.CRANE_SWING: "crane swing",
    Hazard.LIFTING: "lifting of loads",
    Hazard.POWERED_TRUCKS: "powered trucks",
    Hazard.MACHINERY: "machinery",
    Hazard.ELECTRICAL: "electrical hazards",
    Hazard.FALL_EDGE: "unprotected edge",
    Hazard.HOT_WORK: "hot work",
    Hazard.CHEMICAL: "chemicals",
}

FINDINGS: dict[Finding, str] = {
    Finding.NO_HARDHAT: "no hard hat",
    Finding.NO_VEST: "no high-visibility vest",
    Finding.NO_MASK: "no face mask",
    Finding.NO_GOGGLES: "no eye protection",
    Finding.NO_GLOVES: "no gloves",
    Finding.NO_BOOTS: "no safety footwear",
    Finding.NO_HEARING_PROTECTION: "no hearing protection",
    Finding.RESTRICTED_ZONE: "person in a restricted zone",
    Finding.PROXIMITY_VEHICLE: "person close to a vehicle",
    Finding.UNDER_LOAD: "person under a load",
    Finding.WORK_AT_HEIGHT: "person at an edge or at height",
}

ITEMS: dict[Item, str] = {
    Item.HARDHAT: "hard hat",
    Item.VEST: "high-visibility vest",
    Item.MASK: "face mask",
    Item.GOGGLES: "eye protection",
    Item.GLOVES: "gloves",
    Item.BOOTS: "safety footwear",
}

JURISDICTIONS: dict[Jurisdiction, str] = {
    Jurisdiction.US_CONSTRUCTION: "US construction (29 CFR part 1926)",
    Jurisdiction.US_GENERAL_INDUSTRY: "US general industry (29 CFR part 1910)",
    Jurisdiction.EU: "European Union",
    Jurisdiction.GREAT_BRITAIN: "Great Britain",
}

PRESENCE = frozenset(
    {Finding.RESTRICTED_ZONE, Finding.PROXIMITY_VEHICLE, Finding.UNDER_LOAD, Finding.WORK_AT_HEIGHT}
)
"""Findings that say where a person is; the others say what a person does not wear."""


def missing_thing(finding: Finding) -> str:
    """What the finding says is missing, such as ``hard hat``; only for findings outside `PRESENCE`."""
    return FINDINGS[finding].removeprefix("no ")


def worn_thing(finding: Finding) -> str:
    """The same as somebody wears it, such as ``a hard hat``."""
    thing = missing_thing(finding)
    return f"a {thing}" if finding in (Finding.NO_HARDHAT, Finding.NO_VEST, Finding.NO_MASK) else thing


def listed(words: list[str] | tuple[str, ...], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def counted(number: int, one: str, many: str) -> str:
    """``1 person`` or ``3 people``."""
    return f"{number} {one if number == 1 else many}"
