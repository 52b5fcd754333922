"""Settings of the cloud: what belongs together is checked together, and all of it is told at once."""

import os
from pathlib import Path

import pytest

from services.agent.settings import AgentSettings
from services.detection.settings import DetectionSettings
from shared.config.settings import ServiceSettings, read_settings
from shared.errors import ConfigurationError

PREFIXES = ("MAIL_", "SMTP_", "LLM_", "DATABASE_", "DB_", "OPENAI_", "QUEUE", "STORE", "AWS_")
URL = "postgresql://officer@db/officer"
NAMES = ("EVIDENCE_BUCKET", "REPORT_BUCKET", "LEASE_S")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIXES) or name in NAMES]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SITE_FILE", str(tmp_path / "site.yaml"))


def refused(kind: type[ServiceSettings], monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(kind)
    return str(caught.value)


def agent(monkeypatch: pytest.MonkeyPatch, **environment: str) -> AgentSettings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return read_settings(AgentSettings)


@pytest.mark.parametrize("kind", [AgentSettings, DetectionSettings])
def test_without_anything_set_nothing_of_the_cloud_is_used(kind: type[ServiceSettings]) -> None:
    settings = read_settings(kind)
    assert (settings.store, settings.queue) == ("folder", "sqlite")


def test_the_cloud_needs_its_names_and_all_that_is_missing_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = refused(
        AgentSettings,
        monkeypatch,
        STORE="s3",
        QUEUE="sqs",
        MAIL_TRANSPORT="ses",
        DB_HOST="db",
        LLM_MODEL="openai:gpt-5-mini",
        LEASE_S="0",
    )
    beginnings = (
        "7 problems",
        "LEASE_S: value '0' is not allowed; allowed: a number from 0.5 to 600",
        "EVIDENCE_BUCKET is missing; do: name the bucket, or set STORE=folder",
        "QUEUE_NAME is missing; do: name the queue (or set QUEUE_URL), or set QUEUE=sqlite",
        "LLM_MODEL names an OpenAI model, but there is no key; do: set OPENAI_API_KEY",
        "REPORT_BUCKET is missing; do: name the bucket, or set STORE=folder",
        "DB_USER is missing; do: set the user of the database, or unset DB_HOST",
        "MAIL_FROM is missing; do: set the address that mails come from",
    )
    assert len(told.splitlines()) == len(beginnings)
    for line, beginning in zip(told.splitlines(), beginnings, strict=True):
        assert line.startswith(f"environment: {beginning}")


def test_detection_needs_no_bucket_for_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(DetectionSettings, monkeypatch, STORE="s3")
    assert "EVIDENCE_BUCKET is missing" in told
    assert "REPORT_BUCKET" not in told


def test_a_wrong_value_is_not_told_again_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(DetectionSettings, monkeypatch, STORE="s3", EVIDENCE_BUCKET="Not_A_Bucket", QUEUE="sqs")
    assert told.count("EVIDENCE_BUCKET") == 1
    assert "QUEUE_NAME is missing" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVIDENCE_BUCKET", "UPPER"),
        ("EVIDENCE_BUCKET", "a"),
        ("EVIDENCE_BUCKET", "s3://bucket"),
        ("QUEUE_NAME", "https://sqs"),
        ("QUEUE_NAME", "x" * 81),
        ("QUEUE_URL", "violations"),
        ("QUEUE_URL", "http://host/"),
        ("AWS_REGION", "EU Central"),
        ("STORE", "S3"),
        ("QUEUE", "rabbit"),
    ],
)
def test_what_can_be_no_name_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert f"environment: {name}: value " in refused(DetectionSettings, monkeypatch, **{name: value})


def test_a_queue_has_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(DetectionSettings, monkeypatch, QUEUE="sqs", QUEUE_NAME="v", QUEUE_URL="http://sqs/1/v")
    assert "QUEUE_NAME is set, and so is QUEUE_URL; do: unset one of them" in told


def test_ses_takes_no_sender_with_letters_outside_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(AgentSettings, monkeypatch, MAIL_TRANSPORT="ses", MAIL_FROM="änne@site.example")
    assert "MAIL_FROM has letters outside ASCII before the @, which SES does not take" in told


def test_a_database_comes_in_parts_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p@ss:w/rd%?\n")
    settings = agent(
        monkeypatch,
        DB_HOST="db.internal",
        DB_USER="officer@corp",
        DB_PASSWORD_FILE=str(tmp_path / "password"),
    )
    assert settings.database == "postgresql://officer%40corp:p%40ss%3Aw%2Frd%25%3F@db.internal:5432/officer"
    assert "p@ss" not in repr(settings)


def test_a_database_user_may_need_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = agent(monkeypatch, DB_HOST="db", DB_PORT="6432", DB_NAME="safety", DB_USER="officer")
    assert settings.database == "postgresql://officer@db:6432/safety"


@pytest.mark.parametrize("separator", ["?", "&"])
def test_a_ca_file_verifies_server_and_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, separator: str
) -> None:
    ca_file = tmp_path / "rds ca.pem"
    ca_file.write_text("x")
    url = "postgresql://o@db/officer" + ("?application_name=x" if separator == "&" else "")
    settings = agent(monkeypatch, DATABASE_URL=url, DB_CA_FILE=str(ca_file))
    path = str(ca_file).replace("/", "%2F").replace(" ", "+")
    assert settings.database == f"{url}{separator}sslmode=verify-full&sslrootcert={path}"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"DATABASE_URL": "postgresql://a@b/c", "DB_HOST": "db", "DB_USER": "u"},
            "DATABASE_URL is set, and so is DB_HOST",
        ),
        ({"DB_PASSWORD": "geheim"}, "DB_USER or DB_PASSWORD is set without DB_HOST"),
        ({"DB_CA_FILE": "{file}"}, "DB_CA_FILE is set, but the database is no Postgres"),
        (
            {"DATABASE_URL": "postgresql://a@b/c", "DB_CA_FILE": "/nowhere/ca.pem"},
            "'/nowhere/ca.pem', which is no file",
        ),
        (
            {"DATABASE_URL": f"{URL}?sslmode=require", "DB_CA_FILE": "{file}"},
            "DATABASE_URL has an sslmode of its own",
        ),
    ],
)
def test_what_does_not_fit_together_about_the_database_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], words: str
) -> None:
    (tmp_path / "ca.pem").write_text("x")
    named = {name: value.replace("{file}", str(tmp_path / "ca.pem")) for name, value in environment.items()}
    told = refused(AgentSettings, monkeypatch, **named)
    assert words in told
    assert "geheim" not in told
