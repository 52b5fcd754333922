"""officer reports erase: removes all that is held of violations, and says what it cannot reach."""

import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from officer.console import screen
from officer.database import agent_settings, report_reader
from officer.reports import DAYS, DataOption
from services.agent.application.ports import ReportReader, ReportRow
from shared.errors import ConfigurationError

WHOLE_ID = re.compile("[0-9a-f]{32}")


def erase(
    data: DataOption,
    violation_ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="Reports' ids or their first characters; the whole id without a report."
        ),
    ] = None,
    before: Annotated[
        datetime | None, typer.Option(formats=DAYS, help="In place of ids: all first seen before then (UTC).")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it stays in the audit.")] = "asked for",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase violations for good: pictures, stored messages, reports, copies of their mails and their rows.

    A tombstone with the id alone stays, so that nothing brings one back. To erase again does no harm, and finishes
    what an outage interrupted.

        officer reports erase 3f9a --data out/first
        officer reports erase --before 2026-01-01 --data out/first
    """
    if bool(violation_ids) == bool(before):
        raise ConfigurationError("give either ids or --before with a day")
    reader = report_reader(data)
    ids = reader.ids_before(before.replace(tzinfo=UTC)) if before else violation_ids or []
    found = _found(reader, ids)
    if not found:
        screen.print("Nothing is that old.")
        return
    if not yes:
        for whole_id, row in found.items():
            screen.print(_what(row, whole_id), markup=False, highlight=False, soft_wrap=True)
        typer.confirm(f"Erase {'this' if len(found) == 1 else f'these {len(found)}'} for good?", abort=True)
        found = _found(reader, [*found])  # a mail may have gone meanwhile
    screen.print(f"Erasing {', '.join(found)}:", highlight=False, soft_wrap=True)
    screen.print("  their rows in the database; a tombstone of each stays", highlight=False)
    for gone in _erased([*found], data, reason):
        screen.print(f"  {escape(gone)}", highlight=False, soft_wrap=True)
    screen.print("Not erased, because it is out of reach:", highlight=False)
    for left in _out_of_reach([row for row in found.values() if row]):
        screen.print(f"  {escape(left)}", highlight=False, soft_wrap=True)


def _found(reader: ReportReader, ids: Sequence[str]) -> dict[str, ReportRow | None]:
    """By whole id."""
    rows = [(one, _report(reader, one)) for one in ids]
    return {row.violation_id if row else one: row for one, row in rows}


def _report(reader: ReportReader, violation_id: str) -> ReportRow | None:
    """None for a whole id without a report: a quarantined violation, or one whose erasure was interrupted."""
    try:
        return reader.get(violation_id)
    except ConfigurationError:
        if WHOLE_ID.fullmatch(violation_id):
            return None
        raise


def _what(row: ReportRow | None, whole_id: str) -> str:
    if row is None:
        return f"all that is held of violation {whole_id}, which has no report"
    return f"{row.headline!r} ({row.camera}, {row.first_seen:%Y-%m-%d %H:%M} UTC, {whole_id})"


def _erased(ids: Sequence[str], data: DataOption, reason: str) -> Iterator[str]:
    from services.agent.bootstrap import (
        erase_violations,
    )  # a second of imports, which --help need not wait for

    for gone in erase_violations(agent_settings(data), ids, reason, _wait):
        yield from gone


def _wait(seconds: float) -> None:
    if seconds:
        screen.print(f"  an agent is at work on it; this waits {seconds:.0f} s for it", highlight=False)
        time.sleep(seconds)


def _out_of_reach(rows: Sequence[ReportRow]) -> Iterator[str]:
    for mail in (mail for row in rows for mail in row.mails):
        if mail.sent_at:
            yield f"the mail sent to {mail.recipient} at {mail.sent_at:%Y-%m-%d %H:%M} UTC"
        elif mail.state.endswith("sending"):
            yield f"the mail to {mail.recipient}, if it was sent: it was on its way just now"
    yield "lines of the audit and of logs that name an id"
    yield "backups, exported lists, summary.json, recordings and videos of the camera"
    yield "pictures in what officer model collect --reviewed has made: a file's name is the id"
    yield "pictures of a model tried in the shadow (state/shadow); messages in SQS, for 14 days at most"
    yield "quarantined messages so broken that they name no violation"
    for row in rows:
        if row.closed_reason is None:
            yield f"the message of its end, if {row.violation_id} still goes on: erase it again once that has come"
