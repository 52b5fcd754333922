"""Every mailer keeps the same promises: SMTP, folder, and the one of the tests."""

import email
import email.policy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path

import pytest

from services.agent.adapters.folder_mailer import FolderMailer
from services.agent.adapters.smtp_mailer import SmtpMailer, SmtpServer
from services.agent.application.ports import Mailer
from tests.fakes.reporting import FakeMailer
from tests.servers import smtp

ANNA, BEN = "anna@site.example", "ben@site.example"
Arrived = Callable[[], set[str]]


@pytest.fixture(params=["fake", "folder", "smtp"])
def mailer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Mailer, Arrived]]:
    """A mailer, and the Message-IDs of what has arrived."""
    if request.param == "fake":
        fake = FakeMailer()
        yield fake, lambda: {message_id for _, message_id in fake.sent}
    elif request.param == "folder":
        yield FolderMailer(tmp_path), lambda: {_id(path.read_bytes()) for path in tmp_path.glob("*.eml")}
    else:
        with ExitStack() as stack:
            server = stack.enter_context(smtp.SmtpServer())
            made = SmtpMailer(SmtpServer("127.0.0.1", server.port, "none"))
            yield made, lambda: {_id(taken.content) for taken in server.taken}


def mail(to: str, message_id: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Message-ID"] = "officer@site.example", to, message_id
    made.set_content("Hello")
    return made


def test_each_mail_arrives(mailer: tuple[Mailer, Arrived]) -> None:
    send, arrived = mailer
    send.send(mail(ANNA, "<one.a@site.example>"), ANNA)
    send.send(mail(BEN, "<one.b@site.example>"), BEN)
    assert arrived() == {"<one.a@site.example>", "<one.b@site.example>"}


def test_the_same_mail_may_be_sent_again(mailer: tuple[Mailer, Arrived]) -> None:
    send, arrived = mailer
    for _ in range(2):
        send.send(mail(ANNA, "<one.a@site.example>"), ANNA)
    assert arrived() == {"<one.a@site.example>"}


def _id(content: bytes) -> str:
    return str(email.message_from_bytes(content, policy=email.policy.default)["Message-ID"])
