"""The bundled clip from frames to mails, as a newcomer runs it, held against the clip's exact truth."""

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest
from pypdf import PdfReader

from officer.summary import Summary
from tests.e2e.running import ROOT, check_invariants, mails, program, read_summary

DEMO = ROOT / "examples" / "demo"
SITE = DEMO / "site.yaml"
TRUTH = json.loads((DEMO / "truth.json").read_text("utf-8"))

PRODUCTION = {
    "STORE": "s3",
    "EVIDENCE_BUCKET": "evidence",
    "REPORT_BUCKET": "reports",
    "QUEUE": "sqs",
    "QUEUE_NAME": "violations",
    "DB_HOST": "127.0.0.1",
    "DB_USER": "officer",
    "DB_PASSWORD_FILE": "/nowhere",
    "MODEL_REGISTRY": "/nowhere",
    "RECORDED_AT": "2020-01-01T00:00:00Z",
    "LOG_LEVEL": "error",
}

pytestmark = pytest.mark.timeout(300)


def run_demo(out: Path) -> Summary:
    """Where the environment is set up for real runs, of which it touches nothing."""
    command = [sys.executable, "-m", "officer", "demo", "--out", str(out)]
    environment = {**os.environ, **PRODUCTION}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return read_summary(out)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    out = tmp_path_factory.mktemp("demo")
    return out, run_demo(out)


def test_the_demo_finds_what_is_there_and_nothing_else(demo: tuple[Path, Summary]) -> None:
    found = sorted((violation.rule, tuple(sorted(violation.findings))) for violation in demo[1].violations)
    assert found == [("keep-out", ("restricted_zone",)), ("ppe", ("no_hardhat", "no_vest"))]


def test_it_is_found_when_it_happens(demo: tuple[Path, Summary]) -> None:
    began = {event["what"]: (event["from_s"], event["to_s"]) for event in TRUTH["events"]}
    for violation in demo[1].violations:
        message = json.loads(_opened_message(demo[0], violation.id).read_bytes())
        from_s, to_s = began["in_zone" if violation.rule == "keep-out" else "no_hardhat"]
        first_s = message["data"]["source"]["offset_s"]
        assert from_s - 0.5 <= first_s <= from_s + 3
        assert violation.duration_s is not None
        assert first_s + violation.duration_s == pytest.approx(to_s, abs=1.5)


def test_one_row_one_report_and_one_mail_each(demo: tuple[Path, Summary]) -> None:
    check_invariants(demo[0])
    assert len(mails(demo[0])) == 2
    for violation in demo[1].violations:
        pages = PdfReader(demo[0] / str(violation.report)).pages
        assert 1 <= len(pages) <= 3
        assert "potential non-compliance" in " ".join(page.extract_text() for page in pages).lower()


def test_the_annotated_video_has_every_frame(demo: tuple[Path, Summary]) -> None:
    with av.open(str(demo[0] / "video" / "yard.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == len(TRUTH["frames"])


def test_running_it_again_adds_nothing(demo: tuple[Path, Summary]) -> None:
    again = run_demo(demo[0])
    assert {violation.id for violation in again.violations} == {
        violation.id for violation in demo[1].violations
    }
    assert len(mails(demo[0])) == 2


def test_killed_at_any_moment_it_ends_with_the_same_result(
    tmp_path: Path, demo: tuple[Path, Summary]
) -> None:
    """Detection is killed once the first violation has gone out, the agent once its report is stored."""
    settings = {"DATA_DIR": str(tmp_path), "SITE_FILE": str(SITE), "SOURCE": str(DEMO / "yard.mp4")}
    with (
        program("services.agent", **settings) as agent,
        program("services.detection", **settings) as detection,
    ):
        detection.wait_for("violation.delivered", 120)
        detection.kill()
        agent.wait_for("report.stored", 60)
        agent.kill()
    with (
        program("services.agent", **settings) as agent,
        program("services.detection", **settings) as detection,
    ):
        assert detection.process.wait(200) == 0
        for violation in demo[1].violations:
            agent.wait_for("violation.completed", 60, violation_id=violation.id)
            agent.wait_for("mail.sent", 60)
        while len(mails(tmp_path)) < 2:
            agent.wait_for("agent.status", 20, after=len(agent.lines))
        assert agent.stop() == 0
    check_invariants(tmp_path)


def test_ctrl_c_finishes_what_was_seen(tmp_path: Path) -> None:
    command = ("officer", "watch", str(DEMO / "yard.mp4"), "--site", str(SITE), "--out", str(tmp_path))
    with program(*command) as officer:
        officer.wait_for("violation.opened", 120)
        assert officer.stop() == 1, "the rest of the recording is left"
    summary = read_summary(tmp_path)
    assert (summary.interrupted, summary.ending) == (True, "left-undone")
    assert len(mails(tmp_path)) == len(summary.violations) >= 1


def _opened_message(out: Path, violation_id: str) -> Path:
    [path] = (out / "events").glob(f"*/*/*/{violation_id}/opened-*.json")
    return path
