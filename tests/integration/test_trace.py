"""`officer trace` over real runs: embedded, and in the cloud's own services."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.running import ROOT, program, watch
from tests.integration.test_cloud import ANNA, SITE, Cloud, cloud, recording

__all__ = ["cloud", "recording"]  # fixtures

pytestmark = pytest.mark.timeout(240)

WAY = [
    "first seen",
    "confirmed",
    "opened: accepted into the spool",
    "picture stored",
    "opened: message stored",
    "opened: sent to the queue",
    "opened: received",
    "claimed",
    "narrative written",
    "PDF stored",
    "report committed",
    f"mailed to {ANNA}",
]
END = [
    "closed: accepted into the spool",
    "closed: message stored",
    "closed: sent to the queue",
    "closed: received",
    "closed: row completed",
]
NOW = "Now: report made; mailed to 1 of 1; the violation is over (source-ended)."


def trace(*words: str | Path, code: int = 0, **environment: str) -> str:
    """What it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "officer", "trace", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment, "COLUMNS": "220"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def steps(told: str) -> list[str]:
    """What stands in the third column of its tables."""
    rows = [re.split(r"\s*│\s*", row) for row in told.splitlines() if row.startswith("│")]
    return [row[3] for row in rows if row[1]]


def check_way(told: str) -> None:
    shown = [step for step in steps(told) if not step.startswith("!")]
    assert [step for step in shown if step in WAY] == WAY
    assert [step for step in shown if step in END] == END
    assert set(shown) == {*WAY, *END, "last seen"}
    assert NOW in told


def test_a_violation_of_a_run_on_one_pc_is_followed_from_the_first_look_to_the_mail(
    recording: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site.yaml").write_text(SITE)
    for name, value in {**recording, "MAIL_TO": ANNA}.items():
        monkeypatch.setenv(name, value)
    (violation,) = watch(recording["SOURCE"], tmp_path / "site.yaml", tmp_path / "out").violations
    told = trace(violation.id[:6], "--data", tmp_path / "out")
    check_way(told)
    assert "by the recording's clock" in told
    assert violation.id in told
    assert "by template" in told
    told = trace("ffffffff", "--data", tmp_path / "out", code=2)
    assert "no violation's id begins with 'ffffffff'" in told


def test_a_violation_in_the_cloud_is_followed_through_stores_database_and_log_files(
    cloud: Cloud, recording: dict[str, str], tmp_path: Path
) -> None:
    mine = {"DATA_DIR": str(tmp_path / "agent"), **cloud.environment}
    with program("services.agent", "migrate", **mine) as migration:
        assert migration.process.wait(120) == 0, migration.lines
    with program("services.agent", **mine) as agent:
        yours = {"DATA_DIR": str(tmp_path / "detection"), **cloud.environment, **recording}
        with program("services.detection", **yours) as detection:
            assert detection.process.wait(120) == 0, detection.lines
        agent.wait_for("mail.sent", 90)
        agent.wait_for("violation.completed", 90)
        assert agent.stop() == 0
    for name, running in (("agent", agent), ("detection", detection)):
        lines = "".join(f"{name}-1  | {json.dumps(line)}\n" for line in running.lines)
        (tmp_path / f"{name}.log").write_text(lines)
    violation_id = agent.wait_for("report.stored")["violation_id"]
    logs = ["--log", tmp_path / "agent.log", "--log", tmp_path / "detection.log"]
    here = {**cloud.environment, "DATA_DIR": str(tmp_path / "nowhere")}
    check_way(trace(violation_id[:6], *logs, **here))
    without_logs = steps(trace(violation_id, **here))
    assert {"first seen", "picture stored", "claimed", "PDF stored", f"mailed to {ANNA}"} <= set(without_logs)
    assert "opened: received" not in without_logs
    gone = {**here, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    told = trace(violation_id, *logs, **gone)
    assert "not looked into: the database does not answer" in told
    assert "opened: received" in steps(told)
