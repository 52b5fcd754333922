"""Crash points do nothing unless the environment names them."""

import os
import signal
import subprocess
import sys

PASS_THREE_TIMES = (
    "from shared.crash_points import crash_point\nfor p in '123': crash_point('D3'); print(p, flush=True)"
)


def run(crash_at: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "CRASH_AT"}
    if crash_at is not None:
        environment["CRASH_AT"] = crash_at
    return subprocess.run(
        [sys.executable, "-c", PASS_THREE_TIMES], env=environment, capture_output=True, text=True, check=False
    )


def test_passes_without_the_variable() -> None:
    assert run(None).stdout.split() == ["1", "2", "3"]


def test_passes_at_another_point() -> None:
    assert run("D33:1").returncode == 0


def test_kills_at_the_named_pass() -> None:
    child = run("D3:2")

    assert child.returncode == -signal.SIGKILL
    assert child.stdout.split() == ["1"]


def test_kills_at_the_first_pass_if_none_is_named() -> None:
    assert run("D3").stdout == ""
