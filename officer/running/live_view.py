"""The live view on a terminal: cameras, violations, reports and mails of a run, drawn from its state."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from officer.running.run_state import RECENT, CameraLine, RunState, SeenViolation

LEAST_SHARE = 0.02  # below it the time to go is a guess
_STATE_COLOURS = {"up": "green", "ended": "green", "stopped": "yellow", "down": "red", "frozen": "red"}


def live_view(state: RunState, phase: str, elapsed_s: float) -> RenderableType:
    """One picture of *state*; *phase* says in words what the run is doing."""
    parts: list[RenderableType] = [_head(state, phase, elapsed_s), _cameras(state, elapsed_s)]
    parts += [_one_line(f" {c.camera}: {c.problem}", "red") for c in state.cameras.values() if c.problem]
    if state.violations:
        parts.append(_violations(state))
    parts += [_one_line(_decision(decision), "dim") for decision in state.decisions]
    parts.append(_foot(state))
    return Panel(Group(*parts), title="officer watch", title_align="left", border_style="blue")


def _head(state: RunState, phase: str, elapsed_s: float) -> Text:
    about = f"{state.site}  model {state.model or 'loading'}" if state.site else ""
    return Text.assemble((phase, "bold"), f"  {clock(elapsed_s)}  ", (about, "dim"))


def _cameras(state: RunState, elapsed_s: float) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0))
    for name in ("camera", "state", "fps", "looks/s", "age", "people", "open"):
        table.add_column(name)
    table.add_column("seen", no_wrap=True, min_width=26)
    for camera in state.cameras.values():
        table.add_row(
            escape(camera.camera),
            Text(camera.state, _STATE_COLOURS.get(camera.state, "")),
            number(camera.offered_fps),
            number(camera.processed_fps),
            "" if camera.frame_age_s is None else f"{camera.frame_age_s:.1f} s",
            str(camera.people),
            str(camera.open),
            _seen(camera, elapsed_s),
        )
    return table


def _seen(camera: CameraLine, elapsed_s: float) -> RenderableType:
    """A bar with the time to go for a recording, the number of looks for a live camera."""
    share = camera.progress
    if share is None:
        return f"{camera.processed} looks"
    bar = Table.grid(padding=(0, 1))
    left = "" if camera.finished or share < LEAST_SHARE else f"{clock(elapsed_s * (1 - share) / share)} to go"
    bar.add_row(
        ProgressBar(total=1, completed=1 if camera.finished else share, width=8), f"{share:.0%}", left
    )
    return bar


def _violations(state: RunState) -> Table:
    table = Table(
        "violation", "camera", "rule", "found", "sure", "state", "report", "mails", box=None, expand=True
    )
    for violation in list(state.violations.values())[-RECENT:]:
        table.add_row(
            violation.violation_id[:8],
            escape(violation.camera),
            escape(violation.rule),
            ", ".join(finding.replace("_", " ") for finding in violation.findings),
            "" if violation.confidence is None else f"{violation.confidence:.0%}",
            _colour(violation),
            "yes" if violation.report else "",
            str(violation.mails or ""),
        )
    return table


def _colour(violation: SeenViolation) -> Text:
    return Text(violation.state, "red" if violation.state == "open" else "green")


def _decision(decision: Mapping[str, Any]) -> str:
    who = (
        f"person {decision['track']}" if decision.get("track") is not None else f"zone {decision.get('zone')}"
    )
    finding = str(decision.get("finding")).replace("_", " ")
    stance = f"{decision.get('stance')}, {decision.get('looks')}"
    return f" {decision.get('rule')}, {who}: {finding} {stance}: {decision.get('why')}"


def _one_line(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _foot(state: RunState) -> Text:
    backlog = state.backlog
    waiting = (backlog.waiting + backlog.in_hand) if backlog else 0
    resting = (backlog.mails_due + backlog.mails_later + backlog.mails_held) if backlog else 0
    text = Text(
        f"violations {state.opened}  reports {state.reports}  mails sent {state.mails}  "
        f"waiting: messages {waiting}, mails {resting}"
    )
    if state.troubles:
        last = state.troubles[-1]
        text.append(f"\ntroubles {len(state.troubles)}, last: {last.event}: {last.text[:160]}", "yellow")
    return text.append("\nCtrl-C: finish what was seen, then stop", "dim")


def number(value: float | None) -> str:
    """One decimal, empty for None."""
    return "" if value is None else f"{value:.1f}"


def clock(seconds: float) -> str:
    """Such as 0:01:05."""
    return str(timedelta(seconds=max(0, round(seconds))))
