"""What people type as SOURCE is read, or refused with a remedy and without its password."""

import socket
from pathlib import Path

import pytest

from services.detection.adapters.source_address import (
    DeviceAddress,
    FileAddress,
    FolderAddress,
    StreamAddress,
    parse_source,
    refuse_forbidden_hosts,
)
from shared.errors import ConfigurationError


def stream(text: str) -> StreamAddress:
    address = parse_source(text)
    assert isinstance(address, StreamAddress)
    return address


@pytest.mark.parametrize(
    ("typed", "url", "host", "port"),
    [
        ("rtsp://cam/1", "rtsp://cam/1", "cam", 554),
        ("RTSPS://cam", "rtsps://cam", "cam", 322),
        (" rtsp://10.0.0.7:8554/live?x=1 ", "rtsp://10.0.0.7:8554/live?x=1", "10.0.0.7", 8554),
        ("rtsp://[fd12::7]:554/1", "rtsp://[fd12::7]:554/1", "fd12::7", 554),
        ("rtsp://cam/live@2", "rtsp://cam/live@2", "cam", 554),
        ("rtsp://[fd12::7]/live@2", "rtsp://[fd12::7]/live@2", "fd12::7", 554),
        ("rtsp://user:p@ss@cam/1", "rtsp://user:p%40ss@cam/1", "cam", 554),
        ("rtsp://user:p%40ss@cam/1", "rtsp://user:p%40ss@cam/1", "cam", 554),
        ("rtsp://user:p/a?s#s@cam/1", "rtsp://user:p%2Fa%3Fs%23s@cam/1", "cam", 554),
        ("rtsp://user:my pass@cam/1", "rtsp://user:my%20pass@cam/1", "cam", 554),
        ("rtsp://user:50%@cam/1", "rtsp://user:50%25@cam/1", "cam", 554),
        ("rtsp://user@cam/1", "rtsp://user@cam/1", "cam", 554),
        ("rtsp://user:12%2F34@cam/1", "rtsp://user:12%2F34@cam/1", "cam", 554),
        ("rtsp://user:123456/s@cam/1", "rtsp://user:123456%2Fs@cam/1", "cam", 554),
        ("rtsp://user:12@cam:554/live@2", "rtsp://user:12@cam:554/live@2", "cam", 554),
        ("rtsp://cam:554/live%402", "rtsp://cam:554/live%402", "cam", 554),
        ("rtsp://[fd12::7]:554/live@2", "rtsp://[fd12::7]:554/live@2", "fd12::7", 554),
    ],
)
def test_a_stream_is_read(typed: str, url: str, host: str, port: int) -> None:
    address = stream(typed)
    assert (address.url, address.host, address.port) == (url, host, port)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("rtsp://user:p@ss@cam:554/live@2", "rtsp://cam:554/live%402"),
        ("rtsp://cam/user=admin&password=secret&channel=1", "rtsp://cam/user=admin&password=***&channel=1"),
    ],
)
def test_what_people_see_of_a_stream_holds_no_login(typed: str, name: str) -> None:
    assert stream(typed).name == name
    assert "ss@" not in repr(stream(typed))


@pytest.mark.parametrize(
    "typed",
    [
        "rtsp://admin:s3cret@169.254.169.254/latest",
        "rtsp://admin:s3cret@cam:70000/1",
        "rtsp://admin:s3cret@:554/1",
        "rtsp://admin:s3 cret@cam:70000/1",
        "http://admin:s3cret@cam/1",
        "rtsp:admin:s3cret@cam/1",
        "rstp:/admin:s3cret@cam/1",
        "admin:s3cret@cam/1",
        "rtsp://admin:s3cret\n@cam/1",
        "rtsp://admin:12/s3cret@cam:554/1",
        "rtsp://admin:7/s3cret@10.0.0.7/1",
    ],
)
def test_a_refusal_shows_no_password(typed: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_source(typed)
    assert "cret" not in str(refusal.value)


def test_what_may_be_a_password_or_a_port_is_refused_and_both_remedies_are_told() -> None:
    with pytest.raises(ConfigurationError, match=r"password with a slash.+ %2F, or the @ as %40\.$"):
        parse_source("rtsp://cam:554/live@2")


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.1.1",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "100.100.100.200",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "0.0.0.0",  # noqa: S104  (nothing is bound to it)
        "224.0.0.1",
    ],
)
def test_addresses_where_no_camera_may_be_are_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="where no camera may be"):
        parse_source(f"rtsp://{host}/1")


def test_a_name_that_leads_to_a_forbidden_address_is_refused_before_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metadata = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 554))]
    # No resolver that a test can count on gives such a name.
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: metadata)
    with pytest.raises(ConfigurationError, match=r"169\.254\.169\.254"):
        refuse_forbidden_hosts(stream("rtsp://metadata.example/1"))


def test_this_computer_may_be_a_camera() -> None:
    refuse_forbidden_hosts(stream("rtsp://127.0.0.1:8554/1"))


@pytest.mark.parametrize(
    "typed",
    [
        "file:/etc/passwd",
        "file:///etc/passwd",
        "concat:a.mp4|b.mp4",
        "http://cam/1",
        "https://cam/1",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "rtmp://cam/1",
        "rtsp:cam/1",
        "pipe:0",
        "",
        "   ",
        "a\x00b",
        "a\nb",
        "100",
        "rtsp://",
        "rtsp:///1",
        "rtsp://cam:0/1",
        "rtsp://cam:99999/1",
        "rtsp://c a m/1",
        "rtsp://cam[/1",
        "/dev/null",
        "/dev/zero",
    ],
)
def test_tricks_and_slips_are_refused_with_a_remedy(typed: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^The source '.*' .+\. .+\.$"):
        parse_source(typed)


@pytest.mark.parametrize(("typed", "index"), [("0", 0), (" 1 ", 1), ("07", 7)])
def test_a_number_is_a_camera_of_this_computer(typed: str, index: int) -> None:
    assert parse_source(typed) == DeviceAddress(index)


def test_a_file_is_found_from_the_given_folder(tmp_path: Path) -> None:
    video = tmp_path / "yard@9.mp4"
    video.write_bytes(b"x")
    assert parse_source("yard@9.mp4", base=tmp_path) == FileAddress(video)
    assert parse_source(str(video)) == FileAddress(video)


def test_a_folder_needs_pictures_right_in_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="folder without pictures"):
        parse_source(str(tmp_path))
    (tmp_path / "a.JPG").write_bytes(b"x")
    assert parse_source(str(tmp_path)) == FolderAddress(tmp_path)


def test_missing_and_empty_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(ConfigurationError, match="is an empty file"):
        parse_source(str(tmp_path / "empty.mp4"))
    with pytest.raises(ConfigurationError, match="is not there"):
        parse_source(str(tmp_path / "missing.mp4"))
