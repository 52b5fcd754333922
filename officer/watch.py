"""officer watch: both services on one source, with a live view, until it ends or Ctrl-C."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from officer.console import errors, screen, table
from officer.database import report_reader
from officer.running.run import Ending, Run
from officer.running.run_state import RunState
from officer.running.service_process import Line
from officer.running.views import JsonLinesView, PlainView, TerminalView, View
from officer.summary import Summary, summarise, write_summary
from services.agent.application.ports import ReportFilter, ReportRow
from services.agent.settings import AgentSettings
from services.detection.domain.detection import BackendChoice
from services.detection.settings import DetectionSettings
from shared.config.settings import check_settings
from shared.config.site import load_site
from shared.errors import ConfigurationError, OfficerError
from shared.lifecycle import keep_private

SiteOption = Annotated[Path, typer.Option("--site", help="The site file: cameras, zones, rules, recipients.")]
OutOption = Annotated[
    Path, typer.Option("--out", help="Folder for reports, mails, evidence and the database.")
]


def watch(
    source: Annotated[
        str,
        typer.Argument(
            help="rtsp(s)://... URL, video file, camera index (0, 1, ...) or folder of pictures; "
            "- for the sources that the site file names."
        ),
    ],
    site: SiteOption,
    out: OutOption,
    camera: Annotated[
        str | None, typer.Option(envvar="CAMERA", help="Which camera of the site file SOURCE is.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(envvar="MODEL_FILE", help="Another PPE model than the shipped one.")
    ] = None,
    backend: Annotated[BackendChoice, typer.Option(envvar="BACKEND", help="What runs the model.")] = "auto",
    fps: Annotated[
        float, typer.Option(envvar="DETECT_FPS", help="Most looks a second for each camera.", min=0.1, max=60)
    ] = 5.0,
    save_video: Annotated[
        bool, typer.Option("--save-video", envvar="SAVE_VIDEO", help="Write the video with what was seen.")
    ] = False,
    show_why: Annotated[
        bool, typer.Option("--show-why", envvar="SHOW_WHY", help="Explain each decision.")
    ] = False,
    mail_to: Annotated[
        list[str] | None,
        typer.Option(help="Send mails here instead of to the site's recipients; repeatable."),
    ] = None,
) -> None:
    """Watch a camera or a recording; write a report and a mail for each violation.

    On a terminal a live view is shown, elsewhere the services' JSON log lines go to standard output. A recording is
    seen to its end, then reports and mails are finished. Ctrl-C (or SIGTERM) finishes what was seen and says what is
    left; a second one stops at once. Nothing is lost: the next run with the same folder goes on. Seeing the same
    recording again adds nothing.

        officer watch clip.mp4 --site examples/sites/ppe-everywhere.yaml --out out/a
        officer watch rtsp://user:password@10.0.0.7/1 --site site.yaml --out out/b
        officer watch - --site site.yaml --out out/c --show-why

    The folder then holds `reports/*.pdf`, `mail/*.eml`, `evidence/`, `officer.db`, `run.log` and `summary.json` (its
    schema: `docs/summary.schema.json`).

    Exit codes: 0 all seen and delivered; 1 something failed or is left (it says what), such as the rest of a
    recording after Ctrl-C, or a camera that never gave a picture; 2 wrong setup; 130 a second Ctrl-C.
    """
    environment = {
        "SOURCE": "" if source == "-" else _absolute(source),
        "CAMERA": camera or "",
        "MODEL_FILE": str(model.resolve()) if model else "",
        "BACKEND": backend,
        "DETECT_FPS": f"{fps:g}",
        "SAVE_VIDEO": str(save_video).lower(),
        "SHOW_WHY": str(show_why).lower(),
        **({"MAIL_TO": ",".join(mail_to)} if mail_to else {}),
    }
    level = os.environ.get("LOG_LEVEL") or "info"
    view: View = TerminalView() if screen.is_terminal else JsonLinesView(level)
    ending, summary = run_services(site, out, environment, view)
    show(summary, out, console_is_for_results=screen.is_terminal)
    raise typer.Exit(ending)


def run_services(site: Path, out: Path, environment: dict[str, str], view: View) -> tuple[Ending, Summary]:
    """Run both services on *out* until all is done; *view* shows it.

    Raises:
        ConfigurationError: site file or folder are wrong, or a service refuses to start.
    """
    keep_private()
    loaded = load_site(site)
    folder = _folder(out)
    ours = {"DATA_DIR": str(folder), "SITE_FILE": str(site.resolve()), "LOG_STATUS_EVERY_S": "1"}
    with _environ({**environment, **ours}):
        check_settings(DetectionSettings, AgentSettings)
    run = Run(folder, {**environment, **ours}, view, RunState(site=loaded.site.site.name))
    ending = run.run()
    with _environ({**environment, **ours}):
        rows, unread = _rows(folder)
    if unread:
        ending = max(ending, Ending.LEFT_UNDONE)
        run.state.take(Line("officer", {"event": "reports.unread", "level": "error", "problem": unread}))
    summary = summarise(run, ending, loaded, rows)
    unwritten = _write(summary, folder)
    if run.refusal and ending is Ending.WRONG_SETUP:
        raise ConfigurationError(run.refusal)
    for problem in filter(None, (run.refusal, unwritten)):
        errors.print(f"officer: {problem}", style="red", markup=False, soft_wrap=True)
    return max(ending, Ending.LEFT_UNDONE) if unwritten else ending, summary


def plain_or_live() -> View:
    """The view for people: live on a terminal, plain lines elsewhere."""
    return TerminalView() if screen.is_terminal else PlainView()


def show(summary: Summary, out: Path, *, console_is_for_results: bool = True) -> None:
    """Print what was found, where it lies and what is left."""
    console = screen if console_is_for_results else errors
    console.print(_cameras(summary))
    if summary.violations:
        console.print(_violations(summary))
    console.print(_totals(summary, out), highlight=False, soft_wrap=True)


@contextmanager
def _environ(changes: Mapping[str, str]) -> Iterator[None]:
    """This process's environment as the services will have it."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _absolute(source: str) -> str:
    """Files and folders by their full path, also where nothing is there; addresses and camera numbers as they are."""
    path = Path(source).expanduser()
    on_disk = not source.isdecimal() and ":" not in source
    return str(path.resolve()) if on_disk or ("://" not in source and path.exists()) else source


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"--out {out}: {error.strerror}; do: name a folder that can be written"
        ) from error
    return out.resolve()


def _rows(folder: Path) -> tuple[list[ReportRow], str]:
    """All reports, and why they cannot be read."""
    try:
        return report_reader(folder).list(ReportFilter(limit=None)), ""
    except ConfigurationError:
        return [], ""  # stopped before the agent had made its database
    except OfficerError as error:
        return [], str(error)


def _write(summary: Summary, folder: Path) -> str:
    """Write *summary*; why it cannot be written."""
    try:
        write_summary(summary, folder)
    except OSError as error:
        return (
            f"{folder}: the summary cannot be written ({error.strerror}); do: make room, or change its rights"
        )
    return ""


def _cameras(summary: Summary) -> Table:
    shown = table("Cameras", "camera", "state", "frames", "looks", "frames/s", "looks/s")
    for camera in summary.cameras:
        rates = ("" if rate is None else f"{rate:.1f}" for rate in (camera.frames_per_s, camera.looks_per_s))
        shown.add_row(escape(camera.camera), camera.state, str(camera.frames), str(camera.processed), *rates)
    return shown


def _violations(summary: Summary) -> Table:
    columns = ("id", "rule", "found", "zone", "seen (UTC)", "for", "sure", "severity")
    shown = table("Potential non-compliance", *columns)
    for violation in summary.violations:
        shown.add_row(
            violation.id[:8],
            escape(violation.rule),
            ", ".join(finding.replace("_", " ") for finding in violation.findings),
            escape(violation.zone),
            f"{violation.first_seen:%H:%M:%S}" if violation.first_seen else "",
            "" if violation.duration_s is None else f"{violation.duration_s:.0f} s",
            "" if violation.confidence is None else f"{violation.confidence:.0%}",
            violation.severity or "no report",
        )
    return shown


def _totals(summary: Summary, out: Path) -> str:
    new = sum(violation.new for violation in summary.violations)
    reports = [out / violation.report for violation in summary.violations if violation.report]
    mails = {out / mail.path for violation in summary.violations for mail in violation.mails if mail.path}
    counts = (
        f"violations: {len(summary.violations)} ({new} new); reports: {len(reports)}; mails: {len(mails)}"
    )
    lines = [
        f"{counts}; took {summary.seconds:.0f} s",
        *(f"  report  {path}" for path in reports),
        *(f"  mail    {path}" for path in sorted(mails)),
        *(f"  video   {path}" for path in sorted((out / "video").glob("*.mp4"))),
        f"  summary {out / 'summary.json'}",
        *(f"  {seen.camera}: {seen.problem}" for seen in summary.cameras if seen.frames and seen.problem),
        *(f"  left: {what}" for what in summary.left),
        *(f"  refused: {refusal.violation_id[:8]} {refusal.text}" for refusal in summary.refusals),
    ]
    if summary.errors and summary.ending != "done":
        lines.append(f"  last problem: {summary.errors[-1].event}: {summary.errors[-1].text}")
    if summary.left:
        lines.append("The next run with the same folder goes on with what is left.")
    return "\n".join(escape(line) for line in lines)
