"""The site file: cameras, zones, rules and recipients of one site, as strict models.

`load_site` reads it; every problem names file, line, key, value and what is allowed.
"""

import hashlib
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.config.polygon import check_polygon
from shared.config.yaml_file import read_model
from shared.contracts.violation import Name, Slug
from shared.vocabulary import Hazard, Item, Jurisdiction, Severity

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _known_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{value!r} is no IANA time zone such as Europe/Berlin or America/Chicago"
        ) from error
    return value


def _address(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not (at and local and domain) or len(value) > 254 or any(c.isspace() or ord(c) < 33 for c in value):
        raise ValueError(f"{value[:80]!a} is no mail address (one @, no spaces, at most 254 characters)")
    return value


def _clock_time(value: object) -> object:
    """YAML reads an unquoted 06:30 as the number 390 (base 60): take only quoted text."""
    if not isinstance(value, str):
        raise ValueError('write the time in quotes, as in "06:30"')
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Zone(_Strict):
    """A part of the picture. Points are fractions of width and height; feet decide who is inside."""

    id: Slug
    name: Name
    hazards: tuple[Hazard, ...] = ()
    polygon: Annotated[tuple[tuple[Fraction, Fraction], ...], AfterValidator(check_polygon)] | None = None
    authorised_note: str = Field("", max_length=200)


class Camera(_Strict):
    id: Slug
    name: Name
    source: str | None = (
        None  # rtsp(s) URL, video file, camera index or folder; ${NAME} reads the environment
    )
    zones: tuple[Zone, ...] = Field(min_length=1, max_length=64)


class Schedule(_Strict):
    """When a rule holds, in the site's local time; `to` before `from` runs over midnight."""

    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    start: Annotated[time, BeforeValidator(_clock_time)] = Field(time(0, 0), alias="from")
    end: Annotated[time, BeforeValidator(_clock_time)] = Field(time(0, 0), alias="to")


class Confirmation(_Strict):
    """M of N: at least `looks` supporting looks among the last `of` looks inside `within_s` seconds."""

    looks: int = Field(ge=2, le=100)
    of: int = Field(ge=2, le=100)
    within_s: float = Field(gt=0, le=600)

    @model_validator(mode="after")
    def _possible(self) -> "Confirmation":
        if self.looks > self.of:
            raise ValueError(f"looks ({self.looks}) must not exceed of ({self.of})")
        return self


class _Rule(_Strict):
    id: Slug
    title: Name
    version: Name = "1"
    zones: tuple[Slug, ...] = ()  # empty: every zone of every camera
    schedule: Schedule = Schedule()
    confirm: Confirmation | None = None  # None: the measured default of the rule's kind
    cooldown_s: float = Field(300, ge=0, le=86_400)
    severity: Severity | None = None  # None: from the severity matrix


class PpeRule(_Rule):
    """Each person in the zone must wear `requires`."""

    kind: Literal["ppe"]
    requires: tuple[Item, ...] = Field(min_length=1, max_length=6)
    per: Literal["person"] = "person"


class RestrictedZoneRule(_Rule):
    """Nobody may stand in the zone."""

    kind: Literal["restricted-zone"]
    zones: tuple[Slug, ...] = Field(min_length=1)
    per: Literal["person", "zone"] = "zone"


Rule = Annotated[PpeRule | RestrictedZoneRule, Field(discriminator="kind")]


class Recipient(_Strict):
    address: Annotated[str, AfterValidator(_address)]
    role: str = Field("", max_length=80)
    min_severity: Severity = Severity.LOW


class Privacy(_Strict):
    blur_faces: bool = True


class SiteFacts(_Strict):
    id: Slug
    name: Name
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    jurisdictions: tuple[Jurisdiction, ...] = ()
    policy: Name = "Site safety policy"


class Site(_Strict):
    """The whole file."""

    version: Literal[1]
    site: SiteFacts
    cameras: tuple[Camera, ...] = Field(min_length=1, max_length=64)
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=200)
    recipients: tuple[Recipient, ...] = ()
    privacy: Privacy = Privacy()

    @model_validator(mode="after")
    def _names_agree(self) -> "Site":
        _unique("camera", [camera.id for camera in self.cameras])
        _unique("rule", [rule.id for rule in self.rules])
        for camera in self.cameras:
            _unique(f"zone of camera {camera.id}", [zone.id for zone in camera.zones])
        known = sorted({zone.id for camera in self.cameras for zone in camera.zones})
        for rule in self.rules:
            for zone in rule.zones:
                if zone not in known:
                    raise ValueError(f"rule {rule.id} names zone {zone!r}; known zones: {', '.join(known)}")
        return self


@dataclass(frozen=True, slots=True)
class LoadedSite:
    """A valid site file.

    Attributes:
        path: where it was read from.
        sha256: hash of its bytes; part of a run's identity.
        site: its content.
    """

    path: Path
    sha256: str
    site: Site


def load_site(path: Path) -> LoadedSite:
    """Read and check *path*.

    Raises:
        ConfigurationError: all problems of the file in one message, each with line, key, value and remedy.
    """
    content, site = read_model(path, Site)
    return LoadedSite(path=path, sha256=hashlib.sha256(content).hexdigest(), site=site)


def _unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} id {name!r} stands twice; ids must differ")
