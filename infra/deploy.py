"""Puts images into service on AWS: migrate once, roll out, wait, and go back if it does not hold.

    python infra/deploy.py ENVIRONMENT --region REGION --tag TAG

ENVIRONMENT is name and environment of the installation, such as officer-dev. The tag, or --detection and --agent by
themselves, name images that are in its registry; what runs is named by digest. An older tag takes a deployment back.
With --test a violation marked as a test must become a report, and a mail to whoever wants mails of its --severity
(officer deploy-check), or it is taken back as well.

What there is to deploy to stands in the parameter /ENVIRONMENT/deployment, which Terraform writes. The task definitions
there are copied with the images in them; Terraform's own are never changed. Exit code 0: all runs as asked; 1: it does
not, and what ran before runs again.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

POLL_S = 10.0
MIGRATION_LIMIT_S = 900.0
ROLLOUT_LIMIT_S = 1200.0
KEPT = "deployed-"  # begins the tag that modules/registry keeps images by
# What ECS tells of a task definition and does not take back
READ_ONLY = (
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
)


class DeploymentError(Exception):
    """It does not run as asked; the text says why and what to do."""


@dataclass(slots=True)
class Deployment:
    """One installation.

    Attributes:
        told: what Terraform says there is.
        ecs, ecr: clients of AWS.
        proof: whether a violation becomes a mail there.
        wait: sleeps for so many seconds.
        tell: takes a line for whoever watches.
    """

    told: Mapping[str, Any]
    ecs: Any
    ecr: Any
    proof: Callable[[], bool] = lambda: True
    wait: Callable[[float], None] = time.sleep
    tell: Callable[[str], object] = lambda line: sys.stdout.write(f"{line}\n")

    def deploy(self, tags: Mapping[str, str]) -> None:
        """Run the images with *tags* (by image: detection, agent), or what ran before.

        Raises:
            DeploymentError: they do not run.
        """
        needed = {one["image"] for one in (*self.told["services"].values(), self.told["migrate"])}
        images = {name: self._by_digest(name, tags[name]) for name in needed}
        self._migrate(images["agent"])
        wanted = {
            name: self._registered(service["task_definition"], images[service["image"]])
            for name, service in self.told["services"].items()
        }
        before = {name: self._described(name) for name in wanted}
        try:
            for name, task_definition in wanted.items():
                self._start(name, task_definition, before[name]["desiredCount"])
            self._wait_until_stable(wanted)
            if not self.proof():
                raise DeploymentError("the new tasks run, but the test violation did not become a mail")
            for name in needed:
                self._keep(name, tags[name])
        except (DeploymentError, ClientError, BotoCoreError):
            self._go_back(before)
            raise

    def _by_digest(self, image: str, tag: str) -> str:
        """The image that *tag* names now: what is tested is what runs, wherever the tag may point later."""
        repository = self.told["repositories"][image]
        name = repository.partition("/")[2]
        found = self.ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
        return f"{repository}@{found['imageDetails'][0]['imageDigest']}"

    def _keep(self, image: str, tag: str) -> None:
        """Give the image a second tag, by which the registry's rules know what was in service and let go of it last."""
        name = self.told["repositories"][image].partition("/")[2]
        kept = f"{KEPT}{tag.removeprefix(KEPT)}"
        (found,) = self.ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"]
        if kept in found["imageTags"]:
            return
        (held,) = self.ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": tag}])["images"]
        self.ecr.put_image(
            repositoryName=name,
            imageManifest=held["imageManifest"],
            imageManifestMediaType=held["imageManifestMediaType"],
            imageTag=kept,
        )

    def _registered(self, base: str, image: str) -> str:
        """A task definition like *base* with *image* in every container."""
        found = self.ecs.describe_task_definition(taskDefinition=base)["taskDefinition"]
        fresh = {key: value for key, value in found.items() if key not in READ_ONLY}
        fresh["containerDefinitions"] = [
            {**container, "image": image} for container in fresh["containerDefinitions"]
        ]
        made: str = self.ecs.register_task_definition(**fresh)["taskDefinition"]["taskDefinitionArn"]
        return made

    def _migrate(self, image: str) -> None:
        about = self.told["migrate"]
        self.tell("migrate: bringing the database's schema up to date")
        answer = self.ecs.run_task(
            cluster=self.told["cluster"],
            taskDefinition=self._registered(about["task_definition"], image),
            launchType="FARGATE",
            count=1,
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": about["subnets"],
                    "securityGroups": [about["security_group"]],
                    "assignPublicIp": "ENABLED" if about["assign_public_ip"] else "DISABLED",
                }
            },
        )
        if answer.get("failures") or not answer["tasks"]:
            raise DeploymentError(
                f"migrate could not be started: {answer.get('failures')}; nothing was changed"
            )
        self._wait_for_end(answer["tasks"][0]["taskArn"])

    def _wait_for_end(self, task: str) -> None:
        for _ in range(int(MIGRATION_LIMIT_S / POLL_S)):
            found = self.ecs.describe_tasks(cluster=self.told["cluster"], tasks=[task])["tasks"][0]
            if found["lastStatus"] == "STOPPED":
                return self._check_migration(found)
            self.wait(POLL_S)
        raise DeploymentError(
            f"migrate did not end within {MIGRATION_LIMIT_S:.0f} s; nothing else was changed"
        )

    def _check_migration(self, task: Mapping[str, Any]) -> None:
        codes = {container["name"]: container.get("exitCode") for container in task["containers"]}
        if codes.get("agent") != 0:
            raise DeploymentError(
                f"migrate failed ({task.get('stoppedReason')}, exit codes {codes}); the services were left as they "
                f"are. Its log: group {self.told['migrate']['log_group']}, stream task/agent/"
                f"{task['taskArn'].rpartition('/')[2]}"
            )

    def _described(self, name: str) -> Mapping[str, Any]:
        service = self.told["services"][name]["service"]
        found: Mapping[str, Any] = self.ecs.describe_services(
            cluster=self.told["cluster"], services=[service]
        )["services"][0]
        return found

    def _start(self, name: str, task_definition: str, running: int) -> None:
        """At least one task runs, so that the images are seen at work; scaling may end it later."""
        tasks = max(1, self.told["services"][name]["tasks"], running)
        self.tell(f"{name}: {tasks} of {task_definition.rpartition('/')[2]}")
        self._update(name, task_definition, tasks)

    def _update(self, name: str, task_definition: str, tasks: int) -> None:
        self.ecs.update_service(
            cluster=self.told["cluster"],
            service=self.told["services"][name]["service"],
            taskDefinition=task_definition,
            desiredCount=tasks,
        )

    def _wait_until_stable(self, wanted: Mapping[str, str]) -> None:
        waiting = dict(wanted)
        for _ in range(int(ROLLOUT_LIMIT_S / POLL_S)):
            waiting = {name: arn for name, arn in waiting.items() if not self._is_stable(name, arn)}
            if not waiting:
                return
            self.wait(POLL_S)
        raise DeploymentError(f"{', '.join(waiting)}: not stable within {ROLLOUT_LIMIT_S:.0f} s")

    def _is_stable(self, name: str, task_definition: str) -> bool:
        """Whether it runs *task_definition* and nothing else; ECS calls a service stable after its rollback, too."""
        deployments = self._described(name)["deployments"]
        mine = next((one for one in deployments if one["taskDefinition"] == task_definition), None)
        if mine is None or mine["rolloutState"] == "FAILED":
            why = mine["rolloutStateReason"] if mine else "ECS went back to the one before"
            raise DeploymentError(f"{name}: the new tasks did not hold: {why}")
        done = mine["status"] == "PRIMARY" and mine["rolloutState"] == "COMPLETED" and len(deployments) == 1
        if done:
            self.tell(f"{name}: runs")
        return bool(done)

    def _go_back(self, before: Mapping[str, Mapping[str, Any]]) -> None:
        """Every service, also those that were fine: the two are tested together."""
        for name, service in before.items():
            self.tell(f"{name}: back to {service['taskDefinition'].rpartition('/')[2]}")
            try:
                self._update(name, service["taskDefinition"], service["desiredCount"])
            except (ClientError, BotoCoreError) as error:
                self.tell(f"{name}: could not be put back ({error}); do: deploy the tag that ran before")


def main(arguments: list[str]) -> int:
    """See the module."""
    options = _options(arguments)
    tags = {"detection": options.detection or options.tag, "agent": options.agent or options.tag}
    try:
        session = boto3.session.Session(region_name=options.region)
        parameter = session.client("ssm").get_parameter(Name=f"/{options.environment}/deployment")
        told = json.loads(parameter["Parameter"]["Value"])
        deployment = Deployment(told, session.client("ecs"), session.client("ecr"))
        if options.test:
            deployment.proof = partial(_tested, options)
        deployment.deploy(tags)
    except (DeploymentError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"deploy: {error}\n")
        return 1
    return 0


def _tested(options: argparse.Namespace) -> bool:
    """Whether officer deploy-check of this very environment sees its test violation arrive."""
    officer = Path(sys.executable).with_name("officer")
    command = [officer, "deploy-check", options.environment, "--region", options.region, "--only-test"]
    command += ["--severity", options.severity]
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - the one beside this Python


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy.py", description="Put images into service on AWS.")
    parser.add_argument("environment", help="name and environment, such as officer-dev")
    parser.add_argument("--region", required=True, help="such as eu-central-1")
    parser.add_argument("--tag", help="tag of both images")
    parser.add_argument("--detection", help="tag of the detection image, else --tag")
    parser.add_argument("--agent", help="tag of the agent image, else --tag")
    parser.add_argument("--test", action="store_true", help="send a test violation; go back if it gets lost")
    parser.add_argument(
        "--severity",
        default="low",
        choices=["low", "medium", "high", "critical"],
        help="of the test; decides who is mailed",
    )
    options = parser.parse_args(arguments)
    if not (options.tag or (options.detection and options.agent)):
        parser.error("name the images: --tag, or --detection and --agent")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
