"""Log files of both services: the lines about one violation, whatever a collector has put before the JSON."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.errors import ConfigurationError

Line = dict[str, Any]

_ID = re.compile(r'"violation_id": ?"([0-9a-f]{32})"')


def ids_in(paths: Sequence[Path], prefix: str) -> set[str]:
    """Ids of violations in the lines of *paths* that begin with *prefix*; errors as for `lines_about`."""
    return {found for text in _texts(paths) for found in _ID.findall(text) if found.startswith(prefix)}


def lines_about(paths: Sequence[Path], violation_id: str) -> list[Line]:
    """Every line of *paths* that names the violation, by time; a line that is no JSON object is left out.

    Raises:
        ConfigurationError: one of *paths* cannot be read.
    """
    found = [line for text in _texts(paths) if violation_id in text and (line := _parsed(text))]
    return sorted((line for line in found if _names(line, violation_id)), key=time_of)


def time_of(line: Line) -> datetime:
    """When the line was written, aware UTC."""
    return datetime.fromisoformat(line["at"])


def _texts(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from file
        except OSError as error:
            raise ConfigurationError(
                f"--log {path}: cannot be read ({error.strerror}); do: name a log file of a service"
            ) from error


def _parsed(text: str) -> Line | None:
    try:
        line = json.loads(text[text.index("{") :])
        time_of(line)
    except (ValueError, KeyError, TypeError):
        return None
    return line if isinstance(line.get("event"), str) else None


def _names(line: Line, violation_id: str) -> bool:
    return line.get("violation_id") == violation_id or violation_id in (line.get("violation_ids") or ())
