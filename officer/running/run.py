"""READ FIRST. One run: start both services, show what they do, drain when the recording ends or at Ctrl-C, stop.

watching > detection ends (recording over, or Ctrl-C) > agent works off queue and outbox > agent ends > done
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import IntEnum
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock
from types import FrameType
from typing import Any

from officer.running.run_state import Backlog, CameraLine, RunState
from officer.running.service_process import CONFIGURATION_ERROR, FAILED, Line, Patience, ServiceProcess, parse
from officer.running.views import View

TICK_S = 0.25
STALLED_S = 120.0  # draining ends when the agent has got nothing done for this long: twice a mail's lease
STOP_S = 100.0  # a service that has not ended this long after SIGTERM is killed
LOG_FILE, LOG_BYTES, OLD_LOGS = "run.log", 20_000_000, 3
UNLOGGED = ("camera.status", "agent.status")  # every second: they are for the live view


class Ending(IntEnum):
    """How a run ended, as the exit code says it."""

    DONE = 0
    LEFT_UNDONE = 1
    WRONG_SETUP = 2
    HARD_STOP = 130


@dataclass(slots=True)
class Run:
    """Both services on one machine, from start to stop.

    Attributes:
        folder: the run's DATA_DIR.
        environment: for both services.
        view: shows what happens.
        state: what has happened.
        commands: what runs in place of a service, by its name; for tests.
        patience: how often a service that dies is started again.
        interrupts: how often Ctrl-C (or SIGTERM) came.
        interrupted: it ended because of one.
        refusal: why a service would not start, or died too often; empty if neither.
    """

    folder: Path
    environment: Mapping[str, str]
    view: View
    state: RunState
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    interrupts: int = 0
    refusal: str = ""
    _log: "_RunLog | None" = None
    _lock: Lock = field(default_factory=Lock)
    _started_s: float = field(default_factory=time.monotonic)

    @property
    def interrupted(self) -> bool:
        return self.interrupts > 0

    def run(self) -> Ending:
        """Run until the recordings have ended and all is delivered, or until Ctrl-C."""
        detection, agent = self._service("detection"), self._service("agent")
        self._log = _RunLog(self.folder / LOG_FILE, self._log_failed)
        with closing(self._log), self.view, self._on_signals():
            try:
                agent.start(time.monotonic())
                detection.start(time.monotonic())
                finished = self._watch(detection, agent)
                self._stop(detection)
                self._drain(agent)
                self._stop(agent)
            finally:
                for service in (detection, agent):
                    service.kill()
                    service.finish_reading()
        return self._ending(
            finished, wrong_setup=CONFIGURATION_ERROR in (detection.exit_code, agent.exit_code)
        )

    @property
    def left(self) -> list[str]:
        """What is still to be done, in words; the next run in the same folder goes on with it."""
        backlog = self.state.backlog or Backlog(0, 0, 0, 0, 0)
        why = f": {self.state.undelivered_why}" if self.state.undelivered_why else ""
        counts = {
            f"messages about violations not delivered yet{why}": self.state.undelivered,
            "violations not reported yet": backlog.waiting + backlog.in_hand,
            "mails due": backlog.mails_due,
            "mails waiting for their next try": backlog.mails_later,
            "mails held back for a digest": backlog.mails_held,
        }
        return [f"{count} {what}" for what, count in counts.items() if count]

    @property
    def unseen(self) -> list[str]:
        """What was not seen, or not to its end, in words."""
        still_open = [
            f"{camera.camera}: violations still open: {camera.open}"
            for camera in self._stopped
            if camera.open
        ]
        return self._never_seen + self._cut_short + still_open

    @property
    def _never_seen(self) -> list[str]:
        """Such cameras found nothing, which is no all-clear."""
        if not self.state.cameras:
            return ["no camera was opened"]
        blank = [camera for camera in self.state.cameras.values() if camera.never_seen]
        return [": ".join(filter(None, (camera.camera, "never seen", camera.problem))) for camera in blank]

    @property
    def _cut_short(self) -> list[str]:
        return [
            f"{camera.camera}: the recording was seen to {camera.progress:.0%}; the next run begins it again"
            for camera in self._stopped
            if camera.progress is not None
        ]

    @property
    def _stopped(self) -> list[CameraLine]:
        return [camera for camera in self.state.cameras.values() if camera.state == "stopped"]

    def _service(self, name: str) -> ServiceProcess:
        environment = {**self.environment, **_own_port(name), "LOG_LEVEL": _level()}
        return ServiceProcess(name, environment, self._take, self.commands.get(name, ()), self.patience)

    def _watch(self, detection: ServiceProcess, agent: ServiceProcess) -> bool:
        """Until detection has ended; whether it did so in good order."""
        stopping = False
        while True:
            self._tick("stopping: delivering what was seen" if stopping else "watching")
            if self.interrupted and not stopping:
                stopping = True
                detection.stop()
            if self.interrupts > 1:
                return False
            if not detection.running and (stopping or self._ended(detection)):
                return detection.exit_code == 0
            for service in (detection, agent):
                if not service.running and not self._revive(service):
                    return False

    def _ended(self, detection: ServiceProcess) -> bool:
        """Whether it came to its own end; exit code 1 is that, too, if it told the end of each camera before."""
        detection.finish_reading()
        seen = all(camera.finished for camera in self.state.cameras.values()) and self.state.cameras
        return detection.exit_code == 0 or (detection.exit_code == FAILED and bool(seen))

    def _revive(self, service: ServiceProcess) -> bool:
        restarts, ended = service.restarts, service.how_it_ended()
        alive = service.revive(time.monotonic())
        if service.restarts > restarts:
            self._note("service.restarted", service, f"it {ended}; start {service.restarts + 1}")
        if not alive:
            service.finish_reading()
            self.refusal = self.refusal or _last_problem(service)
        return alive

    def _drain(self, agent: ServiceProcess) -> None:
        """Until the agent has nothing left that it can do now, or gets nothing done."""
        state, told = self.state, self.state.backlog_reports
        progress, progress_s = self._progress(), time.monotonic()
        while self.interrupts < 2 and not self.refusal:
            self._tick("finishing reports and mails")
            # two reports that were both made after detection ended: the first may have been on its way
            if state.backlog and state.backlog.empty and state.backlog_reports >= told + 2:
                return
            if not agent.running and not self._revive(agent):
                return
            if self._progress() != progress:
                progress, progress_s = self._progress(), time.monotonic()
            if time.monotonic() - progress_s > STALLED_S:
                return

    def _progress(self) -> tuple[object, ...]:
        return self.state.reports, self.state.mails, self.state.backlog

    def _stop(self, service: ServiceProcess) -> None:
        service.stop()
        until_s = time.monotonic() + STOP_S
        while service.running and time.monotonic() < until_s and self.interrupts < 2:
            self._tick("stopping")
        if not service.running:
            service.finish_reading()

    def _ending(self, finished: bool, *, wrong_setup: bool) -> Ending:
        if self.interrupts > 1:
            return Ending.HARD_STOP
        if self.refusal and wrong_setup:
            return Ending.WRONG_SETUP
        quarantined = any(trouble.event == "message.quarantined" for trouble in self.state.troubles)
        unseen = self._never_seen or self._cut_short
        whole = finished and not self.refusal and not self.left and not unseen and not quarantined
        return Ending.DONE if whole else Ending.LEFT_UNDONE

    def _tick(self, phase: str) -> None:
        with self._lock:
            self.view.tick(self.state, phase, time.monotonic() - self._started_s)
        time.sleep(TICK_S)

    def _take(self, line: Line) -> None:
        """One line of a service, from its reader's thread."""
        with self._lock:
            self.state.take(line)
            if self._log and line.event not in UNLOGGED:
                self._log.emit(logging.makeLogRecord({"msg": _as_json(line)}))
            self.view.line(line)

    def _log_failed(self, problem: str) -> None:
        """Called while a line is taken, with the lock held."""
        line = Line("officer", {"event": "run-log.failed", "level": "warning", "problem": problem})
        self.state.take(line)
        self.view.line(line)

    def _note(self, event: str, service: ServiceProcess, problem: str) -> None:
        fields: dict[str, Any] = {"event": event, "level": "warning", "problem": problem}
        self._take(Line(service.name, fields))

    @contextmanager
    def _on_signals(self) -> Iterator[None]:
        def count(_number: int, _frame: FrameType | None) -> None:
            self.interrupts += 1

        before = {number: signal.signal(number, count) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _RunLog(RotatingFileHandler):
    """The run's log lines; where they cannot be written the run goes on, and *tell* hears of it once."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=OLD_LOGS, encoding="utf-8")
        self._tell = tell

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        tell, self._tell = self._tell, lambda _: None
        tell(
            f"{self.baseFilename} cannot be written ({sys.exception()}); do: make room, or change its rights"
        )

    def close(self) -> None:
        with suppress(OSError):  # told already
            super().close()


def _own_port(name: str) -> dict[str, str]:
    """Both run on one machine: the agent's health port comes after detection's."""
    port = os.environ.get("HEALTH_PORT", "")
    return {"HEALTH_PORT": str(int(port) + 1)} if name == "agent" and port.isdecimal() else {}


def _level() -> str:
    """A run lives on what the services tell at info; its view shows less where less is asked for."""
    return "debug" if os.environ.get("LOG_LEVEL") == "debug" else "info"


def _last_problem(service: ServiceProcess) -> str:
    """Why it would not start, in its own words if it left some."""
    lines = [parse(service.name, text).fields for text in service.last_words]
    told = [str(fields["problem"]) for fields in lines if fields.get("event") == "service.refused"]
    if told:
        return told[-1]
    words = "\n".join(str(fields.get("problem") or fields.get("text") or fields) for fields in lines[-3:])
    return f"the {service.name} service {service.how_it_ended()} again and again; its last words:\n{words}"


def _as_json(line: Line) -> str:
    return json.dumps({"service": line.service, **line.fields}, ensure_ascii=False)
