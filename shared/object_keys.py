"""Names of objects in the evidence store; both services and every kind of store agree on them."""

import re
from datetime import UTC, datetime

from shared.contracts.violation import ViolationMessage, payload_hash
from shared.errors import PermanentError

EVIDENCE_PREFIX = "evidence/"
EVENTS_PREFIX = "events/"
REPORTS_PREFIX = "reports/"
MAX_KEY_LENGTH = 512
_VIOLATION_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_SAFE_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)


def evidence_key(violation_id: str, sha256: str, captured_at: datetime) -> str:
    """Where the picture with hash *sha256* goes; the day is that of *captured_at* (aware) in UTC."""
    return f"{EVIDENCE_PREFIX}{_day(captured_at)}/{violation_id}/{sha256}.jpg"


def event_key(message: ViolationMessage, body: bytes) -> str:
    """Where the sidecar goes: *body* is the encoded *message*, the day that of its writing in UTC."""
    phase_and_hash = f"{message.phase}-{payload_hash(body)[:16]}"
    return f"{EVENTS_PREFIX}{_day(message.time)}/{message.violation_id}/{phase_and_hash}.json"


def violation_id_of(key: str) -> str | None:
    """The violation that the object of that name belongs to: picture, sidecar or report; None for any other."""
    found = _VIOLATION_ID.search(key)
    return found[0] if found else None


def check_key(key: str) -> str:
    """Return *key* if it is safe as a file name, an S3 key and in a log.

    Raises:
        PermanentError: it is empty, too long, absolute, has an empty or dotted part, or other characters than
            letters, digits, dot, dash and underscore.
    """
    if len(key) > MAX_KEY_LENGTH or not _SAFE_KEY.fullmatch(key):
        raise PermanentError(
            "unsafe-key",
            f"object key {key[:120]!a} is not allowed: use parts of letters, digits, '.', '-' and '_' that do not "
            f"begin with a dot, joined by '/', at most {MAX_KEY_LENGTH} characters",
        )
    return key


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y/%m/%d")
