"""infra/terraform applied to an AWS endpoint on this machine, by the real Terraform and the real provider."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import trustme

from tests.servers.rtsp import free_port

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "infra" / "terraform"
PYTHON = ROOT / ".venv-moto" / "bin" / "python"
REGION = "eu-central-1"
START_S = 120.0
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
LOCAL = """
terraform {
  backend "local" {}
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  max_retries                 = 3 # what moto lacks is told at once
}
"""


def terraform(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run Terraform in *folder*."""
    return subprocess.run(
        [os.environ.get("TERRAFORM", "terraform"), *arguments],
        cwd=folder,
        env={**os.environ, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def copied(folder: Path) -> Path:
    """A copy of infra/terraform at *folder* that may be initialised, with modules and provider in place."""
    shutil.copytree(
        SOURCE, folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", "*.backend.hcl")
    )
    done = terraform(folder, "init", "-backend=false", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@dataclass(frozen=True)
class Endpoint:
    """An AWS that is none."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        return {**KEYS, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": self.url}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@contextmanager
def running_endpoint() -> Iterator[Endpoint]:
    if not PYTHON.exists():
        raise RuntimeError(f"{PYTHON} is missing: run `make infra-check`, which installs moto there")
    endpoint = Endpoint(f"http://127.0.0.1:{(port := free_port())}")
    process = subprocess.Popen(
        [PYTHON, Path(__file__).with_name("aws_endpoint.py"), str(port)], stdout=subprocess.PIPE
    )
    try:
        _wait_until_ready(process)
        yield endpoint
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]") -> None:
    started = time.monotonic()
    assert process.stdout
    if process.stdout.readline() != b"ready\n":
        raise RuntimeError(f"the AWS endpoint did not start within {time.monotonic() - started:.0f} s")


@dataclass
class Installation:
    """One of the variants.

    Attributes:
        name: environment, and name of its file in envs/.
        folder: copy of infra/terraform with its own state.
        outputs: of Terraform, by name.
    """

    name: str
    folder: Path
    endpoint: Endpoint
    site_file: Path
    variables: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def prepared(
        cls, folder: Path, endpoint: Endpoint, name: str, site_file: Path, variables: dict[str, Any]
    ) -> "Installation":
        shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
        (folder / "local_override.tf").write_text(LOCAL)
        trustme.CA().cert_pem.write_to_path(folder / "rds-ca.pem")
        made = cls(name, folder, endpoint, site_file, {"site_file": str(site_file), **variables})
        (folder / "test.tfvars.json").write_text(json.dumps(made.variables))
        made._run("init")
        return made

    @property
    def prefix(self) -> str:
        return f"officer-{self.name}"

    def apply(self) -> None:
        self._run("apply", "-auto-approve", *self._arguments())
        told = json.loads(self._run("output", "-json"))
        self.outputs = {name: one["value"] for name, one in told.items()}

    def plan(self, **variables: str) -> dict[str, list[str]]:
        """What Terraform would change now, or with other *variables*: the actions, by address."""
        told = (f"-var={name}={value}" for name, value in variables.items())
        self._run("plan", "-out=again.tfplan", *self._arguments(), *told)
        told = json.loads(self._run("show", "-json", "again.tfplan"))
        changes = {one["address"]: one["change"]["actions"] for one in told["resource_changes"]}
        return {
            address: actions for address, actions in changes.items() if actions not in (["no-op"], ["read"])
        }

    def destroy(self) -> None:
        self._run("destroy", "-auto-approve", *self._arguments())

    def state(self) -> str:
        return (self.folder / "terraform.tfstate").read_text()

    def client(self, service: str) -> Any:
        return self.endpoint.client(service)

    def deployment(self) -> dict[str, Any]:
        """What the parameter for deployments says."""
        found = self.client("ssm").get_parameter(Name=self.outputs["deployment_parameter"])
        told: dict[str, Any] = json.loads(found["Parameter"]["Value"])
        return told

    def container(self, task_definition: str, name: str) -> dict[str, Any]:
        """A container of a task definition, as ECS tells it."""
        containers = self.task_definition(task_definition)["containerDefinitions"]
        return next(one for one in containers if one["name"] == name)

    def task_definition(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("ecs").describe_task_definition(taskDefinition=arn)
        return found["taskDefinition"]  # type: ignore[no-any-return]

    def leftovers(self) -> dict[str, list[str]]:
        """What still exists and carries our name, by kind."""
        found = {
            "buckets": [one["Name"] for one in self.client("s3").list_buckets()["Buckets"]],
            "queues": self.client("sqs").list_queues().get("QueueUrls", []),
            "topics": [one["TopicArn"] for one in self.client("sns").list_topics()["Topics"]],
            "ECS clusters": [
                one["clusterArn"]
                for one in self.client("ecs").describe_clusters(clusters=[self.prefix])["clusters"]
                if one["status"] != "INACTIVE"  # ECS itself tells of a deleted one for a while
            ],
            "databases": [
                one["DBInstanceIdentifier"]
                for one in self.client("rds").describe_db_instances()["DBInstances"]
            ],
            "clusters": [
                one["DBClusterIdentifier"] for one in self.client("rds").describe_db_clusters()["DBClusters"]
            ],
            "networks": _named(self.client("ec2").describe_vpcs()["Vpcs"]),
            "addresses": _named(self.client("ec2").describe_addresses()["Addresses"]),
            "NAT gateways": _named(
                one
                for one in self.client("ec2").describe_nat_gateways()["NatGateways"]
                if one["State"] != "deleted"  # EC2 tells of it for an hour
            ),
            "schedules": [one["Name"] for one in self.client("scheduler").list_schedules()["Schedules"]],
            "file systems": [
                one["CreationToken"] for one in self.client("efs").describe_file_systems()["FileSystems"]
            ],
            "log groups": [
                one["logGroupName"] for one in self.client("logs").describe_log_groups()["logGroups"]
            ],
            "alarms": [
                one["AlarmName"] for one in self.client("cloudwatch").describe_alarms()["MetricAlarms"]
            ],
            "roles": [one["RoleName"] for one in self.client("iam").list_roles()["Roles"]],
            "users": [one["UserName"] for one in self.client("iam").list_users()["Users"]],
            "parameters": [one["Name"] for one in self.client("ssm").describe_parameters()["Parameters"]],
            "repositories": [
                one["repositoryName"] for one in self.client("ecr").describe_repositories()["repositories"]
            ],
        }
        ours = {kind: [name for name in names if self.prefix in name] for kind, names in found.items()}
        return {kind: names for kind, names in ours.items() if names}

    def _arguments(self) -> list[str]:
        """The provider mostly waits, for what AWS would take long to do: all of it at the same time."""
        return [f"-var-file=envs/{self.name}.tfvars", "-var-file=test.tfvars.json", "-parallelism=60"]

    def _run(self, *arguments: str) -> str:
        done = terraform(self.folder, *arguments, **self.endpoint.environment)
        if done.returncode:
            raise AssertionError(
                f"terraform {arguments[0]} of {self.name}:\n{(done.stdout + done.stderr)[-6000:]}"
            )
        return done.stdout


def _named(found: Iterable[dict[str, Any]]) -> list[str]:
    """Names of what EC2 tells of, which knows them as tags alone."""
    return [tag["Value"] for one in found for tag in one.get("Tags", []) if tag["Key"] == "Name"]
