"""What Terraform made, read back from the AWS endpoint: Fargate's own limits are looked at by us, as moto takes all."""

import json
import re
import shlex
from typing import Any

import pytest

from infra.deploy import KEPT
from services.agent.settings import AgentSettings
from services.detection.settings import DetectionSettings
from tests.infra.conftest import SITE
from tests.infra.installation import ROOT, Installation, terraform

pytestmark = pytest.mark.timeout(1500)

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html: MiB by CPU units
FARGATE = {
    256: {512, 1024, 2048},
    512: set(range(1024, 4097, 1024)),
    1024: set(range(2048, 8193, 1024)),
    2048: set(range(4096, 16385, 1024)),
    4096: set(range(8192, 30721, 1024)),
    8192: set(range(16384, 61441, 4096)),
    16384: set(range(32768, 122881, 8192)),
}
WITHOUT_ALARM = {"budget", "mail-bounces", "restore"}  # told by mails of their own, or by you
FREE_METRICS = 10  # of an account, a month
MOST_STOP_S = 120
STOP_BUDGET_S = 100  # in which our services end
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
SQS_METRICS_SLEEP_H = 6
# What moto does not give back as it got it, so that Terraform believes that it changed
MOTOS_OWN_DRIFT = (
    "module.agent.aws_appautoscaling_target",
    "module.budget.aws_budgets_budget.month",
    "module.database[0].aws_db_parameter_group",
    "module.database[0].aws_rds_cluster",
    "module.database[0].aws_vpc_security_group_ingress_rule",
    "module.mail.aws_sesv2_configuration_set",
    "module.mail.aws_sesv2_email_identity",
    "module.messaging.aws_iam_role_policy.touch",  # names the queue, which seems to change
    "module.messaging.aws_sqs_queue",
    "module.spool[0].aws_vpc_security_group_ingress_rule",
)


def task_definitions(installation: Installation) -> dict[str, dict[str, Any]]:
    """By what they are for."""
    told = installation.deployment()
    arns = {name: one["task_definition"] for name, one in told["services"].items()}
    arns["migrate"] = told["migrate"]["task_definition"]
    return {name: installation.task_definition(arn) for name, arn in arns.items()}


def main_container(task: dict[str, Any]) -> dict[str, Any]:
    (found,) = [one for one in task["containerDefinitions"] if one["name"] != "prepare"]
    return found


def settings_of(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container["environment"]}


@pytest.mark.parametrize(
    ("name", "words"), [("erase_command", ["erase", "ID"]), ("review_command", ["review", "ID", "VERDICT"])]
)
def test_commands_that_run_the_agent_once_name_what_there_is(
    dev: Installation, name: str, words: list[str]
) -> None:
    told = shlex.split(dev.outputs[name])
    given = dict(zip(told[3::2], told[4::2], strict=True))
    assert told[:3] == ["aws", "ecs", "run-task"]
    assert given["--task-definition"].endswith("officer-dev-agent-migrate")
    assert json.loads(given["--network-configuration"])["awsvpcConfiguration"]["subnets"]
    overrides = json.loads(given["--overrides"])
    (container,) = overrides["containerOverrides"]
    assert container == {"name": "agent", "command": ["python", "-m", "services.agent", *words]}
    assert overrides.get("taskRoleArn", "").endswith("erase") == (name == "erase_command")


def test_each_group_of_cameras_gets_a_service(dev: Installation) -> None:
    assert dev.outputs["detection_cameras"] == {"detection-1": ["gate"], "detection-2": ["hall"]}
    tasks = task_definitions(dev)
    assert sorted(tasks) == ["agent", "detection-1", "detection-2", "migrate"]
    assert settings_of(main_container(tasks["detection-2"]))["CAMERA"] == "hall"


def test_tasks_have_sizes_that_fargate_has(dev: Installation) -> None:
    for name, task in task_definitions(dev).items():
        assert int(task["memory"]) in FARGATE[int(task["cpu"])], name
    assert (task_definitions(dev)["detection-1"]["cpu"], task_definitions(dev)["detection-1"]["memory"]) == (
        "2048",
        "4096",
    )
    assert (task_definitions(dev)["agent"]["cpu"], task_definitions(dev)["agent"]["memory"]) == (
        "1024",
        "2048",
    )


def test_tasks_get_the_time_to_stop_that_they_need_and_fargate_gives(dev: Installation) -> None:
    for name, task in task_definitions(dev).items():
        assert STOP_BUDGET_S < main_container(task)["stopTimeout"] <= MOST_STOP_S, name


def test_services_run_without_rights_on_their_machine(dev: Installation) -> None:
    for task in task_definitions(dev).values():
        container = main_container(task)
        assert container["user"] == "10001:10001"
        assert container["readonlyRootFilesystem"] is True
        assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"]
        assert not container.get("privileged")
        writable = {mount["containerPath"] for mount in container["mountPoints"]}
        assert writable == {"/config", "/data", "/tmp"}  # noqa: S108 - a mount point


def test_services_start_after_their_files_are_there(dev: Installation) -> None:
    for name, task in task_definitions(dev).items():
        prepare = next(one for one in task["containerDefinitions"] if one["name"] == "prepare")
        assert prepare["essential"] is False
        assert main_container(task)["dependsOn"] == [{"containerName": "prepare", "condition": "SUCCESS"}]
        wanted = json.loads(settings_of(prepare)["CONFIG_FILES"])
        assert body_of(dev, wanted[0]) == SITE.encode()
        paths = [one["path"] for one in wanted]
        with_database = [] if name.startswith("detection") else ["/config/database-ca.pem"]
        assert paths == ["/config/site.yaml", *with_database]


def body_of(dev: Installation, file: dict[str, str]) -> bytes:
    """What the container prepare would fetch."""
    found = dev.client("s3").get_object(Bucket=file["bucket"], Key=file["key"], VersionId=file["version"])
    body: bytes = found["Body"].read()
    return body


def test_another_site_file_leaves_what_runs_its_own(dev: Installation) -> None:
    """Until it is deployed what starts asks for the version before, and that is still there."""
    dev.site_file.write_text(SITE.replace("name: Hall", "name: Great hall"))
    try:
        changes = dev.plan()
    finally:
        dev.site_file.write_text(SITE)
    assert changes["aws_s3_object.site"] == ["update"]
    assert changes["module.agent.aws_ecs_task_definition.this"] == ["delete", "create"]


def test_services_are_asked_whether_they_live(dev: Installation) -> None:
    tasks = task_definitions(dev)
    for name in ("agent", "detection-1"):
        service = name.partition("-")[0]
        command = main_container(tasks[name])["healthCheck"]["command"]
        assert command == ["CMD", "python", "-m", f"services.{service}", "healthcheck"]
    assert "healthCheck" not in main_container(tasks["migrate"])
    assert main_container(tasks["migrate"])["command"] == ["python", "-m", "services.agent", "migrate"]


def test_every_setting_is_one_that_the_service_has(dev: Installation) -> None:
    for name, task in task_definitions(dev).items():
        kind = DetectionSettings if name.startswith("detection") else AgentSettings
        known = {field.upper() for field in kind.model_fields}
        container = main_container(task)
        given = set(settings_of(container)) | {one["name"] for one in container.get("secrets", [])}
        assert given - known <= {"GATE_PASSWORD"}, name  # a variable of the site file


def test_secrets_come_by_reference(dev: Installation) -> None:
    tasks = task_definitions(dev)
    secrets = {one["name"]: one["valueFrom"] for one in main_container(tasks["agent"])["secrets"]}
    assert secrets["DB_PASSWORD"].endswith(":parameter/officer-dev/db-password")
    assert secrets["OPENAI_API_KEY"].endswith(":parameter/officer-dev/openai-api-key")
    cameras = {one["name"] for one in main_container(tasks["detection-1"])["secrets"]}
    assert cameras == {"GATE_PASSWORD"}


def test_the_databases_password_is_in_no_state(dev: Installation, edge: Installation) -> None:
    for installation in (dev, edge):
        found = installation.client("ssm").get_parameter(
            Name=f"/{installation.prefix}/db-password", WithDecryption=True
        )
        password = found["Parameter"]["Value"]
        assert len(password) == 40
        assert password.isalnum()
        assert password not in installation.state()


def test_a_stopped_detection_leaves_its_spool_to_the_next(dev: Installation) -> None:
    task = task_definitions(dev)["detection-1"]
    volume = next(one for one in task["volumes"] if one["name"] == "data")
    mounted = volume["efsVolumeConfiguration"]
    assert mounted["transitEncryption"] == "ENABLED"
    point = dev.client("efs").describe_access_points(
        AccessPointId=mounted["authorizationConfig"]["accessPointId"]
    )["AccessPoints"][0]
    assert point["PosixUser"] == {"Uid": 10001, "Gid": 10001}
    assert point["RootDirectory"]["Path"] == "/detection-1"


def services(installation: Installation) -> dict[str, dict[str, Any]]:
    told = installation.deployment()
    names = {name: one["service"] for name, one in told["services"].items()}
    found = installation.client("ecs").describe_services(
        cluster=told["cluster"], services=list(names.values())
    )["services"]
    return {name: next(one for one in found if one["serviceName"] == full) for name, full in names.items()}


def test_never_two_detections_watch_one_camera(dev: Installation) -> None:
    found = services(dev)
    configured = {name: one["deploymentConfiguration"] for name, one in found.items()}
    assert configured["detection-1"]["maximumPercent"] == 100
    assert configured["detection-1"]["minimumHealthyPercent"] == 0
    assert configured["agent"]["maximumPercent"] == 200


def test_a_deployment_that_fails_is_taken_back(dev: Installation) -> None:
    for service in services(dev).values():
        assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {
            "enable": True,
            "rollback": True,
        }


def test_only_the_agent_runs_on_spare_capacity(dev: Installation) -> None:
    where = {
        name: [one["capacityProvider"] for one in service["capacityProviderStrategy"]]
        for name, service in services(dev).items()
    }
    assert where == {"agent": ["FARGATE_SPOT"], "detection-1": ["FARGATE"], "detection-2": ["FARGATE"]}


def test_dead_letters_outlive_the_queue(dev: Installation) -> None:
    sqs = dev.client("sqs")
    queue, dead = (
        sqs.get_queue_attributes(QueueUrl=dev.outputs[name], AttributeNames=["All"])["Attributes"]
        for name in ("queue_url", "dead_letter_queue_url")
    )
    assert int(dead["MessageRetentionPeriod"]) > int(queue["MessageRetentionPeriod"])
    redrive = json.loads(queue["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == dead["QueueArn"]
    assert int(redrive["maxReceiveCount"]) == 50
    assert queue["SqsManagedSseEnabled"] == "true"


@pytest.mark.parametrize("bucket", ["evidence", "reports", "config"])
def test_buckets_are_private_encrypted_versioned_and_tls_only(dev: Installation, bucket: str) -> None:
    s3, name = dev.client("s3"), dev.outputs["buckets"][bucket]
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_objects_expire_by_the_tag_that_the_services_set(dev: Installation) -> None:
    rules = dev.client("s3").get_bucket_lifecycle_configuration(Bucket=dev.outputs["buckets"]["evidence"])
    days = {
        rule["Filter"]["Tag"]["Value"]: rule["Expiration"]["Days"]
        for rule in rules["Rules"]
        if "Tag" in rule.get("Filter", {})
    }
    assert days == {"evidence": 14, "report": 14}


def test_the_agent_leaves_zero_and_comes_back(dev: Installation) -> None:
    scaling, cloudwatch = dev.client("application-autoscaling"), dev.client("cloudwatch")
    resource = "service/officer-dev/officer-dev-agent"
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource])[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 2)
    policies = {
        one["PolicyName"].rpartition("-")[2]: one
        for one in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
        if one["ResourceId"] == resource
    }
    assert sorted(policies) == ["backlog", "idle", "wake"]
    assert policies["backlog"]["TargetTrackingScalingPolicyConfiguration"]["DisableScaleIn"] is True
    alarms = {
        one["AlarmName"]: one
        for one in cloudwatch.describe_alarms(AlarmNamePrefix="officer-dev-agent")["MetricAlarms"]
    }
    assert alarms["officer-dev-agent-wake"]["AlarmActions"] == [policies["wake"]["PolicyARN"]]
    assert alarms["officer-dev-agent-idle"]["AlarmActions"] == [policies["idle"]["PolicyARN"]]
    work = next(one for one in alarms["officer-dev-agent-idle"]["Metrics"] if one.get("Expression"))
    for mails in ("waiting", "held"):
        assert f"outbox_{mails}" in work["Expression"]
    rounds = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    mine = {
        one["Schedule"]: one["ScalableTargetAction"]["MinCapacity"]
        for one in rounds
        if one["ResourceId"] == resource
    }
    assert mine == {"cron(0 0/4 * * ? *)": 1, "cron(8 0/4 * * ? *)": 0}


def alarms(installation: Installation) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Those that tell somebody, and those that scale."""
    pages = installation.client("cloudwatch").get_paginator("describe_alarms")
    found = [
        one for page in pages.paginate(AlarmNamePrefix=installation.prefix) for one in page["MetricAlarms"]
    ]
    told = [one for one in found if not one["AlarmDescription"].startswith("Scaling, not trouble")]
    return told, [one for one in found if one not in told]


def test_every_alarm_tells_somebody(dev: Installation) -> None:
    telling, scaling = alarms(dev)
    for alarm in telling:
        assert alarm["AlarmActions"] == [dev.outputs["alarm_topic"]], alarm["AlarmName"]
    assert sorted(one["AlarmName"] for one in scaling) == ["officer-dev-agent-idle", "officer-dev-agent-wake"]


def test_deploy_check_is_told_of_every_alarm(dev: Installation) -> None:
    assert sorted(dev.deployment()["alarms"]) == sorted(one["AlarmName"] for one in alarms(dev)[0])


def test_every_alarm_has_its_runbook_and_every_runbook_its_alarm(dev: Installation) -> None:
    runbooks = {
        re.sub("^officer-dev-|-[0-9]+", "", one["AlarmName"]): one["AlarmDescription"].rpartition(" ")[2]
        for one in alarms(dev)[0]
    }
    assert runbooks == {name: f"docs/runbooks/{name}.md" for name in runbooks}
    there = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README"}
    assert there - WITHOUT_ALARM == set(runbooks)
    table = (ROOT / "docs" / "runbooks" / "README.md").read_text("utf-8")
    assert [name for name in there if f"[{name}.md]({name}.md)" not in table] == []


def filters(installation: Installation, service: str) -> dict[str, str]:
    """Patterns of the lines that become metrics, by the metric."""
    logs, group = installation.client("logs"), f"/{installation.prefix}/{service}"
    found = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    return {one["metricTransformations"][0]["metricName"]: one["filterPattern"] for one in found}


def test_every_metric_is_made_of_a_documented_event(dev: Installation, edge: Installation) -> None:
    document = (ROOT / "docs" / "log-events.md").read_text("utf-8")
    detection, agent = filters(dev, "detection-2"), filters(dev, "agent")
    for pattern in (*detection.values(), *agent.values()):
        for event in re.findall(r'\$\.event = "([^"]+)"', pattern):
            assert re.search(rf"^\|[^|]*`{re.escape(event)}`", document, re.MULTILINE), event
    assert filters(edge, "detection-edge") == detection
    assert len(detection | agent) <= FREE_METRICS


@pytest.mark.parametrize(
    ("name", "minutes", "events"),
    [
        ("undelivered", 30, {"courier.failed"}),
        ("spool-trouble", 5, {"spool.refused", "spool.quarantined"}),
    ],
)
def test_what_does_not_leave_detection_rings(
    dev: Installation, name: str, minutes: int, events: set[str]
) -> None:
    assert set(re.findall(r'"([^"]+)"', filters(dev, "detection-1")[name])) == events
    (alarm,) = [one for one in alarms(dev)[0] if one["AlarmName"] == f"officer-dev-{name}"]
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == (name, "Sum", 0)
    assert alarm["Period"] * alarm["EvaluationPeriods"] == minutes * 60


def test_each_detection_service_that_is_gone_rings(dev: Installation) -> None:
    """The others' cameras are up meanwhile."""
    gone = [one for one in alarms(dev)[0] if one["AlarmName"].endswith("-gone")]
    assert len(gone) == len(dev.outputs["detection_cameras"]) == 2
    for alarm in gone:
        watched = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        assert watched == {
            "ClusterName": "officer-dev",
            "ServiceName": alarm["AlarmName"].removesuffix("-gone"),
        }
        assert (alarm["Statistic"], alarm["Threshold"]) == ("SampleCount", 1)
        assert alarm["TreatMissingData"] == "breaching"


def test_a_task_that_ecs_stops_as_unhealthy_counts_as_one_that_ended_by_itself(dev: Installation) -> None:
    rule = dev.client("events").describe_rule(Name="officer-dev-stopped-tasks")
    by_itself, unhealthy = json.loads(rule["EventPattern"])["detail"]["$or"]
    assert by_itself == {"stopCode": ["EssentialContainerExited", "TaskFailedToStart"]}
    assert unhealthy == {  # of what the scheduler stops, deployments and scaling are not meant
        "stopCode": ["ServiceSchedulerInitiated"],
        "stoppedReason": [{"prefix": "Task failed container health checks"}],
    }


def test_one_camera_is_blind_and_not_several_for_a_moment_each(dev: Installation) -> None:
    """The service counts for each camera; a sum over all of them would rise with their number."""
    patterns = filters(dev, "detection-1")
    assert patterns["camera-blind"] == '{ $.event = "camera.status" && $.blind_s >= 600 }'
    (alarm,) = [one for one in alarms(dev)[0] if one["AlarmName"] == "officer-dev-camera-blind"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("Sum", 0, 1)


def test_mails_that_stand_still_ring_whether_they_are_due_or_put_off(dev: Installation) -> None:
    """A mail server that is down leaves them due; a working one is seen without any at some look of an hour."""
    (alarm,) = [one for one in alarms(dev)[0] if one["AlarmName"] == "officer-dev-mails-waiting"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("mails-waiting", "Minimum")
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 3600


def test_the_budget_warns_at_80_percent(dev: Installation) -> None:
    account = dev.client("sts").get_caller_identity()["Account"]
    notes = dev.client("budgets").describe_notifications_for_budget(
        AccountId=account, BudgetName="officer-dev"
    )["Notifications"]
    assert (80.0, "ACTUAL") in {(one["Threshold"], one["NotificationType"]) for one in notes}


def test_the_budget_counts_what_carries_the_environments_tag(dev: Installation) -> None:
    account = dev.client("sts").get_caller_identity()["Account"]
    budget = dev.client("budgets").describe_budget(AccountId=account, BudgetName="officer-dev")["Budget"]
    assert budget["CostFilters"] == {"TagKeyValue": ["user:environment$dev"]}


def test_images_are_scanned_and_their_tags_never_move(dev: Installation) -> None:
    found = dev.client("ecr").describe_repositories()["repositories"]
    ours = [one for one in found if one["repositoryName"].startswith("officer-dev/")]
    assert len(ours) == 2
    for repository in ours:
        assert repository["imageTagMutability"] == "IMMUTABLE"
        assert repository["imageScanningConfiguration"]["scanOnPush"] is True


def test_no_number_of_builds_takes_an_image_that_was_deployed(dev: Installation) -> None:
    told = dev.client("ecr").get_lifecycle_policy(repositoryName="officer-dev/agent")
    rules = {
        one["rulePriority"]: one["selection"] for one in json.loads(told["lifecyclePolicyText"])["rules"]
    }
    order = [rules[priority]["tagStatus"] for priority in sorted(rules)]
    assert order == [
        "untagged",
        "tagged",
        "any",
    ]  # an image that one rule is about is not taken by a later one
    assert rules[2]["tagPrefixList"] == [KEPT]


def test_at_the_edge_only_the_agent_runs_in_aws(edge: Installation) -> None:
    assert list(edge.deployment()["services"]) == ["agent"]
    assert edge.outputs["detection_cameras"] == {}
    assert edge.outputs["detection_environment"]["EVIDENCE_BUCKET"] == edge.outputs["buckets"]["evidence"]
    assert edge.outputs["edge_access"]["user"] == "officer-edge-edge"
    assert not any(
        one["CreationToken"].startswith("officer-edge")
        for one in edge.client("efs").describe_file_systems()["FileSystems"]
    )


def test_at_the_edge_the_database_sleeps(edge: Installation) -> None:
    (cluster,) = [
        one
        for one in edge.client("rds").describe_db_clusters()["DBClusters"]
        if one["DBClusterIdentifier"] == "officer-edge"
    ]
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    assert (scaling["MinCapacity"], scaling["MaxCapacity"]) == (0.0, 1.0)
    assert cluster["StorageEncrypted"] is True


def test_there_is_no_nat_gateway_where_none_is_asked_for(dev: Installation, edge: Installation) -> None:
    assert dev.client("ec2").describe_nat_gateways()["NatGateways"] == []


def test_prod_reaches_the_outside_through_nat_and_nothing_reaches_it(prod: Installation) -> None:
    ec2 = prod.client("ec2")
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    assert {one["State"] for one in gateways} == {"available"}
    told = {one["NatGatewayId"] for one in gateways}
    subnets = set()
    for service in services(prod).values():
        network = service["networkConfiguration"]["awsvpcConfiguration"]
        assert network["assignPublicIp"] == "DISABLED"
        subnets |= set(network["subnets"])
    for subnet in subnets:
        where = [{"Name": "association.subnet-id", "Values": [subnet]}]
        (table,) = ec2.describe_route_tables(Filters=where)["RouteTables"]
        out = [one for one in table["Routes"] if one.get("DestinationCidrBlock") == "0.0.0.0/0"]
        assert [one["NatGatewayId"] in told for one in out] == [True]
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        for permission in group["IpPermissions"]:
            assert not permission["IpRanges"], f"{group['GroupName']} lets addresses in"


def test_prod_never_sleeps_and_runs_on_no_spare_capacity(prod: Installation) -> None:
    resource = "service/officer-prod/officer-prod-agent"
    scaling = prod.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource])[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 6)
    assert scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"] == []
    for service in services(prod).values():
        assert [one["capacityProvider"] for one in service["capacityProviderStrategy"]] == ["FARGATE"]


def test_the_database_of_prod_has_a_second_zone(prod: Installation) -> None:
    (database,) = prod.client("rds").describe_db_instances(DBInstanceIdentifier="officer-prod")["DBInstances"]
    assert (database["MultiAZ"], database["StorageEncrypted"], database["PubliclyAccessible"]) == (
        True,
        True,
        False,
    )


def test_something_touches_the_queue_more_often_than_its_metrics_fall_asleep(dev: Installation) -> None:
    """We do what the schedule would do: the call is one that SQS takes, and changes nothing."""
    schedule = dev.client("scheduler").get_schedule(Name="officer-dev-touch-queue")
    hours = re.fullmatch(r"rate\((\d+) hours\)", schedule["ScheduleExpression"])
    assert hours
    assert int(hours[1]) < SQS_METRICS_SLEEP_H
    service, action = schedule["Target"]["Arn"].split(":")[-2:]
    sqs, url = dev.client(service), dev.outputs["queue_url"]
    before = sqs.list_queue_tags(QueueUrl=url)["Tags"]
    given = json.loads(schedule["Target"]["Input"])
    assert given["QueueUrl"] == url
    getattr(sqs, re.sub(r"([A-Z])", r"_\1", action).lower())(**given)
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == before


def test_services_are_made_after_the_cluster_has_its_capacity_providers(dev: Installation) -> None:
    needs = re.findall(r'"(\S+)" -> "(\S+)"', terraform(dev.folder, "graph").stdout)
    made = {name for name, needed in needs if needed == "aws_ecs_cluster_capacity_providers.this"}
    assert {f"module.{name}.aws_ecs_service.this" for name in ("agent", "detection")} <= made


def test_the_agent_leaves_spare_capacity_without_being_made_anew(dev: Installation) -> None:
    assert dev.plan(agent_spot="false")["module.agent.aws_ecs_service.this"] == ["update"]


def test_applied_again_it_changes_nothing(dev: Installation) -> None:
    """Also after RDS has brought a minor version of Postgres by itself, which cannot be taken back."""
    upgraded = {"DBInstanceIdentifier": "officer-dev", "EngineVersion": "17.99"}
    dev.client("rds").modify_db_instance(**upgraded, ApplyImmediately=True)
    changes = {
        address: actions for address, actions in dev.plan().items() if not address.startswith(MOTOS_OWN_DRIFT)
    }
    assert changes == {}
