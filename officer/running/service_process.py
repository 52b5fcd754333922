"""A service as a child process whose log lines are read from a pipe, started again if it dies."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import IO, Any

FAILED, CONFIGURATION_ERROR = 1, 2
_PARENT_DIED = 1  # PR_SET_PDEATHSIG of prctl(2)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a service that dies is started again.

    Attributes:
        restarts: at most this many, counted anew once it has run for `healthy_after_s`.
        first_pause_s: before the first restart; doubles each time, up to `longest_pause_s`.
    """

    restarts: int = 5
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    healthy_after_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a service.

    Attributes:
        service: detection or agent.
        fields: the JSON object; a line that is none (a library's own words) has `event` ``output`` and `text`.
    """

    service: str
    fields: Mapping[str, Any]

    @property
    def event(self) -> str:
        return str(self.fields.get("event", ""))


class ServiceProcess:
    """`python -m services.NAME`; ends with this process, whatever ends it."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        take: Callable[[Line], None],
        command: Sequence[str] = (),
        patience: Patience | None = None,
    ) -> None:
        """Prepare the service *name*; each of its lines goes to *take*, from a thread.

        *command* runs in its place if given.
        """
        self.name = name
        self._command = list(command) or [sys.executable, "-m", f"services.{name}"]
        self.restarts = 0
        self._patience = patience or Patience()
        self.last_words: deque[str] = deque(maxlen=20)
        self._environment = {**os.environ, **environment}
        self._take = take
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._started_s = 0.0
        self._restart_at_s: float | None = None

    def start(self, now_s: float) -> None:
        """Start it; to be called from the main thread, whose end is what the child notices."""
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches only us: we decide who stops when
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - takes no lock
        )
        self._started_s, self._restart_at_s = now_s, None
        self._reader = Thread(
            target=self._read, args=(self._process.stdout,), name=f"read-{self.name}", daemon=True
        )
        self._reader.start()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def stop(self) -> None:
        """Ask it to finish in good order."""
        if self._process and self.running:
            self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        if self._process and self.running:
            self._process.kill()
            self._process.wait(10)

    def finish_reading(self) -> None:
        """Wait until all of its lines have been taken."""
        if self._reader:
            self._reader.join(5)

    def revive(self, now_s: float) -> bool:
        """Start it again after a pause that grows; False once it has died too often.

        To be called again and again while it is down, with a rising clock in seconds.
        """
        if self._restart_at_s is None:
            if now_s - self._started_s > self._patience.healthy_after_s:
                self.restarts = 0
            if self.exit_code == CONFIGURATION_ERROR or self.restarts >= self._patience.restarts:
                return False
            pause_s = self._patience.first_pause_s * 2**self.restarts
            self._restart_at_s = now_s + min(self._patience.longest_pause_s, pause_s)
        if now_s >= self._restart_at_s:
            self.restarts += 1
            self.start(now_s)
        return True

    def how_it_ended(self) -> str:
        """In words, for people."""
        code = self.exit_code
        if code is None:
            return "is running"
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in output:
                text = line.rstrip("\n")
                if text:
                    self.last_words.append(text)
                    self._take(parse(self.name, text))


def parse(service: str, text: str) -> Line:
    """Read one line of a service; what is no JSON object becomes the event ``output``."""
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    return Line(service, fields if isinstance(fields, dict) else {"event": "output", "text": text[:2000]})


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGTERM)
