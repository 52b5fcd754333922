"""officer trace: one violation's way through both services, with times."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from officer.console import errors, screen, table
from officer.database import agent_settings, open_database
from officer.running.run import LOG_FILE
from shared.errors import ConfigurationError
from shared.local.folder_store import FolderStore

if TYPE_CHECKING:
    from officer.tracing.finds import Places, Store
    from officer.tracing.path import Step
    from services.agent.settings import AgentSettings


def trace(
    violation_id: Annotated[
        str, typer.Argument(metavar="ID", help="A violation's id or its first characters.")
    ],
    data: Annotated[
        Path,
        typer.Option("--data", envvar="DATA_DIR", help="The folder of the run, or of detection's spool."),
    ] = Path("out"),
    log: Annotated[
        list[Path] | None,
        typer.Option("--log", help="A log file of either service; several times if need be."),
    ] = None,
) -> None:
    """Show the way of one violation, from the first look to the last mail, with times and gaps.

    Looks into the spool, the stores, the database and the logs that can be reached from here: those of a folder that
    `officer watch --out` has filled, or of the cloud that the environment names (STORE, EVIDENCE_BUCKET, REPORT_BUCKET,
    DATABASE_URL), with the services' log files by --log.

        officer trace 3f9a --data out/gate

        officer trace 3f9a --log detection.log --log agent.log
    """
    from officer.tracing.path import path_of

    found = _places(agent_settings(data), [*(log or ()), *sorted(data.glob(f"{LOG_FILE}*"))]).find(
        violation_id
    )
    path = path_of(found)
    if path.in_recording:
        _show(f"{found.violation_id}, by the recording's clock", path.in_recording)
    _show(f"{found.violation_id} (UTC)", path.steps)
    for what, key in path.objects:
        screen.print(f"{what}: {escape(key)}", soft_wrap=True)
    screen.print(f"Now: {escape(path.now)}.", soft_wrap=True)
    for blind in found.blind:
        errors.print(f"not looked into: {escape(blind)}", style="yellow", soft_wrap=True)


def _places(settings: "AgentSettings", logs: Sequence[Path]) -> "Places":
    from officer.tracing.finds import Places
    from services.agent.adapters.sql_trace_reader import SqlTraceReader

    database, blind = None, []
    try:
        database = SqlTraceReader(open_database(settings))
    except ConfigurationError as error:
        blind.append(str(error))
    evidence, reports = _stores(settings)
    return Places(settings.data_dir / "spool", evidence, reports, database, logs, blind)


def _stores(settings: "AgentSettings") -> "tuple[Store, Store]":
    if settings.store == "folder":
        if not settings.data_dir.is_dir():
            raise ConfigurationError(
                f"--data {settings.data_dir}: there is no such folder; do: name that of the run"
            )
        store = FolderStore(settings.data_dir)
        return store, store
    from services.agent.bootstrap import aws_clients
    from shared.aws.s3_object_store import S3ObjectStore

    client = aws_clients(settings.aws_region).s3()
    return (
        S3ObjectStore(client, settings.evidence_bucket or "", retention="evidence"),
        S3ObjectStore(client, settings.report_bucket or "", retention="report"),
    )


def _show(title: str, steps: "Sequence[Step]") -> None:
    shown = table(title, "time", "after", "step", "")
    for step in steps:
        shown.add_row(_time(step.at, steps[0].at), _gap(step.gap_s), escape(step.what), escape(step.detail))
    screen.print(shown)


def _time(at: datetime, first: datetime) -> str:
    """With its day where it is the first, or of another day."""
    clock = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
    return clock if at.date() == first.date() and at is not first else f"{at:%Y-%m-%d} {clock}"


def _gap(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"+{seconds:.3f} s" if seconds < 100 else f"+{seconds:,.0f} s"
