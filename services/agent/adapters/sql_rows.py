"""What stands in which column: reports, ends of violations and audit lines as rows, and back."""

from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Connection, and_

from services.agent.adapters.sql_database import DatabaseTime
from services.agent.adapters.sql_schema import audit
from services.agent.domain.letter import FiledReport
from services.agent.domain.report import Report
from shared.contracts.violation import Closed, ViolationMessage
from shared.errors import PermanentError

REPORT_VERSION = (
    1  # one more with each change after which another version could not read a report, or misread it
)
REVIEWED, ADOPTED = "report.reviewed", "report.adopted"  # in the audit
UNREADABLE, OF_NEWER_SOFTWARE = "report-unreadable", "report-of-newer-software"
_REPORT: TypeAdapter[Report] = TypeAdapter(Report)


def read_report(document: Any) -> Report:
    """The report that *document* holds, as `write_report` made it.

    Raises:
        PermanentError: another version of this software made it, in a form that this one does not know.
    """
    version = document.get("version", 1)  # the first ones had none
    if version != REPORT_VERSION:
        code = OF_NEWER_SOFTWARE if isinstance(version, int) and version > REPORT_VERSION else UNREADABLE
        raise _unreadable(f"has format {version!a}, this software reads format {REPORT_VERSION}", code)
    try:
        return _REPORT.validate_python(document)
    except ValidationError as error:
        raise _unreadable(f"differs from format {REPORT_VERSION} in {error.error_count()} fields") from error


def write_report(report: Report) -> dict[str, Any]:
    """*report* as a JSON document, with the version of its form."""
    document: dict[str, Any] = _REPORT.dump_python(report, mode="json")
    return {"version": REPORT_VERSION, **document}


def report_columns(filed: FiledReport) -> dict[str, Any]:
    """Columns of `violations` that a report fills."""
    report = filed.report
    opened, writer = report.brief.opened, report.writer
    return {
        "violation_id": opened.violation_id,
        "site_id": opened.site.id,
        "camera_id": opened.camera.id,
        "first_seen": opened.first_seen,
        "last_seen": opened.last_seen,
        "reported_at": report.generated_at,
        "site": opened.site.name,
        "site_timezone": opened.site.timezone,
        "camera": opened.camera.name,
        "zone_id": opened.zone.id,
        "zone": opened.zone.name,
        "rule_id": opened.rule.id,
        "rule_kind": opened.rule.kind,
        "rule": opened.rule.title,
        "rule_version": opened.rule.version,
        "findings": [finding.finding.value for finding in opened.findings],
        "severity": filed.severity.value,
        "headline": report.draft.headline.text,
        "people": opened.people,
        "confidence": opened.confidence,
        "source_kind": opened.source.kind,
        "source_name": opened.source.name,
        "offset_s": opened.source.offset_s,
        "evidence_key": opened.evidence.key,
        "evidence_sha256": opened.evidence.sha256,
        "pdf_key": filed.pdf_key,
        "pdf_sha256": filed.pdf_sha256,
        "pdf_bytes": filed.pdf_bytes,
        "model": opened.model.name,
        "model_sha256": opened.model.sha256,
        "software_version": opened.software_version,
        "table_version": report.table_version,
        "writer": writer.name,
        "prompt_version": writer.prompt_version,
        "fallback_reason": writer.fallback_reason,
        "input_tokens": writer.input_tokens,
        "output_tokens": writer.output_tokens,
        "cost_usd": writer.cost_usd,
        "opened_message": opened.model_dump(mode="json"),
        "report": write_report(report),
    }


def closed_columns(message: ViolationMessage, closed: Closed) -> dict[str, Any]:
    """Columns of `violations` that the end of a violation fills."""
    _, _, site_id, _, camera_id = message.source.split("/")
    return {
        "violation_id": closed.violation_id,
        "site_id": site_id,
        "camera_id": camera_id,
        "first_seen": closed.first_seen,
        "last_seen": closed.last_seen,
        "closed_reason": closed.reason,
        "duration_s": closed.duration_s,
        "people_peak": closed.people_peak,
        "looks": closed.looks,
        "looks_supporting": closed.looks_supporting,
        "closed_message": closed.model_dump(mode="json"),
    }


def outbox_columns(filed: FiledReport, recipient: str, state: str) -> dict[str, Any]:
    """A new row of `outbox` for one recipient of a report."""
    return {
        "kind": "report",
        "violation_id": filed.violation_id,
        "recipient": recipient,
        "severity": filed.severity.value,
        "state": state,
        **_unsent(),
    }


def digest_columns(recipient: str, severity: str) -> dict[str, Any]:
    """A new row of `outbox` for a digest."""
    return {
        "kind": "digest",
        "violation_id": None,
        "recipient": recipient,
        "severity": severity,
        "state": "pending",
        **_unsent(),
    }


def reviews_of(violation_id: str) -> ColumnElement[bool]:
    """The lines of the audit that hold what people made of that violation."""
    return and_(audit.c.violation_id == violation_id, audit.c.event == REVIEWED)


def write_audit(db: Connection, event: str, violation_id: str | None, **detail: object) -> None:
    """Add one line to the audit; only an erasure changes it afterwards."""
    db.execute(
        audit.insert().values(at=DatabaseTime(), event=event, violation_id=violation_id, detail=detail)
    )


def _unreadable(why: str, code: str = UNREADABLE) -> PermanentError:
    return PermanentError(
        code,
        f"the stored report {why}; its PDF says the same, and the version of the software that wrote it reads it",
    )


def _unsent() -> dict[str, Any]:
    return {
        "created_at": DatabaseTime(),
        "due_at": DatabaseTime(),
        "fence": 0,
        "attempts": 0,
        "message_id": "",
        "error": "",
    }
