"""What S3 and SQS get from us, and what we say when AWS refuses: over LocalStack, and over scripted answers."""

import hashlib
import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import CredentialRetrievalError
from pytest_httpserver import HTTPServer
from urllib3 import HTTPResponse
from werkzeug import Response

from services.agent.adapters.sqs_violation_inbox import SqsViolationInbox
from shared.aws.clients import AwsClients, Deadlines, is_amazons
from shared.aws.errors import our_errors
from shared.aws.s3_object_store import S3ObjectStore
from shared.aws.sqs_queue import SqsQueue
from shared.contracts.violation import MAX_MESSAGE_BYTES
from shared.errors import ConfigurationError, ObjectMissingError, PermanentError, TransientError
from tests.servers.localstack import KEYS, REGION, aws_clients, running_localstack
from tests.servers.rtsp import free_port

VIOLATION_ID = "0123456789abcdef" * 2
KEY = f"evidence/2026/03/04/{VIOLATION_ID}/{'a' * 64}.jpg"
JPEG = b"\xff\xd8 picture"


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", *KEYS):
        monkeypatch.delenv(name, raising=False)
    nowhere = tmp_path_factory.mktemp("aws") / "none"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def a_store(monkeypatch: pytest.MonkeyPatch, bucket: str) -> S3ObjectStore:
    return S3ObjectStore(aws_clients(monkeypatch).s3(), bucket, retention="evidence")


def test_an_object_tells_type_checksum_violation_and_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    localstack = running_localstack()
    bucket = localstack.new_bucket()
    a_store(monkeypatch, bucket).put(KEY, JPEG, "image/jpeg")
    head = localstack.s3.head_object(Bucket=bucket, Key=KEY, ChecksumMode="ENABLED")
    assert head["ContentType"] == "image/jpeg"
    assert head["ChecksumSHA256"] == b64encode(hashlib.sha256(JPEG).digest()).decode()
    assert head["Metadata"] == {"violation-id": VIOLATION_ID}
    tags = localstack.s3.get_object_tagging(Bucket=bucket, Key=KEY)["TagSet"]
    assert tags == [{"Key": "retention", "Value": "evidence"}]


def test_an_object_of_no_violation_has_no_violation_id(monkeypatch: pytest.MonkeyPatch) -> None:
    localstack = running_localstack()
    bucket = localstack.new_bucket()
    a_store(monkeypatch, bucket).put("probe/a.json", b"{}", "application/json")
    assert localstack.s3.head_object(Bucket=bucket, Key="probe/a.json")["Metadata"] == {}


def test_putting_says_whether_it_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store(monkeypatch, running_localstack().new_bucket())
    assert store.put_new(KEY, JPEG, "image/jpeg")
    assert not store.put_new(KEY, JPEG, "image/jpeg")


def test_lists_more_keys_than_one_answer_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    localstack = running_localstack()
    bucket = localstack.new_bucket()
    keys = [f"events/{number:04}.json" for number in range(1_010)]
    for key in keys:
        localstack.s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    assert list(a_store(monkeypatch, bucket).list("events/")) == keys


def test_a_message_carries_its_violation_for_consoles(monkeypatch: pytest.MonkeyPatch) -> None:
    localstack = running_localstack()
    name = localstack.new_queue().name
    SqsQueue(aws_clients(monkeypatch).sqs(), name=name).send(
        b"{}", {"violation_id": VIOLATION_ID, "phase": "opened"}
    )
    url = localstack.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    (message,) = localstack.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    told = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert told == {"violation_id": VIOLATION_ID, "phase": "opened"}


def test_a_queue_may_be_named_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    localstack = running_localstack()
    url = localstack.sqs.get_queue_url(QueueName=localstack.new_queue().name)["QueueUrl"]
    queue = SqsQueue(aws_clients(monkeypatch).sqs(), url=url)
    queue.send(b"{}")
    assert [message.body for message in queue.receive(10, 30)] == [b"{}"]


def test_a_queue_that_is_made_later_is_found_then(monkeypatch: pytest.MonkeyPatch) -> None:
    localstack = running_localstack()
    queue = SqsQueue(aws_clients(monkeypatch).sqs(), name="not-yet")
    with pytest.raises(TransientError, match="queue not-yet: the queue does not exist; do: create it"):
        queue.send(b"{}")
    localstack.sqs.create_queue(QueueName="not-yet")
    queue.send(b"{}")
    assert queue.counts().visible == 1


def test_a_queue_without_dead_letters_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    running_localstack().sqs.create_queue(QueueName="without-redrive")
    assert SqsQueue(aws_clients(monkeypatch).sqs(), name="without-redrive").counts().dead == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "message-size"),
        (b"x" * (MAX_MESSAGE_BYTES + 1), "message-size"),
        (b"\xff\xfe", "not-utf8"),
        (b"x\x00", "refused-character"),
        (b"x\x1f", "refused-character"),
        ("x\ufffe".encode(), "refused-character"),
        ("x\uffff".encode(), "refused-character"),
    ],
)
def test_what_sqs_never_takes_is_not_even_sent(
    monkeypatch: pytest.MonkeyPatch, body: bytes, code: str
) -> None:
    queue = SqsQueue(aws_clients(monkeypatch, port=free_port()).sqs(), name="nobody-listens")
    with pytest.raises(PermanentError) as caught:
        queue.send(body)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["\t\n\r ~", "\x7f\x80\ud7ff\ue000\ufffd", "\U00010000\U0001fffe\U0010ffff"])
def test_every_character_at_the_borders_of_what_sqs_takes_goes_through(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    queue = SqsQueue(aws_clients(monkeypatch).sqs(), name=running_localstack().new_queue().name)
    queue.send(f"x{text}x".encode())
    (message,) = queue.receive(1, 30)
    assert message.body.decode() == f"x{text}x"


def test_a_message_of_the_largest_size_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = SqsQueue(aws_clients(monkeypatch).sqs(), name=running_localstack().new_queue().name)
    queue.send(b"x" * MAX_MESSAGE_BYTES)
    (message,) = queue.receive(1, 30)
    assert len(message.body) == MAX_MESSAGE_BYTES


# What we say when AWS refuses


def test_a_missing_bucket_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store(monkeypatch, "no-such-bucket-anywhere")
    calls = (
        lambda: store.put(KEY, JPEG, "image/jpeg"),
        lambda: store.get(KEY),
        lambda: list(store.list()),
        store.check,
    )
    for call in calls:
        with pytest.raises(TransientError, match="bucket does not exist; do: create it") as caught:
            call()
        assert not isinstance(caught.value, ObjectMissingError)


def test_missing_credentials_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="no AWS credentials; do: give the task or instance a role"):
        AwsClients(REGION)


def test_credentials_that_cannot_be_fetched_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{free_port()}/role")
    with pytest.raises(ConfigurationError, match=r"no AWS credentials; .* \(.*role"):
        AwsClients(REGION)


class Helper:
    """Hands out credentials in the way of an instance's metadata, as aws_signing_helper does: empty ones of the year 1
    while it reaches nobody."""

    def __init__(self, server: HTTPServer) -> None:
        self.answer = {
            "AccessKeyId": "",
            "SecretAccessKey": "",
            "Token": "",
            "Expiration": "0001-01-01T00:00:00Z",
        }
        server.expect_request("/latest/api/token", method="PUT").respond_with_data("t")
        roles = "/latest/meta-data/iam/security-credentials/"
        server.expect_request(roles).respond_with_data("box")
        server.expect_request(roles + "box").respond_with_handler(
            lambda _: Response(json.dumps({"Code": "Success", **self.answer}))
        )

    def reaches_somebody(self, expires_in_s: float = 3600.0) -> None:
        until = datetime.now(UTC) + timedelta(seconds=expires_in_s)
        self.answer = {
            "AccessKeyId": "AKIDBOX",
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        }


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Helper]:
    with HTTPServer() as server:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url_for("/"))
        yield Helper(server)


def test_a_helper_that_reaches_nobody_has_no_credentials(helper: Helper) -> None:
    with pytest.raises(ConfigurationError, match="no AWS credentials"):
        AwsClients(REGION)


def test_the_patient_ask_again_until_there_are_credentials(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HTTPServer() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url_for("").rstrip("/"))
        aws.expect_request(f"/bucket/{KEY}").respond_with_data("")
        clients = AwsClients(REGION, patient=True)
        store = S3ObjectStore(clients.s3(), "bucket", retention="evidence")
        for ask in (clients.sign_in, lambda: store.put(KEY, JPEG, "image/jpeg")):
            with pytest.raises(
                TransientError, match="no AWS credentials; do: give the task or instance a role"
            ):
                ask()
        helper.reaches_somebody()
        clients.sign_in()
        store.put(KEY, JPEG, "image/jpeg")
        (request, _), *others = aws.log
        assert not others
        assert "Credential=AKIDBOX/" in request.headers["Authorization"]


@pytest.mark.parametrize(("expires", "key"), [("0001-01-01T00:00:00Z", "AKID"), ("2999-01-01T00:00:00Z", "")])
def test_credentials_that_are_none_when_they_are_renewed_are_awaited_too(
    monkeypatch: pytest.MonkeyPatch, expires: str, key: str
) -> None:
    with HTTPServer() as server:
        answer = {"AccessKeyId": key, "SecretAccessKey": "s", "Token": "t", "Expiration": expires}
        server.expect_request("/box").respond_with_json(answer)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url_for("/box"))
        store = S3ObjectStore(AwsClients(REGION, patient=True).s3(), "bucket", retention="evidence")
        for _ in range(2):
            with pytest.raises(TransientError, match="bucket: there are no AWS credentials"):
                store.put(KEY, JPEG, "image/jpeg")
        assert len(server.log) >= 2


def test_patience_does_not_reach_to_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="AWS_REGION is missing"):
        AwsClients(None, patient=True)
    with pytest.raises(ConfigurationError, match="AWS_REGION and AWS_ENDPOINT_URL"):
        AwsClients("eu central", patient=True).sqs()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigurationError, match="nobody"):
        AwsClients(REGION, patient=True)


def test_credentials_that_cannot_be_renewed_leave_the_work_where_it_is() -> None:
    problem = CredentialRetrievalError(provider="container-role", error_msg="it does not answer")
    with (
        pytest.raises(TransientError, match="bucket b: there are no AWS credentials"),
        our_errors("bucket b"),
    ):
        raise problem


def test_an_endpoint_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = SqsQueue(aws_clients(monkeypatch, port=free_port()).sqs(), name="any")
    with pytest.raises(TransientError, match="queue any: it cannot be reached; do: check the network"):
        queue.receive(1, 30)


def test_an_endpoint_that_says_nothing_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = aws_clients(monkeypatch, listener.getsockname()[1], Deadlines(connect_s=1, read_s=0.5))
        with pytest.raises(TransientError, match="its answer did not come or broke off"):
            S3ObjectStore(clients.s3(), "any", retention="evidence").put(KEY, JPEG, "image/jpeg")


def test_no_region_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match="AWS_REGION is missing"):
        AwsClients(None)


def test_the_sdks_own_variable_names_the_region_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**KEYS, "AWS_DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    assert AwsClients(None).sqs().meta.region_name == "eu-west-1"


def test_a_profile_that_does_not_exist_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigurationError, match="nobody"):
        AwsClients(REGION)


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp:/x"])
def test_an_endpoint_that_is_none_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL"):
        AwsClients(REGION).s3()


def test_buckets_are_addressed_by_path_only_away_from_amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    def url() -> str:
        asked: list[str] = []
        client = AwsClients(REGION).s3()
        client.meta.events.register(
            "before-send.s3", lambda request, **_: asked.append(request.url) or nothing()
        )
        S3ObjectStore(client, "a-bucket", retention="evidence").put("k", b"", "application/octet-stream")
        return asked[0]

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert url() == "https://a-bucket.s3.eu-central-1.amazonaws.com/k"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://localstack:4566")
    assert url() == "http://localstack:4566/a-bucket/k"


def nothing() -> AWSResponse:
    return AWSResponse("", 200, {}, HTTPResponse(BytesIO(b""), preload_content=False))


@pytest.mark.parametrize(
    ("endpoint", "is_ours"),
    [
        ("https://s3.eu-central-1.amazonaws.com", True),
        ("https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("http://localhost:4566", False),
        ("https://amazonaws.com.example.org", False),
    ],
)
def test_knows_amazons_endpoints(endpoint: str, is_ours: bool) -> None:
    assert is_amazons(endpoint) is is_ours


@dataclass(frozen=True)
class Scripted:
    """AWS as a small server that answers as it is told."""

    server: HTTPServer
    store: S3ObjectStore
    queue: SqsQueue

    def answer(self, status: int, code: str, message: str = "said so") -> None:
        as_json = {"__type": code, "message": message}
        as_xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"

        def respond(request: Any) -> Response:
            if request.headers.get("X-Amz-Target"):
                return Response(json.dumps(as_json), status, content_type="application/x-amz-json-1.0")
            return Response(as_xml, status, content_type="application/xml")

        self.server.expect_request("/").respond_with_handler(respond)
        self.server.expect_request(f"/bucket/{KEY}").respond_with_handler(respond)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    with HTTPServer() as server:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": server.url_for("").rstrip("/")}.items():
            monkeypatch.setenv(name, value)
        clients = AwsClients(REGION)
        store = S3ObjectStore(clients.s3(), "bucket", retention="evidence")
        yield Scripted(server, store, SqsQueue(clients.sqs(), name="q"))


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AccessDenied", "access is denied; do: allow it in the role's policy"),
        (403, "RequestTimeTooSkewed", "this machine's clock is off; do: set it by NTP"),
        (403, "SignatureDoesNotMatch", "the credentials are refused; do: check keys or role"),
        (403, "InvalidAccessKeyId", "the credentials are refused"),
        (400, "ExpiredToken", "the credentials are refused"),
        (503, "SlowDown", "it asks for fewer requests"),
        (400, "AuthorizationHeaderMalformed", "it is in another region; do: set AWS_REGION"),
        (409, "ConditionalRequestConflict", "somebody else is at that object"),
        (500, "InternalError", "it has trouble of its own; it is asked again later"),
        (400, "SomethingNew", r"it refuses the request \(SomethingNew: said so\)"),
    ],
)
def test_refusals_of_s3_are_told_in_words_and_tried_once(
    scripted: Scripted, status: int, code: str, words: str
) -> None:
    scripted.answer(status, code)
    with pytest.raises(TransientError, match=words):
        scripted.store.put(KEY, JPEG, "image/jpeg")
    assert len(scripted.server.log) == 1, "repeating is the courier's and the consumer's"


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "AccessDeniedException", "access is denied"),
        (400, "AWS.SimpleQueueService.NonExistentQueue", "the queue does not exist; do: create it"),
        (400, "QueueDoesNotExist", "the queue does not exist"),
        (400, "RequestThrottled", "it asks for fewer requests"),
        (400, "UnrecognizedClientException", "the credentials are refused"),
        (400, "InvalidSignatureException", "the credentials are refused"),
        (503, "ServiceUnavailable", "trouble of its own"),
    ],
)
def test_refusals_of_sqs_are_told_in_words_and_tried_once(
    scripted: Scripted, status: int, code: str, words: str
) -> None:
    scripted.answer(status, code)
    with pytest.raises(TransientError, match=words):
        scripted.queue.send(b"{}")
    assert len(scripted.server.log) == 1


def test_what_is_not_text_in_a_message_is_left_to_the_contract(scripted: Scripted) -> None:
    about = {"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000"}
    messages = [{"Body": "\ud800", "ReceiptHandle": "r", "Attributes": about, "MessageId": "m"}]
    address = {"QueueUrl": "http://q.example/1/q"}
    scripted.server.expect_ordered_request("/").respond_with_json(address)
    scripted.server.expect_ordered_request("/").respond_with_json({"Messages": messages})
    (message,) = scripted.queue.receive(1, 30)
    with pytest.raises(UnicodeDecodeError):
        message.body.decode()


def test_bytes_that_changed_on_the_way_are_not_taken(scripted: Scripted) -> None:
    checksum = b64encode(hashlib.sha256(JPEG).digest()).decode()
    torn = Response(b"\xff\xd8 pictvre", headers={"x-amz-checksum-sha256": checksum})
    scripted.server.expect_request(f"/bucket/{KEY}").respond_with_response(torn)
    with pytest.raises(TransientError, match=r"checksum"):
        scripted.store.get(KEY)


def test_the_sdk_itself_repeats_nothing_even_if_its_own_settings_say_so(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    scripted.answer(500, "InternalError")
    with pytest.raises(TransientError):
        S3ObjectStore(AwsClients(REGION).s3(), "bucket", retention="evidence").put(KEY, JPEG, "image/jpeg")
    assert len(scripted.server.log) == 1


def test_counts_are_asked_for_again_only_when_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = SqsQueue(aws_clients(monkeypatch).sqs(), name=running_localstack().new_queue().name)
    patient, eager = SqsViolationInbox(queue, counts_age_s=60), SqsViolationInbox(queue, counts_age_s=0)
    assert (patient.counts().waiting, eager.counts().waiting) == (0, 0)
    queue.send(b"{}")
    assert (patient.counts().waiting, eager.counts().waiting) == (0, 1)
