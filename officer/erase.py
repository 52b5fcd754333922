"""officer reports erase: removes all that is held of one violation, and says what it cannot reach."""

import re
import time
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.markup import escape

from officer.console import screen
from officer.database import agent_settings, report_reader
from officer.reports import DataOption
from services.agent.application.ports import ReportReader, ReportRow
from shared.errors import ConfigurationError, TransientError

WHOLE_ID = re.compile("[0-9a-f]{32}")


def erase(
    violation_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A report's id or its first characters; the whole id without a report."
        ),
    ],
    data: DataOption,
    reason: Annotated[str, typer.Option(help="Why; it stays in the audit.")] = "asked for",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase one violation for good: picture, stored messages, report, copies of its mails and its rows.

    A tombstone with the id alone stays, so that nothing brings it back. To erase again does no harm, and finishes
    what an outage interrupted.

    officer reports erase 3f9a --data out/first
    """
    reader = report_reader(data)
    row = _report(reader, violation_id)
    whole_id = row.violation_id if row else violation_id
    if not yes:
        typer.confirm(f"Erase {_what(row, whole_id)} for good?", abort=True)
        row = _report(reader, whole_id)  # a mail may have gone meanwhile
    screen.print(f"Erased violation {whole_id}:", highlight=False)
    for gone in ["its rows in the database; a tombstone stays", *_erased(whole_id, data, reason)]:
        screen.print(f"  {escape(gone)}", highlight=False, soft_wrap=True)
    screen.print("Not erased, because it is out of reach:", highlight=False)
    for left in _out_of_reach(row):
        screen.print(f"  {escape(left)}", highlight=False, soft_wrap=True)


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
        return f"all that is held of violation {whole_id}, which has no report,"
    return f"{row.headline!r} ({row.camera}, {row.first_seen:%Y-%m-%d %H:%M} UTC, {whole_id})"


def _erased(whole_id: str, data: DataOption, reason: str) -> list[str]:
    from services.agent.bootstrap import (
        erase_violation,
    )  # a second of imports, which --help need not wait for

    try:
        return erase_violation(agent_settings(data), whole_id, reason, _wait)
    except TransientError as error:
        raise TransientError(
            f"{error}\nThe violation is not erased whole; do: run 'officer reports erase {whole_id}' again"
        ) from error


def _wait(seconds: float) -> None:
    if seconds:
        screen.print(f"  an agent is at work on it; this waits {seconds:.0f} s for it", highlight=False)
        time.sleep(seconds)


def _out_of_reach(row: ReportRow | None) -> Iterator[str]:
    for mail in row.mails if row else ():
        if mail.sent_at:
            yield f"the mail sent to {mail.recipient} at {mail.sent_at:%Y-%m-%d %H:%M} UTC"
        elif mail.state.endswith("sending"):
            yield f"the mail to {mail.recipient}, if it was sent: it was on its way just now"
    yield "lines of the audit and of logs that name the id"
    yield "backups, exported lists, summary.json, recordings and videos of the camera"
    yield "its picture in what officer model collect --reviewed has made: the file's name is the id"
    if row and row.closed_reason is None:
        yield "the message of its end, if the violation still goes on: erase it again once that has come"
