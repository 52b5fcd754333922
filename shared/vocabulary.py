"""The safety inspector's words that messages, site file and citation table share."""

from enum import StrEnum


class Item(StrEnum):
    """A piece of personal protective equipment (PPE) that a rule may require."""

    HARDHAT = "hardhat"
    VEST = "vest"
    MASK = "mask"
    GOGGLES = "goggles"
    GLOVES = "gloves"
    BOOTS = "boots"


class Finding(StrEnum):
    """What was observed, as the citation table names it."""

    NO_HARDHAT = "no_hardhat"
    NO_VEST = "no_vest"
    NO_MASK = "no_mask"
    NO_GOGGLES = "no_goggles"
    NO_GLOVES = "no_gloves"
    NO_BOOTS = "no_boots"
    NO_HEARING_PROTECTION = "no_hearing_protection"
    RESTRICTED_ZONE = "restricted_zone"
    PROXIMITY_VEHICLE = "proximity_vehicle"
    UNDER_LOAD = "under_load"
    WORK_AT_HEIGHT = "work_at_height"


class Hazard(StrEnum):
    """What a person has declared to be dangerous in a zone; a camera never establishes it."""

    GENERAL = "general"
    OVERHEAD_WORK = "overhead-work"
    VEHICULAR_TRAFFIC = "vehicular-traffic"
    PUBLIC_TRAFFIC = "public-traffic"
    EXCAVATION = "excavation"
    CRANE_SWING = "crane-swing"
    LIFTING = "lifting"
    POWERED_TRUCKS = "powered-trucks"
    MACHINERY = "machinery"
    ELECTRICAL = "electrical"
    FALL_EDGE = "fall-edge"
    HOT_WORK = "hot-work"
    CHEMICAL = "chemical"


class Jurisdiction(StrEnum):
    """Whose regulations apply at a site; the site declares them."""

    US_CONSTRUCTION = "us-osha-construction"
    US_GENERAL_INDUSTRY = "us-osha-general-industry"
    EU = "eu"
    GREAT_BRITAIN = "gb"


class Severity(StrEnum):
    """Our own grading, from a declared matrix of severity and likelihood; never a regulator's class."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


def missing(item: Item) -> Finding:
    """The finding that says *item* is not worn."""
    return Finding(f"no_{item.value}")
