"""Mails over a real SMTP server: encryption, login, refusals of every kind, and connections that just end."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydantic import SecretStr

from services.agent.adapters.smtp_mailer import SmtpMailer, SmtpServer
from services.agent.application.ports import MailPostponedError, MailRefusedError
from shared.errors import ConfigurationError, TransientError
from shared.observability.health import Health, watched
from tests.servers import smtp
from tests.servers.rtsp import free_port

ANNA = "anna@site.example"
PASSWORD = "kein-Geheimnis"


class Start(Protocol):
    def __call__(self, **options: Any) -> smtp.SmtpServer: ...


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as servers:
        yield lambda **options: servers.enter_context(smtp.SmtpServer(**options))


def mailer(server: smtp.SmtpServer, security: str = "none", **options: Any) -> SmtpMailer:
    fields = {"host": "127.0.0.1", "port": server.port, "security": security, "timeout_s": 5.0, **options}
    return SmtpMailer(SmtpServer(**fields))


def trusted(server: smtp.SmtpServer, folder: Path) -> str:
    path = folder / "ca.pem"
    server.authority.cert_pem.write_to_path(str(path))
    return str(path)


def mail(text: str = "Hello") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "officer@site.example", ANNA, "A test"
    made.set_content(text)
    return made


def test_a_mail_arrives_as_it_was_made_in_an_envelope_of_its_own(start: Start) -> None:
    server = start()
    mailer(server).send(mail("A line\n.\n..dots\n.and more\n"), ANNA)
    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("officer@site.example", (ANNA,))
    got = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert got.get_content().replace("\r\n", "\n") == "A line\n.\n..dots\n.and more\n"


def test_starttls_encrypts_and_login_works(start: Start, tmp_path: Path) -> None:
    server = start(security="starttls", login=("officer", PASSWORD))
    login = {"user": "officer", "password": SecretStr(PASSWORD)}
    mailer(server, "starttls", ca_file=trusted(server, tmp_path), **login).send(mail(), ANNA)
    assert server.taken[0].secure
    assert server.taken[0].login == "officer"


def test_tls_from_the_first_byte(start: Start, tmp_path: Path) -> None:
    server = start(security="tls")
    mailer(server, "tls", ca_file=trusted(server, tmp_path)).send(mail(), ANNA)
    assert server.taken[0].secure


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused_by_default(start: Start, security: str) -> None:
    server = start(security=security)
    with pytest.raises(TransientError, match="certificate is not trusted"):
        mailer(server, security).send(mail(), ANNA)
    assert server.taken == []


def test_a_certificate_for_another_host_is_refused(start: Start, tmp_path: Path) -> None:
    server = start(security="tls", names=("other.example",))
    with pytest.raises(TransientError, match="not trusted"):
        mailer(server, "tls", ca_file=trusted(server, tmp_path)).send(mail(), ANNA)


def test_a_file_without_certificates_is_a_wrong_setting(start: Start, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match="SMTP_CA_FILE"):
        mailer(start(), "starttls", ca_file=str(tmp_path / "ca.pem"))


def test_no_mail_goes_in_clear_where_encryption_was_asked_for(start: Start) -> None:
    server = start()
    with pytest.raises(TransientError, match="STARTTLS"):
        mailer(server, "starttls").send(mail(), ANNA)
    assert server.taken == []


def test_a_wrong_password_stops_all_mails_shows_no_secret_and_refuses_nobody(
    start: Start, tmp_path: Path
) -> None:
    server = start(security="starttls", login=("officer", PASSWORD))
    login = {"user": "officer", "password": SecretStr("wr0ng-secret")}
    with pytest.raises(TransientError, match="535") as caught:
        mailer(server, "starttls", ca_file=trusted(server, tmp_path), **login).send(mail(), ANNA)
    assert not isinstance(caught.value, MailPostponedError)
    assert "wr0ng-secret" not in str(caught.value)


def test_a_recipient_that_does_not_exist_is_refused_for_ever(start: Start) -> None:
    server = start()
    server.script.to_rcpt = {ANNA: "550 5.1.1 No such user"}
    with pytest.raises(MailRefusedError, match=r"550 5\.1\.1 No such user"):
        mailer(server).send(mail(), ANNA)


def test_a_full_mailbox_is_refused_for_now(start: Start) -> None:
    server = start()
    server.script.to_rcpt = {ANNA: "452 4.2.2 Mailbox full"}
    with pytest.raises(MailPostponedError, match="452"):
        mailer(server).send(mail(), ANNA)


@pytest.mark.parametrize(
    ("reply", "error"), [("451 4.7.1 Greylisted", MailPostponedError), ("552 Too big", MailRefusedError)]
)
def test_refusals_of_the_content_are_told_apart(start: Start, reply: str, error: type[Exception]) -> None:
    server = start()
    server.script.to_data = [reply]
    with pytest.raises(error, match=reply[:3]):
        mailer(server).send(mail(), ANNA)
    assert server.taken == []


def test_a_refused_sender_is_the_servers_trouble_not_this_mails(start: Start) -> None:
    server = start()
    server.script.to_mail = ["550 Not allowed to send"]
    with pytest.raises(TransientError, match="check MAIL_FROM") as caught:
        mailer(server).send(mail(), ANNA)
    assert not isinstance(caught.value, MailPostponedError)


def test_a_refused_sender_makes_the_service_unready_until_he_is_taken(start: Start) -> None:
    server, health = start(), Health()
    server.script.to_mail = ["550 Not allowed to send"]
    sender = watched(mailer(server), health.dependency("mail"), answered=(MailPostponedError,))
    with pytest.raises(TransientError):
        sender.send(mail(), ANNA)
    assert not health.ready
    assert "550 Not allowed to send; check MAIL_FROM" in health.dependency("mail").condition.problem
    sender.send(mail(), ANNA)
    assert health.ready


def test_a_connection_that_ends_after_the_final_dot_means_again_later(start: Start) -> None:
    server = start()
    server.script.drop_after_dot = 1
    with pytest.raises(MailPostponedError, match="middle of a mail"):
        mailer(server).send(mail(), ANNA)
    assert len(server.taken) == 1  # it had it: this is the window that SMTP leaves open


@pytest.mark.parametrize("host", ["127.0.0.1", "mail..site.example"])
def test_a_server_that_is_not_there_is_no_mails_fault(host: str) -> None:
    with pytest.raises(TransientError, match="cannot be used") as caught:
        SmtpMailer(SmtpServer(host, free_port(), "none")).send(mail(), ANNA)
    assert not isinstance(caught.value, MailPostponedError)


def test_an_international_domain_is_translated_and_needs_nothing_of_the_server(start: Start) -> None:
    server = start(smtputf8=False)
    mailer(server).send(mail(), "anna@bücher.example")
    assert server.taken[0].recipients == ("anna@xn--bcher-kva.example",)


def test_letters_outside_ascii_before_the_at_need_a_server_that_takes_them(start: Start) -> None:
    mailer(taking := start(smtputf8=True)).send(mail(), "änne@bücher.example")
    assert taking.taken[0].recipients == ("änne@xn--bcher-kva.example",)
    with pytest.raises(MailRefusedError, match="use another address"):
        mailer(start(smtputf8=False)).send(mail(), "änne@bücher.example")


def test_a_domain_that_cannot_exist_is_refused(start: Start) -> None:
    with pytest.raises(MailRefusedError, match="cannot exist"):
        mailer(start()).send(mail(), "anna@bü..example")
