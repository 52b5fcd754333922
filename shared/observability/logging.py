"""Logs: an event's name and its fields; JSON lines where a program reads them, colours on a terminal.

    log = structlog.get_logger()
    log.info("violation.opened", violation_id=violation_id, camera=camera.id)

The JSON lines on standard output are an interface: `officer watch` reads them. Each has `event`, `level` and `at`
(UTC, ISO 8601). URLs lose their user and password before anything is written.
"""

import logging
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from shared.observability.redaction import redact

MAX_TEXT = 4_000
MAX_NESTING = 6
CHATTY = ("botocore",)  # tells at info where it has found its settings


def configure_logging(
    level: str = "info",
    stream: TextIO | None = None,
    observe: Callable[[Mapping[str, Any]], None] | None = None,
    status_every_s: float = 0.0,
) -> None:
    """Send all logs, the standard library's too, to *stream* (standard output unless given).

    Args:
        level: debug, info, warning, error or critical.
        stream: JSON lines go to it, or the console layout if it is a terminal.
        observe: gets each of our own events from info on, also those that *level* leaves out of *stream*.
        status_every_s: of each `*.status` event, which loops tell every second, one in so long is written.
    """
    output = stream or sys.stdout
    last: Any = (
        structlog.dev.ConsoleRenderer()
        if output.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,  # as text, so that secrets in it can be hidden
        hide_secrets,
    ]
    observing: list[Any] = [_shown_to(observe)] if observe else []
    least = "debug" if level == "debug" else "info"
    structlog.configure(
        processors=[
            *shared,
            *observing,
            _seldom(status_every_s),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(least if observe else level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    if level != "debug":
        for chatty in CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)


def hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact every text of *event*, nested ones too, and cut what is too long."""
    return {key: value if key.startswith("_") else _hidden(value, 0) for key, value in event.items()}


def _shown_to(observe: Callable[[Mapping[str, Any]], None]) -> Any:
    def process(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        observe(event)
        return event  # what is less important than the level ends at the root logger

    return process


def _seldom(every_s: float) -> Any:
    told_s: dict[tuple[str, str], float] = {}

    def process(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if not event["event"].endswith(".status"):
            return event
        key, now_s = (event["event"], event.get("camera", "")), time.monotonic()
        if now_s - told_s.get(key, -every_s) < every_s:
            raise structlog.DropEvent
        told_s[key] = now_s
        return event

    return process


def _hidden(value: Any, depth: int) -> Any:
    if depth > MAX_NESTING:
        return "..."
    match value:
        case str():
            return _cut(redact(value))
        case bytes():
            return f"{len(value)} bytes"
        case Mapping():
            return {str(key): _hidden(part, depth + 1) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_hidden(part, depth + 1) for part in value]
        case None | bool() | int() | float():
            return value
    return _cut(redact(str(value)))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({len(text)} characters)"
