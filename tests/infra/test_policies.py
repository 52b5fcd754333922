"""What each role may do, and what it may not: the policies as they were applied, under our own small evaluator."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from tests.infra.installation import Installation
from tests.infra.policies import allows

pytestmark = pytest.mark.timeout(1500)

ACCOUNT = "123456789012"
EVIDENCE, REPORTS, CONFIG = (
    f"arn:aws:s3:::officer-dev-{name}-{ACCOUNT}" for name in ("evidence", "reports", "config")
)
QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:officer-dev-violations"
DEAD = f"{QUEUE}-dead"
IDENTITY = f"arn:aws:ses:eu-central-1:{ACCOUNT}:identity/example.com"
PARAMETERS = f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/officer-dev"
ECS = f"arn:aws:ecs:eu-central-1:{ACCOUNT}"
LOGS = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group"
TOPICS = f"arn:aws:sns:eu-central-1:{ACCOUNT}"
TEST_REPORT = "reports/2026-03-04T093000Z-deploy-check-deploy-check-a.pdf"
ERASER = f"arn:aws:iam::{ACCOUNT}:role/officer-dev-erase"
CLUSTER = {"ecs:cluster": f"{ECS}:cluster/officer-dev"}
OURS, THEIRS = {"ses:FromAddress": "safety@example.com"}, {"ses:FromAddress": "ceo@example.com"}
TO_TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
TO_LAMBDA = {"iam:PassedToService": "lambda.amazonaws.com"}


def policies_of(installation: Installation, role: str) -> list[dict[str, Any]]:
    """Inline policies of *role*; it must have no others."""
    iam = installation.client("iam")
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return [json.loads(unquote(one)) if isinstance(one, str) else one for one in found]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg"),
        ("s3:PutObjectTagging", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg"),
        ("s3:PutObject", f"{EVIDENCE}/events/2026/03/04/a/opened-1.json"),
        ("sqs:SendMessage", QUEUE),
        ("s3:GetObjectVersion", f"{CONFIG}/site/site.yaml"),
    ],
)
def test_detection_may(dev: Installation, action: str, resource: str) -> None:
    assert allows(policies_of(dev, "officer-dev-detection-1"), action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg"),
        ("s3:ListBucket", EVIDENCE),
        ("s3:DeleteObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg"),
        ("s3:PutObject", f"{EVIDENCE}/elsewhere/a.jpg"),
        ("s3:PutObject", f"{REPORTS}/reports/a.pdf"),
        ("s3:GetObject", f"{REPORTS}/reports/a.pdf"),
        ("s3:GetObjectVersion", f"{CONFIG}/database-ca/database-ca.pem"),
        ("sqs:ReceiveMessage", QUEUE),
        ("sqs:DeleteMessage", QUEUE),
        ("sqs:PurgeQueue", QUEUE),
        ("sqs:SendMessage", DEAD),
        ("ses:SendRawEmail", IDENTITY),
        ("ssm:GetParameter", f"{PARAMETERS}/db-password"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/officer-dev-agent"),
    ],
)
def test_detection_may_not(dev: Installation, action: str, resource: str) -> None:
    assert not allows(policies_of(dev, "officer-dev-detection-1"), action, resource, OURS)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg"),
        ("s3:GetObject", f"{EVIDENCE}/events/2026/03/04/a/opened-1.json"),
        ("s3:GetObjectVersion", f"{CONFIG}/site/site.yaml"),
        ("s3:GetObjectVersion", f"{CONFIG}/database-ca/database-ca.pem"),
        ("s3:ListBucket", EVIDENCE),
        ("s3:ListBucket", REPORTS),
        ("s3:PutObject", f"{REPORTS}/reports/a.pdf"),
        ("s3:PutObjectTagging", f"{REPORTS}/reports/a.pdf"),
        ("s3:GetObject", f"{REPORTS}/reports/a.pdf"),
        ("sqs:ReceiveMessage", QUEUE),
        ("sqs:DeleteMessage", QUEUE),
        ("sqs:ChangeMessageVisibility", QUEUE),
        ("sqs:SendMessage", QUEUE),
        ("sqs:GetQueueAttributes", DEAD),
        ("ses:SendRawEmail", IDENTITY),
        ("ses:GetSendQuota", "*"),
        ("ecs:UpdateTaskProtection", f"{ECS}:task/officer-dev/1234"),
    ],
)
def test_the_agent_may(dev: Installation, action: str, resource: str) -> None:
    assert allows(policies_of(dev, "officer-dev-agent"), action, resource, OURS)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg"),
        ("s3:DeleteObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg"),
        ("s3:DeleteObject", f"{REPORTS}/reports/a.pdf"),
        ("s3:PutBucketPolicy", EVIDENCE),
        ("s3:ListBucket", CONFIG),
        ("sqs:PurgeQueue", QUEUE),
        ("sqs:ReceiveMessage", DEAD),
        ("ssm:GetParameter", f"{PARAMETERS}/db-password"),
        ("ecs:UpdateTaskProtection", f"{ECS}:task/another-cluster/1234"),
        ("ecs:UpdateService", f"{ECS}:service/officer-dev/officer-dev-agent"),
    ],
)
def test_the_agent_may_not(dev: Installation, action: str, resource: str) -> None:
    assert not allows(policies_of(dev, "officer-dev-agent"), action, resource, OURS)


def test_the_agent_sends_in_one_name_only(dev: Installation) -> None:
    policies = policies_of(dev, "officer-dev-agent")
    assert not allows(policies, "ses:SendRawEmail", IDENTITY, THEIRS)
    assert not allows(policies, "ses:SendEmail", IDENTITY, OURS)


def test_only_the_eraser_deletes_and_only_what_is_held_of_violations(dev: Installation) -> None:
    eraser = policies_of(dev, "officer-dev-erase")
    for held in (f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg", f"{REPORTS}/reports/a.pdf"):
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
            assert allows(eraser, action, held)
            assert not allows(policies_of(dev, "officer-dev-agent"), action, held)
    assert allows(eraser, "s3:ListBucketVersions", EVIDENCE)
    assert allows(eraser, "s3:GetObjectVersion", f"{CONFIG}/site/site.yaml")
    assert not allows(eraser, "s3:GetObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg")
    assert not allows(eraser, "s3:DeleteBucket", EVIDENCE)
    assert not allows(policies_of(dev, "officer-dev-github-deploy"), "iam:PassRole", ERASER, TO_TASKS)


def test_ecs_reads_each_services_own_secrets_only(dev: Installation) -> None:
    agent, detection, other = (
        policies_of(dev, f"officer-dev-{name}-execution") for name in ("agent", "detection-1", "detection-2")
    )
    assert allows(agent, "ssm:GetParameters", f"{PARAMETERS}/db-password")
    assert not allows(agent, "ssm:GetParameters", f"{PARAMETERS}/gate-password")
    assert allows(detection, "ssm:GetParameters", f"{PARAMETERS}/gate-password")
    assert not allows(detection, "ssm:GetParameters", f"{PARAMETERS}/db-password")
    repositories = f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/officer-dev"
    assert allows(other, "ecr:BatchGetImage", f"{repositories}/detection")
    assert not allows(other, "ecr:BatchGetImage", f"{repositories}/agent")
    assert not allows(other, "ecr:PutImage", f"{repositories}/detection")


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("ecr:PutImage", f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/officer-dev/agent", {}),
        ("ecs:UpdateService", f"{ECS}:service/officer-dev/officer-dev-agent", {}),
        ("ecs:RunTask", f"{ECS}:task-definition/officer-dev-agent-migrate:7", CLUSTER),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/officer-dev-agent", TO_TASKS),
        ("ssm:GetParameter", f"{PARAMETERS}/deployment", {}),
        # officer deploy-check
        ("s3:PutObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg", {}),
        ("s3:PutObjectTagging", f"{EVIDENCE}/events/2026/03/04/a/opened-1.json", {}),
        ("sqs:SendMessage", QUEUE, {}),
        ("sqs:GetQueueAttributes", DEAD, {}),
        ("s3:GetObject", f"{REPORTS}/{TEST_REPORT}", {}),
        ("s3:ListBucket", REPORTS, {}),
        ("s3:GetBucketVersioning", EVIDENCE, {}),
        ("s3:GetBucketPublicAccessBlock", REPORTS, {}),
        ("ecs:DescribeServices", f"{ECS}:service/officer-dev/officer-dev-detection-1", {}),
        ("logs:FilterLogEvents", f"{LOGS}:/officer-dev/agent:*", {}),
        ("ses:GetEmailIdentity", IDENTITY, {}),
        ("ses:GetAccount", "*", {}),
        ("cloudwatch:DescribeAlarms", "*", {}),
        ("sns:ListSubscriptionsByTopic", f"{TOPICS}:officer-dev-alerts", {}),
    ],
)
def test_a_deployment_may(dev: Installation, action: str, resource: str, context: dict[str, str]) -> None:
    assert allows(policies_of(dev, "officer-dev-github-deploy"), action, resource, context)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("ecs:RunTask", f"{ECS}:task-definition/officer-dev-agent:7", CLUSTER),
        ("ecs:RunTask", f"{ECS}:task-definition/officer-dev-agent-migrate:7", {"ecs:cluster": "another"}),
        ("ecs:UpdateService", f"{ECS}:service/another/service", {}),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", TO_TASKS),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/officer-dev-agent", TO_LAMBDA),
        ("ssm:GetParameter", f"{PARAMETERS}/db-password", {}),
        ("s3:GetObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg", {}),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/x", {}),
        ("sqs:ReceiveMessage", QUEUE, {}),
        ("sqs:SendMessage", DEAD, {}),
        ("s3:GetObject", f"{REPORTS}/reports/2026-03-04T093000Z-gate-ppe-a.pdf", {}),
        ("s3:PutObject", f"{REPORTS}/{TEST_REPORT}", {}),
        ("s3:DeleteObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg", {}),
        ("s3:ListBucket", CONFIG, {}),
        ("ses:SendRawEmail", IDENTITY, {}),
        ("sns:Publish", f"{TOPICS}:officer-dev-alerts", {}),
        ("logs:FilterLogEvents", f"{LOGS}:/another/agent:*", {}),
    ],
)
def test_a_deployment_may_not(dev: Installation, action: str, resource: str, context: dict[str, str]) -> None:
    assert not allows(policies_of(dev, "officer-dev-github-deploy"), action, resource, context)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg"),
        ("s3:GetObject", f"{REPORTS}/reports/a.pdf"),
        ("sqs:ReceiveMessage", QUEUE),
        ("sqs:SendMessage", QUEUE),
        ("ssm:PutParameter", f"{PARAMETERS}/db-password"),
        ("ecs:UpdateService", f"{ECS}:service/officer-dev/officer-dev-agent"),
        ("ecs:RunTask", f"{ECS}:task-definition/officer-dev-agent-migrate:7"),
        ("s3:PutObject", f"{CONFIG}/site/site.yaml"),
        ("logs:FilterLogEvents", f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/officer-dev/agent:*"),
    ],
)
def test_a_plan_may_not(dev: Installation, action: str, resource: str) -> None:
    assert not allows(policies_of(dev, "officer-dev-github-plan"), action, resource)


def test_only_our_repositorys_workflows_get_the_roles(dev: Installation) -> None:
    trusted = {
        "plan": "repo:example/officer:pull_request",
        "deploy": "repo:example/officer:environment:dev",
    }
    for name, subject in trusted.items():
        role = dev.client("iam").get_role(RoleName=f"officer-dev-github-{name}")["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Condition"]["StringEquals"] == {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": subject,
        }


def test_the_edge_box_may_what_detection_may_and_write_its_log(edge: Installation) -> None:
    iam, user = edge.client("iam"), edge.outputs["edge_access"]["user"]
    names = iam.list_user_policies(UserName=user)["PolicyNames"]
    policies = [iam.get_user_policy(UserName=user, PolicyName=name)["PolicyDocument"] for name in names]
    bucket = EVIDENCE.replace("-dev-", "-edge-")
    assert allows(policies, "s3:PutObject", f"{bucket}/evidence/2026/03/04/a/b.jpg")
    assert not allows(policies, "s3:GetObject", f"{bucket}/evidence/2026/03/04/a/b.jpg")
    assert not allows(policies, "s3:PutObject", f"{EVIDENCE}/evidence/2026/03/04/a/b.jpg")
    log = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/officer-edge/detection-edge:log-stream:x"
    assert allows(policies, "logs:PutLogEvents", log)
    assert not allows(policies, "logs:PutLogEvents", log.replace("detection-edge", "agent"))


def test_what_touches_the_queue_can_do_nothing_else(dev: Installation) -> None:
    policies = policies_of(dev, "officer-dev-touch-queue")
    assert allows(policies, "sqs:UntagQueue", QUEUE)
    for action in ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:PurgeQueue", "sqs:DeleteQueue"):
        assert not allows(policies, action, QUEUE)
    assert not allows(policies, "sqs:UntagQueue", DEAD)
