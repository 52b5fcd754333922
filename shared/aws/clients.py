"""Clients of AWS, built once by each service's bootstrap and shared by its threads.

Endpoints, credentials, proxies and certificates come by the SDK's own standard: AWS_ENDPOINT_URL or
AWS_ENDPOINT_URL_S3 and the like, environment, profile, web identity, container or instance role. The SDK repeats
nothing: our loops do, each with its own patience, and every call has a deadline.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from shared.aws.errors import NO_CREDENTIALS
from shared.errors import ConfigurationError
from shared.version import VERSION

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_ses import SESClient
    from types_boto3_sqs import SQSClient

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a call may take.

    Attributes:
        connect_s: for the connection.
        read_s: for each wait for bytes; must be longer than the longest poll.
    """

    connect_s: float = 5.0
    read_s: float = 25.0


class AwsClients:
    """Builds clients of one region. Not to be shared by threads; the clients may be."""

    def __init__(self, region: str | None = None, deadlines: Deadlines | None = None) -> None:
        """Use *region*, else what AWS_DEFAULT_REGION or the profile names.

        Raises:
            ConfigurationError: no region is named, there are no credentials, or AWS_PROFILE names none that exists.
        """
        self._deadlines = deadlines or Deadlines()
        try:
            self._session = boto3.session.Session(region_name=region)
            credentials = self._session.get_credentials()
        except BotoCoreError as error:
            raise ConfigurationError(f"{NO_CREDENTIALS}, or mend AWS_PROFILE ({error})") from error
        if self._session.region_name is None:
            raise ConfigurationError("AWS_REGION is missing; do: name the region of bucket and queue")
        if credentials is None:  # clients made now would never find any
            raise ConfigurationError(NO_CREDENTIALS)

    def s3(self) -> "S3Client":
        """Addresses buckets by path where the endpoint is not Amazon's own: few others have a name for each."""
        try:
            client = self._session.client("s3", config=self._config())
            if is_amazons(client.meta.endpoint_url):
                return client
            by_path = self._config().merge(Config(s3={"addressing_style": "path"}))
            return self._session.client("s3", config=by_path)
        except (BotoCoreError, ValueError) as error:
            raise _unusable(error) from error

    def sqs(self) -> "SQSClient":
        """A client of SQS."""
        try:
            return self._session.client("sqs", config=self._config())
        except (BotoCoreError, ValueError) as error:
            raise _unusable(error) from error

    def ses(self) -> "SESClient":
        """A client of SES, version 1."""
        try:
            return self._session.client("ses", config=self._config())
        except (BotoCoreError, ValueError) as error:
            raise _unusable(error) from error

    def named(self, service: str) -> Any:
        """A client of the service with that name in the SDK, such as ``ecs``."""
        try:
            return self._session.client(service, config=self._config())  # type: ignore[call-overload]  # one overload a literal name
        except (BotoCoreError, ValueError) as error:
            raise _unusable(error) from error

    def _config(self) -> Config:
        return Config(
            connect_timeout=self._deadlines.connect_s,
            read_timeout=self._deadlines.read_s,
            retries={"total_max_attempts": 1, "mode": "standard"},
            tcp_keepalive=True,
            user_agent_extra=f"ai-safety-compliance-officer/{VERSION}",
        )


def is_amazons(endpoint: str) -> bool:
    """Whether *endpoint* (a URL) is one of Amazon's own."""
    return (urlsplit(endpoint).hostname or "").endswith(AWS_DOMAINS)


def _unusable(error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"AWS settings cannot be used: {str(error)[:200]}; do: check AWS_REGION and AWS_ENDPOINT_URL"
    )
