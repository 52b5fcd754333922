"""The restore drill: the database is lost and comes back as it was a violation earlier; nobody gets a second mail.

Real services, Postgres, mail server, and LocalStack for buckets and queue. `pg_dump` and `pg_restore` stand for RDS's
snapshots. The runbook: docs/runbooks/restore.md.
"""

import hashlib
import os
from pathlib import Path

import psycopg2
import pytest

from tests.clips import moving_box, write_clip
from tests.e2e.running import program
from tests.onnx_models import raw_answer, yolo_model
from tests.servers.localstack import running_localstack
from tests.servers.postgres import running_postgres
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.timeout(300)

SITE = """\
version: 1
site: {id: yard, name: Yard}
cameras:
  - id: gate
    name: Gate
    zones: [{id: pit, name: Pit, hazards: [machinery], polygon: [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]}]
rules: [{id: keep-out, kind: restricted-zone, title: Keep out, zones: [pit]}]
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in [name for name in os.environ if name.startswith(("LLM_", "OPENAI_", "DB_"))]:
        monkeypatch.delenv(name)
    localstack = running_localstack()
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "model.onnx").write_bytes(yolo_model(raw_answer([(32, 32, 16, 40, 0.9, 0.0)])))
    return {
        **localstack.environment(),
        "SITE_FILE": str(tmp_path / "site.yaml"),
        "STORE": "s3",
        "QUEUE": "sqs",
        "EVIDENCE_BUCKET": localstack.new_bucket(),
        "REPORT_BUCKET": localstack.new_bucket(),
        "QUEUE_NAME": localstack.new_queue().name,
        "MAIL_TRANSPORT": "smtp",
        "MAIL_FROM": "officer@site.example",
        "MAIL_TO": "anna@site.example",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_SECURITY": "none",
    }


def test_a_database_that_was_lost_comes_back_without_a_second_mail(
    settings: dict[str, str], tmp_path: Path
) -> None:
    postgres = running_postgres()
    agent = {**settings, "DATA_DIR": str(tmp_path / "agent"), "DATABASE_URL": postgres.new_database()}
    with SmtpServer() as mail:
        agent["SMTP_PORT"] = str(mail.port)
        with program("services.agent", "migrate", **agent) as migration:
            assert migration.process.wait(120) == 0, migration.lines
        kept = reported(agent, watched(settings, tmp_path, "before", "2026-03-04T09:30:00+01:00"))
        backup = postgres.backup(agent["DATABASE_URL"])
        lost = reported(agent, watched(settings, tmp_path, "after", "2026-03-04T11:30:00+01:00"))
        assert len(rows(agent["DATABASE_URL"])) == 2

        agent["DATABASE_URL"] = postgres.restore(backup)
        assert set(rows(agent["DATABASE_URL"])) == {kept}
        with program("services.agent", **agent) as again:
            stored = again.wait_for("report.stored", 120)
            assert stored["violation_id"] == lost
            assert again.stop() == 0
        mails = len(mail.taken)

    found = rows(agent["DATABASE_URL"])
    assert set(found) == {kept, lost}
    assert mails == 2
    check_reports(settings["REPORT_BUCKET"], found)


def watched(settings: dict[str, str], folder: Path, name: str, recorded_at: str) -> dict[str, str]:
    """Settings of detection for a clip of its own, in which somebody stands all the time."""
    clip = write_clip(folder / f"{name}.mp4", moving_box(speed=len(name)), frames=100)
    return {
        **settings,
        "DATA_DIR": str(folder / name),
        "SOURCE": str(clip),
        "RECORDED_AT": recorded_at,
        "MODEL_FILE": str(folder / "model.onnx"),
        "BACKEND": "onnxruntime",
    }


def reported(agent: dict[str, str], detection: dict[str, str]) -> str:
    """Run both until the violation is mailed and closed; its id."""
    with program("services.detection", **detection) as seen:
        assert seen.process.wait(120) == 0, seen.lines
    with program("services.agent", **agent) as running:
        violation_id: str = running.wait_for("report.stored", 90)["violation_id"]
        running.wait_for("mail.sent", 90)
        running.wait_for("violation.completed", 90)
        assert running.stop() == 0
    return violation_id


def rows(database: str) -> dict[str, tuple[str, str]]:
    """Key and hash of each report, by violation."""
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT violation_id, pdf_key, pdf_sha256 FROM violations")
        return {violation_id: (key, sha256) for violation_id, key, sha256 in cursor.fetchall()}


def check_reports(bucket: str, found: dict[str, tuple[str, str]]) -> None:
    """One report for each row, and the row names its bytes."""
    s3 = running_localstack().s3
    held = {one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert held == {key for key, _ in found.values()}
    for key, sha256 in found.values():
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert hashlib.sha256(body).hexdigest() == sha256
