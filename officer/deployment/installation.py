"""An installation in AWS: what Terraform says there is, and clients to ask about it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from shared.aws.errors import code_of, our_errors
from shared.errors import ConfigurationError

Clients = Callable[[str], Any]
"""Gives the client of an AWS service by the SDK's name of it, such as ``ecs``."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation.

    Attributes:
        name: name and environment, such as ``officer-dev``.
        told: what Terraform has written into the parameter /NAME/deployment.
        aws: clients, in the installation's region.
    """

    name: str
    told: Mapping[str, Any]
    aws: Clients

    def log_lines(self, since: datetime, words: str) -> Iterator[dict[str, Any]]:
        """The agent's log lines that hold *words* (one piece of text), oldest first.

        Raises:
            TransientError: CloudWatch does not answer or refuses.
        """
        group = self.told["migrate"]["log_group"]
        with our_errors(f"log group {group}"):
            pages = self.aws("logs").get_paginator("filter_log_events")
            wanted = {"startTime": int(since.timestamp() * 1000), "filterPattern": f'"{words}"'}
            for page in pages.paginate(logGroupName=group, **wanted):
                yield from filter(None, (_line(event["message"]) for event in page["events"]))


def read_installation(name: str, aws: Clients) -> Installation:
    """The installation of that *name*.

    Raises:
        ConfigurationError: there is none, or it was made by another version.
        TransientError: AWS does not answer or refuses.
    """
    parameter = f"/{name}/deployment"
    with our_errors(f"parameter {parameter}"):
        try:
            told = json.loads(aws("ssm").get_parameter(Name=parameter)["Parameter"]["Value"])
        except ClientError as error:
            if code_of(error) == "ParameterNotFound":
                raise ConfigurationError(
                    f"there is no parameter {parameter}; do: name the installation as Terraform does "
                    "(name-environment, such as officer-dev) and its --region, or run terraform apply first"
                ) from error
            raise
    if "site" not in told:
        raise ConfigurationError(f"{parameter} was written by an older version; do: terraform apply")
    return Installation(name, told, aws)


def _line(text: str) -> dict[str, Any] | None:
    """None for what is no line of ours, such as an interpreter's last words."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
