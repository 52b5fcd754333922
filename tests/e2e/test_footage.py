"""The product on real videos: what must be found, and what must not.

Thresholds were frozen from the val splits (models/README.md), not tuned on these clips.
"""

import os
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from pypdf import PdfReader

from officer.summary import Summary
from tests.e2e.running import SITES, Program, check_invariants, mails, program, read_summary, watch
from tests.servers.rtsp import RtspServer, annex_b

pytestmark = [pytest.mark.footage, pytest.mark.timeout(900)]

PEOPLE = "one-by-one-person-detection.mp4"  # six people without hard hat and vest, one after another
WORKER = "worker-zone-detection.mp4"  # one worker with both crosses the floor
BOTH = ["no_hardhat", "no_vest"]


@pytest.fixture(scope="module")
def footage() -> Path:
    return Path(os.environ["OFFICER_FOOTAGE"])


@pytest.fixture(scope="module")
def six_people(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    out = tmp_path_factory.mktemp("six-people")
    return out, watch(footage / PEOPLE, SITES / "ppe-everywhere.yaml", out)


def test_six_people_are_six_violations_of_both_items(six_people: tuple[Path, Summary]) -> None:
    out, summary = six_people
    assert [sorted(violation.findings) for violation in summary.violations] == [BOTH] * 6
    assert all(violation.state in ("ended", "source-ended") for violation in summary.violations)
    check_invariants(out)


def test_each_report_cites_a_reference_for_each_missing_item(six_people: tuple[Path, Summary]) -> None:
    out, summary = six_people
    for violation in summary.violations:
        text = " ".join(page.extract_text() for page in PdfReader(out / str(violation.report)).pages)
        assert "29 CFR 1926.100(a)" in text
        assert "Site safety policy, section 4 (PPE)" in text
        assert (
            "651(d), Excavations" not in text
        )  # no excavation, no public traffic: no law asks for a vest here


def test_a_mail_with_its_report_goes_out_for_each(six_people: tuple[Path, Summary]) -> None:
    out, _ = six_people
    letters = mails(out)
    assert len(letters) == 6
    for letter in letters:
        kinds = [part.get_content_type() for part in letter.walk()]
        assert {"application/pdf", "image/jpeg", "text/html", "text/plain"} <= set(kinds)


def test_seeing_the_same_recording_again_adds_nothing(
    six_people: tuple[Path, Summary], footage: Path
) -> None:
    out, before = six_people
    again = watch(footage / PEOPLE, SITES / "ppe-everywhere.yaml", out)
    assert [violation.id for violation in again.violations] == [
        violation.id for violation in before.violations
    ]
    assert len(mails(out)) == 6


def test_two_rules_make_six_and_six(footage: Path, tmp_path: Path) -> None:
    summary = watch(footage / PEOPLE, SITES / "ppe-two-rules.yaml", tmp_path)
    by_rule = [(violation.rule, tuple(violation.findings)) for violation in summary.violations]
    assert by_rule.count(("hard-hat", ("no_hardhat",))) == 6
    assert by_rule.count(("vest", ("no_vest",))) == 6
    assert len(by_rule) == 12
    check_invariants(tmp_path)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_an_equipped_worker_raises_nothing(backend: str, footage: Path, tmp_path: Path) -> None:
    summary = watch(footage / WORKER, SITES / "ppe-everywhere.yaml", tmp_path, "--backend", backend)
    assert summary.violations == ()


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_restricted_zone_is_exactly_one_violation(backend: str, footage: Path, tmp_path: Path) -> None:
    summary = watch(footage / WORKER, SITES / "restricted-zone.yaml", tmp_path, "--backend", backend)
    assert [(violation.rule, violation.zone) for violation in summary.violations] == [("keep-out", "press")]
    check_invariants(tmp_path)


def test_the_same_six_with_onnx_runtime(footage: Path, tmp_path: Path) -> None:
    summary = watch(footage / PEOPLE, SITES / "ppe-everywhere.yaml", tmp_path, "--backend", "onnxruntime")
    assert [sorted(violation.findings) for violation in summary.violations] == [BOTH] * 6


def test_services_killed_in_the_middle_lose_and_double_nothing(footage: Path, tmp_path: Path) -> None:
    """Each is killed while a violation is open, and started again: same ids, one report and one mail each."""
    settings = {
        "DATA_DIR": str(tmp_path),
        "SITE_FILE": str(SITES / "ppe-everywhere.yaml"),
        "SOURCE": str(footage / PEOPLE),
    }
    with (
        program("services.agent", **settings) as agent,
        program("services.detection", **settings) as detection,
    ):
        first = detection.wait_for("violation.opened", 120)["violation_id"]
        detection.wait_for("violation.delivered", 60, violation_id=first)
        agent.kill()
        detection.wait_for("violation.opened", 120, after=len(detection.lines))
        detection.kill()
    with (
        program("services.agent", **settings) as agent,
        program("services.detection", **settings) as detection,
    ):
        assert detection.process.wait(300) == 0
        agent.wait_for("violation.completed", 120, violation_id=first)
        _wait_until_six_mails(tmp_path)
        assert agent.stop() == 0
    check_invariants(tmp_path)


def test_live_a_restarted_camera_doubles_nothing(footage: Path, tmp_path: Path) -> None:
    clip = annex_b([footage / WORKER], tmp_path / "worker.h264")
    out = tmp_path / "out"
    with RtspServer(clip, 12) as camera, _watching(camera, "restricted-zone.yaml", out) as officer:
        opened = officer.wait_for("violation.opened", 60)
        camera.restart()
        officer.wait_for("camera.status", 20, state="down")
        officer.wait_for("camera.status", 30, after=len(officer.lines), state="up")
        officer.wait_for(
            "camera.status", 30, after=len(officer.lines), people=1
        )  # the clip plays round and round
        officer.wait_for("mail.sent", 60)
        assert officer.stop() == 0
    [violation] = read_summary(out).violations
    assert (violation.id, violation.rule) == (opened["violation_id"], "keep-out")
    check_invariants(out)


def test_live_a_killed_detection_goes_on_with_the_same_violation(footage: Path, tmp_path: Path) -> None:
    clip = annex_b([footage / PEOPLE], tmp_path / "people.h264")
    settings = {"DATA_DIR": str(tmp_path / "data"), "SITE_FILE": str(SITES / "ppe-everywhere.yaml")}
    with RtspServer(clip, 10) as camera, program("services.agent", **settings) as agent:
        with program("services.detection", SOURCE=camera.url, **settings) as detection:
            first = detection.wait_for("violation.opened", 60)["violation_id"]
            detection.wait_for("violation.delivered", 30, violation_id=first)
            detection.kill()
        with program("services.detection", SOURCE=camera.url, **settings) as detection:
            detection.wait_for("violation.closed", 90, violation_id=first)
            assert detection.count("violation.opened") == 0
            assert detection.stop() == 0
        agent.wait_for("violation.completed", 60, violation_id=first)
        agent.wait_for("mail.sent", 60, violation_id=first)
        assert agent.stop() == 0
    check_invariants(tmp_path / "data")


def test_live_people_are_found_as_in_the_recording(footage: Path, tmp_path: Path) -> None:
    clip = annex_b([footage / PEOPLE], tmp_path / "people.h264")
    out = tmp_path / "out"
    with RtspServer(clip, 10) as camera, _watching(camera, "ppe-everywhere.yaml", out) as officer:
        for number in (1, 2):
            while officer.count("violation.opened") < number:
                officer.wait_for("camera.status", 60, after=len(officer.lines))
        assert officer.stop() == 0
    violations = read_summary(out).violations
    assert [sorted(violation.findings) for violation in violations] == [BOTH] * 2
    check_invariants(out)


def _watching(camera: RtspServer, site: str, out: Path) -> AbstractContextManager[Program]:
    return program("officer", "watch", camera.url, "--site", str(SITES / site), "--out", str(out))


def _wait_until_six_mails(out: Path) -> None:
    deadline = time.monotonic() + 120
    while len(mails(out)) < 6 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(mails(out)) == 6
