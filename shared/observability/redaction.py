"""Hides passwords in texts that people or log files will see."""

import re

_HIDDEN = "***"
_TOKEN = re.compile(r"\S+")
_WHITE_SPACE = re.compile(r"\s")
# Cameras also take a login in the path: /0/admin:password/main
_LOGIN_IN_PATH = re.compile(
    r"(://[^/\s]*/(?:[^/:?&\s]*/)*)[^/:?&\"'\s]*?(?::|%3A)[^/?&\s][^?&\s]*", re.IGNORECASE
)
# Cameras and presigned links also carry secrets as parameters: /user=admin&password=..., ?X-Amz-Signature=...
# A `key` alone is one in an address only: elsewhere it names an object in a store.
_PARAMETER = re.compile(
    r"((?:pass?(?:w(?:or)?d?|phrase|code)?|p(?:sw|w)d?|psd|secret|token|auth(?:basic)?|sig(?:nature)?|credentials?"
    r"|(?<=[?&/;\w-])key)=)[^&\s]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Hide the user and password of every URL in *text*, and the values of parameters named like a secret.

    Errs on the side of hiding: passwords hold `@`, `/` and quotes, so all between `://` and the last `@`
    before the next white space goes, even where the `@` belonged to a path, and the rest of a path from a
    part like `user:password` on.

    >>> redact("cannot open rtsp://admin:p@ss@10.0.0.7/live?token=abc&stream=1")
    'cannot open rtsp://***@10.0.0.7/live?token=***&stream=1'
    """
    without_login = _LOGIN_IN_PATH.sub(rf"\1{_HIDDEN}", _TOKEN.sub(_without_userinfo, text))
    return _PARAMETER.sub(rf"\1{_HIDDEN}", without_login)


def redact_address(address: str) -> str:
    """`redact` for a text that is one address: white space in a password ends nothing.

    >>> redact_address("rtsp://admin:two words@10.0.0.7/live")
    'rtsp://***@10.0.0.7/live'
    """
    return redact(_WHITE_SPACE.sub("%20", address)) if "://" in address else redact(address)


def _without_userinfo(token: re.Match[str]) -> str:
    scheme, separator, rest = token.group().partition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{_HIDDEN}@{host}" if at else token.group()
