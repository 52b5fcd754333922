"""Both services as they run in the cloud: frames in, and out come a row, objects, a mail and empty queues.

Real processes with settings from the environment, on LocalStack, a real Postgres and a real mail server.
"""

import email
import email.policy
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras
import pytest
from psycopg2 import sql

from tests.clips import moving_box, write_clip
from tests.e2e.running import program
from tests.onnx_models import raw_answer, yolo_model
from tests.servers.localstack import LocalStack, Queue, running_localstack
from tests.servers.postgres import running_postgres
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.timeout(240)

ANNA, OFFICER = "anna@site.example", "officer@site.example"
SITE = """\
version: 1
site: {id: yard, name: Yard, timezone: Europe/Berlin, jurisdictions: [eu], policy: Site policy 4.2}
cameras:
  - id: gate
    name: Gate
    zones: [{id: pit, name: Pit, hazards: [machinery], polygon: [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]}]
rules: [{id: keep-out, kind: restricted-zone, title: Keep out, zones: [pit]}]
"""


@dataclass(frozen=True)
class Cloud:
    """What both services share, and how they find it."""

    localstack: LocalStack
    evidence: str
    reports: str
    queue: Queue
    database: str
    mail: SmtpServer
    environment: dict[str, str]

    def objects(self, bucket: str) -> dict[str, bytes]:
        found = self.localstack.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {one["Key"]: self._body(bucket, one["Key"]) for one in found}

    def _body(self, bucket: str, key: str) -> bytes:
        body: bytes = self.localstack.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def rows(self, table: str) -> list[dict[str, Any]]:
        with (
            psycopg2.connect(self.database) as connection,
            connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
        ):
            cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            return [dict(row) for row in cursor.fetchall()]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    localstack, database = running_localstack(), running_postgres().new_database()
    evidence, reports, queue = localstack.new_bucket(), localstack.new_bucket(), localstack.new_queue()
    (tmp_path / "site.yaml").write_text(SITE)
    with SmtpServer() as mail:
        environment = {
            **localstack.environment(),
            "SITE_FILE": str(tmp_path / "site.yaml"),
            "STORE": "s3",
            "QUEUE": "sqs",
            "EVIDENCE_BUCKET": evidence,
            "REPORT_BUCKET": reports,
            "QUEUE_NAME": queue.name,
            "DATABASE_URL": database,
            "MAIL_TRANSPORT": "smtp",
            "MAIL_FROM": OFFICER,
            "MAIL_TO": ANNA,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(mail.port),
            "SMTP_SECURITY": "none",
        }
        yield Cloud(localstack, evidence, reports, queue, database, mail, environment)


@pytest.fixture
def recording(tmp_path: Path) -> dict[str, str]:
    """Settings of a camera in whose pictures the model sees one person all the time."""
    somebody = raw_answer([(32, 32, 16, 40, 0.9, 0.0)])
    (tmp_path / "model.onnx").write_bytes(yolo_model(somebody))
    clip = write_clip(tmp_path / "gate.mp4", moving_box(), frames=120)
    return {
        "SOURCE": str(clip),
        "RECORDED_AT": "2026-03-04T09:30:00+01:00",
        "MODEL_FILE": str(tmp_path / "model.onnx"),
        "BACKEND": "onnxruntime",
        "THREADS": "1",
    }


def test_a_violation_goes_from_the_camera_to_the_mail(
    cloud: Cloud, recording: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("LLM_", "OPENAI_", "DB_"))]:
        monkeypatch.delenv(name)
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
    check(cloud)
    assert not (tmp_path / "agent" / "queue.db").exists()
    assert not (tmp_path / "detection" / "evidence").exists()


def check(cloud: Cloud) -> None:
    """Nothing but the formats themselves is looked at: SQL, objects, the mail as it arrived, the queue."""
    (row,) = cloud.rows("violations")
    pictures = cloud.objects(cloud.evidence)
    reports = cloud.objects(cloud.reports)
    assert digest(pictures[row["evidence_key"]]) == row["evidence_sha256"]
    assert digest(reports[row["pdf_key"]]) == row["pdf_sha256"]
    assert sorted(key.partition("/")[0] for key in pictures) == ["events", "events", "evidence"]
    assert (len(reports), row["closed_reason"]) == (1, "source-ended")
    (taken,) = cloud.mail.taken
    letter = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert isinstance(letter, EmailMessage)
    attached = [part.get_content() for part in letter.walk() if part.get_content_type() == "application/pdf"]
    assert [digest(pdf) for pdf in attached] == [row["pdf_sha256"]]
    (mail,) = cloud.rows("outbox")
    assert (mail["state"], mail["message_id"]) == ("sent", letter["Message-ID"])
    assert row["violation_id"] in letter["X-Violation-Id"]
    head = cloud.localstack.s3.head_object(Bucket=cloud.reports, Key=row["pdf_key"])
    assert head["Metadata"]["violation-id"] == row["violation_id"]
    for name in (cloud.queue.name, cloud.queue.dead_letters):
        assert cloud.localstack.bodies(name) == []


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_doctor_asks_buckets_queue_and_mail_service(cloud: Cloud, tmp_path: Path) -> None:
    cloud.localstack.ses.verify_email_identity(EmailAddress=OFFICER)
    told = doctor(tmp_path, **{**cloud.environment, "MAIL_TRANSPORT": "ses"})
    assert f"{cloud.evidence} and {cloud.reports} can be listed" in told
    assert "0 waiting, 0 in hand, 0 dead letters" in told
    assert "SES takes mails from us" in told
    assert "run 'python -m services.agent migrate'" in told
    wrong = {"EVIDENCE_BUCKET": "no-such-bucket-here", "QUEUE_NAME": "no-such-queue"}
    told = doctor(tmp_path, **{**cloud.environment, **wrong})
    assert "bucket no-such-bucket-here: the bucket does not exist; do: create it" in told
    assert "queue no-such-queue: the queue does not exist; do: create it" in told


def doctor(folder: Path, **environment: str) -> str:
    """What it says, as one line."""
    done = subprocess.run(
        [sys.executable, "-m", "officer", "doctor", "--out", folder],
        env={**os.environ, **environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return re.sub(r"[\s│]+", " ", done.stdout)
