"""The violation message: what is read, what is refused and with which words."""

import json
import os
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.violation import (
    CLOCK_TOLERANCE,
    MAX_MESSAGE_BYTES,
    CameraFacts,
    Closed,
    Opened,
    as_name,
    decode,
    encode,
    envelope,
    json_schema,
    payload_hash,
)
from shared.errors import ContractError
from tests.builders import AT, VIOLATION_ID, closed, message, opened

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"


def changed(path: str, value: Any, data: Opened | Closed | None = None) -> bytes:
    """The encoded message with *value* at *path*, such as ``data.evidence.width``."""
    document = json.loads(encode(message(data)))
    *parents, last = path.split(".")
    place = document
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(document).encode()


def refused(body: bytes, now: datetime | None = None) -> ContractError:
    with pytest.raises(ContractError) as caught:
        decode(body, now)
    assert caught.value.payload == body[:4096]
    return caught.value


@pytest.mark.parametrize("data", [opened(), closed()])
def test_a_message_survives_the_wire_byte_for_byte(data: Opened | Closed) -> None:
    body = encode(message(data))
    assert decode(body) == message(data)
    assert encode(decode(body)) == body
    assert payload_hash(body) == payload_hash(encode(message(data)))


def test_every_character_of_an_encoded_message_is_one_that_sqs_takes() -> None:
    name = "gate \ufffe\uffff\ufffd\U0001fffe"
    body = encode(message(opened(camera=CameraFacts(id="gate", name=name))))
    assert re.fullmatch("[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+", body.decode())
    read = decode(body)
    assert isinstance(read.data, Opened)
    assert read.data.camera.name == name
    assert encode(read) == body


@pytest.mark.parametrize("phase", ["opened", "closed"])
def test_messages_of_version_1_0_stay_readable(phase: str) -> None:
    body = (FIXTURES / f"violation-1.0-{phase}.json").read_bytes()
    read = decode(body)
    assert (read.phase, read.violation_id) == (phase, VIOLATION_ID)
    assert encode(read) == body


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads((ROOT / "docs" / "violation-message.schema.json").read_text())
    assert published == json_schema(), "run: python tools/publish_schemas.py"


@pytest.mark.parametrize(
    "text", ["Участок 4", "東ヤード", "بوابة", "a 'quoted' \"name\" \\ [[[[[" + "[" * 40, "emoji 🦺"]
)
def test_any_name_survives(text: str) -> None:
    site = opened().site.model_copy(update={"name": text})
    assert decode(encode(message(opened(site=site)))).data == opened(site=site)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("clip.mp4", "clip.mp4"),
        ("a\nb\x00c", "a?b?c"),
        (os.fsdecode(b"clip-\xff.mp4"), "clip-?.mp4"),
        ("ä" * 251 + ".mp4", "ä" * 200),
        ("", "?"),
    ],
)
def test_the_name_of_any_file_can_be_told(text: str, name: str) -> None:
    assert as_name(text) == name
    source = opened().source.model_copy(update={"name": as_name(text)})
    assert decode(encode(message(opened(source=source)))).data == opened(source=source)


def test_times_of_any_offset_become_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    written = envelope(
        opened(first_seen=AT.astimezone(berlin)), site="north-yard", camera="gate", at=AT.astimezone(berlin)
    )
    assert written.time.tzinfo is UTC
    assert encode(written) == encode(envelope(opened(), site="north-yard", camera="gate", at=AT))


def test_too_large_a_message_is_neither_written_nor_read() -> None:
    error = refused(b" " * (MAX_MESSAGE_BYTES + 1))
    assert error.code == "too-large"
    assert str(error) == "message has 65537 bytes, 65536 are allowed"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"\xff\xfe{}", "not-utf8", "message is not UTF-8 at byte 0"),
        (b"", "not-json", "message is not JSON: Expecting value"),
        (b"{", "not-json", "message is not JSON"),
        (b"[]", "not-an-object", "message must be a JSON object"),
        (b'{"a":1,"a":2}', "duplicate-key", "key 'a' stands twice"),
        (b'{"a":{"b":1,"b":2}}', "duplicate-key", "key 'b' stands twice"),
        (b'{"a":NaN}', "not-a-number", "NaN is not allowed"),
        (b'{"a":-Infinity}', "not-a-number", "-Infinity is not allowed"),
        (b'{"a":"' + rb"\"" * 30_000, "not-json", "message is not JSON: Unterminated string"),
        (b"[" * 60_000, "too-deep", "message is nested deeper than 32 levels"),
        (b'{"a":' * 10_000, "too-deep", "message is nested deeper than 32 levels"),
        (
            b'{"a":' + b"9" * 5_000 + b"}",
            "too-large-number",
            "integer with 5000 digits; at most 19 are allowed",
        ),
        (b'{"a":"\\ud800"}', "bad-text", "text '\\ud800' holds NUL or half a character"),
        (b'{"a":["\\udfff"]}', "bad-text", "holds NUL or half a character"),
        (b'{"\\u0000":1}', "bad-text", "text '\\x00' holds NUL or half a character"),
        (b"{}", "unknown-version", "message field specversion: value 'None' is unknown; allowed: 1.0"),
    ],
)
def test_what_is_no_strict_json_object_is_refused(body: bytes, code: str, words: str) -> None:
    error = refused(body)
    assert error.code == code
    assert words in str(error)


def test_two_hundred_thousand_brackets_are_refused_for_their_size() -> None:
    assert refused(b"[" * 200_000).code == "too-large"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "type",
            "officer.violation.opened.v2",
            "type: value 'officer.violation.opened.v2' is unknown; allowed: ",
        ),
        ("specversion", "0.3", "specversion: value '0.3' is unknown; allowed: 1.0"),
        ("data.schema_version", "2.0", "data.schema_version: value '2.0' is unknown; allowed: 1.0"),
    ],
)
def test_an_unknown_version_is_named(path: str, value: str, words: str) -> None:
    error = refused(changed(path, value))
    assert error.code == "unknown-version"
    assert words in str(error)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("time", "2026-03-04T09:30:04", "time: value '2026-03-04T09:30:04' has no time zone"),
        ("time", 1772616604, "time: value 1772616604 is not allowed"),
        ("data.first_seen", "0001-01-01T00:00:00+14:00", "is out of range; allowed: years 2000 to 2199"),
        ("data.first_seen", "2026-03-04T09:31:00Z", "data: a mapping has last_seen before first_seen"),
        ("data.people", 0, "data.people: value 0 is not allowed; allowed: a whole number from 1 to 1,000"),
        ("data.people", "1", "data.people: value '1' is not allowed"),
        ("data.people", True, "data.people: value true is not allowed"),
        (
            "data.confidence",
            1.01,
            "data.confidence: value 1.01 is not allowed; allowed: a number from 0 to 1",
        ),
        (
            "data.evidence.boxes.0.box.x2",
            1.2,
            "box.x2: value 1.2 is not allowed; allowed: a number from 0 to 1",
        ),
        ("data.evidence.boxes.0.box.x2", 0.1, "a mapping needs x1 < x2 and y1 < y2"),
        (
            "data.evidence.key",
            "evidence/../../etc/passwd",
            "data.evidence.key: value 'evidence/../../etc/passwd'",
        ),
        ("data.evidence.key", "s3://other/evidence/x.jpg", "allowed: evidence/YYYY/MM/DD/"),
        (
            "data.evidence.sha256",
            "c" * 64,
            "has an evidence key that does not belong to this violation and picture",
        ),
        ("data.violation_id", "f" * 32, "does not belong to this violation"),
        ("subject", "f" * 32, "has an id, subject and data.violation_id that name different violations"),
        ("source", "/sites/other/cameras/gate", "has a source that is not the site and camera of its data"),
        ("type", "officer.violation.closed.v1", "which does not match its data"),
        ("data.site.name", "two\nlines", "site.name: value 'two\\nlines' holds a control character"),
        (
            "data.site.name",
            "",
            "data.site.name: value '' is not allowed; allowed: text of 1 to 200 characters",
        ),
        ("data.findings", [], "data.findings: a list of 0 is not allowed; allowed: a list of 1 to 10"),
        ("data.findings.0.finding", "no_hat", "do: did you mean 'no_hardhat'?"),
        ("data.findings.0.supporting", 11, "has 11 supporting of 10 looks; allowed: at most all of them"),
        ("data.confidance", 1, "data.confidance: is not a known key"),
        ("data.source.name", "rtsp://admin:hunter2@10.0.0.7/" + "x" * 300, "value 'rtsp://***@10.0.0.7/xxx"),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_is_allowed(path: str, value: Any, words: str) -> None:
    error = refused(changed(path, value))
    assert error.code == "invalid"
    assert words in str(error)
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("data.looks_supporting", 181, "has 181 supporting of 180 looks"),
        ("data.last_seen", "2026-03-04T09:00:00Z", "has last_seen before first_seen"),
        (
            "data.reason",
            "bored",
            "data.reason: value 'bored' is not allowed; allowed: ended, unobserved, source-ended",
        ),
    ],
)
def test_a_wrong_closing_is_refused(path: str, value: Any, words: str) -> None:
    error = refused(changed(path, value, closed()))
    assert words in str(error)


def test_a_missing_field_is_named() -> None:
    document = json.loads(encode(message()))
    del document["data"]["evidence"]
    assert "data.evidence: is missing" in str(refused(json.dumps(document).encode()))


@pytest.mark.parametrize("field", ["time", "data.last_seen", "data.evidence.captured_at"])
def test_a_time_ahead_of_the_receivers_clock_is_refused(field: str) -> None:
    body = changed(field, (AT + timedelta(minutes=10, seconds=1)).isoformat())
    error = refused(body, now=AT)
    assert error.code == "future-time"
    assert f"message field {field}: value 2026-03-04T09:40:01+00:00 is more than 0:10:00 ahead" in str(error)
    assert decode(body, now=AT + timedelta(minutes=1))


def test_clocks_may_differ_a_little() -> None:
    assert decode(encode(message()), now=AT + timedelta(seconds=4) - CLOCK_TOLERANCE)
