"""What every mailer must do: into a folder, over a real SMTP server, over SES (LocalStack), and the tests' own."""

import email
import email.policy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from services.agent.adapters.folder_mailer import FolderMailer
from services.agent.adapters.ses_mailer import SesMailer
from services.agent.adapters.smtp_mailer import SmtpMailer, SmtpServer
from services.agent.application.ports import Mailer, MailRefusedError
from tests.fakes.reporting import FakeMailer
from tests.servers import smtp
from tests.servers.localstack import aws_clients, running_localstack

ANNA, BEN = "anna@site.example", "ben@site.example"
OFFICER = "officer@site.example"
VIOLATION_ID = "0123456789abcdef" * 2


@dataclass(frozen=True)
class Subject:
    """A mailer, and what arrived."""

    mailer: Mailer
    arrived: Callable[[], list[EmailMessage]]


@pytest.fixture(params=["fake", "folder", "smtp", "ses"])
def subject(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakeMailer()
        yield Subject(fake, lambda: fake.mails)
    elif request.param == "folder":
        mailer = FolderMailer(tmp_path)
        yield Subject(mailer, lambda: [parsed(path.read_bytes()) for path in sorted(tmp_path.glob("*.eml"))])
    elif request.param == "smtp":
        with smtp.SmtpServer() as server:
            there = SmtpServer("127.0.0.1", server.port, "none")
            yield Subject(SmtpMailer(there), lambda: [parsed(taken.content) for taken in server.taken])
    else:
        localstack = running_localstack()
        localstack.ses.verify_email_identity(EmailAddress=OFFICER)
        before = len(localstack.mails(OFFICER))
        yield Subject(
            SesMailer(aws_clients(monkeypatch).ses()),
            lambda: [parsed(mail) for mail in localstack.mails(OFFICER)[before:]],
        )


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)  # type: ignore[return-value]


def mail(number: int = 1, to: str = ANNA) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = OFFICER, to, "Südhof: no hard hat"
    made["Message-ID"] = f"<{VIOLATION_ID}.{number}@site.example>"
    made["X-Violation-Id"] = VIOLATION_ID
    made.set_content("Ein Mensch ohne Helm. 一个人\n.\nafter a lone dot")
    made.add_attachment(
        b"%PDF-1.4 \r\n\x00\xff", maintype="application", subtype="pdf", filename="report.pdf"
    )
    return made


def test_a_mail_arrives_as_it_was_made(subject: Subject) -> None:
    subject.mailer.send(mail(), ANNA)
    (got,) = subject.arrived()
    assert (got["Subject"], got["To"], got["X-Violation-Id"]) == ("Südhof: no hard hat", ANNA, VIOLATION_ID)
    body = got.get_body()
    assert body is not None
    assert body.get_content().splitlines() == ["Ein Mensch ohne Helm. 一个人", ".", "after a lone dot"]
    (attached,) = got.iter_attachments()
    assert attached.get_content() == b"%PDF-1.4 \r\n\x00\xff"


def test_each_mail_has_an_id_of_its_own(subject: Subject) -> None:
    ids = {subject.mailer.send(mail(number), ANNA) for number in (1, 2, 3)}
    assert len(ids) == len(subject.arrived()) == 3
    assert all(one.startswith("<") and one.endswith(">") and "@" in one for one in ids)


def test_each_recipient_gets_a_mail_of_his_own(subject: Subject) -> None:
    for number, to in ((1, ANNA), (2, BEN)):
        subject.mailer.send(mail(number, to), to)
    assert [got["To"] for got in subject.arrived()] == [ANNA, BEN]


@pytest.mark.parametrize("subject", ["fake", "folder", "smtp"], indirect=True)
def test_a_mail_sent_again_has_the_same_id_where_the_id_is_ours(subject: Subject) -> None:
    ids = {subject.mailer.send(mail(), ANNA) for _ in range(2)}
    assert {got["Message-ID"] for got in subject.arrived()} == ids == {f"<{VIOLATION_ID}.1@site.example>"}


@pytest.mark.parametrize("subject", ["smtp", "ses"], indirect=True)
def test_a_domain_that_cannot_exist_is_refused_for_ever(subject: Subject) -> None:
    with pytest.raises(MailRefusedError, match="cannot exist"):
        subject.mailer.send(mail(), "anna@bü..example")
    assert subject.arrived() == []
