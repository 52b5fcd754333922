"""A real SMTP server for tests, with scripted refusals, TLS, login and dropped connections."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.rtsp import free_port


@dataclass(frozen=True)
class Taken:
    """A mail that the server took.

    Attributes:
        sender, recipients: of the envelope.
        content: as it came over the wire.
        secure: whether the connection was encrypted.
        login: user that had logged in; empty if none.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    secure: bool
    login: str


@dataclass
class Script:
    """What the server answers.

    Attributes:
        to_rcpt: reply by address; what is not named is taken.
        to_data: replies to the mails in turn; then they are taken.
        drop_after_dot: so many mails are taken without an answer: the connection just ends.
    """

    to_rcpt: dict[str, str] = field(default_factory=dict)
    to_data: list[str] = field(default_factory=list)
    to_mail: list[str] = field(default_factory=list)
    drop_after_dot: int = 0


class SmtpServer:
    """Listens at `port` while used as a context manager; `taken` holds what it took."""

    def __init__(
        self,
        *,
        security: str = "none",
        login: tuple[str, str] | None = None,
        smtputf8: bool = True,
        names: tuple[str, ...] = ("localhost", "127.0.0.1"),
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.script = Script()
        self.taken: list[Taken] = []
        self._login = login
        self.authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            enable_SMTPUTF8=smtputf8,
            decode_data=False,
            ssl_context=context if security == "tls" else None,
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            authenticator=self._authenticate,
            auth_required=login is not None,
            auth_require_tls=security != "tls",
        )

    def __enter__(self) -> "SmtpServer":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.script.to_mail:
            return self.script.to_mail.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.script.to_rcpt.get(address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.script.to_data:
            return self.script.to_data.pop(0)
        assert isinstance(envelope.content, bytes)
        login = session.auth_data.decode() if isinstance(session.auth_data, bytes) else ""
        secure = session.ssl is not None or isinstance(
            server.transport.get_extra_info("ssl_object"), ssl.SSLObject
        )
        self.taken.append(
            Taken(envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.content, secure, login)
        )
        if self.script.drop_after_dot:
            self.script.drop_after_dot -= 1
            server.transport.abort()
            await asyncio.sleep(0)
        return "250 Taken"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if self._login is None or not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        right = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=right, handled=right, auth_data=data.login)
