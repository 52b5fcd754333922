"""Log lines: events with fields, as JSON for programs, without secrets."""

import io
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from shared.observability.logging import MAX_TEXT, configure_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    stream = io.StringIO()
    configure_logging("info", stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers, logging.getLogger().level = handlers, level


def read(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_fields_and_the_time_in_utc(lines: io.StringIO) -> None:
    structlog.get_logger().info("violation.opened", violation_id="ab12", people=2, zone=None)
    (line,) = read(lines)
    assert (line["event"], line["level"], line["violation_id"], line["people"]) == (
        "violation.opened",
        "info",
        "ab12",
        2,
    )
    assert str(line["at"]).endswith("Z")


def test_passwords_leave_no_trace(lines: io.StringIO) -> None:
    log = structlog.get_logger()
    log.info(
        "camera.status", source="rtsp://admin:hunter2@10.0.0.7/1", seen=[{"url": "rtsp://admin:hunter2@h/"}]
    )
    log.warning("opening rtsp://admin:hunter2@h/ failed")
    logging.getLogger("library").error("cannot open %s", "rtsp://admin:hunter2@h/1")
    try:
        raise OSError("rtsp://admin:hunter2@h/1 refused")
    except OSError:
        log.exception("source.failed")
    assert len(read(lines)) == 4
    assert "hunter2" not in lines.getvalue()
    assert "OSError: rtsp://***@h/1 refused" in lines.getvalue()


def test_routine_lines_are_written_as_seldom_as_asked_for_each_camera(lines: io.StringIO) -> None:
    seen: list[str] = []
    configure_logging("info", lines, lambda event: seen.append(event["event"]), status_every_s=60)
    log = structlog.get_logger()
    for camera in ("gate", "yard", "gate"):
        log.info("camera.status", camera=camera)
    log.info("agent.status")
    log.info("mail.sent")
    log.info("mail.sent")
    events = [(line["event"], line.get("camera")) for line in read(lines)]
    routine = [("camera.status", "gate"), ("camera.status", "yard"), ("agent.status", None)]
    assert events == [*routine, ("mail.sent", None), ("mail.sent", None)]
    assert seen.count("camera.status") == 3  # metrics miss none


def test_a_huge_text_is_cut_and_bytes_are_counted(lines: io.StringIO) -> None:
    structlog.get_logger().info("reply", text="x" * 100_000, body=b"123")
    (line,) = read(lines)
    assert len(str(line["text"])) < MAX_TEXT + 40
    assert line["body"] == "3 bytes"


def test_what_is_less_important_is_left_out(lines: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("library").debug("detail")
    assert lines.getvalue() == ""


PROGRAM = """
import time
from shared.lifecycle import stop_on_signals
stop = stop_on_signals()
print("ready", flush=True)
stop.wait({patience})
print("stopped" if stop.is_set() else "never", flush=True)
{then}
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_for_an_orderly_stop(number: signal.Signals) -> None:
    with start(then="") as child:
        child.send_signal(number)
        assert child.communicate(timeout=30)[0] == "stopped\n"
        assert child.returncode == 0


def test_a_second_signal_ends_the_process_at_once() -> None:
    with start(then="time.sleep(60)") as child:
        child.send_signal(signal.SIGTERM)
        assert child.stdout is not None
        assert child.stdout.readline() == "stopped\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 128 + signal.SIGTERM


def start(then: str) -> subprocess.Popen[str]:
    program = PROGRAM.format(patience=30, then=then)
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child
