"""What every object store agrees on: how large an object may be, what is known of it, that its name tells its type."""

import mimetypes
from dataclasses import dataclass
from datetime import datetime

from shared.errors import PermanentError
from shared.object_keys import check_key

MAX_OBJECT_BYTES = 20_000_000  # the contract allows no larger evidence
MAX_REPORT_BYTES = 25_000_000  # the evidence, and the pages around it


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What is known of an object without reading it.

    Attributes:
        size_bytes: its length.
        content_type: MIME type, told by the key's suffix.
        stored_at: aware UTC.
    """

    key: str
    size_bytes: int
    content_type: str
    stored_at: datetime


def content_type_of(key: str) -> str:
    """The MIME type that the key's suffix tells."""
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def check_object(key: str, content_type: str) -> None:
    """Refuse what no store takes.

    Raises:
        PermanentError: the key is not allowed, see `check_key`, or its suffix tells another type.
    """
    if content_type != content_type_of(check_key(key)):
        raise PermanentError(
            "wrong-content-type",
            f"object {key[:120]!a} is {content_type_of(key)} by its suffix, not {content_type[:80]!a}",
        )


def check_size(key: str, size_bytes: int, max_bytes: int) -> None:
    """Refuse to read what is too large.

    Raises:
        PermanentError: it is.
    """
    if size_bytes > max_bytes:
        raise PermanentError(
            "object-too-large", f"object {key} has {size_bytes} bytes, {max_bytes} are allowed"
        )
