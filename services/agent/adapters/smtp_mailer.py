"""Mails over SMTP: one envelope, one recipient; a refusal is for ever, for now, or the whole server's trouble."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Literal

from pydantic import SecretStr

from services.agent.adapters.mail_address import ascii_domain
from services.agent.application.ports import MailPostponedError, MailRefusedError
from shared.crash_points import crash_point
from shared.errors import ConfigurationError, TransientError

TIMEOUT_S = 30.0  # of each command; RFC 5321, 4.5.3.2 allows minutes, a safety mail should try again sooner
_PERMANENT = 500
_START_OF_DATA = 354


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where to hand mails over.

    Attributes:
        security: starttls (refuses to go on without), tls (from the first byte) or none (own network only).
        user: empty for a server that asks for no login.
        ca_file: certificates to trust instead of the system's; empty for the system's.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    ca_file: str = ""
    timeout_s: float = TIMEOUT_S


class SmtpMailer:
    """A new connection for each mail: they are few, and nothing has to be kept alive."""

    def __init__(self, server: SmtpServer) -> None:
        """Hand mails over to *server*; nothing is opened yet.

        Raises:
            ConfigurationError: the file of certificates cannot be read.
        """
        self._server = server
        self._tls = None if server.security == "none" else _tls(server.ca_file)

    def send(self, mail: EmailMessage, recipient: str) -> str:
        sender, to = mail["From"].addresses[0].addr_spec, ascii_domain(recipient)
        with self._connected() as smtp:
            needs_utf8 = not (sender.isascii() and to.isascii())
            if needs_utf8 and not smtp.has_extn("smtputf8"):
                raise MailRefusedError(
                    "smtputf8-missing",
                    f"the mail server takes no address with letters outside ASCII such as {to!a}; use another address",
                )
            self._begin(smtp, sender, to, needs_utf8=needs_utf8)
            _transmit(smtp, mail.as_bytes(policy=SMTPUTF8 if needs_utf8 else SMTP))
        return str(mail["Message-ID"])

    def check(self) -> None:
        """Connect, encrypt and log in, and send nothing; errors as for `send`."""
        with self._connected():
            pass

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        where = f"mail server {self._server.host}:{self._server.port}"
        try:
            smtp = self._connect()
        except smtplib.SMTPResponseException as error:
            raise TransientError(
                f"{where} refuses us: {_reply(error.smtp_code, error.smtp_error)}"
            ) from error
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            raise TransientError(
                f"{where} cannot be used: {_problem(error)}; check SMTP_* and that it runs"
            ) from error
        try:
            yield smtp
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            # also after the final dot: it may have the mail, and gets it again under the same Message-ID
            raise MailPostponedError(
                f"{where} went away in the middle of a mail: {_problem(error)}"
            ) from error
        finally:
            _leave(smtp)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout_s, context=self._tls
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
        try:
            self._greet(smtp)
        except BaseException:  # a stop, too, must not leave the connection open
            smtp.close()
            raise
        return smtp

    def _greet(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        if self._server.security == "starttls":
            smtp.starttls(context=self._tls)
            smtp.ehlo()
        if self._server.user:
            smtp.login(self._server.user, self._server.password.get_secret_value())

    def _begin(self, smtp: smtplib.SMTP, sender: str, to: str, *, needs_utf8: bool) -> None:
        code, reply = smtp.mail(sender, ["SMTPUTF8"] if needs_utf8 else [])
        if code != 250:
            raise TransientError(
                f"the mail server refuses the sender: {_reply(code, reply)}; check MAIL_FROM and SMTP_USER"
            )
        code, reply = smtp.rcpt(to)
        if code not in (250, 251):
            raise _refusal(code, reply)


def _tls(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"SMTP_CA_FILE: {ca_file[:200]!a} holds no certificates that can be read; name a file in PEM format"
        ) from error


def _transmit(smtp: smtplib.SMTP, content: bytes) -> None:
    """DATA, as `smtplib.SMTP.data` does it, but with the places between the steps at which a test may kill us."""
    code, reply = smtp.docmd("DATA")
    if code != _START_OF_DATA:
        raise _refusal(code, reply)
    stuffed = re.sub(rb"(?m)^\.", b"..", content)
    smtp.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
    crash_point("M2")
    code, reply = smtp.getreply()
    if code != 250:
        raise _refusal(code, reply)
    crash_point("M3")


def _refusal(code: int, reply: bytes) -> MailRefusedError | MailPostponedError:
    said = f"the mail server said {_reply(code, reply)}"
    return MailRefusedError("refused", said) if code >= _PERMANENT else MailPostponedError(said)


def _reply(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())[:200]}"


def _problem(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return " ".join(str(error).split())[:200] or type(error).__name__


def _leave(smtp: smtplib.SMTP) -> None:
    try:
        smtp.quit()
    except (OSError, smtplib.SMTPException):
        smtp.close()  # the mail's fate is settled already
