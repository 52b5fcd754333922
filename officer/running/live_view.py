"""The live view on a terminal: cameras, violations, reports and mails of a run, drawn from its state."""

from datetime import timedelta

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from officer.running.run_state import RECENT, CameraLine, RunState, SeenViolation

_STATE_COLOURS = {"up": "green", "ended": "green", "stopped": "yellow", "down": "red", "frozen": "red"}


def live_view(state: RunState, phase: str, elapsed_s: float) -> RenderableType:
    """One picture of *state*; *phase* says in words what the run is doing."""
    parts: list[RenderableType] = [_head(state, phase, elapsed_s), _cameras(state, elapsed_s)]
    if state.violations:
        parts.append(_violations(state))
    if state.decisions:
        parts.append(_decisions(state))
    parts.append(_foot(state))
    return Panel(Group(*parts), title="officer watch", title_align="left", border_style="blue")


def _head(state: RunState, phase: str, elapsed_s: float) -> Text:
    about = f"{state.site}  model {state.model or 'loading'}" if state.site else ""
    return Text.assemble((phase, "bold"), f"  {clock(elapsed_s)}  ", (about, "dim"))


def _cameras(state: RunState, elapsed_s: float) -> Table:
    table = Table(
        "camera", "state", "frames/s", "looks/s", "frame age", "people", "open", "seen", box=None, expand=True
    )
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
        if camera.problem:
            table.add_row("", Text(camera.problem, "red"))
    return table


def _seen(camera: CameraLine, elapsed_s: float) -> RenderableType:
    """A bar with the time to go for a recording, the number of looks for a live camera."""
    share = camera.progress
    if share is None:
        return f"{camera.processed} looks at {camera.offered} frames"
    bar = Table.grid(padding=(0, 1))
    left = (
        "done"
        if camera.finished
        else f"{clock(elapsed_s * (1 - share) / share)} to go"
        if share > 0.01
        else ""
    )
    bar.add_row(ProgressBar(total=1, completed=share, width=18), f"{share:4.0%} {left}")
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
            ", ".join(violation.findings),
            "" if violation.confidence is None else f"{violation.confidence:.0%}",
            _colour(violation),
            "yes" if violation.report else "",
            str(violation.mails or ""),
        )
    return table


def _colour(violation: SeenViolation) -> Text:
    return Text(violation.state, "red" if violation.state == "open" else "green")


def _decisions(state: RunState) -> Table:
    table = Table("why", "", "", "", "", box=None, expand=True, header_style="dim")
    for decision in state.decisions:
        table.add_row(
            escape(f"{decision.get('rule')} {decision.get('finding')}"),
            escape(f"person {decision.get('track')}"),
            escape(str(decision.get("stance"))),
            escape(f"{decision.get('looks')}"),
            escape(str(decision.get("why"))),
        )
    return table


def _foot(state: RunState) -> Text:
    backlog = state.backlog
    waiting = (backlog.waiting + backlog.in_hand) if backlog else 0
    resting = (backlog.mails_due + backlog.mails_later + backlog.mails_held) if backlog else 0
    text = Text(
        f"{state.opened} violations  {state.reports} reports  {state.mails} mails sent  "
        f"{waiting} messages and {resting} mails waiting"
    )
    if state.troubles:
        last = state.troubles[-1]
        text.append(f"\n{len(state.troubles)} troubles, the last: {last.event}: {last.text[:160]}", "yellow")
    return text.append("\nCtrl-C: finish what was seen, then stop", "dim")


def number(value: float | None) -> str:
    """One decimal, empty for None."""
    return "" if value is None else f"{value:.1f}"


def clock(seconds: float) -> str:
    """Such as 0:01:05."""
    return str(timedelta(seconds=max(0, round(seconds))))
