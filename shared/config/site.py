"""The site file: cameras, zones, rules and recipients of one site, as strict models.

`load_site` reads it; every problem names file, line, key, value and what is allowed.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from shared.config.polygon import check_polygon
from shared.config.problems import nearest
from shared.config.yaml_file import Misfit, read_model
from shared.contracts.violation import Name, Slug, printable
from shared.errors import ConfigurationError
from shared.vocabulary import Hazard, Item, Jurisdiction, Severity

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Value = TypeVar("Value")

# Around a zone that is looked at closer, as fractions of the picture: left, top, right, bottom. The polygon bounds
# feet: above it is room for a person a quarter of the picture tall.
CLOSER_MARGINS = (0.04, 0.25, 0.04, 0.03)
MOST_CLOSER = 0.8  # of the picture's width and height

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^${}]*))?\}")


def _known_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        if re.search(r"[+-]\d", value):  # the nearest name is hours off
            advice = "; do: name the place, not its offset"
        else:
            meant = nearest(value, available_timezones())
            advice = f"; do: did you mean {meant!r}?" if meant else ""
        raise ValueError(f"is no IANA time zone; allowed: such as Europe/Berlin{advice}") from error
    return value


def _address(value: str) -> str:
    local, _, domain = value.rpartition("@")
    plain = value.isprintable() and not any(c in ' ,;:<>()[]\\"' for c in value)
    if not (value.count("@") == 1 and plain and all([*local.split("."), *domain.split(".")])):
        raise ValueError(
            "is no mail address; allowed: name@domain without spaces, brackets or quotes; in neither half a "
            "dot at an end, or two in a row"
        )
    if len(value) > 254 or len(local) > 64:
        raise ValueError("is too long; allowed: 64 characters before the @ and 254 in all (RFC 5321)")
    return value


def _clock_time(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value)
    if isinstance(value, time):
        return value
    raise ValueError('is no time of day; allowed: "00:00" to "23:59"')


def _camera_source(value: str) -> str:
    if "${" in _VARIABLE.sub("", value):
        raise ValueError(
            "has a ${ that is not closed or names no variable; allowed: ${NAME} or ${NAME:-default}, with letters, "
            "digits and _ in NAME"
        )
    return printable(value)


def _all_differ(values: tuple[Value, ...]) -> tuple[Value, ...]:
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise ValueError(f"names {str(twice[0])!r} twice; do: remove one")
    return values


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Zone(_Strict):
    """A part of the picture. Points are fractions of width and height; feet decide who is inside."""

    id: Slug
    name: Name
    hazards: Annotated[tuple[Hazard, ...], AfterValidator(_all_differ)] = ()
    polygon: Annotated[tuple[tuple[Fraction, Fraction], ...], AfterValidator(check_polygon)] | None = None
    look_closer: bool = Field(
        False, description="look at this part a second time, enlarged: for far people; costs one more look"
    )
    authorised_note: Annotated[str, Field(max_length=200), AfterValidator(printable)] = ""

    @model_validator(mode="after")
    def _can_look_closer(self) -> "Zone":
        if not self.look_closer:
            return self
        if self.polygon is None:
            raise ValueError(
                "has look_closer, but no polygon, so it is the whole picture; do: draw where people are small"
            )
        x1, y1, x2, y2 = self.closer_look or (0, 0, 1, 1)
        if min(x2 - x1, y2 - y1) > MOST_CLOSER:
            raise ValueError(
                f"has look_closer, but is nearly the whole picture ({x2 - x1:.0%} x {y2 - y1:.0%} of it with its "
                "margin), so nothing is enlarged; do: draw where people are small"
            )
        return self

    @property
    def closer_look(self) -> tuple[float, float, float, float] | None:
        """What is seen enlarged, margins included: x1, y1, x2, y2 as fractions of the picture; None if nothing is."""
        if not self.look_closer or self.polygon is None:
            return None
        across, down = zip(*self.polygon, strict=True)
        left, top, right, bottom = CLOSER_MARGINS
        return (
            max(0.0, min(across) - left),
            max(0.0, min(down) - top),
            min(1.0, max(across) + right),
            min(1.0, max(down) + bottom),
        )


class Camera(_Strict):
    """A fixed camera and the zones in its picture."""

    id: Slug
    name: Name
    # rtsp(s) URL, video file, camera index or folder; `source_of` fills in ${NAME} from the environment
    source: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_camera_source)] | None = (
        Field(None, repr=False)
    )
    input_px: int | None = Field(
        None, ge=160, le=1920, description="long side of the model's input: more sees farther, and costs more"
    )
    look_closer: bool = Field(
        True,
        description="people too small to be judged are seen enlarged as well, for up to 0.8 more work",
    )
    zones: tuple[Zone, ...] = Field(min_length=1, max_length=64)


class Schedule(_Strict):
    """When a rule holds, in the site's local time.

    `to` at or before `from` runs over midnight into the next day, so equal times are a whole day; `days` are those on
    which it begins.
    """

    days: Annotated[tuple[Day, ...], AfterValidator(_all_differ)] = Field(
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), min_length=1
    )
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
            raise ValueError(f"asks for {self.looks} looks of {self.of}; allowed: looks at most of")
        return self


class _Rule(_Strict):
    id: Slug
    title: Name
    version: Name = "1"
    zones: Annotated[tuple[Slug, ...], AfterValidator(_all_differ)] = ()  # empty: every zone of every camera
    schedule: Schedule = Schedule()
    confirm: Confirmation | None = None  # None: the measured default of the rule's kind
    cooldown_s: float = Field(300, ge=0, le=86_400)
    severity: Severity | None = None  # None: from the severity matrix


class PpeRule(_Rule):
    """Each person in the zone must wear `requires`."""

    kind: Literal["ppe"]
    requires: Annotated[tuple[Item, ...], AfterValidator(_all_differ)] = Field(min_length=1)
    per: Literal["person"] = "person"


class RestrictedZoneRule(_Rule):
    """Nobody may stand in the zone."""

    kind: Literal["restricted-zone"]
    cooldown_s: float = Field(30, ge=0, le=86_400)  # it covers whoever enters next, too
    zones: Annotated[tuple[Slug, ...], AfterValidator(_all_differ)] = Field(min_length=1)
    per: Literal["person", "zone"] = "zone"


Rule = Annotated[PpeRule | RestrictedZoneRule, Field(discriminator="kind")]


class Recipient(_Strict):
    """Who gets the reports by mail, from which severity on."""

    address: Annotated[str, AfterValidator(_address)]
    role: Annotated[str, Field(max_length=80), AfterValidator(printable)] = ""
    min_severity: Severity = Severity.LOW


class Privacy(_Strict):
    """What is done to pictures of people before they are stored."""

    blur_faces: bool = True


class SiteFacts(_Strict):
    """The site, and whose regulations apply there."""

    id: Slug
    name: Name
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    jurisdictions: Annotated[tuple[Jurisdiction, ...], AfterValidator(_all_differ)] = ()
    policy: Name = "Site safety policy"


class Site(_Strict):
    """The whole file."""

    version: Literal[1]
    site: SiteFacts
    cameras: tuple[Camera, ...] = Field(min_length=1, max_length=64)
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=200)
    recipients: tuple[Recipient, ...] = ()
    privacy: Privacy = Privacy()


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
    content, site = read_model(path, Site, _misfits)
    return LoadedSite(path=path, sha256=hashlib.sha256(content).hexdigest(), site=site)


def site_schema() -> dict[str, Any]:
    """JSON Schema of the site file, as published in docs/; editors use it to complete and check."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Site.model_json_schema(by_alias=True),
    }


def source_of(camera: Camera, environ: Mapping[str, str]) -> str:
    """The camera's source with each ${NAME} and ${NAME:-default} filled in from *environ*.

    It may hold secrets: redact it before showing it.

    Raises:
        ConfigurationError: the camera has no source, or a variable is not set.
    """
    if camera.source is None:
        raise ConfigurationError(
            f"camera {camera.id}: has no source; do: add source: to it, or name one to watch"
        )
    names = _VARIABLE.findall(camera.source)
    if unset := [name for name, default in names if not (environ.get(name) or default)]:
        raise ConfigurationError(
            f"camera {camera.id}: source reads {', '.join(unset)} from the environment, which is not set; "
            f"do: set {'it' if len(unset) == 1 else 'them'} there or in .env"
        )
    return _VARIABLE.sub(lambda found: environ.get(found[1]) or found[2], camera.source)


def _misfits(document: Any) -> Iterator[Misfit]:
    """Ids that stand twice and zones that no camera has, in a document that may be wrong in any other way."""
    cameras, rules = _entries(document, "cameras"), _entries(document, "rules")
    yield from _repeated("cameras", "id", cameras)
    yield from _repeated("rules", "id", rules)
    yield from _repeated("recipients", "address", _entries(document, "recipients"))
    known: set[str] = set()
    for index, camera in cameras:
        zones = _entries(camera, "zones")
        yield from _repeated(("cameras", index, "zones"), "id", zones)
        known |= {zone["id"] for _, zone in zones if isinstance(zone.get("id"), str)}
    for index, rule in rules:
        for position, zone in enumerate(_sequence(rule.get("zones"))):
            if isinstance(zone, str) and zone not in known:
                yield ("rules", index, "zones", position), _no_such_zone(zone, known)


def _entries(document: Any, key: str) -> list[tuple[int, dict[str, Any]]]:
    entries = _sequence(document.get(key)) if isinstance(document, dict) else ()
    return [(i, entry) for i, entry in enumerate(entries) if isinstance(entry, dict)]


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _repeated(
    where: str | tuple[str | int, ...], key: str, entries: list[tuple[int, dict[str, Any]]]
) -> Iterator[Misfit]:
    seen: set[str] = set()
    for index, entry in entries:
        value = entry.get(key)
        if isinstance(value, str) and value.casefold() in seen:
            loc = (*((where,) if isinstance(where, str) else where), index, key)
            yield loc, f"value {value[:80]!a} stands twice; allowed: each {key} once; do: choose another one"
        seen |= {value.casefold()} if isinstance(value, str) else set()


def _no_such_zone(zone: str, known: set[str]) -> str:
    meant = nearest(zone, known)
    advice = f"did you mean {meant!r}?" if meant else "add the zone to a camera"
    return f"value {zone[:80]!a} is no zone of any camera; allowed: {', '.join(sorted(known))}; do: {advice}"
