"""The violation message: CloudEvents 1.0 around one potential non-compliance, versioned and strict.

Two messages exist for a violation: `opened` once it is confirmed (it makes the one report) and `closed` with the
final times (it only completes the row). They may arrive in either order.
"""

import hashlib
import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from shared.config.problems import explain
from shared.contracts.strict_json import parse_strict
from shared.errors import ContractError
from shared.vocabulary import Finding, Hazard, Item, Jurisdiction, Severity

SCHEMA_VERSION = "1.0"
MAX_MESSAGE_BYTES = 64 * 1024
OPENED = "officer.violation.opened.v1"
CLOSED = "officer.violation.closed.v1"
_REFUSED_BY_SQS = {
    0xFFFE: "\\ufffe",
    0xFFFF: "\\uffff",
}  # all others that it refuses are no text to begin with
CLOCK_TOLERANCE = timedelta(minutes=10)
FIRST_YEAR = 2000
MAX_PROBLEMS_TOLD = 3
_NAMED = re.compile(rb'"(?:subject|violation_id)"\s*:\s*"([0-9a-f]{32})"')
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("has no time zone; allowed: ISO 8601 with an offset, such as 2026-03-04T09:30:00Z")
    if not FIRST_YEAR <= value.year < 2200:
        raise ValueError(f"is out of range; allowed: years {FIRST_YEAR} to 2199")
    return value.astimezone(UTC)


def printable(value: str) -> str:
    """Return *value* if it is one line of text.

    Raises:
        ValueError: it holds control characters, line or paragraph separators, or lone surrogates.
    """
    if any(unicodedata.category(c) in _NO_TEXT for c in value):
        raise ValueError(
            "holds a control character, a line break or half a character; allowed: one line of text"
        )
    return value


def as_name(text: str) -> str:
    """*text*, such as a file's name, made to fit a `Name`: one line, at most 200 characters, never empty."""
    plain = "".join("?" if unicodedata.category(c) in _NO_TEXT else c for c in text)
    return plain[:200] or "?"


Instant = Annotated[datetime, AfterValidator(_utc)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$",
        description="1 to 64 of a-z, 0-9, - and _, a letter or digit first and last",
    ),
]
ViolationId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="32 of 0-9 and a-f")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="64 of 0-9 and a-f")]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**9)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


class NormalisedBox(_Strict):
    """A box in fractions of the picture: x from the left, y from the top, x1 < x2 and y1 < y2."""

    x1: Fraction
    y1: Fraction
    x2: Fraction
    y2: Fraction

    @model_validator(mode="after")
    def _ordered(self) -> "NormalisedBox":
        if self.x1 >= self.x2 or self.y1 >= self.y2:
            raise ValueError("needs x1 < x2 and y1 < y2")
        return self


class SiteFacts(_Strict):
    id: Slug
    name: Name
    timezone: Annotated[str, Field(max_length=64)]
    jurisdictions: tuple[Jurisdiction, ...] = Field(max_length=5)
    policy: Name  # how the site names its own safety policy


class CameraFacts(_Strict):
    id: Slug
    name: Name


class ZoneFacts(_Strict):
    id: Slug
    name: Name
    hazards: tuple[Hazard, ...] = Field(max_length=20)
    polygon: tuple[tuple[Fraction, Fraction], ...] | None  # None: the whole picture
    authorised_note: Annotated[str, Field(max_length=200), AfterValidator(printable)] = ""


class RuleFacts(_Strict):
    id: Slug
    kind: Literal["ppe", "restricted-zone"]
    title: Name
    version: Name
    per: Literal["person", "zone"]
    requires: tuple[Item, ...] = Field(max_length=10)
    severity: Severity | None = None  # as the site sets it for this rule; None: from the severity matrix


class FindingFacts(_Strict):
    """One thing that was observed. `supporting` of `looked` looks inside `window_s` showed it."""

    finding: Finding
    basis: Literal["seen-missing", "not-seen", "present-in-zone"]
    confidence: Fraction
    supporting: Count
    looked: Count
    window_s: Seconds

    @model_validator(mode="after")
    def _possible(self) -> "FindingFacts":
        if self.supporting > self.looked:
            raise ValueError(
                f"has {self.supporting} supporting of {self.looked} looks; allowed: at most all of them"
            )
        return self


class SourceFacts(_Strict):
    """Where the frames came from. For a file `session` is the file's SHA-256 and `offset_s` is into the recording."""

    kind: Literal["live", "file", "folder"]
    session: Annotated[str, Field(pattern=r"^[0-9a-zA-Z-]{8,64}$")]
    name: Name  # redacted: no user, no password
    offset_s: Seconds | None  # first seen, from the start of the recording; None for a live camera
    clock: Literal["camera-host", "recorded-at", "file-time"]  # how far the wall-clock times can be trusted


class PictureBox(_Strict):
    """Something drawn over the evidence."""

    role: Literal["subject", "person", "item", "bare", "other"]
    label: Annotated[str, Field(max_length=40), AfterValidator(printable)]
    confidence: Fraction
    box: NormalisedBox


class EvidenceFacts(_Strict):
    """The clean JPEG picture, stored once; overlays are drawn from `boxes` on demand."""

    key: Annotated[
        str,
        Field(
            pattern=r"^evidence/[0-9]{4}/[0-9]{2}/[0-9]{2}/[0-9a-f]{32}/[0-9a-f]{64}\.jpg$",
            description="evidence/YYYY/MM/DD/<violation id>/<SHA-256 of the picture>.jpg",
        ),
    ]
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=20_000_000)]
    width: Annotated[int, Field(ge=16, le=16_384)]
    height: Annotated[int, Field(ge=16, le=16_384)]
    captured_at: Instant
    faces_blurred: bool
    close_up: NormalisedBox
    boxes: tuple[PictureBox, ...] = Field(max_length=100)


class ModelFacts(_Strict):
    name: Name
    sha256: Sha256
    backend: Literal["openvino", "onnxruntime", "ultralytics"]
    input_px: tuple[Count, Count]  # width, height


class Opened(_Strict):
    """A violation has been confirmed and was going on when this was written."""

    schema_version: Literal["1.0"] = "1.0"
    violation_id: ViolationId
    site: SiteFacts
    camera: CameraFacts
    zone: ZoneFacts
    rule: RuleFacts
    findings: tuple[FindingFacts, ...] = Field(min_length=1, max_length=10)
    source: SourceFacts
    first_seen: Instant
    last_seen: Instant
    people: Annotated[int, Field(ge=1, le=1000)]  # most at once so far
    confidence: Fraction
    evidence: EvidenceFacts
    model: ModelFacts
    software_version: Annotated[str, Field(max_length=40)]
    camera_blind_s: Seconds  # in the hour before first_seen

    @model_validator(mode="after")
    def _consistent(self) -> "Opened":
        _in_order(self.first_seen, self.last_seen)
        if not self.evidence.key.endswith(f"/{self.violation_id}/{self.evidence.sha256}.jpg"):
            raise ValueError("has an evidence key that does not belong to this violation and picture")
        return self


class Closed(_Strict):
    """The violation has ended; final times."""

    schema_version: Literal["1.0"] = "1.0"
    violation_id: ViolationId
    first_seen: Instant
    last_seen: Instant
    duration_s: Seconds
    people_peak: Annotated[int, Field(ge=1, le=1000)]
    looks_supporting: Count
    looks: Count
    reason: Literal["ended", "unobserved", "source-ended"]

    @model_validator(mode="after")
    def _consistent(self) -> "Closed":
        _in_order(self.first_seen, self.last_seen)
        if self.looks_supporting > self.looks:
            raise ValueError(
                f"has {self.looks_supporting} supporting of {self.looks} looks; allowed: at most all"
            )
        return self


def _in_order(first_seen: datetime, last_seen: datetime) -> None:
    if last_seen < first_seen:
        raise ValueError("has last_seen before first_seen")


def _phase(data: object) -> str:
    if isinstance(data, dict):
        return "closed" if "looks" in data else "opened"
    return "closed" if isinstance(data, Closed) else "opened"


class ViolationMessage(_Strict):
    """The CloudEvents 1.0 envelope. Its encoded bytes are the sidecar in the store and the body on the queue."""

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}/(opened|closed)$")]
    source: Annotated[str, Field(pattern=r"^/sites/[a-z0-9_-]+/cameras/[a-z0-9_-]+$")]
    type: Literal["officer.violation.opened.v1", "officer.violation.closed.v1"]
    subject: ViolationId
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    data: Annotated[
        Annotated[Opened, Tag("opened")] | Annotated[Closed, Tag("closed")], Discriminator(_phase)
    ]

    @model_validator(mode="after")
    def _one_story(self) -> "ViolationMessage":
        if self.type != (OPENED if isinstance(self.data, Opened) else CLOSED):
            raise ValueError(f"is of type {self.type}, which does not match its data")
        if self.id != f"{self.subject}/{self.phase}" or self.subject != self.data.violation_id:
            raise ValueError("has an id, subject and data.violation_id that name different violations")
        if isinstance(self.data, Opened) and self.source != _source(self.data.site.id, self.data.camera.id):
            raise ValueError("has a source that is not the site and camera of its data")
        return self

    @property
    def phase(self) -> Literal["opened", "closed"]:
        return "opened" if isinstance(self.data, Opened) else "closed"

    @property
    def violation_id(self) -> str:
        return self.subject


def envelope(data: Opened | Closed, *, site: str, camera: str, at: datetime) -> ViolationMessage:
    """Wrap *data* for the queue; *at* is the time of writing (aware)."""
    phase = "opened" if isinstance(data, Opened) else "closed"
    return ViolationMessage(
        id=f"{data.violation_id}/{phase}",
        source=_source(site, camera),
        type=OPENED if phase == "opened" else CLOSED,
        subject=data.violation_id,
        time=at,
        data=data,
    )


def _source(site: str, camera: str) -> str:
    return f"/sites/{site}/cameras/{camera}"


def encode(message: ViolationMessage) -> bytes:
    """UTF-8 JSON, compact, keys in declaration order: the same message gives the same bytes, and SQS takes them."""
    text = json.dumps(message.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    body = text.translate(_REFUSED_BY_SQS).encode()
    if len(body) > MAX_MESSAGE_BYTES:
        raise ContractError("too-large", f"message has {len(body)} bytes, {MAX_MESSAGE_BYTES} are allowed")
    return body


def decode(body: bytes, now: datetime | None = None) -> ViolationMessage:
    """Read a message that may come from anybody.

    Args:
        body: as received.
        now: the receiver's clock (aware); times more than `CLOCK_TOLERANCE` ahead of it are refused.

    Raises:
        ContractError: anything but a valid message of a known version; carries a code and the payload.
    """
    if len(body) > MAX_MESSAGE_BYTES:
        raise ContractError(
            "too-large", f"message has {len(body)} bytes, {MAX_MESSAGE_BYTES} are allowed", body
        )
    document = parse_strict(body)
    _check_version(document, body)
    try:
        message = ViolationMessage.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise ContractError("invalid", _problems(error), body) from error
    if now is not None:
        _check_clock(message, now, body)
    return message


def named_violation(body: bytes) -> str | None:
    """The id of the violation that *body* names, whether `decode` takes it or not; None if it names none."""
    named = _NAMED.search(body)
    return named[1].decode() if named else None


def payload_hash(body: bytes) -> str:
    """SHA-256 of the message bytes: the same violation id with another hash is quarantined."""
    return hashlib.sha256(body).hexdigest()


def json_schema() -> dict[str, Any]:
    """JSON Schema of the message, as published in docs/."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ViolationMessage.model_json_schema()}


def _check_version(document: dict[str, Any], body: bytes) -> None:
    data = document.get("data")
    version = data.get("schema_version") if isinstance(data, dict) else SCHEMA_VERSION
    for what, value, known in (
        ("specversion", document.get("specversion"), ("1.0",)),
        ("type", document.get("type"), (OPENED, CLOSED)),
        ("data.schema_version", version, (SCHEMA_VERSION,)),
    ):
        if value not in known:
            raise ContractError(
                "unknown-version",
                f"message field {what}: value {str(value)[:80]!a} is unknown; allowed: {', '.join(known)}; "
                "do: update the receiver before the sender",
                body,
            )


def _check_clock(message: ViolationMessage, now: datetime, body: bytes) -> None:
    latest = now + CLOCK_TOLERANCE
    data = message.data
    times = {"time": message.time, "data.first_seen": data.first_seen, "data.last_seen": data.last_seen}
    if isinstance(data, Opened):
        times["data.evidence.captured_at"] = data.evidence.captured_at
    for field, at in times.items():
        if at > latest:
            raise ContractError(
                "future-time",
                f"message field {field}: value {at.isoformat()} is more than {CLOCK_TOLERANCE} ahead of this "
                "machine's clock; do: set the clocks of both machines by NTP",
                body,
            )


def _problems(error: ValidationError) -> str:
    schema = ViolationMessage.model_json_schema()
    found = error.errors(include_url=False)
    told = [_problem(problem, schema) for problem in found[:MAX_PROBLEMS_TOLD]]
    more = len(found) - len(told)
    return "; ".join([*told, *([f"and {more} more problems"] if more else [])])


def _problem(problem: ErrorDetails, schema: dict[str, Any]) -> str:
    where = ".".join(str(step)[:40] for step in problem["loc"] if step not in ("opened", "closed"))
    return f"message field {where or '(whole)'}: {explain(problem, schema)}"
