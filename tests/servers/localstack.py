"""A real LocalStack for tests, without containers: S3, SQS and SES at a free port of this machine.

It runs in an environment of its own, which `make test` builds from requirements/localstack.txt.
"""

import atexit
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from localstack_client.session import Session

from shared.aws.clients import AwsClients, Deadlines
from tests.servers.rtsp import free_port

REGION = "eu-central-1"
PYTHON = Path(__file__).parents[2] / ".venv-localstack" / "bin" / "python"
START_S = 90.0  # 2 s on an idle machine
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Queue:
    """A queue and the queue of its dead letters, by name."""

    name: str
    dead_letters: str


class LocalStack:
    """What a test needs of a running one; everything that it makes has a name of its own."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.port = port
        self._session = Session(region_name=REGION, localstack_host=self.host)
        self.s3: Any = self._session.client("s3")
        self.sqs: Any = self._session.client("sqs")
        self.ses: Any = self._session.client("ses")

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What the product needs to find it, or a proxy before it at *port*."""
        found = self.s3.meta.endpoint_url
        return {
            **KEYS,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": re.sub(r"\d+$", str(port or self.port), found),
        }

    def new_bucket(self, *, versioned: bool = False) -> str:
        name = _unique("bucket")
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if versioned:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def new_queue(self, max_receives: int = 50) -> Queue:
        """A queue whose messages become dead letters after *max_receives*."""
        queue = Queue(name := _unique("violations"), f"{name}-dead-letters")
        url = self.sqs.create_queue(QueueName=queue.dead_letters)["QueueUrl"]
        about = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        redrive = {"deadLetterTargetArn": about["QueueArn"], "maxReceiveCount": str(max_receives)}
        self.sqs.create_queue(QueueName=queue.name, Attributes={"RedrivePolicy": json.dumps(redrive)})
        return queue

    def bodies(self, queue: str) -> list[bytes]:
        """Take all that can be received from *queue* (a name), for a minute."""
        url = self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found: list[bytes] = []
        while messages := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60
        ).get("Messages"):
            found += [message["Body"].encode() for message in messages]
        return found

    def mails(self, sender: str) -> list[bytes]:
        """What SES took from *sender*, oldest first."""
        with urllib.request.urlopen(f"http://{self.host}/_aws/ses?email={sender}") as answer:
            return [mail["RawData"].encode() for mail in json.load(answer)["messages"]]


@cache
def running_localstack() -> LocalStack:
    """One for all tests; it ends with the test run."""
    if not PYTHON.exists():
        raise RuntimeError(f"{PYTHON} is missing: run `make test` once, which installs LocalStack there")
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="officer-localstack-"))
    log = folder / "log"
    process = subprocess.Popen(
        [PYTHON, "-m", "localstack.runtime.main"],
        env=_settings(port, folder),
        cwd=folder,
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
    )
    atexit.register(_end, process, folder)
    _wait_until_ready(process, port, log)
    return LocalStack(port)


def aws_clients(
    monkeypatch: pytest.MonkeyPatch, port: int | None = None, deadlines: Deadlines | None = None
) -> AwsClients:
    """The product's own clients of LocalStack, or of a proxy before it at *port*."""
    for name, value in running_localstack().environment(port).items():
        monkeypatch.setenv(name, value)
    return AwsClients(REGION, deadlines)


def _unique(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:8]}-{next(_numbers)}"


def _settings(port: int, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "FILESYSTEM_ROOT": str(folder),
        "OVERRIDE_IN_DOCKER": "0",  # in a container, too, all its files belong into that folder
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "SERVICES": "s3,sqs,ses",
        "EAGER_SERVICE_LOADING": "1",
        "SQS_ENDPOINT_STRATEGY": "path",
        "S3_SKIP_SIGNATURE_VALIDATION": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
    }


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"LocalStack did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.2)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_localstack/health", timeout=5) as answer:
            services = json.load(answer)["services"]
    except OSError:
        return False
    return all(services.get(name) == "running" for name in ("s3", "sqs", "ses"))


def _end(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)
