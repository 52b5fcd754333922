"""Mails over Amazon SES (version 1): one call, one recipient; refusals told apart as for SMTP.

SES puts a Message-ID of its own in place of ours. A mail that is sent again because its answer got lost is therefore
another mail to the recipient's program; our headers with the violation's id go through unchanged.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from services.agent.adapters.mail_address import ascii_domain
from services.agent.application.ports import MailPostponedError, MailRefusedError
from shared.aws.errors import NOT_CONNECTED, code_of, in_words, our_errors
from shared.crash_points import crash_point
from shared.errors import OfficerError, TransientError

if TYPE_CHECKING:
    from types_boto3_ses import SESClient

WHAT = "mail service SES"
_OF_THIS_MAIL = frozenset({"InvalidParameterCombination", "InvalidParameterValue", "MessageRejected"})


class SesMailer:
    """Threads may share an instance."""

    def __init__(self, client: "SESClient") -> None:
        self._client = client

    def send(self, mail: EmailMessage, recipient: str) -> str:
        """See `Mailer.send`; the id is the one that SES gives the mail."""
        sender, to = ascii_domain(mail["From"].addresses[0].addr_spec), _taken_by_ses(recipient)
        with _sorted_refusals(sender, to):
            answer = self._client.send_raw_email(
                Source=sender, Destinations=[to], RawMessage={"Data": mail.as_bytes(policy=SMTP)}
            )
        crash_point("M3")
        return f"<{answer['MessageId']}@{self._domain()}>"

    def check(self) -> None:
        """Ask SES whether it would take a mail from us now, and send nothing; errors as for `send`."""
        with our_errors(WHAT):
            quota = self._client.get_send_quota()
        if 0 <= quota["Max24HourSend"] <= quota["SentLast24Hours"]:
            raise TransientError(
                f"{WHAT}: the day's {quota['Max24HourSend']:.0f} mails are sent; do: ask AWS for more"
            )

    def _domain(self) -> str:
        region = self._client.meta.region_name
        return "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"


def _taken_by_ses(address: str) -> str:
    """*address* with its domain in ASCII.

    Raises:
        MailRefusedError: it has other letters before the @: SES knows no SMTPUTF8.
    """
    address = ascii_domain(address)
    if not address.isascii():
        raise MailRefusedError(
            "smtputf8-missing",
            f"SES takes no address with letters outside ASCII such as {address[:80]!a}; use another address",
        )
    return address


@contextmanager
def _sorted_refusals(sender: str, recipient: str) -> Iterator[None]:
    with our_errors(WHAT):
        try:
            yield
        except ClientError as error:
            if code_of(error) in _OF_THIS_MAIL:
                raise _refusal(in_words(error), sender, recipient) from error
            raise
        except NOT_CONNECTED:
            raise
        except BotoCoreError as error:  # it may have the mail, and then the recipient gets it twice
            raise MailPostponedError(f"{WHAT} went away in the middle of a mail: {error}") from error


def _refusal(said: str, sender: str, recipient: str) -> OfficerError:
    """In the sandbox of SES each recipient must be verified: that can be done, or ended, while the mail waits."""
    if _names(said, recipient) and not _names(said, sender):
        return MailPostponedError(
            f"{WHAT}: {said}; do: verify the recipient, or ask AWS for production access"
        )
    if _names(said, sender):
        return TransientError(f"{WHAT}: {said}; do: verify MAIL_FROM or its domain in SES, in AWS_REGION")
    return MailRefusedError("refused", f"{WHAT}: {said}")


def _names(said: str, address: str) -> bool:
    """Whether *said* names the address or its domain as a word of its own."""
    domain = address.rpartition("@")[2]
    return any(
        re.search(rf"(?<![\w.@-]){re.escape(name)}(?![\w@-])", said, re.I) for name in (address, domain)
    )
