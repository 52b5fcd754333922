"""Passwords never reach a log line."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.observability import redaction
from shared.observability.redaction import redact, redact_address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://user:secret@cam/1", "rtsp://***@cam/1"),
        ("rtsp://user:p@ss@cam:554/1", "rtsp://***@cam:554/1"),
        ("rtsp://user:p/s?s#@cam/1", "rtsp://***@cam/1"),
        ("rtsp://:secret@cam/1", "rtsp://***@cam/1"),
        (
            "postgresql+psycopg2://u:secret@db/x and rtsps://u:s@c",
            "postgresql+psycopg2://***@db/x and rtsps://***@c",
        ),
        ("rtsp://cam/user=admin&password=secret&channel=1", "rtsp://cam/user=admin&password=***&channel=1"),
        (
            "https://s3/x.jpg?X-Amz-Signature=abc&X-Amz-Date=1",
            "https://s3/x.jpg?X-Amz-Signature=***&X-Amz-Date=1",
        ),
        ("host=db password=secret", "host=db password=***"),
        *(
            (
                f"rtsp://cam/live?channel=1&{name}=s3cr3t&subtype=0",
                f"rtsp://cam/live?channel=1&{name}=***&subtype=0",
            )
            for name in (
                *("pass", "passwd", "pwd", "psw", "pswd", "pw", "loginpas", "passphrase", "token", "auth"),
                *("authbasic", "sig", "key", "stream_key", "apiKey", "credentials"),
            )
        ),
        ("rtsp://cam/key=s3cr3t&channel=1", "rtsp://cam/key=***&channel=1"),
        ("rtsp://cam/:s3cr3t/ch1", "rtsp://cam/***"),
        ("rtsp://cam/admin%3As3cr3t/ch1?psd=s3cr3t", "rtsp://cam/***?psd=***"),
        ("rtsp://cam:554/admin:s3cr3t/ch1", "rtsp://cam:554/***"),
        ("rtsp://[fd00::1]:554/0/admin:s3/cr3t/main?channel=1", "rtsp://[fd00::1]:554/0/***?channel=1"),
        ("rtsp://u:p@cam/admin:s3cr3t is gone", "rtsp://***@cam/*** is gone"),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "rtsp://cam/1",
            "mail to a@b.example",
            "key=evidence/2026/a.jpg",
            "a://b c@d",
            "site.yaml:12: no",
        ),
        "rtsp://cam:554/cam/realmonitor?channel=1&subtype=0&unicast=true&proto=Onvif",
        "http://10.0.0.7:8080/live: refused; file:///C:/clips/gate.mp4",
        '{"url":"http://10.0.0.7/live","port":80}',
    ],
)
def test_text_without_secrets_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://admin:ge heim@host/stream", "rtsp://***@host/stream"),
        (
            "rtsp://host/user=admin&password=ge heim&channel=1",
            "rtsp://host/user=admin&password=***&channel=1",
        ),
        ("clips/north gate.mp4", "clips/north gate.mp4"),
    ],
)
def test_a_password_with_white_space_is_hidden_in_an_address(address: str, shown: str) -> None:
    assert redact_address(address) == shown


PASSWORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6).filter(
    lambda p: "*" not in p
)


@given(password=PASSWORDS)
def test_any_password_without_white_space_is_hidden(password: str) -> None:
    assert redact(f"opening rtsp://admin:{password}@cam/1 failed") == "opening rtsp://***@cam/1 failed"


@pytest.mark.parametrize("part", ["a://", "a://b/", "/", "a:///"])
def test_a_long_text_takes_no_long_time(part: str) -> None:
    text = part * 250_000
    assert redact(text) == text


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(redaction).failed == 0
