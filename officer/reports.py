"""officer reports: list, show, open and export what the database holds."""

import csv
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from officer.console import screen, table
from officer.database import agent_settings, open_database, report_reader
from services.agent.application.ports import ReportFilter, ReportRow, Review, Verdict
from services.agent.domain.letter import FiledReport
from shared.errors import ConfigurationError
from shared.vocabulary import Severity

app = typer.Typer(
    help="Read and erase the reports of a folder that `officer watch --out` has filled (or of DATABASE_URL).",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON = "json"


DataOption = Annotated[
    Path, typer.Option("--data", envvar="DATA_DIR", help="The folder that was given to watch as --out.")
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A report's id or its first characters.")]
CameraOption = Annotated[str | None, typer.Option(help="Only this camera (its id).")]
RuleOption = Annotated[str | None, typer.Option(help="Only this rule (its id).")]
SeverityOption = Annotated[Severity | None, typer.Option(help="Only this severity.")]
DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
SinceOption = Annotated[datetime | None, typer.Option(formats=DAYS, help="First seen then or later (UTC).")]
UntilOption = Annotated[datetime | None, typer.Option(formats=DAYS, help="First seen before then (UTC).")]


COLUMNS = ("id", "seen (UTC)", "camera", "rule", "found", "severity", "state", "review", "mails")
WHOLE = ("id", "seen (UTC)", "severity", "review", "mails")  # never broken
WIDE = 110  # columns of a terminal
UNCHANGED = "and not changed since"
REWRITTEN = "again after the database was lost: PDF and mail came first, and may tell another severity and other words"


@app.command("list")
def list_reports(
    data: DataOption,
    camera: CameraOption = None,
    rule: RuleOption = None,
    severity: SeverityOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 50,
) -> None:
    """List reports, newest first.

    officer reports list --data out/first

    officer reports list --data out/first --severity high --since 2026-03-01
    """
    wanted = ReportFilter(None, camera, rule, severity, _utc(since), _utc(until), limit)
    rows = report_reader(data).list(wanted)
    shown = table("Reports", *COLUMNS)
    shown.box, shown.pad_edge, shown.collapse_padding = None, False, True  # room for words on 80 columns
    for column in shown.columns:
        column.no_wrap = column.header in WHOLE
    at = "%Y-%m-%d %H:%M" if screen.width >= WIDE else "%Y-%m-%d\n%H:%M"
    for row in rows:
        sent = sum(mail.sent_at is not None for mail in row.mails)
        shown.add_row(
            row.violation_id[:8],
            f"{row.first_seen:{at}}",
            row.camera_id,
            row.rule_id,
            ", ".join(finding.replace("_", " ") for finding in row.findings),
            row.severity,
            _state(row),
            row.verdict or "",
            f"{sent} of {len(row.mails)}",
        )
    screen.print(shown if rows else "No report fits.")


@app.command()
def show(violation_id: IdArgument, data: DataOption) -> None:
    """Show all that one report says, and where its files lie.

    officer reports show 3f9a --data out/first
    """
    reader = report_reader(data)
    row = reader.get(violation_id)
    reviews = reader.reviews(row.violation_id)
    screen.print(_facts(row, reader.report(row.violation_id), reviews, data))


@app.command()
def review(
    violation_id: IdArgument,
    data: DataOption,
    *,
    confirmed: Annotated[bool, typer.Option("--confirmed", help="It is as the report says.")] = False,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="A false alarm.")] = False,
    authorised: Annotated[
        bool, typer.Option("--authorised", help="It is so, and somebody had allowed it.")
    ] = False,
    exempt: Annotated[
        bool, typer.Option("--exempt", help="It is so, and the rule does not bind here.")
    ] = False,
    note: Annotated[str, typer.Option(help="Why, and who says so; goes when the violation is erased.")] = "",
) -> None:
    """Keep what a person made of a report: one of the four verdicts; a later one replaces an earlier one.

    Only what is confirmed, or not reviewed, makes later reports more severe. `officer reports show` tells all verdicts
    with their notes; `officer model collect --reviewed` makes training data of them.

        officer reports review 3f9a --dismissed --data out/first
        officer reports review 3f9a --authorised --note "permit 17, says Anna" --data out/first
    """
    from services.agent.adapters.sql_reviews import SqlReviews

    options = {
        Verdict.CONFIRMED: confirmed,
        Verdict.DISMISSED: dismissed,
        Verdict.AUTHORISED: authorised,
        Verdict.EXEMPT: exempt,
    }
    said = [verdict for verdict, chosen in options.items() if chosen]
    if len(said) != 1:
        raise ConfigurationError(f"give one verdict: {', '.join(f'--{verdict}' for verdict in options)}")
    row, verdict = report_reader(data).get(violation_id), said[0]
    before = SqlReviews(open_database(agent_settings(data))).review(row.violation_id, verdict, note)
    told = f"was {before}, now {verdict}" if before and before != verdict else verdict
    screen.print(f"{row.violation_id}: {told}", highlight=False)


@app.command("open")
def open_report(violation_id: IdArgument, data: DataOption) -> None:
    """Open a report's PDF in this desktop's viewer; without a desktop, print its path.

    officer reports open 3f9a --data out/first
    """
    path = data / report_reader(data).get(violation_id).pdf_key
    if not path.is_file():
        raise ConfigurationError(
            f"{path}: the PDF is not there; do: look into the report store that is set up"
        )
    viewer = shutil.which("xdg-open") or shutil.which("open")
    if viewer and (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or viewer.endswith("/open")
    ):
        subprocess.run([viewer, str(path)], check=False)  # noqa: S603 - our own path, the desktop's own viewer
    typer.echo(path)


@app.command()
def export(
    data: DataOption,
    format_: Annotated[Format, typer.Option("--format", help="How to write the rows.")] = Format.CSV,
    camera: CameraOption = None,
    rule: RuleOption = None,
    severity: SeverityOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """Write all rows to standard output, one for each violation; times are UTC, ISO 8601.

    officer reports export --data out/first --format csv > reports.csv
    """
    rows = report_reader(data).list(
        ReportFilter(None, camera, rule, severity, _utc(since), _utc(until), None)
    )
    typer.echo(as_json(rows) if format_ is Format.JSON else as_csv(rows), nl=False)


def as_json(rows: Sequence[ReportRow]) -> str:
    """Rows as a JSON array, mails nested."""
    return json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False, default=_plain) + "\n"


def as_csv(rows: Sequence[ReportRow]) -> str:
    """Rows as CSV with a header; lists are joined by `; `, and no cell can start a formula in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(ReportRow.__slots__)
    writer.writerows([_cell(getattr(row, name)) for name in ReportRow.__slots__] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        text = "; ".join(
            f"{part.recipient} {part.state}" if hasattr(part, "recipient") else part for part in value
        )
    elif isinstance(value, datetime):
        text = value.isoformat()
    else:
        text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str | tuple) and text[:1] in "=+-@\t\r" and text else text


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


def _facts(row: ReportRow, filed: FiledReport, reviews: Sequence[Review], data: Path) -> Table:
    shown = table(escape(row.headline), "", "")
    shown.show_header = False
    shown.columns[0].max_width = 24
    for what, value in _pairs(row, filed, reviews, data):
        shown.add_row(what, escape(value))
    return shown


def _pairs(
    row: ReportRow, filed: FiledReport, reviews: Sequence[Review], data: Path
) -> Iterator[tuple[str, str]]:
    yield "id", row.violation_id
    yield from _standing(row, reviews)
    yield (
        "as reported",
        f"{row.reported_at:%Y-%m-%d %H:%M:%S} UTC, {REWRITTEN if row.adopted else UNCHANGED}:",
    )
    yield "severity", f"{row.severity}: {filed.report.brief.grading.reason}"
    for fact in filed.report.brief.facts:
        yield fact.name, fact.value
    yield "what was seen", " ".join(sentence.text for sentence in filed.report.draft.what_was_seen)
    yield "why it matters", " ".join(sentence.text for sentence in filed.report.draft.why_it_matters)
    for reference in filed.report.brief.references:
        yield f"cited for {reference.finding}", "\n".join(citation.title for citation in reference.citations)
    for action in filed.report.actions:
        yield f"action ({action.level})", action.text
    yield "PDF", str(data / row.pdf_key)
    yield "evidence", str(data / row.evidence_key)
    yield "written by", f"{row.writer}{f' ({row.fallback_reason})' if row.fallback_reason else ''}"
    for mail in row.mails:
        yield f"mail to {mail.recipient}", f"{mail.state} {mail.sent_at or ''} {mail.error}".strip()


def _standing(row: ReportRow, reviews: Sequence[Review]) -> Iterator[tuple[str, str]]:
    """What has come after the report was written."""
    yield "state", _state(row)
    if row.closed_reason:
        yield "people", f"{row.people}, most at once"
        yield "looks", f"{row.looks_supporting} of {row.looks} support it"
    for one in reviews:
        note = f": {one.note}" if one.note else ""
        yield "reviewed", f"{one.verdict} at {one.at:%Y-%m-%d %H:%M:%S} UTC{note}"
    if not reviews:
        yield "reviewed", "not yet"


def _state(row: ReportRow) -> str:
    """Such as ``ended after 27 s``."""
    if not row.closed_reason:
        return "open"
    return f"{row.closed_reason.replace('-', ' ')} after {row.duration_s:.0f} s"
