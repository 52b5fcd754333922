"""The product under docker compose, as a fresh clone has it: started, looked into from outside, taken away."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import httpx

ROOT = Path(__file__).parents[2]
PROJECT = "officer-check"
EVIDENCE, REPORTS, QUEUE = "officer-evidence", "officer-reports", "officer-violations"
STEP_S = 1.0

Found = TypeVar("Found")


def fresh_clone(target: Path) -> Path:
    """All of the working tree that git does not ignore, copied to *target*."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def until(what: str, patience_s: float, look: Callable[[], Found]) -> Found:
    """What *look* returns, as soon as it is true; AssertionError after *patience_s* seconds."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {patience_s:.0f} s: {what}"
        time.sleep(STEP_S)
    return found


@dataclass(frozen=True, slots=True)
class Container:
    """Attributes as `docker inspect` gives them."""

    name: str
    id: str
    started_at: str
    restarts: int
    status: str
    health: str
    exit_code: int
    out_of_memory: bool


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stack:
    """One running copy of docker-compose.yml, on ports of its own.

    Attributes:
        folder: the clone.
        settings: what stands in its .env beside the example's lines.
    """

    folder: Path
    settings: dict[str, str]
    mail_port: int = field(default_factory=free_port)
    aws_port: int = field(default_factory=free_port)

    def write_settings(self) -> None:
        """What the README says: cp .env.example .env, then one's own lines."""
        ports = {"MAILDEV_PORT": self.mail_port, "LOCALSTACK_PORT": self.aws_port}
        lines = [f"{name}={value}" for name, value in {**self.settings, **ports}.items()]
        example = (self.folder / ".env.example").read_text("utf-8")
        (self.folder / ".env").write_text("\n".join([example, *lines, ""]), "utf-8")

    def compose(self, *arguments: str, check: bool = True, timeout_s: float = 300) -> str:
        """Output of `docker compose ARGUMENTS`."""
        command = ["docker", "compose", "--progress", "quiet", "--project-name", PROJECT, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def run(self, service: str, *command: str) -> str:
        """Output of *command* in a new container of *service*."""
        return self.compose("run", "--rm", "--no-TTY", "--no-deps", service, *command)

    def take_away(self, log: Path) -> None:
        """Remove containers, networks and volumes; what they have logged stays in *log*."""
        if told := self.compose("logs", "--no-color", check=False):
            log.parent.mkdir(exist_ok=True)
            log.write_text(told, "utf-8")
        self.compose("--profile", "tools", "down", "--volumes", "--remove-orphans", check=False)

    def containers(self, service: str = "") -> list[Container]:
        """Those of *service*, or all; stopped ones too."""
        named = self.compose("ps", "--all", "--quiet", *filter(None, [service])).split()
        return [_container(about) for about in inspected(named)] if named else []

    def readiness(self, service: str, port: int) -> dict[str, Any]:
        """What /readyz of *service* says."""
        code = (
            f"import http.client; c = http.client.HTTPConnection('127.0.0.1', {port}); c.request('GET', '/readyz');"
            " print(c.getresponse().read().decode())"
        )
        answer: dict[str, Any] = json.loads(self.compose("exec", "-T", service, "python", "-c", code))
        return answer

    def mails(self) -> list["Mail"]:
        """All that MailDev has caught."""
        found = httpx.get(f"http://127.0.0.1:{self.mail_port}/email", timeout=10).raise_for_status().json()
        return [Mail(self.mail_port, about) for about in found]

    def aws(self, service: str) -> Any:
        """A client of LocalStack."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=f"http://127.0.0.1:{self.aws_port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def keys(self, bucket: str) -> list[str]:
        pages = self.aws("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def object(self, bucket: str, key: str) -> bytes:
        body: bytes = self.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def waiting(self, queue: str = QUEUE) -> int:
        """Messages that are visible or in somebody's hand."""
        sqs = self.aws("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)

    def rows(self) -> dict[str, tuple[str, str]]:
        """(PDF's key, PDF's SHA-256) of each violation that has a report."""
        told = self.sql(
            "select violation_id, pdf_key, pdf_sha256 from violations where reported_at is not null"
        )
        return {row[0]: (row[1], row[2]) for row in told}

    def sql(self, query: str) -> list[list[str]]:
        arguments = [
            "exec",
            "-T",
            "--env",
            "PGPASSWORD=officer",
            "postgres",
            "psql",
            "-U",
            "officer",
            "-tAF",
            "\t",
            "-c",
            query,
        ]
        return [line.split("\t") for line in self.compose(*arguments).splitlines() if line]

    def log(self, service: str, event: str) -> list[dict[str, Any]]:
        """Log lines of that event, of all containers of *service*."""
        lines = self.compose("logs", "--no-log-prefix", "--no-color", service).splitlines()
        told = (json.loads(line[line.index("{") :]) for line in lines if f'"{event}"' in line)
        return [line for line in told if line["event"] == event]


@dataclass(frozen=True)
class Mail:
    """A mail as MailDev's API shows it."""

    port: int
    about: dict[str, Any]

    @property
    def violation_id(self) -> str:
        return str(self.about["headers"]["x-violation-id"])

    def pdf(self) -> bytes:
        """The attached report."""
        one = next(part for part in self.about["attachments"] if part["contentType"] == "application/pdf")
        address = (
            f"http://127.0.0.1:{self.port}/email/{self.about['id']}/attachment/{one['generatedFileName']}"
        )
        return httpx.get(address, timeout=10).raise_for_status().content


def times_mailed(mails: Sequence[Mail]) -> Counter[str]:
    return Counter(mail.violation_id for mail in mails)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def inspected(names: Sequence[str]) -> list[dict[str, Any]]:
    """What `docker inspect` says of containers or images."""
    done = subprocess.run(["docker", "inspect", *names], capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def foreign_settings() -> set[str]:
    """Names of the caller's environment that must not decide here: compose prefers them to .env."""
    example = (ROOT / ".env.example").read_text("utf-8")
    return {name for name in os.environ if f"\n#{name}=" in example or name.startswith(("AWS_", "COMPOSE_"))}


def _container(about: dict[str, Any]) -> Container:
    state = about["State"]
    return Container(
        name=about["Name"].lstrip("/"),
        id=about["Id"],
        started_at=state["StartedAt"],
        restarts=about["RestartCount"],
        status=state["Status"],
        health=state.get("Health", {}).get("Status", ""),
        exit_code=state["ExitCode"],
        out_of_memory=state["OOMKilled"],
    )
