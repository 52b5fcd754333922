"""Mails over SES: the envelope, the id that the recipient sees, and refusals of every kind, as AWS words them."""

import socket
from collections.abc import Iterator
from email.message import EmailMessage
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from services.agent.adapters.ses_mailer import SesMailer
from services.agent.application.ports import MailPostponedError, MailRefusedError
from shared.aws.clients import AwsClients, Deadlines
from shared.errors import TransientError
from tests.servers.localstack import KEYS, REGION, aws_clients, running_localstack
from tests.servers.rtsp import free_port

ANNA, OFFICER = "anna@site.example", "officer@firm.example"


class Ses:
    """A small server in the place of SES; `asked` are the parameters of each request."""

    def __init__(self, server: HTTPServer, region: str) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.mailer = SesMailer(AwsClients(region, Deadlines(connect_s=1, read_s=1)).ses())
        self._server = server
        self.answer("<SendRawEmailResult><MessageId>0102-ab-000000</MessageId></SendRawEmailResult>")

    def answer(self, body: str, status: int = 200) -> None:
        def respond(request: Request) -> Response:
            self.asked.append(parse_qs(request.get_data(as_text=True)))
            return Response(
                f"<SendRawEmailResponse>{body}</SendRawEmailResponse>", status, content_type="text/xml"
            )

        self._server.clear()
        self._server.expect_request("/").respond_with_handler(respond)

    def refuse(self, code: str, message: str, status: int = 400) -> None:
        def respond(request: Request) -> Response:
            error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            return Response(f"<ErrorResponse>{error}</ErrorResponse>", status, content_type="text/xml")

        self._server.clear()
        self._server.expect_request("/").respond_with_handler(respond)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    with HTTPServer() as server:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL_SES": server.url_for("").rstrip("/")}.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def ses(server: HTTPServer) -> Ses:
    return Ses(server, REGION)


def mail() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = f"Safety <{OFFICER}>", ANNA, "A test"
    made["Message-ID"] = "<own@site.example>"
    made.set_content("Hello")
    return made


def test_the_envelope_names_one_recipient_with_its_domain_in_ascii(ses: Ses) -> None:
    ses.mailer.send(mail(), "anna@bücher.example")
    assert ses.asked[0]["Source"] == [OFFICER]
    assert ses.asked[0]["Destinations.member.1"] == ["anna@xn--bcher-kva.example"]
    assert "Destinations.member.2" not in ses.asked[0]


@pytest.mark.parametrize(
    ("region", "domain"),
    [("eu-central-1", "eu-central-1.amazonses.com"), ("us-east-1", "email.amazonses.com")],
)
def test_the_id_is_the_one_that_ses_puts_into_the_mail(server: HTTPServer, region: str, domain: str) -> None:
    assert Ses(server, region).mailer.send(mail(), ANNA) == f"<0102-ab-000000@{domain}>"


def test_letters_outside_ascii_before_the_at_are_refused_for_ever(ses: Ses) -> None:
    with pytest.raises(MailRefusedError, match="use another address"):
        ses.mailer.send(mail(), "änne@site.example")
    assert ses.asked == []


IDENTITIES = (
    "Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: "
)


@pytest.mark.parametrize(
    ("code", "message", "error", "words"),
    [
        (
            "MessageRejected",
            IDENTITIES + OFFICER,
            TransientError,
            "do: verify MAIL_FROM or its domain in SES",
        ),
        ("MessageRejected", IDENTITIES + f"{OFFICER}, {ANNA}", TransientError, "verify MAIL_FROM"),
        (
            "MessageRejected",
            IDENTITIES + "Safety &lt;officer@firm.example&gt;",
            TransientError,
            "verify MAIL_FROM",
        ),
        ("MessageRejected", IDENTITIES + ANNA, MailPostponedError, "do: verify the recipient, or ask AWS"),
        ("MessageRejected", "Address blacklisted.", MailRefusedError, "Address blacklisted"),
        ("InvalidParameterValue", "Missing final '@domain'", MailRefusedError, "Missing final"),
        (
            "InvalidParameterValue",
            "Message length is more than 10485760 bytes long",
            MailRefusedError,
            "10485760",
        ),
        ("MailFromDomainNotVerifiedException", "not verified", TransientError, "verify MAIL_FROM's domain"),
        ("AccountSendingPausedException", "paused", TransientError, "does not send for this account"),
        ("Throttling", "Maximum sending rate exceeded.", TransientError, "fewer requests"),
        ("Throttling", "Daily message quota exceeded.", TransientError, "Daily message quota exceeded"),
        (
            "AccessDenied",
            "not authorized to perform ses:SendRawEmail",
            TransientError,
            "allow it in the role",
        ),
        ("InternalFailure", "", TransientError, "trouble of its own|refuses the request"),
    ],
)
def test_refusals_are_told_apart(
    ses: Ses, code: str, message: str, error: type[Exception], words: str
) -> None:
    ses.refuse(code, message)
    with pytest.raises(error, match=words) as caught:
        ses.mailer.send(mail(), ANNA)
    assert type(caught.value) is error, "what is not this mail's fault must not count against it"


def test_an_answer_that_does_not_come_means_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = aws_clients(monkeypatch, listener.getsockname()[1], Deadlines(connect_s=1, read_s=0.5))
        with pytest.raises(MailPostponedError, match="middle of a mail"):
            SesMailer(clients.ses()).send(mail(), ANNA)


def test_a_service_that_is_not_there_is_no_mails_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    mailer = SesMailer(aws_clients(monkeypatch, port=free_port()).ses())
    with pytest.raises(TransientError, match="cannot be reached") as caught:
        mailer.send(mail(), ANNA)
    assert not isinstance(caught.value, MailPostponedError)


def test_a_sender_that_nobody_verified_stops_all_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    mailer = SesMailer(aws_clients(monkeypatch).ses())
    with pytest.raises(TransientError, match="verify MAIL_FROM"):
        mailer.send(mail(), ANNA)


def test_the_check_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    SesMailer(aws_clients(monkeypatch).ses()).check()
    assert running_localstack().mails(OFFICER) == []


def quota(limit: str, sent: str) -> str:
    told = f"<Max24HourSend>{limit}</Max24HourSend><SentLast24Hours>{sent}</SentLast24Hours>"
    return f"<GetSendQuotaResult>{told}</GetSendQuotaResult>"


def test_the_check_tells_that_the_days_mails_are_used_up(ses: Ses) -> None:
    ses.answer(quota("200.0", "200.0"))
    with pytest.raises(TransientError, match="the day's 200 mails are sent"):
        ses.mailer.check()


@pytest.mark.parametrize(("limit", "sent"), [("200.0", "199.0"), ("-1.0", "9000.0")])
def test_the_check_is_content_with_what_is_left(ses: Ses, limit: str, sent: str) -> None:
    ses.answer(quota(limit, sent))
    ses.mailer.check()
