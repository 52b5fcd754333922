"""Clients of AWS, built once by each service's bootstrap and shared by its threads.

Endpoints, credentials, proxies and certificates come by the SDK's own standard: AWS_ENDPOINT_URL or
AWS_ENDPOINT_URL_S3 and the like, environment, profile, web identity, container or instance role. The SDK repeats
nothing: our loops do, each with its own patience, and every call has a deadline.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, NoCredentialsError

from shared.aws.errors import NO_CREDENTIALS, our_errors
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

    def __init__(
        self, region: str | None = None, deadlines: Deadlines | None = None, *, patient: bool = False
    ) -> None:
        """Use *region*, else what AWS_DEFAULT_REGION or the profile names.

        *patient*: credentials may come later, from a helper that has none while the line is down. Until then every
        call raises TransientError.

        Raises:
            ConfigurationError: no region is named, AWS_PROFILE names none that exists, or, unless *patient*, there are
                no credentials.
        """
        self._deadlines = deadlines or Deadlines()
        try:
            core = botocore.session.get_session()
            self._session = boto3.session.Session(region_name=region, botocore_session=core)
            self._credentials = _Awaited(core.get_component("credential_provider").load_credentials)
            core.register_component("credential_provider", self._credentials)
            if self._session.region_name is None:
                raise ConfigurationError("AWS_REGION is missing; do: name the region of bucket and queue")
            if not patient:
                self._credentials.look()
        except BotoCoreError as error:
            raise ConfigurationError(f"{NO_CREDENTIALS}, or mend AWS_PROFILE ({error})") from error

    def sign_in(self) -> None:
        """Look for credentials if none were found before.

        Raises:
            TransientError: there are none yet.
        """
        with our_errors("AWS"):
            self._credentials.look()

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


class _Awaited(Credentials):
    """What the SDK's own chain finds, asked until it finds something: the SDK asks it once, when a client is made."""

    method = "awaited"

    def __init__(self, load: Callable[[], Credentials | None]) -> None:
        self._load = load
        self._found: Credentials | None = None

    def load_credentials(self) -> Self:
        """What a session asks its component ``credential_provider`` for."""
        return self

    def look(self) -> Credentials:
        """What was found, now or before.

        Raises:
            BotoCoreError: nothing.
        """
        with _slips_told():
            self._found = self._found or self._load()
        if self._found is None:
            raise NoCredentialsError
        return self._found

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The keys of this moment, renewed if they are about to expire; errors as for `look`."""
        with _slips_told():
            frozen = self.look().get_frozen_credentials()
        if not frozen.access_key:  # aws_signing_helper answers so while it reaches nobody
            self._found = None
            raise NoCredentialsError
        return frozen


@contextmanager
def _slips_told() -> Iterator[None]:
    """An answer of the year 1, or one that has expired already, the SDK meets with errors that are not its own."""
    try:
        yield
    except (OverflowError, RuntimeError) as error:
        raise CredentialRetrievalError(provider="its source", error_msg=str(error)) from error


def is_amazons(endpoint: str) -> bool:
    """Whether *endpoint* (a URL) is one of Amazon's own."""
    return (urlsplit(endpoint).hostname or "").endswith(AWS_DOMAINS)


def _unusable(error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"AWS settings cannot be used: {str(error)[:200]}; do: check AWS_REGION and AWS_ENDPOINT_URL"
    )
