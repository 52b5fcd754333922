"""What a run has come to so far, as the services' log lines tell it."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from officer.running.service_process import Line

RECENT = 8
MAX_REMEMBERED = 10_000


@dataclass(slots=True)
class CameraLine:
    """The last status of a camera; fields as the event `camera.status` has them."""

    camera: str
    state: str = "starting"
    offered: int = 0
    processed: int = 0
    skipped: int = 0
    offered_fps: float | None = None
    processed_fps: float | None = None
    frame_age_s: float | None = None
    people: int = 0
    open: int = 0
    offset_s: float | None = None
    frame_index: int | None = None
    total_frames: int | None = None
    problem: str = ""
    seconds: float | None = None
    finished: bool = False

    @property
    def progress(self) -> float | None:
        """Share of a recording that has been seen, 0 to 1; None for a live camera."""
        if not self.total_frames:
            return None
        seen = 0 if self.frame_index is None else self.frame_index + 1
        return min(1.0, seen / self.total_frames)

    @property
    def never_seen(self) -> bool:
        """It gave no frame; of a recording, `progress` tells that."""
        return not self.offered and self.progress is None and self.state != "seen before"


@dataclass(slots=True)
class SeenViolation:
    """A violation that this run opened or closed."""

    violation_id: str
    camera: str = ""
    rule: str = ""
    zone: str = ""
    findings: tuple[str, ...] = ()
    confidence: float | None = None
    offset_s: float | None = None
    state: str = "open"
    report: str = ""
    mails: int = 0
    opened_now: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A refusal or an error that this run met.

    Attributes:
        at: as logged.
        service, event: who said what.
        violation_id: which violation it concerns; empty if none.
        text: in words.
    """

    at: str
    service: str
    event: str
    violation_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the agent still has to do: messages waiting or held, mails due, resting, or held for a digest."""

    waiting: int
    in_hand: int
    mails_due: int
    mails_later: int
    mails_held: int

    @property
    def empty(self) -> bool:
        """Nothing is left that could be done now."""
        return self.waiting + self.in_hand + self.mails_due == 0


@dataclass(slots=True)
class RunState:
    """The sum of all lines. One thread writes; readers see whole fields."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    site: str = ""
    model: str = ""
    cameras: dict[str, CameraLine] = field(default_factory=dict)
    violations: dict[str, SeenViolation] = field(default_factory=dict)
    opened: int = 0
    reports: int = 0
    mails: int = 0
    troubles: deque[Trouble] = field(default_factory=lambda: deque(maxlen=1000))
    decisions: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT))
    backlog: Backlog | None = None
    backlog_reports: int = 0
    undelivered: int = 0
    undelivered_why: str = ""

    def take(self, line: Line) -> None:
        """Take one line into account; unknown events are left alone unless they are warnings or errors."""
        handle = self._HANDLERS.get(line.event)
        if handle:
            handle(self, line.fields)
        if line.fields.get("level") in {"warning", "error", "critical"}:
            self._trouble(line)

    def _camera_status(self, fields: Mapping[str, Any]) -> None:
        camera = self._camera(fields)
        for name in CameraLine.__slots__:
            if name in fields:
                setattr(camera, name, fields[name])

    def _run_ended(self, fields: Mapping[str, Any]) -> None:
        camera = self._camera(fields)
        camera.offered = fields.get("frames", camera.offered)
        camera.processed = fields.get("processed", camera.processed)
        camera.seconds = fields.get("seconds")
        camera.finished = True
        camera.state = "ended" if fields["event"] == "run.finished" else "stopped"

    def _run_skipped(self, fields: Mapping[str, Any]) -> None:
        camera = self._camera(fields)
        camera.state, camera.finished = "seen before", True

    def _model_loaded(self, fields: Mapping[str, Any]) -> None:
        self.model = f"{fields.get('model')} on {fields.get('backend')}"

    def _opened(self, fields: Mapping[str, Any]) -> None:
        violation = self._violation(fields)
        violation.camera, violation.rule = str(fields.get("camera", "")), str(fields.get("rule", ""))
        violation.zone = str(fields.get("zone", ""))
        violation.findings = tuple(fields.get("findings", ()))
        violation.confidence = fields.get("confidence")
        violation.offset_s = fields.get("offset_s")
        violation.opened_now = True
        self.opened += 1

    def _closed(self, fields: Mapping[str, Any]) -> None:
        self._violation(fields).state = str(fields.get("reason", "closed"))

    def _report_stored(self, fields: Mapping[str, Any]) -> None:
        self._violation(fields).report = str(fields.get("pdf", ""))
        self.reports += 1

    def _mail_sent(self, fields: Mapping[str, Any]) -> None:
        self.mails += 1
        for violation_id in fields.get("violation_ids") or [fields.get("violation_id", "")]:
            if violation_id in self.violations:
                self.violations[violation_id].mails += 1

    def _courier_stopped(self, fields: Mapping[str, Any]) -> None:
        self.undelivered, self.undelivered_why = int(fields.get("left", 0)), str(fields.get("problem", ""))

    def _agent_status(self, fields: Mapping[str, Any]) -> None:
        names = ("waiting", "in_hand", "mails_due", "mails_later", "mails_held")
        self.backlog = Backlog(*(int(fields.get(name, 0)) for name in names))
        self.backlog_reports += 1

    def _agent_stopped(self, fields: Mapping[str, Any]) -> None:
        if "waiting" in fields:  # it could still count
            self._agent_status(fields)

    def _decision(self, fields: Mapping[str, Any]) -> None:
        self.decisions.append(fields)

    def _camera(self, fields: Mapping[str, Any]) -> CameraLine:
        name = str(fields.get("camera", ""))
        return self.cameras.setdefault(name, CameraLine(name))

    def _violation(self, fields: Mapping[str, Any]) -> SeenViolation:
        violation_id = str(fields.get("violation_id", ""))
        if violation_id not in self.violations and len(self.violations) >= MAX_REMEMBERED:
            del self.violations[next(iter(self.violations))]
        return self.violations.setdefault(violation_id, SeenViolation(violation_id))

    def _trouble(self, line: Line) -> None:
        fields = line.fields
        text = next(
            (str(fields[key]) for key in ("problem", "reason", "text", "exception") if fields.get(key)), ""
        )
        code = f"{fields['code']}: " if fields.get("code") else ""
        self.troubles.append(
            Trouble(
                at=str(fields.get("at", "")),
                service=line.service,
                event=line.event,
                violation_id=str(fields.get("violation_id", "")),
                text=f"{code}{text}"[:1000],
            )
        )

    _HANDLERS: ClassVar[dict[str, Callable[["RunState", Mapping[str, Any]], None]]] = {
        "camera.status": _camera_status,
        "run.finished": _run_ended,
        "run.stopped": _run_ended,
        "run.skipped": _run_skipped,
        "model.loaded": _model_loaded,
        "violation.opened": _opened,
        "violation.closed": _closed,
        "report.stored": _report_stored,
        "mail.sent": _mail_sent,
        "courier.stopped": _courier_stopped,
        "agent.status": _agent_status,
        "agent.stopped": _agent_stopped,
        "decision": _decision,
    }
