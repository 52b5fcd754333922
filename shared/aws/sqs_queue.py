"""A message queue in SQS, for messages that are text; its redrive policy names the queue of its dead letters."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared.aws.errors import code_of, our_errors
from shared.contracts.violation import MAX_MESSAGE_BYTES
from shared.errors import PermanentError
from shared.queues import QueueCounts, ReceivedMessage, check_receive, check_visibility

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType
    from types_boto3_sqs.type_defs import MessageAttributeValueTypeDef, MessageTypeDef

MAX_BATCH = 10
MAX_WAIT_S = 20
_VISIBLE: "QueueAttributeNameType" = "ApproximateNumberOfMessages"
_IN_FLIGHT: "QueueAttributeNameType" = "ApproximateNumberOfMessagesNotVisible"
_GONE = frozenset(
    {
        "ReceiptHandleIsInvalid",
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "InvalidParameterValue",  # "not available for visibility timeout change"; all other values are checked before
    }
)
_REFUSED = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SqsQueue:
    """Delivers at least once, in any order. Threads may share an instance, and processes the queue."""

    def __init__(self, client: "SQSClient", *, name: str = "", url: str = "") -> None:
        """Use the queue of that *url*, else of that *name* in our own account; nothing is asked yet."""
        self._client = client
        self._name = name or url.rpartition("/")[2]
        self._url = url
        self._dead_letter_queues: dict[str, str] = {}

    def send(self, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        """Append *body*.

        Args:
            body: UTF-8 text of 1 byte to `MAX_MESSAGE_BYTES`.
            attributes: to find the message by in consoles and traces.

        Raises:
            PermanentError: SQS will never take *body*.
            TransientError: SQS cannot be reached or refuses; the message may have been sent.
        """
        text = _text(body)
        told: dict[str, MessageAttributeValueTypeDef] = {
            name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
        }
        with self._ours():
            self._client.send_message(QueueUrl=self._address(), MessageBody=text, MessageAttributes=told)

    def receive(self, limit: int, visibility_s: float, wait_s: float = 0.0) -> list[ReceivedMessage]:
        """Take at most *limit* visible messages and hide them for *visibility_s* seconds.

        Args:
            limit: 1 or more; at most `MAX_BATCH` come at a time.
            visibility_s: 0 to `shared.queues.MAX_VISIBILITY_S`; SQS counts in whole seconds, so it is rounded up.
            wait_s: how long to wait for a first message while there is none; at most `MAX_WAIT_S`, rounded up.

        Raises:
            ValueError: an argument is out of its range.
            TransientError: SQS cannot be reached or refuses.
        """
        check_receive(limit, visibility_s)
        with self._ours():
            answer = self._client.receive_message(
                QueueUrl=self._address(),
                MaxNumberOfMessages=min(limit, MAX_BATCH),
                VisibilityTimeout=math.ceil(visibility_s),
                WaitTimeSeconds=min(math.ceil(wait_s), MAX_WAIT_S),
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
        return [_received(message) for message in answer.get("Messages", [])]

    def delete(self, receipt: str) -> None:
        """Forget the message; nothing happens if it is gone already.

        An old receipt, of a message that was received again since, may still count:
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
        """
        with self._ours(), _unless_gone():
            self._client.delete_message(QueueUrl=self._address(), ReceiptHandle=receipt)

    def change_visibility(self, receipt: str, visibility_s: float) -> None:
        """Hide the message for *visibility_s* seconds from now; 0 gives it back at once. Receipts as for `delete`."""
        check_visibility(visibility_s)
        with self._ours(), _unless_gone():
            self._client.change_message_visibility(
                QueueUrl=self._address(), ReceiptHandle=receipt, VisibilityTimeout=math.ceil(visibility_s)
            )

    def counts(self) -> QueueCounts:
        """How full the queue is, as far as SQS knows at this moment."""
        with self._ours():
            own = self._attributes(self._address())
            dead_letters = self._dead_letter_queue(own)
            dead = int(self._attributes(dead_letters)[_VISIBLE]) if dead_letters else 0
        return QueueCounts(visible=int(own[_VISIBLE]), in_flight=int(own[_IN_FLIGHT]), dead=dead)

    def check(self) -> None:
        """Ask SQS whether the queue is there and ours; errors as for `receive`."""
        self.counts()

    def _address(self) -> str:
        """Asked for by name only when it is first needed: the queue may be made after this service has started."""
        if not self._url:
            self._url = self._client.get_queue_url(QueueName=self._name)["QueueUrl"]
        return self._url

    def _attributes(self, url: str) -> Mapping["QueueAttributeNameType", str]:
        wanted: Sequence[QueueAttributeNameType] = (_VISIBLE, _IN_FLIGHT, "RedrivePolicy")
        return self._client.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]

    def _dead_letter_queue(self, own: Mapping["QueueAttributeNameType", str]) -> str:
        """Its address, which changes only with the redrive policy; empty if there is none."""
        arn = str(json.loads(own.get("RedrivePolicy", "{}")).get("deadLetterTargetArn", ""))
        if arn and arn not in self._dead_letter_queues:
            *_, account, name = arn.split(":")
            found = self._client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
            self._dead_letter_queues[arn] = found["QueueUrl"]
        return self._dead_letter_queues.get(arn, "")

    def _ours(self) -> AbstractContextManager[None]:
        return our_errors(f"queue {self._name}")


@contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if code_of(error) not in _GONE:
            raise


def _text(body: bytes) -> str:
    """*body* as SQS takes it: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""
    if not 0 < len(body) <= MAX_MESSAGE_BYTES:
        raise PermanentError(
            "message-size", f"message has {len(body)} bytes, 1 to {MAX_MESSAGE_BYTES} are allowed"
        )
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise PermanentError("not-utf8", "message is no UTF-8 text, which is all that SQS takes") from error
    if refused := _REFUSED.search(text):
        raise PermanentError(
            "refused-character", f"message holds U+{ord(refused[0]):04X}, which SQS takes in no message"
        )
    return text


def _received(message: "MessageTypeDef") -> ReceivedMessage:
    about = message["Attributes"]
    sent_at = datetime.fromtimestamp(int(about["SentTimestamp"]) / 1000, UTC)
    body = message["Body"].encode(
        "utf-8", "surrogatepass"
    )  # what is no text fails in the contract, with its reason
    return ReceivedMessage(message["ReceiptHandle"], body, int(about["ApproximateReceiveCount"]), sent_at)
