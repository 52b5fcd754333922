"""Both services run unchanged on what Terraform made: its settings in, a report out.

Substituted: the database (a real Postgres on this machine in the place of RDS), the camera (a clip), the model (one
that always sees one person), and AWS itself (moto).
"""

import hashlib
import os
from pathlib import Path

import pytest

from tests.clips import moving_box, write_clip
from tests.e2e.running import program
from tests.infra.installation import Installation
from tests.infra.test_applied import main_container, settings_of, task_definitions
from tests.onnx_models import raw_answer, yolo_model
from tests.servers.postgres import running_postgres
from tests.servers.rtsp import free_port

pytestmark = pytest.mark.timeout(1500)


def test_a_violation_becomes_a_report(
    dev: Installation, site_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("LLM_", "OPENAI_", "DB_"))]:
        monkeypatch.delenv(name)
    dev.client("ses").verify_domain_identity(Domain="example.com")
    agent_settings = settings_for(dev, "agent", tmp_path / "agent", site_file)
    for name in ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_CA_FILE"):
        del agent_settings[name]
    agent_settings["DATABASE_URL"] = running_postgres().new_database()
    detection_settings = {
        **settings_for(dev, "detection-1", tmp_path / "detection", site_file),
        **seen_by_a_camera(tmp_path),
    }
    with program("services.agent", "migrate", **agent_settings) as migration:
        assert migration.process.wait(120) == 0, migration.lines
    with program("services.agent", **agent_settings) as agent:
        with program("services.detection", **detection_settings) as detection:
            assert detection.process.wait(120) == 0, detection.lines
        stored = agent.wait_for("report.stored", 90)
        agent.wait_for("mail.sent", 90)
        agent.wait_for("violation.completed", 90)
        assert agent.stop() == 0
    check(dev, stored["violation_id"])


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
    evidence = s3.list_objects_v2(Bucket=dev.outputs["buckets"]["evidence"])["Contents"]
    kinds = sorted(one["Key"].partition("/")[0] for one in evidence)
    assert kinds == ["events", "events", "evidence"]
    picture = next(one["Key"] for one in evidence if one["Key"].startswith("evidence/"))
    body = s3.get_object(Bucket=dev.outputs["buckets"]["evidence"], Key=picture)["Body"].read()
    assert hashlib.sha256(body).hexdigest() in picture
    (report,) = s3.list_objects_v2(Bucket=dev.outputs["buckets"]["reports"])["Contents"]
    assert violation_id in report["Key"]
    tags = s3.get_object_tagging(Bucket=dev.outputs["buckets"]["reports"], Key=report["Key"])["TagSet"]
    assert tags == [{"Key": "retention", "Value": "report"}]
    assert "Messages" not in sqs.receive_message(QueueUrl=dev.outputs["queue_url"])
    assert "Messages" not in sqs.receive_message(QueueUrl=dev.outputs["dead_letter_queue_url"])
