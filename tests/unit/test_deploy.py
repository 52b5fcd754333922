"""Deployments to AWS: what is started, in which order, and when it is taken back. ECS is a double."""

# ruff: noqa: N803 - the names of arguments are those of AWS

import copy
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.deploy import Deployment, DeploymentError

TOLD: dict[str, Any] = {
    "cluster": "officer-dev",
    "services": {
        "agent": {"image": "agent", "service": "officer-dev-agent", "task_definition": "agent:1", "tasks": 0},
        "detection-1": {
            "image": "detection",
            "service": "officer-dev-detection-1",
            "task_definition": "detection-1:1",
            "tasks": 1,
        },
    },
    "migrate": {
        "image": "agent",
        "task_definition": "migrate:1",
        "subnets": ["subnet-1"],
        "security_group": "sg-1",
        "assign_public_ip": True,
        "log_group": "/officer-dev/agent",
    },
    "repositories": {"agent": "registry/officer-dev/agent", "detection": "registry/officer-dev/detection"},
}


@dataclass
class Ecs:
    """ECS with services that run at once, unless *bad* names one whose new tasks fail.

    Attributes:
        bad: services whose new tasks do not hold.
        forgets: whether ECS has gone back by itself before anybody looks.
    """

    migration_exit: int = 0
    bad: tuple[str, ...] = ()
    forgets: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for family in ("agent", "detection-1", "migrate"):
            self.definitions[f"{family}:1"] = {
                "taskDefinitionArn": f"{family}:1",
                "revision": 1,
                "family": family,
                "containerDefinitions": [{"name": "prepare", "image": "x"}, {"name": family, "image": "x"}],
            }
        for name in ("officer-dev-agent", "officer-dev-detection-1"):
            family = name.removeprefix("officer-dev-")
            self.services[name] = {"taskDefinition": f"{family}:1", "desiredCount": 0, "deployments": []}

    def describe_task_definition(self, taskDefinition: str) -> dict[str, Any]:
        return {"taskDefinition": copy.deepcopy(self.definitions[taskDefinition])}

    def register_task_definition(self, **fields: Any) -> dict[str, Any]:
        assert "revision" not in fields
        arn = f"{fields['family']}:{len(self.definitions) + 1}"
        self.definitions[arn] = {**fields, "taskDefinitionArn": arn, "revision": 2}
        return {"taskDefinition": self.definitions[arn]}

    def run_task(self, taskDefinition: str, **_: Any) -> dict[str, Any]:
        self.calls.append(("run", taskDefinition))
        return {"tasks": [{"taskArn": "task/officer-dev/1"}], "failures": []}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        containers = [{"name": "prepare", "exitCode": 0}, {"name": "agent", "exitCode": self.migration_exit}]
        return {"tasks": [{"taskArn": tasks[0], "lastStatus": "STOPPED", "containers": containers}]}

    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
        return {"services": [copy.deepcopy(self.services[services[0]])]}

    def update_service(self, cluster: str, service: str, taskDefinition: str, desiredCount: int) -> None:
        self.calls.append((service, taskDefinition))
        fails = service in self.bad and not taskDefinition.endswith(":1")
        held = self.services[service]
        now_runs = held["taskDefinition"] if fails and self.forgets else taskDefinition
        held["deployments"] = [
            {
                "status": "PRIMARY",
                "taskDefinition": now_runs,
                "rolloutState": "FAILED" if fails and not self.forgets else "COMPLETED",
                "rolloutStateReason": "tasks failed to start",
            }
        ]
        held["taskDefinition"], held["desiredCount"] = now_runs, desiredCount


@dataclass
class Ecr:
    """A registry with one image in each repository.

    Attributes:
        tags: of each image, by its repository.
    """

    tags: dict[str, list[str]] = field(default_factory=lambda: defaultdict(lambda: ["v2"]))

    def describe_images(self, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:
        assert imageIds[0]["imageTag"] in self.tags[repositoryName]
        digest = f"sha256:{repositoryName.rpartition('/')[2]}"
        return {"imageDetails": [{"imageDigest": digest, "imageTags": self.tags[repositoryName]}]}

    def batch_get_image(self, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:
        assert imageIds[0]["imageTag"] in self.tags[repositoryName]
        return {"images": [{"imageManifest": repositoryName, "imageManifestMediaType": "oci"}]}

    def put_image(
        self, repositoryName: str, imageManifest: str, imageManifestMediaType: str, imageTag: str
    ) -> None:
        assert (imageManifest, imageManifestMediaType) == (repositoryName, "oci")
        if imageTag in self.tags[repositoryName]:
            raise ClientError({"Error": {"Code": "ImageAlreadyExistsException"}}, "PutImage")
        self.tags[repositoryName].append(imageTag)


def deploy(ecs: Ecs, ecr: Ecr | None = None, *, tag: str = "v2", proven: bool = True) -> list[str]:
    lines: list[str] = []
    deployment = Deployment(
        TOLD, ecs, ecr or Ecr(), proof=lambda: proven, wait=lambda _: None, tell=lines.append
    )
    deployment.deploy({"detection": tag, "agent": tag})
    return lines


def test_where_detection_runs_elsewhere_its_image_need_not_be_there() -> None:
    edge = {
        **TOLD,
        "services": {"agent": TOLD["services"]["agent"]},
        "repositories": {"agent": "registry/agent"},
    }
    ecs = Ecs()
    Deployment(edge, ecs, Ecr(), wait=lambda _: None, tell=lambda _: None).deploy(
        {"detection": "v2", "agent": "v2"}
    )
    assert [what for what, _ in ecs.calls] == ["run", "officer-dev-agent"]


def test_migrates_before_any_service_changes() -> None:
    ecs = Ecs()
    lines = deploy(ecs)
    assert [what for what, _ in ecs.calls] == ["run", "officer-dev-agent", "officer-dev-detection-1"]
    assert "detection-1: runs" in lines


def test_every_container_gets_the_image_by_its_digest() -> None:
    ecs = Ecs()
    deploy(ecs)
    running = ecs.definitions[ecs.services["officer-dev-detection-1"]["taskDefinition"]]
    images = {container["image"] for container in running["containerDefinitions"]}
    assert images == {"registry/officer-dev/detection@sha256:detection"}


def test_the_registry_is_told_which_images_were_in_service() -> None:
    ecr = Ecr()
    deploy(Ecs(), ecr)
    assert ecr.tags == {f"officer-dev/{name}": ["v2", "deployed-v2"] for name in ("agent", "detection")}


@pytest.mark.parametrize("tag", ["v2", "deployed-v2"])
def test_an_image_that_is_put_into_service_again_is_not_tagged_again(tag: str) -> None:
    ecr = Ecr()
    deploy(Ecs(), ecr)
    deploy(Ecs(), ecr, tag=tag)
    assert ecr.tags["officer-dev/agent"] == ["v2", "deployed-v2"]


def test_what_did_not_hold_takes_no_place_among_the_images_to_go_back_to() -> None:
    ecr = Ecr()
    with pytest.raises(DeploymentError):
        deploy(Ecs(), ecr, proven=False)
    assert "deployed-v2" not in ecr.tags["officer-dev/agent"]


def test_a_service_that_sleeps_is_woken_to_be_seen_at_work() -> None:
    ecs = Ecs()
    deploy(ecs)
    assert ecs.services["officer-dev-agent"]["desiredCount"] == 1


def test_more_tasks_than_the_least_stay() -> None:
    ecs = Ecs()
    ecs.services["officer-dev-agent"]["desiredCount"] = 3
    deploy(ecs)
    assert ecs.services["officer-dev-agent"]["desiredCount"] == 3


def test_a_failed_migration_leaves_the_services_alone() -> None:
    ecs = Ecs(migration_exit=2)
    with pytest.raises(DeploymentError, match=r"migrate failed .* stream task/agent/1"):
        deploy(ecs)
    assert [what for what, _ in ecs.calls] == ["run"]


@pytest.mark.parametrize("forgets", [False, True], ids=["failed", "gone back by itself"])
def test_when_one_fails_both_go_back(forgets: bool) -> None:
    ecs = Ecs(bad=("officer-dev-detection-1",), forgets=forgets)
    with pytest.raises(DeploymentError, match="detection-1: the new tasks did not hold"):
        deploy(ecs)
    runs = {name: service["taskDefinition"] for name, service in ecs.services.items()}
    assert runs == {"officer-dev-agent": "agent:1", "officer-dev-detection-1": "detection-1:1"}
    assert ecs.services["officer-dev-agent"]["desiredCount"] == 0


class Throttled(Ecs):
    """ECS that refuses to change detection."""

    def update_service(self, cluster: str, service: str, taskDefinition: str, desiredCount: int) -> None:
        if service == "officer-dev-detection-1":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateService")
        super().update_service(cluster, service, taskDefinition, desiredCount)


def test_when_aws_refuses_midway_what_was_changed_goes_back() -> None:
    ecs = Throttled()
    with pytest.raises(ClientError, match="ThrottlingException"):
        deploy(ecs)
    assert ecs.services["officer-dev-agent"]["taskDefinition"] == "agent:1"


def test_tasks_that_run_but_make_no_mail_of_a_violation_go_back() -> None:
    ecs = Ecs()
    with pytest.raises(DeploymentError, match="the test violation did not become a mail"):
        deploy(ecs, proven=False)
    assert ecs.services["officer-dev-agent"]["taskDefinition"] == "agent:1"
