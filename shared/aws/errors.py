"""What AWS answers, in our words: who does not answer or refuses, why, and what to do.

All of it is `TransientError`. A wrong role, a missing bucket or a clock that is off can be mended while the work waits
where it is; to give a violation up because of it would lose it. What is wrong for ever with one object or message is
for the adapter to tell.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from shared.errors import TransientError

NO_CREDENTIALS = (
    "there are no AWS credentials; do: give the task or instance a role, or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)
_WITHOUT_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
NOT_CONNECTED = (
    EndpointConnectionError,
    ConnectTimeoutError,
    ProxyConnectionError,
    SSLError,
    *_WITHOUT_CREDENTIALS,
)
"""Errors after which the service has certainly not seen the request."""

_IN_WORDS = {
    "the bucket does not exist; do: create it, or check its name and AWS_REGION": {"NoSuchBucket"},
    "the queue does not exist; do: create it, or check its name, the account and AWS_REGION": {
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
    },
    "access is denied; do: allow it in the role's policy": {
        "403",
        "AccessDenied",
        "AccessDeniedException",
    },
    "this machine's clock is off; do: set it by NTP": {
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
    },
    "the credentials are refused; do: check keys or role, that the session has not expired, and the clock": {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    },
    "it is in another region; do: set AWS_REGION to the bucket's": {
        "301",
        "AuthorizationHeaderMalformed",
        "IncorrectEndpoint",
        "PermanentRedirect",
    },
    "it asks for fewer requests; they are repeated later": {
        "503",
        "OverLimit",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    },
    "it does not send for this account or address; do: verify MAIL_FROM's domain in SES, and see its console": {
        "AccountSendingPausedException",
        "ConfigurationSetDoesNotExist",
        "ConfigurationSetSendingPausedException",
        "MailFromDomainNotVerified",
        "MailFromDomainNotVerifiedException",
    },
    "somebody else is at that object this moment; it is tried again": {
        "ConditionalRequestConflict",
        "OperationAborted",
    },
}


@contextmanager
def our_errors(what: str) -> Iterator[None]:
    """Raise TransientError instead of the SDK's errors; *what* names the bucket, queue or service."""
    try:
        yield
    except ClientError as error:
        raise TransientError(f"{what}: {in_words(error)}") from error
    except BotoCoreError as error:
        raise TransientError(f"{what}: {_unanswered(error)}") from error


def code_of(error: ClientError) -> str:
    """The service's word for what is wrong, such as ``NoSuchKey``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def in_words(error: ClientError) -> str:
    """One sentence about what the service answered."""
    code = code_of(error)
    said = _one_line(str(error.response.get("Error", {}).get("Message", "")))
    words = next((words for words, codes in _IN_WORDS.items() if code in codes), "")
    return f"{words or _other(error)} ({code}: {said})"


def _other(error: ClientError) -> str:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return "it has trouble of its own; it is asked again later" if status >= 500 else "it refuses the request"


def _unanswered(error: BotoCoreError) -> str:
    said = _one_line(str(error))
    if isinstance(error, _WITHOUT_CREDENTIALS):
        return f"{NO_CREDENTIALS} ({said})"
    if isinstance(error, SSLError):
        return f"its certificate is not trusted; do: check AWS_ENDPOINT_URL and AWS_CA_BUNDLE ({said})"
    if isinstance(error, NOT_CONNECTED):
        return f"it cannot be reached; do: check the network, AWS_ENDPOINT_URL and AWS_REGION ({said})"
    return f"its answer did not come or broke off ({said})"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
