"""The agent as a process of its own that a test may kill, pause and start again."""

import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from services.agent.adapters.template_report_writer import TemplateReportWriter
from services.agent.application.ports import ReportWriter
from services.agent.bootstrap import build_agent
from services.agent.domain.draft import Written
from services.agent.domain.report import Brief, Report
from services.agent.settings import AgentSettings
from shared.config.settings import read_settings
from shared.lifecycle import stop_on_signals
from shared.observability.logging import configure_logging
from shared.regulations.table import shipped_table

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.agent_process"])  # imports once, starts in a moment
shipped_table()  # read once as well


class AgentProcess:
    """One start of the agent.

    Args:
        environment: settings.
        writer: a name in `WRITERS`.
        log: file in DATA_DIR that its log lines are added to.
    """

    def __init__(
        self, environment: Mapping[str, str], writer: str = "template", log: str = "run.log"
    ) -> None:
        self._process = _CONTEXT.Process(target=_run, args=(dict(environment), writer, log), daemon=True)
        self._process.start()

    @property
    def exit_code(self) -> int | None:
        """Negative: the signal that ended it."""
        return self._process.exitcode

    def send(self, what: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, what)

    def wait(self, timeout_s: float = 20.0) -> int | None:
        self._process.join(timeout_s)
        return self._process.exitcode

    def stop(self) -> int | None:
        """Ask it to end in good order."""
        if self.exit_code is None:
            self.send(signal.SIGTERM)
        return self.wait()


class SlowWriter:
    """Says in a file that it has begun, and takes its time."""

    def write(self, brief: Brief, picture: bytes) -> Written:
        Path(os.environ["DATA_DIR"], f"writing-{os.getpid()}").touch()
        time.sleep(2.0)
        return TemplateReportWriter().write(brief, picture)


class DeadlyWriter:
    """Kills its process over one violation, as a defect in native code would."""

    def write(self, brief: Brief, picture: bytes) -> Written:
        if brief.opened.violation_id == os.environ["POISON"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return TemplateReportWriter().write(brief, picture)


WRITERS: Mapping[str, Callable[[], ReportWriter]] = {
    "template": TemplateReportWriter,
    "slow": SlowWriter,
    "deadly": DeadlyWriter,
}


class PlainRenderer:
    """Pages that say next to nothing, in a hundredth of the time; what is tested here is not how they look."""

    def render(self, report: Report, picture: bytes) -> bytes:
        text = f"{report.generated_at} {report.draft.headline.text} {report.brief.opened.violation_id}"
        return b"%PDF-1.4\n% " + text.encode() + hashlib.sha256(picture).digest()


def _run(environment: dict[str, str], writer: str, log_file: str) -> None:
    for name in [name for name in os.environ if name.startswith(("MAIL_", "SMTP_", "LLM_", "DATABASE_"))]:
        del os.environ[name]
    os.environ.update(environment)
    with Path(environment["DATA_DIR"], log_file).open("a") as log:
        configure_logging(stream=log)
        stop = stop_on_signals()
        build_agent(read_settings(AgentSettings), writer=WRITERS[writer](), renderer=PlainRenderer()).run(
            stop
        )
