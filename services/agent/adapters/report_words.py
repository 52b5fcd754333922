"""The words that a report's pages use for what the facts hold: times, findings, levels, sources."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.agent.domain.draft import Writer
from services.agent.domain.report import Report
from services.agent.domain.wording import FINDINGS, HAZARDS, ITEMS, listed
from shared.contracts.violation import EvidenceFacts, FindingFacts, ModelFacts, Opened, RuleFacts, SourceFacts
from shared.vocabulary import Finding, Hazard

BASES = {
    "seen-missing": (
        "Seen missing",
        "the uncovered body part itself was recognised, which is strong evidence",
    ),
    "not-seen": (
        "Not seen",
        "the item was not found where it is worn, with that part of the body in view; weaker than seeing it missing",
    ),
    "present-in-zone": ("Present in the zone", "a person stood inside the outline of the zone"),
}
LEVELS = ("elimination", "substitution", "engineering", "administrative", "ppe")  # most effective first
_JURISDICTIONS = {
    "us-osha-construction": "US OSHA, construction",
    "us-osha-general-industry": "US OSHA, general industry",
    "eu": "European Union",
    "gb": "Great Britain",
    "site-policy": "Site policy",
    "standard": "Product standard",
}
_CLOCKS = {
    "camera-host": "times by the clock of the machine that read the camera",
    "recorded-at": "times from the stated start of the recording",
    "file-time": "times from the file's own date, which may be off",
}
_SOURCES = {"live": "live camera", "file": "recording", "folder": "folder of pictures"}
_MONTHS = (  # never by locale: the same report gives the same bytes everywhere
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
REVIEW = "Keep the verdict where the officer runs (or --dismissed for a false alarm, --authorised, --exempt):"


def short_id(violation_id: str) -> str:
    """Enough of the id to speak about a report."""
    return violation_id[:8]


def review(violation_id: str) -> str:
    """The command by which a person's verdict comes into the database."""
    return f"officer reports review {short_id(violation_id)} --confirmed --data FOLDER"


def at_site(moment: datetime, timezone: str) -> datetime:
    """*moment* by the site's clocks; by UTC where the zone is unknown here."""
    try:
        return moment.astimezone(ZoneInfo(timezone))
    except (ValueError, OSError, KeyError, OverflowError):
        return moment.astimezone(UTC) if moment.tzinfo else moment


def day(moment: datetime) -> str:
    """Such as ``4 March 2026``."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def short_day(moment: datetime) -> str:
    """Such as ``4 Mar 2026``."""
    return f"{moment.day} {_MONTHS[moment.month - 1][:3]} {moment.year}"


def clock(moment: datetime) -> str:
    """Such as ``03:30:00 CST``; the offset where the zone has no abbreviation of its own."""
    name = moment.tzname() or ""
    return f"{moment:%H:%M:%S} {'UTC' + name if name[:1] in ('+', '-') else name}".strip()


def due(generated_at: datetime, days: int, timezone: str) -> str:
    """The day that falls *days* after the report at the site, or at once; empty where the calendar ends before it."""
    if days == 0:
        return "at once"
    try:
        return short_day(at_site(generated_at, timezone) + timedelta(days=days))
    except OverflowError:
        return ""


def people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people at once"


def number(value: float) -> str:
    """At most one decimal, none where it says nothing."""
    return f"{value:.1f}".removesuffix(".0")


def looks(found: FindingFacts) -> str:
    """Such as ``8 of 10 looks within 2.5 s``."""
    return f"{found.supporting} of {found.looked} looks within {number(found.window_s)} s"


def finding(name: Finding) -> str:
    """Such as ``No hard hat``."""
    return FINDINGS[name].capitalize()


def hazards(declared: tuple[Hazard, ...]) -> str:
    return listed([HAZARDS[hazard] for hazard in declared]) or "none"


def level(name: str) -> str:
    return "PPE" if name == "ppe" else name.capitalize()


def jurisdiction(name: str) -> str:
    return _JURISDICTIONS.get(name, name)


def rule(facts: RuleFacts) -> str:
    """Such as ``Hard hat and vest required (ppe, version 1; hard hat and high-visibility vest; per person)``."""
    items = listed([ITEMS[item] for item in facts.requires])
    parts = [f"{facts.id}, version {facts.version}", items, f"counted per {facts.per}"]
    return f"{facts.title} ({'; '.join(filter(None, parts))})"


def source(facts: SourceFacts) -> str:
    """What the source is; `session` says which run of it."""
    return f"{_SOURCES[facts.kind]} {facts.name}"


def session(facts: SourceFacts) -> str:
    """Which run of the source, and how far its times can be trusted."""
    name = "session" if facts.kind == "live" else "SHA-256"
    return f"{name} {facts.session}; {_CLOCKS[facts.clock]}"


def blind(opened: Opened) -> str:
    if opened.camera_blind_s <= 0:
        return "0 min in the hour before"
    minutes = max(opened.camera_blind_s / 60, 0.1)
    return f"{number(minutes)} min in the hour before"


def blur(opened: Opened) -> str:
    if opened.evidence.faces_blurred:
        return "Faces were blurred before the picture was stored."
    return "Faces are NOT blurred: blurring is switched off at this site."


def picture(facts: EvidenceFacts) -> str:
    return f"{facts.width} x {facts.height} pixels, {facts.size_bytes} bytes, unchanged"


def model(facts: ModelFacts) -> str:
    width, height = facts.input_px
    return f"{facts.name}, SHA-256 {facts.sha256[:12]}\u2026, {facts.backend}, input {width} x {height}"


def writer(who: Writer) -> str:
    """Who wrote the narrative, and why the template did where a model should have."""
    name = "template" if who.name == "template" else f"language model {who.name}"
    reason = f"; no language model, because: {who.fallback_reason}" if who.fallback_reason else ""
    return f"{name}, prompt version {who.prompt_version}{reason}"


def versions(report: Report) -> str:
    software = report.brief.opened.software_version
    return f"software {software}, citation table {report.table_version}"
