"""What officer deploy-check says of an installation, line by line. AWS is a double; tests/infra goes the whole way."""

# ruff: noqa: N803 - the names of arguments are those of AWS

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from officer.deployment.checks import checks
from officer.deployment.installation import Installation, read_installation
from officer.deployment.trial import (
    ID,
    NOBODY,
    NOBODY_OF_THAT,
    drawn_picture,
    follow,
    late,
    made,
    outcomes,
    send,
)
from officer.doctor import Finding, examine
from shared.contracts.violation import Closed, Opened, decode, encode, envelope
from shared.errors import ConfigurationError
from shared.objects import StoredObject
from shared.vocabulary import Severity
from tests.builders import AT

DEAD = "arn:aws:sqs:eu-central-1:123456789012:officer-dev-violations-dead"
TOLD: dict[str, Any] = {
    "region": "eu-central-1",
    "cluster": "officer-dev",
    "services": {
        "agent": {"service": "officer-dev-agent", "task_definition": "officer-dev-agent:1", "tasks": 0},
        "detection-1": {
            "service": "officer-dev-detection-1",
            "task_definition": "officer-dev-detection-1:1",
            "tasks": 1,
        },
    },
    "migrate": {"log_group": "/officer-dev/agent"},
    "evidence_bucket": "officer-dev-evidence",
    "report_bucket": "officer-dev-reports",
    "queue_url": "https://sqs/officer-dev-violations",
    "dead_letter_queue_url": "https://sqs/officer-dev-violations-dead",
    "mail": {"identity": "example.com", "from": "safety@example.com"},
    "topics": ["arn:aws:sns:eu-central-1:123456789012:officer-dev-alerts"],
    "alarms": ["officer-dev-dead-letters", "officer-dev-camera-blind"],
    "site": {"id": "yard", "name": "Yard", "timezone": "Europe/Berlin", "jurisdictions": ["eu"]},
}
STORED = {"event": "report.stored", "mails": 1}
SENT = {"event": "mail.sent", "recipient": "anna@site.example", "kind": "report", "message_id": "<1@ses>"}
PDF = StoredObject("reports/2026-a.pdf", 210_000, "application/pdf", AT)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Anything")


@dataclass
class Pages:
    pages: list[dict[str, Any]]

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return self.pages


@dataclass
class Aws:
    """Every client at once, of an installation that is whole; a test spoils what it is about."""

    told: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(TOLD)))
    dead_letters: int = 0
    redrive_to: str = DEAD
    versioning: str = "Enabled"
    private: bool = True
    running: dict[str, int] = field(default_factory=lambda: {"agent": 1, "detection-1": 1})
    revision: int = 2
    rollout: str = "COMPLETED"
    logged: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"agent.status": [{"at": "12:00"}]}
    )
    verified: bool = True
    account: dict[str, Any] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TOLD["alarms"], "OK"))
    subscriptions: dict[str, str] = field(default_factory=lambda: {"ops@example.com": "arn:aws:sns:x"})
    objects: dict[str, bytes] = field(default_factory=dict)
    messages: list[bytes] = field(default_factory=list)

    def installation(self) -> Installation:
        return read_installation("officer-dev", lambda _: self)

    def get_parameter(self, Name: str) -> dict[str, Any]:
        if Name != "/officer-dev/deployment":
            raise refused("ParameterNotFound")
        return {"Parameter": {"Value": json.dumps(self.told)}}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        if QueueUrl.endswith("-dead"):
            return {"Attributes": {"QueueArn": DEAD, "ApproximateNumberOfMessages": str(self.dead_letters)}}
        policy = json.dumps({"deadLetterTargetArn": self.redrive_to})
        return {"Attributes": {"RedrivePolicy": policy, "ApproximateNumberOfMessages": "3"}}

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        return {}

    def get_bucket_versioning(self, Bucket: str) -> dict[str, Any]:
        return {"Status": self.versioning}

    def get_public_access_block(self, Bucket: str) -> dict[str, Any]:
        if not self.private:
            raise refused("NoSuchPublicAccessBlockConfiguration")
        return {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}

    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
        name = services[0].removeprefix("officer-dev-")
        running = self.running[name]
        found = {
            "runningCount": running,
            "desiredCount": max(running, self.told["services"][name]["tasks"]),
            "taskDefinition": f"arn:aws:ecs:x:1:task-definition/{services[0]}:{self.revision}",
            "deployments": [{"rolloutState": self.rollout}],
            "events": [{"message": "unable to place a task"}],
        }
        return {"services": [found]}

    def get_paginator(self, operation: str) -> Any:
        if operation == "filter_log_events":
            return self
        found = [{"Endpoint": who, "SubscriptionArn": arn} for who, arn in self.subscriptions.items()]
        return Pages([{"Subscriptions": found}])

    def paginate(self, filterPattern: str, **_: Any) -> list[dict[str, Any]]:
        lines = self.logged.get(filterPattern.strip('"'), [])
        return [{"events": [{"message": "no JSON"}, *({"message": json.dumps(line)} for line in lines)]}]

    def get_email_identity(self, EmailIdentity: str) -> dict[str, Any]:
        return {"VerifiedForSendingStatus": self.verified}

    def get_account(self) -> dict[str, Any]:
        told = {
            "SendingEnabled": True,
            "ProductionAccessEnabled": True,
            "SendQuota": {"Max24HourSend": 50_000.0},
        }
        return told | self.account

    def describe_alarms(self, AlarmNames: list[str]) -> dict[str, Any]:
        text = "A camera is down. See docs/runbooks/camera-blind.md"
        known = {"ActionsEnabled": True, "AlarmActions": ["topic"], "AlarmDescription": text}
        return {"MetricAlarms": [{"AlarmName": n, "StateValue": s, **known} for n, s in self.alarms.items()]}

    def put_object(self, Key: str, Body: bytes, **_: Any) -> None:
        self.objects[Key] = Body

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise refused("404")
        return {"ContentLength": len(self.objects[Key]), "LastModified": AT}

    def send_message(self, MessageBody: str, **_: Any) -> None:
        self.messages.append(MessageBody.encode())


def found(aws: Aws, name: str) -> Finding:
    return examine(dict(checks(aws.installation()))[name])


def test_an_installation_that_is_whole_has_nothing_to_mend() -> None:
    lines = {name: examine(check) for name, check in checks(Aws().installation())}
    assert [name for name, finding in lines.items() if not finding.ok] == []
    assert list(lines)[:5] == [
        "queue",
        "evidence bucket",
        "report bucket",
        "service agent",
        "service detection-1",
    ]


@pytest.mark.parametrize(
    ("spoiled", "line", "told"),
    [
        ({"dead_letters": 2}, "queue", "2 dead letters; do: docs/runbooks/dead-letters.md"),
        ({"redrive_to": "arn:other"}, "queue", "dead letters go to arn:other"),
        ({"versioning": "Suspended"}, "report bucket", "versioning is off"),
        ({"private": False}, "evidence bucket", "not closed to the public"),
        ({"revision": 1}, "service agent", "no image was ever put into service; do: python infra/deploy.py"),
        ({"running": {"agent": 0, "detection-1": 0}}, "service detection-1", "unable to place a task"),
        ({"rollout": "FAILED"}, "service agent", "1 of 1 tasks run"),
        ({"logged": {"database.awaited": [{"problem": "schema none"}]}}, "tables", "schema none"),
        ({"logged": {}}, "tables", "says nothing"),
        ({"verified": False}, "mail identity", "enter terraform output mail_dns_records"),
        ({"account": {"SendingEnabled": False}}, "mail account", "stopped this account"),
        ({"alarms": {"officer-dev-dead-letters": "OK"}}, "alarms", "missing: officer-dev-camera-blind"),
        (
            {"alarms": {"officer-dev-dead-letters": "OK", "officer-dev-camera-blind": "ALARM"}},
            "alarms",
            "officer-dev-camera-blind (docs/runbooks/camera-blind.md)",
        ),
        ({"subscriptions": {"ops@example.com": "PendingConfirmation"}}, "alert addresses", "ops@example.com"),
        ({"subscriptions": {}}, "alert addresses", "nobody is named"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(spoiled: dict[str, Any], line: str, told: str) -> None:
    finding = found(Aws(**spoiled), line)
    assert finding.ok is False
    assert told in finding.told


def test_what_is_only_worth_a_word_is_no_fault() -> None:
    asleep = Aws(running={"agent": 0, "detection-1": 1})
    assert found(asleep, "service agent") == Finding(True, "sleeps until something waits")
    assert found(asleep, "tables").ok is None
    sandbox = found(Aws(account={"ProductionAccessEnabled": False}), "mail account")
    assert sandbox.ok is None
    assert "sandbox" in sandbox.told


def test_what_may_not_be_asked_is_one_line_and_not_the_end() -> None:
    aws = Aws()
    aws.get_account = lambda: (_ for _ in ()).throw(refused("AccessDenied"))  # type: ignore[method-assign]
    assert "access is denied; do: allow it" in found(aws, "mail account").told


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no parameter /officer-prod/deployment"):
        read_installation("officer-prod", lambda _: Aws())
    with pytest.raises(ConfigurationError, match="older version"):
        Aws(told={"region": "eu-central-1"}).installation()


def test_the_test_violation_says_so_wherever_somebody_reads() -> None:
    opened = made(TOLD["site"], Severity.LOW, AT).opened
    for name in (
        opened.site.name,
        opened.camera.name,
        opened.zone.name,
        opened.rule.title,
        opened.source.name,
    ):
        assert "TEST" in name
    assert (opened.site.id, opened.camera.id, opened.rule.id) == ("yard", ID, ID)
    assert drawn_picture()[:3] == b"\xff\xd8\xff"


def test_it_goes_the_way_that_detection_sends() -> None:
    aws = Aws()
    trial = made(TOLD["site"], Severity.LOW, datetime.now(UTC))
    send(trial, aws.installation())
    assert aws.objects[trial.opened.evidence.key] == trial.picture
    opened, closed = (decode(body) for body in aws.messages)
    assert (opened.data, closed.data) == (trial.opened, trial.closed)
    stored = {body for key, body in aws.objects.items() if key.startswith("events/")}
    assert stored == set(aws.messages)


def test_it_is_followed_until_the_last_mail() -> None:
    aws = Aws()
    trial = made(TOLD["site"], Severity.LOW, AT)
    key = f"reports/2026-03-04T093000Z-deploy-check-deploy-check-{trial.violation_id}.pdf"
    steps: Iterator[Any] = iter(
        [
            lambda: aws.objects.update({key: b"pdf"}),
            lambda: aws.logged.update({trial.violation_id: [STORED]}),
            lambda: aws.logged.update({trial.violation_id: [STORED, SENT]}),
        ]
    )
    now = iter(range(100))
    told = list(
        follow(trial, aws.installation(), 60, wait=lambda _: next(steps)(), clock=lambda: float(next(now)))
    )
    assert [name for name, _ in told] == ["test report", "test mail to anna@site.example"]
    assert all(finding.ok for _, finding in told)
    assert "taken by SES as <1@ses>" in told[1][1].told


def test_it_is_given_up_when_time_is_over() -> None:
    now = iter([0.0, 30.0, 61.0, 62.0])
    trial = made(TOLD["site"], Severity.LOW, AT)
    ((name, finding),) = follow(trial, Aws().installation(), 60, wait=lambda _: None, clock=lambda: next(now))
    assert (name, finding.ok) == ("test report", False)
    assert "no agent has taken the message; do: docs/runbooks/oldest-message.md" in finding.told


@pytest.mark.parametrize(
    ("lines", "name", "told"),
    [
        ([{"event": "message.quarantined", "reason": "forged"}], "test report", "put aside: forged"),
        ([{"event": "report.stored", "mails": 0}], "test mail", NOBODY),
        (
            [STORED, {"event": "mail.refused", "recipient": "x@y.example", "problem": "not verified"}],
            "test mail to x@y.example",
            "refused: not verified",
        ),
    ],
)
def test_what_went_wrong_on_its_way_is_said(lines: list[dict[str, Any]], name: str, told: str) -> None:
    known, complete = outcomes(PDF, lines, Severity.CRITICAL)
    finding = dict(known)[name]
    assert complete
    assert finding.ok is False
    assert told in finding.told


def test_that_nobody_wants_mails_of_a_lower_severity_is_no_fault() -> None:
    """Or every deployment of such a site would be taken back."""
    known, complete = outcomes(PDF, [{"event": "report.stored", "mails": 0}], Severity.LOW)
    assert complete
    assert dict(known)["test mail"] == Finding(None, NOBODY_OF_THAT)


def test_a_mail_that_is_put_off_is_told_with_its_reason() -> None:
    name, finding = late(60, PDF, [STORED, {"event": "mail.retry", "problem": "sandbox"}])
    assert name == "test mail"
    assert "put off: sandbox; do: docs/runbooks/mails-waiting.md" in finding.told


def test_its_messages_keep_the_contract() -> None:
    trial = made(TOLD["site"], Severity.CRITICAL, AT)
    for data, kind in ((trial.opened, Opened), (trial.closed, Closed)):
        assert isinstance(decode(encode(envelope(data, site="yard", camera=ID, at=AT)), AT).data, kind)
