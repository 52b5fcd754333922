"""The violation message: CloudEvents 1.0 around one potential non-compliance, versioned and strict.

Two messages exist for a violation: `opened` once it is confirmed (it makes the one report) and `closed` with the
final times (it only completes the row). They may arrive in either order.
"""

import hashlib
import json
import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.contracts.strict_json import parse_strict
from shared.errors import ContractError
from shared.vocabulary import Finding, Hazard, Item, Jurisdiction

SCHEMA_VERSION = "1.0"
MAX_MESSAGE_BYTES = 64 * 1024
OPENED = "officer.violation.opened.v1"
CLOSED = "officer.violation.closed.v1"


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("needs a time zone")
    return value


def printable(value: str) -> str:
    """Return *value* if it is one line of text.

    Raises:
        ValueError: it holds control characters, line or paragraph separators, or lone surrogates.
    """
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in value):
        raise ValueError(
            "holds a control character, a line break or half a character; allowed: one line of text"
        )
    return value


Instant = Annotated[datetime, AfterValidator(_aware)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$",
        description="1 to 64 of a-z, 0-9, - and _, a letter or digit first and last",
    ),
]
ViolationId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
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
            raise ValueError("box needs x1 < x2 and y1 < y2")
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


class FindingFacts(_Strict):
    """One thing that was observed. `supporting` of `looked` looks inside `window_s` showed it."""

    finding: Finding
    basis: Literal["seen-missing", "not-seen", "present-in-zone"]
    confidence: Fraction
    supporting: Count
    looked: Count
    window_s: Seconds


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
        str, Field(pattern=r"^evidence/[0-9]{4}/[0-9]{2}/[0-9]{2}/[0-9a-f]{32}/[0-9a-f]{64}\.jpg$")
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
        if self.last_seen < self.first_seen:
            raise ValueError("last_seen is before first_seen")
        if self.violation_id not in self.evidence.key or self.evidence.sha256 not in self.evidence.key:
            raise ValueError("evidence key does not belong to this violation and picture")
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


class ViolationMessage(_Strict):
    """The CloudEvents 1.0 envelope. Its encoded bytes are the sidecar in the store and the body on the queue."""

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}/(opened|closed)$")]
    source: Annotated[str, Field(pattern=r"^/sites/[a-z0-9_-]+/cameras/[a-z0-9_-]+$")]
    type: Literal["officer.violation.opened.v1", "officer.violation.closed.v1"]
    subject: ViolationId
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    data: Opened | Closed

    @model_validator(mode="after")
    def _one_story(self) -> "ViolationMessage":
        if self.type != (OPENED if isinstance(self.data, Opened) else CLOSED):
            raise ValueError("type does not match data")
        if self.id != f"{self.subject}/{self.phase}" or self.subject != self.data.violation_id:
            raise ValueError("id, subject and data.violation_id do not name the same violation")
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
        source=f"/sites/{site}/cameras/{camera}",
        type=OPENED if phase == "opened" else CLOSED,
        subject=data.violation_id,
        time=at,
        data=data,
    )


def encode(message: ViolationMessage) -> bytes:
    """UTF-8 JSON, compact, keys in declaration order: the same message gives the same bytes."""
    body = json.dumps(message.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_MESSAGE_BYTES:
        raise ContractError("too-large", f"message has {len(body)} bytes, {MAX_MESSAGE_BYTES} are allowed")
    return body


def decode(body: bytes) -> ViolationMessage:
    """Read a message that may come from anybody.

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
        return ViolationMessage.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise ContractError("invalid", _first_problem(error), body) from error


def payload_hash(body: bytes) -> str:
    """SHA-256 of the message bytes: the same violation id with another hash is quarantined."""
    return hashlib.sha256(body).hexdigest()


def json_schema() -> dict[str, Any]:
    """JSON Schema of the message, as published in docs/."""
    return ViolationMessage.model_json_schema()


def _check_version(document: dict[str, Any], body: bytes) -> None:
    if document.get("type") not in (OPENED, CLOSED) or document.get("specversion") != "1.0":
        raise ContractError(
            "unknown-version",
            f"message type {str(document.get('type'))[:80]!a} is unknown; allowed are {OPENED} and {CLOSED}",
            body,
        )


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"message field {where or '(whole)'}: {problem['msg']}; got {str(problem['input'])[:80]!a}{more}"
