"""docker compose from a fresh clone: camera to mail, outages, backlog, several agents. Run by `make compose-test`.

The tests stand in the order of one story and share one stack: each begins where the one before has ended.
"""

import io
import json
import os
import time
from collections.abc import Iterable, Iterator

import pytest
import yaml
from pypdf import PageObject, PdfReader

from tests.compose.stack import (
    EVIDENCE,
    QUEUE,
    REPORTS,
    ROOT,
    Stack,
    foreign_settings,
    fresh_clone,
    inspected,
    sha256,
    times_mailed,
    until,
)

pytestmark = pytest.mark.timeout(1800)

MB = 1_000_000
BASE = os.environ.get("PYTHON_IMAGE", "python:3.11-slim")
SITE = "Yard Двор 工地 ساحة חצר ∑"
TYPEFACES = {"NotoSans", "NotoSansArabic", "NotoSansHebrew", "NotoSansMath", "DroidSansFallback"}
ONE_MAIL_S = 150
OUTAGE_S = 25
DUE = "select 1 from outbox where state <> 'sent'"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Built from a fresh clone and running; its site is the demo's with a cooldown short enough for a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in foreign_settings():
            patch.delenv(name)
        clone = fresh_clone(tmp_path_factory.mktemp("clone"))
        site = yaml.safe_load((clone / "examples/demo/site.yaml").read_text("utf-8"))
        site["site"]["name"] = SITE
        for rule in site["rules"]:
            rule["cooldown_s"] = 5
        (clone / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
        running = Stack(clone, {"SITE_FILE": "site.yaml", "MAIL_CAP_PER_HOUR": "1000"})
        running.write_settings()
        running.compose("--profile", "tools", "build", timeout_s=1500)
        try:
            yield running
        finally:
            running.take_away(ROOT / "out" / "compose-test.log")


@pytest.mark.parametrize(("service", "most_mb"), [("detection", 480), ("agent", 200)])
def test_an_image_is_small_and_its_user_may_nothing(stack: Stack, service: str, most_mb: int) -> None:
    image, base = inspected([f"officer/{service}", BASE])
    assert (image["Size"] - base["Size"]) / MB <= most_mb
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Cmd"] == ["python", "-m", f"services.{service}"]
    assert image["Config"]["Labels"]["org.opencontainers.image.licenses"] == "AGPL-3.0-only"


@pytest.mark.parametrize(("service", "other"), [("detection", "agent"), ("agent", "detection")])
def test_an_image_holds_one_service_only(stack: Stack, service: str, other: str) -> None:
    found = "from importlib.util import find_spec; print(find_spec('services.%s') is not None)"
    assert stack.run(service, "python", "-c", found % service) == "True\n"
    assert stack.run(service, "python", "-c", found % other) == "False\n"


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_the_trimmed_image_runs_the_model_on_both_backends(stack: Stack, backend: str) -> None:
    code = f"""
import os, pathlib, numpy
from services.detection.adapters.detector_loader import load_detector
detector = load_detector(pathlib.Path(os.environ["MODEL_FILE"]), "{backend}")
detector.detect([numpy.zeros((360, 640, 3), numpy.uint8)], 0.5)
print(detector.info.backend)"""
    assert stack.run("detection", "python", "-c", code).endswith(f"{backend}\n")


def test_everything_comes_up(stack: Stack) -> None:
    stack.compose("up", "--detach", "--wait", "--wait-timeout", "240", timeout_s=300)
    for container in stack.containers():
        ended = "migrate" in container.name
        assert (container.status, container.exit_code) == ("exited" if ended else "running", 0)
        assert container.health in ("healthy", "") or ended


@pytest.mark.parametrize("service", ["detection", "agent", "camera"])
def test_a_container_has_no_rights_that_it_does_not_need(stack: Stack, service: str) -> None:
    (about,) = inspected([container.id for container in stack.containers(service)])
    host = about["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["Privileged"]
    assert host["Memory"] > 0
    status = stack.compose("exec", "-T", service, "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_the_cameras_picture_becomes_a_mailed_report(stack: Stack) -> None:
    mail = until("a mail", ONE_MAIL_S, stack.mails)[0]
    pdf = mail.pdf()
    key, digest = stack.rows()[mail.violation_id]
    assert sha256(pdf) == digest == sha256(stack.object(REPORTS, key))
    pages = PdfReader(io.BytesIO(pdf)).pages
    assert "potential non-compliance" in " ".join(page.extract_text().lower() for page in pages)
    assert typefaces(pages) >= TYPEFACES  # nothing that a report needs was left out of the image


def test_the_evidence_lies_in_its_bucket_and_the_queues_run_empty(stack: Stack) -> None:
    violation_id = stack.mails()[0].violation_id
    found = [key for key in stack.keys(EVIDENCE) if violation_id in key]
    picture = next(key for key in found if key.endswith(".jpg"))
    assert sha256(stack.object(EVIDENCE, picture)) in picture
    assert any(key.endswith(".json") for key in found)
    until("an empty queue", 60, lambda: stack.waiting() == 0)
    assert stack.waiting(f"{QUEUE}-dead") == 0


def test_the_doctor_finds_every_dependency(stack: Stack) -> None:
    told = stack.run("officer", "doctor")
    assert "All that a run needs is there." in told


def test_a_violation_is_traced_from_inside(stack: Stack) -> None:
    violation_id = stack.mails()[0].violation_id
    told = stack.run("officer", "trace", violation_id)
    assert all(word in told for word in ("evidence/", "report", "mail"))


def test_nobody_restarts_while_camera_and_database_are_away(stack: Stack) -> None:
    before = {one.id: one.started_at for name in ("detection", "agent") for one in stack.containers(name)}
    stack.compose("stop", "camera", "postgres")
    until("readiness without", 30, lambda: not stack.readiness("detection", 9100)["ready"])
    until("readiness without", 30, lambda: not stack.readiness("agent", 9200)["ready"])
    time.sleep(OUTAGE_S)
    stack.compose("start", "camera", "postgres")
    until("readiness", 60, lambda: stack.readiness("detection", 9100)["ready"])
    until("readiness", 60, lambda: stack.readiness("agent", 9200)["ready"])
    seen = len(stack.rows())
    until("two reports more", ONE_MAIL_S, lambda: len(stack.rows()) >= seen + 2)
    after = [one for name in ("detection", "agent") for one in stack.containers(name)]
    assert {one.id: one.started_at for one in after} == before
    assert {(one.restarts, one.health) for one in after} == {(0, "healthy")}


def test_a_stopped_agent_finds_its_backlog_again(stack: Stack) -> None:
    stack.compose("stop", "agent")
    assert [one.exit_code for one in stack.containers("agent")] == [0]
    reports = len(stack.rows())
    waiting = until("a backlog", ONE_MAIL_S, lambda: stack.waiting() if stack.waiting() >= 4 else 0)
    stack.compose("start", "agent")
    until("reports of the backlog", 60, lambda: len(stack.rows()) >= reports + waiting // 2 - 1)
    until("an empty queue", 60, lambda: stack.waiting() == 0)


def test_three_agents_share_the_work_and_double_none(stack: Stack) -> None:
    stack.compose("stop", "agent")
    until("a backlog", 2 * ONE_MAIL_S, lambda: stack.waiting() >= 8)
    stack.compose("up", "--detach", "--scale", "agent=3", "--no-recreate", "--no-build")
    until("an empty queue", 90, lambda: stack.waiting() == 0)
    stack.compose("stop", "camera")
    until("the end of all work", 90, lambda: not stack.waiting() and not stack.sql(DUE))
    rows, mails = stack.rows(), times_mailed(stack.mails())
    assert set(mails) == set(rows)
    assert set(mails.values()) == {1}
    assert sorted(stack.keys(REPORTS)) == sorted(key for key, _ in rows.values())
    assert {sha256(mail.pdf()) for mail in stack.mails()} == {digest for _, digest in rows.values()}
    assert stack.waiting(f"{QUEUE}-dead") == 0
    assert len({line["container"] for line in _stored(stack)}) > 1


def test_all_stop_in_good_order_and_leave_nothing(stack: Stack) -> None:
    stack.compose("stop", "detection", "agent")
    ended = [one for name in ("detection", "agent") for one in stack.containers(name)]
    assert {(one.exit_code, one.out_of_memory, one.restarts) for one in ended} == {(0, False, 0)}
    stack.take_away(ROOT / "out" / "compose-test.log")
    assert stack.containers() == []


def typefaces(pages: Iterable[PageObject]) -> set[str]:
    """Families of all fonts that *pages* use, without weight and subset's mark."""
    fonts = [font.get_object() for page in pages for font in page["/Resources"]["/Font"].values()]
    return {str(font["/BaseFont"]).lstrip("/").partition("+")[2].partition("-")[0] for font in fonts}


def _stored(stack: Stack) -> Iterator[dict[str, str]]:
    """Which container has written which report."""
    for line in stack.compose("logs", "--no-color", "agent").splitlines():
        container, _, text = line.partition("|")
        if '"report.stored"' in text:
            yield {"container": container.strip(), **json.loads(text[text.index("{") :])}
