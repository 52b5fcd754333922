"""Both services run unchanged on what Terraform made: its settings in, a report out.

Substituted: the database (a real Postgres on this machine in the place of RDS), the camera (a clip), the model (one
that always sees one person), and AWS itself (moto).
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.clips import moving_box, write_clip
from tests.e2e.running import Program, program
from tests.infra.installation import Installation
from tests.infra.test_applied import main_container, settings_of, task_definitions
from tests.onnx_models import raw_answer, yolo_model
from tests.servers.postgres import running_postgres
from tests.servers.rtsp import free_port

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture
def agent(
    dev: Installation, site_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Program]:
    """The agent at work on what Terraform made."""
    for name in [name for name in os.environ if name.startswith(("LLM_", "OPENAI_", "DB_"))]:
        monkeypatch.delenv(name)
    dev.client("ses").verify_domain_identity(Domain="example.com")
    settings = settings_for(dev, "agent", tmp_path / "agent", site_file)
    for name in ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_CA_FILE"):
        del settings[name]
    settings["DATABASE_URL"] = running_postgres().new_database()
    with program("services.agent", "migrate", **settings) as migration:
        assert migration.process.wait(120) == 0, migration.lines
    with program("services.agent", **settings) as running:
        yield running
        assert running.stop() == 0


def test_a_violation_becomes_a_report(
    dev: Installation, agent: Program, site_file: Path, tmp_path: Path
) -> None:
    settings = settings_for(dev, "detection-1", tmp_path / "detection", site_file)
    with program("services.detection", **settings, **seen_by_a_camera(tmp_path)) as detection:
        assert detection.process.wait(120) == 0, detection.lines
    stored = agent.wait_for("report.stored", 90)
    agent.wait_for("mail.sent", 90)
    agent.wait_for("violation.completed", 90)
    check(dev, stored["violation_id"])


def test_deploy_check_sees_its_test_violation_become_a_mail(dev: Installation, agent: Program) -> None:
    with deploy_check(dev, "--only-test", "--limit", "90") as command:
        log_of(agent, dev, while_runs=command)
        told = command.stdout.read() if command.stdout else ""
    assert command.returncode == 0, told
    sent = agent.wait_for("mail.sent", 1)
    assert f"test mail to anna@site.example: row written, mail taken by SES as {sent['message_id']}" in told
    (key,) = keys_of(dev, "reports", sent["violation_id"])
    pdf = dev.client("s3").get_object(Bucket=dev.outputs["buckets"]["reports"], Key=key)["Body"].read()
    first_page = " ".join(PdfReader(BytesIO(pdf)).pages[0].extract_text().split())
    assert "TEST by officer deploy-check" in first_page


def test_deploy_check_tells_what_is_there_and_what_is_not(dev: Installation) -> None:
    """moto runs no task, so that detection is missing; all else is as Terraform made it."""
    with deploy_check(dev, "--no-test") as command:
        told, _ = command.communicate(timeout=60)
    marks = {line[2:].partition(":")[0]: line[0] for line in told.splitlines() if line[1:2] == " "}
    wrong = {name for name, mark in marks.items() if mark == "\N{BALLOT X}"}
    assert wrong == {"service agent", "service detection-1", "service detection-2"}, told
    assert {"queue", "evidence bucket", "report bucket", "mail identity", "alarms"} <= set(marks)
    assert "no image was ever put into service; do: python infra/deploy.py officer-dev" in told
    assert command.returncode == 1


@contextmanager
def deploy_check(dev: Installation, *options: str) -> Iterator["subprocess.Popen[str]"]:
    command = [Path(sys.executable).with_name("officer"), "deploy-check", dev.prefix, *options]
    environment = {**os.environ, **dev.endpoint.environment}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        yield running
        running.wait(120)


def log_of(agent: Program, dev: Installation, while_runs: "subprocess.Popen[str]") -> None:
    """Do what ECS does with the agent's lines: they go to its log group."""
    logs, where = dev.client("logs"), {"logGroupName": "/officer-dev/agent", "logStreamName": "task/agent/1"}
    logs.create_log_stream(**where)
    put = 0
    while while_runs.poll() is None:
        lines = [*agent.lines][put:]
        now = int(time.time() * 1000)
        if lines:
            events = [{"timestamp": now, "message": json.dumps(line)} for line in lines]
            logs.put_log_events(**where, logEvents=events)
        put += len(lines)
        time.sleep(0.5)


def settings_for(dev: Installation, service: str, data: Path, site_file: Path) -> dict[str, str]:
    """As in the task definition, but for folders and ports of this machine."""
    given = settings_of(main_container(task_definitions(dev)[service]))
    mine = {"DATA_DIR": str(data), "SITE_FILE": str(site_file), "HEALTH_PORT": str(free_port())}
    return {**given, **dev.endpoint.environment, **mine}


def seen_by_a_camera(folder: Path) -> dict[str, str]:
    somebody = raw_answer([(32, 32, 16, 40, 0.9, 0.0)])
    (folder / "model.onnx").write_bytes(yolo_model(somebody))
    return {
        "SOURCE": str(write_clip(folder / "gate.mp4", moving_box(), frames=120)),
        "RECORDED_AT": "2026-03-04T09:30:00+01:00",
        "MODEL_FILE": str(folder / "model.onnx"),
        "BACKEND": "onnxruntime",
    }


def check(dev: Installation, violation_id: str) -> None:
    s3, sqs = dev.client("s3"), dev.client("sqs")
    evidence = keys_of(dev, "evidence", violation_id)
    assert sorted(key.partition("/")[0] for key in evidence) == ["events", "events", "evidence"]
    picture = next(key for key in evidence if key.startswith("evidence/"))
    body = s3.get_object(Bucket=dev.outputs["buckets"]["evidence"], Key=picture)["Body"].read()
    assert hashlib.sha256(body).hexdigest() in picture
    (report,) = keys_of(dev, "reports", violation_id)
    tags = s3.get_object_tagging(Bucket=dev.outputs["buckets"]["reports"], Key=report)["TagSet"]
    assert tags == [{"Key": "retention", "Value": "report"}]
    assert "Messages" not in sqs.receive_message(QueueUrl=dev.outputs["queue_url"])
    assert "Messages" not in sqs.receive_message(QueueUrl=dev.outputs["dead_letter_queue_url"])


def keys_of(dev: Installation, bucket: str, violation_id: str) -> list[str]:
    found = dev.client("s3").list_objects_v2(Bucket=dev.outputs["buckets"][bucket]).get("Contents", [])
    return [one["Key"] for one in found if violation_id in one["Key"]]
