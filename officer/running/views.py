"""How a run is shown while it lasts: live on a terminal, else as JSON lines or as a few plain words."""

import json
import logging
import sys
from types import TracebackType
from typing import Protocol, Self

import typer
from rich.live import Live

from officer.console import let_go, screen
from officer.running.live_view import live_view
from officer.running.run_state import RunState
from officer.running.service_process import Line


class View(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def line(self, line: Line) -> None:
        """Show one line of a service; called from the services' reader threads."""
        ...

    def tick(self, state: RunState, phase: str, elapsed_s: float) -> None:
        """Show the state; called a few times a second."""
        ...


class _Quiet:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class TerminalView(_Quiet):
    """Draws itself anew a few times a second."""

    def __init__(self) -> None:
        self._live = Live(console=screen, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def line(self, line: Line) -> None:
        pass

    def tick(self, state: RunState, phase: str, elapsed_s: float) -> None:
        self._live.update(live_view(state, phase, elapsed_s), refresh=True)


class JsonLinesView(_Quiet):
    """Passes the services' JSON lines from *level* on through, and those without one, each with the service's name."""

    def __init__(self, level: str = "info") -> None:
        self._level = level

    def line(self, line: Line) -> None:
        levels = logging.getLevelNamesMapping()
        if levels.get(str(line.fields.get("level")).upper(), logging.CRITICAL) < levels[self._level.upper()]:
            return
        _say(json.dumps({**line.fields, "service": line.service}, ensure_ascii=False), err=False)

    def tick(self, state: RunState, phase: str, elapsed_s: float) -> None:
        pass


class PlainView(_Quiet):
    """A line for each thing that matters, for logs that people read."""

    _TOLD = (
        "model.loaded",
        "violation.opened",
        "violation.closed",
        "report.stored",
        "mail.sent",
        "run.skipped",
    )

    def __init__(self) -> None:
        self._phase = ""

    def line(self, line: Line) -> None:
        fields = line.fields
        if line.event in self._TOLD or fields.get("level") in {"warning", "error"}:
            names = (
                "violation_id",
                "camera",
                "rule",
                "findings",
                "pdf",
                "recipient",
                "model",
                "problem",
                "why",
                "code",
            )
            words = [f"{name}={_short(fields[name])}" for name in names if fields.get(name)]
            _say(f"{line.event}  {' '.join(words)}", err=True)

    def tick(self, state: RunState, phase: str, elapsed_s: float) -> None:
        if phase != self._phase:
            self._phase = phase
            _say(phase, err=True)


def _say(text: str, *, err: bool) -> None:
    """A run goes on where nobody reads it any more (`| head`) or where the disk is full."""
    try:
        typer.echo(text, err=err)
    except OSError:
        let_go(sys.stderr if err else sys.stdout)


def _short(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)[:300]
