"""Reads the SOURCE that people type: a stream's URL, a video file, a folder of pictures or a camera's index."""

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, unquote

from shared.errors import ConfigurationError
from shared.observability.redaction import redact

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # two letters at least: C:\video.mp4 is a file
_AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<name>[^\s\[\]:/?#@]+))(?::(?P<port>\d{1,5}))?"
)
_LOGIN = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:/*)?.*:.*@", re.DOTALL)
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
_ALLOWED = "Give an rtsp:// or rtsps:// URL, a video file, a folder of .jpg or .png pictures, or a camera's index (0)."
# Where cloud machines keep their credentials, outside the link-local ranges (AWS over IPv6, Alibaba).
_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """A live stream.

    Attributes:
        url: for FFmpeg, with user and password percent-encoded; never to be shown.
        name: the same for people, without them.
        scheme: rtsp or rtsps.
        host: name or IP address, without brackets.
        port: 1 to 65535.
    """

    url: str = field(repr=False)
    name: str
    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class DeviceAddress:
    """A camera of this computer, by its index."""

    index: int


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A file that exists and is not empty; absolute. Whether it is a video shows when it is opened."""

    path: Path


@dataclass(frozen=True, slots=True)
class FolderAddress:
    """A folder with at least one picture; absolute."""

    path: Path


SourceAddress = StreamAddress | DeviceAddress | FileAddress | FolderAddress


def parse_source(text: str, base: Path | None = None) -> SourceAddress:
    """Read *text* as a source.

    Args:
        text: what the user typed or the site file says.
        base: folder that relative paths start from; the working directory if None.

    Raises:
        ConfigurationError: it is none of those, is not there, is empty, or points where a camera cannot be.
    """
    text = text.strip()
    if not text or not text.isprintable():
        _refuse(text, "is empty or holds control characters", _ALLOWED)
    if text.isdecimal():
        return _device(text)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _on_disk(text, base or Path())
    if scheme[1].lower() not in _DEFAULT_PORTS or not text[scheme.end() :].startswith("//"):
        _refuse(
            text,
            f"starts with {scheme[0]!r}, which is not allowed",
            f"{_ALLOWED} A file: ./ before its name.",
        )
    return _stream(text, scheme[1].lower(), text[scheme.end() + 2 :])


def refuse_forbidden_hosts(address: StreamAddress) -> None:
    """Resolve the host and refuse what `parse_source` refuses in numbers; to be called before each connection.

    Raises:
        ConfigurationError: the name leads to a forbidden address.
        OSError: the name cannot be resolved.
    """
    for *_, socket_address in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM):
        _check_ip(address.name, str(socket_address[0]))


def _device(text: str) -> DeviceAddress:
    if len(text) > 2:
        _refuse(text, "is no camera index", "Allowed are 0 to 99; the first camera is 0.")
    return DeviceAddress(int(text))


def _on_disk(text: str, base: Path) -> FileAddress | FolderAddress:
    named = Path(text).expanduser()
    path = (base / named).resolve()
    if path.is_dir():
        return _folder(text, path)
    if not path.exists():
        start = "" if named.is_absolute() else f" (relative paths start from {base.resolve()})"
        _refuse(text, f"is not there{start}", f"Check its name. {_ALLOWED}")
    if not path.is_file():
        _refuse(text, "is neither a file nor a folder", _ALLOWED)
    if path.stat().st_size == 0:
        _refuse(text, "is an empty file", "Copy or record it again.")
    return FileAddress(path)


def _folder(text: str, path: Path) -> FolderAddress:
    if not any(entry.suffix.lower() in PICTURE_SUFFIXES for entry in path.iterdir()):
        _refuse(text, "is a folder without pictures", "Put .jpg or .png files right into it.")
    return FolderAddress(path)


def _stream(text: str, scheme: str, rest: str) -> StreamAddress:
    login, place = _split_login(rest)
    authority, slash, path = place.partition("/")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        _refuse(text, "has no readable host", "Write rtsp://user:password@host:554/path.")
    if match["name"] and match["port"] and not login and "@" in path:  # cam:554/live@2, or user:12/34@cam?
        _refuse(
            text,
            "may hold a password with a slash, or a path with an @",
            "Write the slash as %2F, or the @ as %40.",
        )
    host = match["name"] or match["ipv6"]
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65535:
        _refuse(text, f"has port {port}", "Ports go from 1 to 65535.")
    _check_ip(text, host)
    return StreamAddress(
        url=f"{scheme}://{_encoded(login)}{authority}{slash}{path}",
        name=redact(f"{scheme}://{authority}{slash}{path.replace('@', '%40')}"),
        scheme=scheme,
        host=host,
        port=port,
    )


def _split_login(rest: str) -> tuple[str, str]:
    """Cut at the last @ of the authority; where the password holds a slash, at the last @ of all."""
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        login, _, host = authority.rpartition("@")
        return login, f"{host}{slash}{path}"
    if "@" in path and not _AUTHORITY.fullmatch(authority):
        login, _, place = rest.rpartition("@")
        return login, place
    return "", rest


def _check_ip(text: str, host: str) -> None:
    ip = _ip(host)
    if ip is None:
        return
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA:
        _refuse(
            text, f"leads to {ip}, where no camera may be", "Give the camera's own address in your network."
        )


def _ip(host: str) -> IpAddress | None:
    """*host* as a number, also in the short, octal and hexadecimal forms that resolvers take; None for names."""
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            ip = ipaddress.ip_address(socket.inet_aton(host))
        except OSError:
            return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _encoded(login: str) -> str:
    """Percent-encode a user and password that may be encoded already."""
    if not login:
        return ""
    user, colon, password = login.partition(":")
    return f"{quote(unquote(user), safe='')}{colon}{quote(unquote(password), safe='')}@"


def _refuse(text: str, problem: str, remedy: str) -> NoReturn:
    raise ConfigurationError(f"The source {_shown(text)!r} {problem}. {remedy}")


def _shown(text: str) -> str:
    """*text* without a login, even where it is written wrongly: a space in it, or no scheme."""
    return redact(_LOGIN.sub(r"\1***@", text))[:200]
