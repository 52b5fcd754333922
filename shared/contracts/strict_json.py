"""JSON from outside, read strictly: one bad byte is a clear error, never a crash."""

import json
import re
from typing import Any, NoReturn

from shared.errors import ContractError

MAX_DEPTH = 32
# Possessive, and the end may be missing: else it tries an unended string again from each of its quotes.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)


def parse_strict(body: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        ContractError: not UTF-8, not JSON, not an object, duplicate keys, NaN or Infinity, nested deeper than
            `MAX_DEPTH`, an integer beyond 64 bits, NUL or a lone surrogate in a string.
    """
    text = _utf8(body)
    _check_depth(text, body)
    try:
        document = json.loads(
            text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_int=_small_int
        )
    except _RefusedError as refusal:
        raise ContractError(refusal.code, str(refusal), body) from refusal
    except (ValueError, RecursionError) as error:
        raise ContractError("not-json", f"message is not JSON: {str(error)[:120]}", body) from error
    if not isinstance(document, dict):
        raise ContractError("not-an-object", "message must be a JSON object", body)
    return document


class _RefusedError(ValueError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContractError("not-utf8", f"message is not UTF-8 at byte {error.start}", body) from error


def _check_depth(text: str, body: bytes) -> None:
    """Refuse deep nesting before the parser recurses."""
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    if deepest > MAX_DEPTH:
        raise ContractError("too-deep", f"message is nested deeper than {MAX_DEPTH} levels", body)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _RefusedError("duplicate-key", f"key {key[:80]!a} stands twice")
        _check_text(key)
        _check_text(value)
        result[key] = value
    return result


def _check_text(value: Any) -> None:
    if isinstance(value, list):
        for part in value:
            _check_text(part)
    elif isinstance(value, str) and ("\0" in value or any(0xD800 <= ord(c) < 0xE000 for c in value)):
        raise _RefusedError("bad-text", f"text {value[:40]!a} holds NUL or half a character; allowed: text")


def _no_constant(name: str) -> NoReturn:
    raise _RefusedError("not-a-number", f"{name} is not allowed")


def _small_int(digits: str) -> int:
    if len(digits) > 19:
        raise _RefusedError("too-large-number", f"integer with {len(digits)} digits; at most 19 are allowed")
    return int(digits)
