"""What a run has found, as `summary.json` in its folder; the schema is published in docs/summary.schema.json."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from officer.running.run import Ending, Run
from officer.running.run_state import CameraLine, RunState, SeenViolation, Trouble
from services.agent.adapters.folder_mailer import mail_file_name
from services.agent.application.ports import MailRow, ReportRow
from shared.config.site import LoadedSite
from shared.version import VERSION

SUMMARY_FILE = "summary.json"
REFUSALS = (
    "message.quarantined",
    "violation.quarantined",
    "mail.refused",
    "spool.quarantined",
    "service.refused",
)


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CameraSummary(_Record):
    """One camera or recording."""

    camera: str
    state: str = Field(description="last state: up, down, frozen, ended, stopped or seen before")
    frames: int = Field(description="frames that the source offered")
    processed: int = Field(description="frames that the detector looked at")
    skipped: int = Field(description="frames that could not be decoded")
    seconds: float | None = Field(description="time spent on it; null if it never came to its end")
    frames_per_s: float | None = Field(description="frames / seconds")
    looks_per_s: float | None = Field(description="processed / seconds")
    problem: str = Field(description="last problem in words; empty if none")


class MailSummary(_Record):
    """One recipient's mail."""

    recipient: str
    state: str = Field(
        description="pending, sending, sent, held, refused or presumed-sent; digest- before it"
    )
    sent_at: AwareDatetime | None
    path: str | None = Field(
        description="the .eml file, relative to the folder; null if sent by SMTP or not yet"
    )


class ViolationSummary(_Record):
    """One violation of the folder, from this run or an earlier one."""

    id: str
    new: bool = Field(description="opened in this run")
    camera: str
    zone: str
    rule: str
    findings: tuple[str, ...]
    severity: str | None
    headline: str | None
    first_seen: AwareDatetime | None
    last_seen: AwareDatetime | None
    duration_s: float | None
    state: str = Field(description="open, or why it was closed: ended, unobserved or source-ended")
    people: int | None = Field(description="most at once")
    confidence: float | None
    evidence: str | None = Field(description="path of the picture, relative to the folder")
    report: str | None = Field(description="path of the PDF, relative to the folder; null: no report (yet)")
    mails: tuple[MailSummary, ...]


class TroubleSummary(_Record):
    """Something that was refused or went wrong."""

    at: str
    service: str
    event: str
    violation_id: str
    text: str


class Summary(_Record):
    """The whole file."""

    schema_version: Literal[1] = 1
    software_version: str
    started_at: AwareDatetime
    ended_at: AwareDatetime
    seconds: float
    ending: Literal["done", "left-undone", "wrong-setup", "hard-stop"]
    interrupted: bool = Field(description="ended by Ctrl-C or SIGTERM")
    site: str
    site_file: str
    site_sha256: str
    model: str
    cameras: tuple[CameraSummary, ...]
    violations: tuple[ViolationSummary, ...]
    refusals: tuple[TroubleSummary, ...] = Field(
        description="messages and mails that can never succeed, and why"
    )
    errors: tuple[TroubleSummary, ...] = Field(description="other warnings and errors of this run")
    left: tuple[str, ...] = Field(
        description="what is still to be done, or was never seen; the next run in the folder goes on with it"
    )


def summarise(run: Run, ending: Ending, site: LoadedSite, rows: Sequence[ReportRow]) -> Summary:
    """Sum *run* up; *rows* are all reports of its folder."""
    state, now = run.state, datetime.now(UTC)
    reported = {row.violation_id for row in rows}
    unreported = [seen for seen in state.violations.values() if seen.violation_id not in reported]
    troubles = list(state.troubles)
    return Summary(
        software_version=VERSION,
        started_at=state.started_at,
        ended_at=now,
        seconds=round((now - state.started_at).total_seconds(), 2),
        ending=_ENDINGS[ending],
        interrupted=run.interrupted,
        site=site.site.site.name,
        site_file=str(site.path),
        site_sha256=site.sha256,
        model=state.model,
        cameras=tuple(_camera(camera) for camera in state.cameras.values()),
        violations=(
            *(_reported(row, state, run.folder) for row in sorted(rows, key=lambda row: row.first_seen)),
            *(_unreported(seen) for seen in unreported),
        ),
        refusals=tuple(_trouble(trouble) for trouble in troubles if trouble.event in REFUSALS),
        errors=tuple(_trouble(trouble) for trouble in troubles if trouble.event not in REFUSALS),
        left=(*run.left, *run.unseen),
    )


def write_summary(summary: Summary, folder: Path) -> Path:
    """Write *summary* into *folder*; a reader never sees half of it."""
    path = folder / SUMMARY_FILE
    draft = path.with_suffix(".tmp")
    draft.write_text(summary.model_dump_json(indent=2) + "\n", "utf-8")
    return draft.replace(path)


def summary_schema() -> dict[str, Any]:
    """JSON Schema of summary.json, as published in docs/."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Summary.model_json_schema(mode="serialization"),
    }


_ENDINGS: dict[Ending, Literal["done", "left-undone", "wrong-setup", "hard-stop"]] = {
    Ending.DONE: "done",
    Ending.LEFT_UNDONE: "left-undone",
    Ending.WRONG_SETUP: "wrong-setup",
    Ending.HARD_STOP: "hard-stop",
}


def _camera(camera: CameraLine) -> CameraSummary:
    return CameraSummary(
        camera=camera.camera,
        state=camera.state,
        frames=camera.offered,
        processed=camera.processed,
        skipped=camera.skipped,
        seconds=camera.seconds,
        frames_per_s=_rate(camera.offered, camera.seconds),
        looks_per_s=_rate(camera.processed, camera.seconds),
        problem=camera.problem,
    )


def _rate(count: int, seconds: float | None) -> float | None:
    return round(count / seconds, 2) if seconds else None


def _reported(row: ReportRow, state: RunState, folder: Path) -> ViolationSummary:
    seen = state.violations.get(row.violation_id)
    return ViolationSummary(
        id=row.violation_id,
        new=seen is not None and seen.opened_now,
        camera=row.camera_id,
        zone=row.zone_id,
        rule=row.rule_id,
        findings=row.findings,
        severity=row.severity,
        headline=row.headline,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        duration_s=round(row.duration_s, 3),
        state=row.closed_reason or "open",
        people=row.people,
        confidence=row.confidence,
        evidence=_existing(row.evidence_key, folder),
        report=_existing(row.pdf_key, folder),
        mails=tuple(_mail(mail, folder) for mail in row.mails),
    )


def _unreported(seen: SeenViolation) -> ViolationSummary:
    return ViolationSummary(
        id=seen.violation_id,
        new=seen.opened_now,
        camera=seen.camera,
        zone=seen.zone,
        rule=seen.rule,
        findings=seen.findings,
        severity=None,
        headline=None,
        first_seen=None,
        last_seen=None,
        duration_s=None,
        state=seen.state,
        people=None,
        confidence=seen.confidence,
        evidence=None,
        report=None,
        mails=(),
    )


def _existing(key: str, folder: Path) -> str | None:
    """The path of an object in *folder*; None where the store is somewhere else."""
    return key if key and (folder / key).is_file() else None


def _mail(mail: MailRow, folder: Path) -> MailSummary:
    path = _existing(f"mail/{mail_file_name(mail.message_id)}", folder) if mail.message_id else None
    return MailSummary(recipient=mail.recipient, state=mail.state, sent_at=mail.sent_at, path=path)


def _trouble(trouble: Trouble) -> TroubleSummary:
    return TroubleSummary(
        at=trouble.at,
        service=trouble.service,
        event=trouble.event,
        violation_id=trouble.violation_id,
        text=trouble.text,
    )
