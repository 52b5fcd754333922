"""The numbered facts of a report: everything that code has checked and that the narrative may rest on."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.agent.domain.plain_text import plain
from services.agent.domain.report import Fact, Grading, Recurrence
from services.agent.domain.wording import FINDINGS, HAZARDS, PRESENCE, counted, listed, missing_thing
from shared.contracts.violation import FindingFacts, Opened

SITE = "Site"
CAMERA = "Camera"
ZONE = "Zone"
HAZARDS_DECLARED = "Hazards declared for the zone"
RULE = "Rule"
POLICY = "Site policy"
FIRST_SEEN = "First seen"
LAST_SEEN = "Last seen"
DURATION = "Duration so far"
PEOPLE = "People"
CONFIDENCE = "Confidence"
RECURRENCE = "Earlier observations"
GRADING = "Severity"
SOURCE = "Source"
PICTURE = "Evidence picture"
HASH = "Evidence SHA-256"
FACES = "Faces in the picture"
MODEL = "Detection model"
BLIND = "Camera blind"
VERSIONS = "Versions"

_BASIS = {
    "seen-missing": "seen missing",
    "not-seen": "not seen where it would be visible",
    "present-in-zone": "seen in the zone",
}


def number_facts(
    opened: Opened, recurrence: Recurrence, grading: Grading, table_label: str
) -> tuple[Fact, ...]:
    """All facts, as ``F1``, ``F2`` ... in the order of a report; times are local with zone, and UTC."""
    told = [
        *_place(opened),
        *_observed(opened),
        *_graded(recurrence, grading),
        *_evidence(opened, table_label),
    ]
    return tuple(Fact(f"F{number}", name, value) for number, (name, value) in enumerate(told, start=1))


def observation_name(found: FindingFacts) -> str:
    """Name of the fact that says how one finding was observed."""
    return f"Observed: {FINDINGS[found.finding]}"


def local_time(opened: Opened, moment: datetime) -> str:
    """Such as ``Wednesday 4 March 2026, 03:30:00 CST (America/Chicago), 09:30:00 UTC``."""
    utc = moment.astimezone(ZoneInfo("UTC"))
    zone = _zone(opened.site.timezone)
    local = moment.astimezone(zone)
    if zone.key == "UTC":
        return f"{_date(utc)}, {utc:%H:%M:%S} UTC"
    same_day = local.date() == utc.date()
    return f"{_date(local)}, {local:%H:%M:%S %Z} ({zone.key}), {'' if same_day else _date(utc) + ' '}{utc:%H:%M:%S} UTC"


def days_before(opened: Opened, count: int) -> list[tuple[datetime, datetime]]:
    """Begin and end of each of the *count* days before the one of the violation, by the site's calendar."""
    first_seen = opened.first_seen.astimezone(_zone(opened.site.timezone))
    today = first_seen.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    midnights = [today - timedelta(days=days) for days in range(count + 1)]
    return [(begin, end) for end, begin in pairwise(midnights)]


def when(opened: Opened, moment: datetime) -> str:
    """`local_time`, with the time into the recording; and that it is not known, where only the file's date tells it."""
    local, offset = local_time(opened, moment), time_into(opened, moment)
    if knows_time_of_day(opened):
        return f"{local}, {offset}" if offset else local
    unknown = f"time of day is not known (by the date of the file: {local})"
    return f"{offset}; its {unknown}" if offset else unknown


def knows_time_of_day(opened: Opened) -> bool:
    """Whether a clock told it, and not the date of a file alone."""
    return opened.source.clock != "file-time"


def time_into(opened: Opened, moment: datetime) -> str:
    """Such as ``00:01:12 into the recording``; empty for a live camera."""
    if opened.source.offset_s is None:
        return ""
    since_first = (moment - opened.first_seen) / timedelta(seconds=1)
    return f"{into_recording(opened.source.offset_s + since_first)} into the recording"


def spoken_start(opened: Opened) -> str:
    """When it began, such as ``from 03:30:00 CST on Wednesday 4 March 2026``, or the time into the recording."""
    local = opened.first_seen.astimezone(_zone(opened.site.timezone))
    moment = f"{local:%H:%M:%S %Z} on {_date(local)}"
    if knows_time_of_day(opened):
        return f"from {moment}"
    offset = time_into(opened, opened.first_seen)
    return f"from {offset}" if offset else f"at a time that is not known (by the date of the file {moment})"


def into_recording(seconds: float) -> str:
    """Such as ``00:01:12`` for 72.4 seconds."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def duration_text(seconds: float) -> str:
    """Such as ``3 seconds`` or ``2 minutes 5 seconds``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [
        counted(number, unit, f"{unit}s")
        for number, unit in ((hours, "hour"), (minutes, "minute"), (rest, "second"))
        if number
    ]
    return " ".join(parts) or "0 seconds"


def percent(fraction: float) -> str:
    """Such as ``81%``."""
    return f"{round(fraction * 100)}%"


def seconds_text(seconds: float) -> str:
    """Such as ``2.5 seconds``."""
    number = f"{seconds:.1f}".removesuffix(".0")
    return f"{number} second" if number == "1" else f"{number} seconds"


def _place(opened: Opened) -> Iterator[tuple[str, str]]:
    yield SITE, plain(opened.site.name)
    yield CAMERA, plain(opened.camera.name)
    yield ZONE, plain(opened.zone.name) + _note(opened)
    hazards = [HAZARDS[hazard] for hazard in opened.zone.hazards]
    yield HAZARDS_DECLARED, listed(hazards) if hazards else "none declared"
    yield RULE, f"{plain(opened.rule.title)} (rule {opened.rule.id}, version {plain(opened.rule.version)})"
    yield POLICY, plain(opened.site.policy)


def _note(opened: Opened) -> str:
    return f" (who may enter: {plain(opened.zone.authorised_note)})" if opened.zone.authorised_note else ""


def _observed(opened: Opened) -> Iterator[tuple[str, str]]:
    for found in opened.findings:
        yield observation_name(found), _observation(found)
    yield FIRST_SEEN, when(opened, opened.first_seen)
    yield LAST_SEEN, f"{when(opened, opened.last_seen)}; still going on when this was recorded"
    yield DURATION, duration_text((opened.last_seen - opened.first_seen).total_seconds())
    yield PEOPLE, f"{opened.people}, the most at one time; no identity is recorded"
    yield CONFIDENCE, f"{percent(opened.confidence)} over the confirming looks"


def _observation(found: FindingFacts) -> str:
    what = "" if found.finding in PRESENCE else f"{missing_thing(found.finding)} "
    looks = f"{found.supporting} of {counted(found.looked, 'look', 'looks')}"
    return (
        f"{what}{_BASIS[found.basis]} in {looks} within {seconds_text(found.window_s)}, "
        f"confidence {percent(found.confidence)}"
    )


def _graded(recurrence: Recurrence, grading: Grading) -> Iterator[tuple[str, str]]:
    counts = f"{recurrence.days_7} in 7 days and {recurrence.days_30} in 30 days"
    yield (
        RECURRENCE,
        f"{counts}, same camera and rule, without this one and any dismissed, authorised or exempt",
    )
    yield (
        GRADING,
        f"{grading.severity}: {grading.consequence} consequence, {grading.likelihood}. {grading.reason}",
    )


def _evidence(opened: Opened, table_label: str) -> Iterator[tuple[str, str]]:
    evidence, model = opened.evidence, opened.model
    yield SOURCE, f"{_SOURCES[opened.source.kind]} {plain(opened.source.name)}"
    yield (
        PICTURE,
        f"{evidence.width} x {evidence.height} pixels, taken {when(opened, evidence.captured_at)}",
    )
    yield HASH, evidence.sha256
    yield (
        FACES,
        "blurred before storage" if evidence.faces_blurred else "not blurred (switched off at this site)",
    )
    size = f"{model.input_px[0]} x {model.input_px[1]} pixels"
    yield MODEL, f"{plain(model.name)} by {model.backend} at {size}, SHA-256 {model.sha256}"
    yield BLIND, f"{duration_text(opened.camera_blind_s)} in the hour before"
    software = f"software {plain(opened.software_version)}, message {opened.schema_version}"
    yield VERSIONS, f"{software}, rule {plain(opened.rule.version)}, citation table {table_label}"


_SOURCES = {"live": "live camera", "file": "recording", "folder": "folder of pictures"}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")  # the contract takes any name; a report in UTC beats no report


def _date(moment: datetime) -> str:
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


# Not strftime: its names follow the machine's locale.
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
