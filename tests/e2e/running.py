"""Runs the product as a user does, from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from threading import Thread
from typing import Any

from officer.summary import Summary
from tests.faults.checker import mails_in_folder, problems

ROOT = Path(__file__).parents[2]
SITES = ROOT / "examples" / "sites"


@dataclass
class Program:
    """A running command of ours; its JSON log lines are kept."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def wait_for(self, event: str, timeout_s: float = 60, after: int = 0, **fields: Any) -> dict[str, Any]:
        """The first line of *event* with *fields*, from line number *after* on."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for line in self.lines[after:]:
                if line.get("event") == event and all(
                    line.get(key) == value for key, value in fields.items()
                ):
                    return line
            if self.process.poll() is not None and self.process.stdout and self.process.stdout.closed:
                break
            time.sleep(0.05)
        raise AssertionError(f"no {event} {fields} within {timeout_s} s; last lines: {self.lines[-15:]}")

    def count(self, event: str) -> int:
        return sum(line.get("event") == event for line in self.lines)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout_s: float = 60) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


@contextmanager
def program(*command: str, **environment: str) -> Iterator[Program]:
    """Start `python -m ...` of ours; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Program(process)
    reader = Thread(target=_read, args=(running,), daemon=True)
    reader.start()
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        reader.join(10)


def _read(running: Program) -> None:
    assert running.process.stdout
    for line in running.process.stdout:
        try:
            running.lines.append(json.loads(line))
        except ValueError:
            running.lines.append({"text": line.rstrip()})
    running.process.stdout.close()


def watch(source: Path | str, site: Path, out: Path, *options: str) -> Summary:
    """`officer watch` to its end; its summary.json."""
    command = [
        sys.executable,
        "-m",
        "officer",
        "watch",
        str(source),
        "--site",
        str(site),
        "--out",
        str(out),
        *options,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return read_summary(out)


def read_summary(out: Path) -> Summary:
    return Summary.model_validate_json((out / "summary.json").read_bytes())


def mails(out: Path) -> list[EmailMessage]:
    parser = BytesParser(policy=policy.default)
    return [parser.parsebytes(path.read_bytes()) for path in sorted((out / "mail").glob("*.eml"))]


def check_invariants(out: Path) -> None:
    """One row, one PDF and one mail for each violation, every hash right: the judge of the fault campaign."""
    assert problems(out, ["safety.manager@example.com"], mails_in_folder(out)) == []
