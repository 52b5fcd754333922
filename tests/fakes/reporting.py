"""Writer, renderer, composer, mailer and clock that do as a test says."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage

from services.agent.domain.draft import Writer, Written
from services.agent.domain.letter import FiledReport, message_id
from services.agent.domain.report import Brief, Report
from tests import agent_builders as make


class FakeWriter:
    """Writes the same draft each time; `before` runs first and may raise."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.before = before
        self.briefs: list[Brief] = []

    def write(self, brief: Brief, picture: bytes) -> Written:
        self.briefs.append(brief)
        self.before()
        return Written(make.draft(brief), Writer(name="fake", prompt_version="1"))


class FakeRenderer:
    """Bytes that depend on the report and the picture alone."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.before = before

    def render(self, report: Report, picture: bytes) -> bytes:
        self.before()
        return b"%PDF " + hashlib.sha256(repr(report).encode() + picture).digest()


class FakeComposer:
    def report(self, filed: FiledReport, recipient: str, picture: bytes | None, pdf: bytes) -> EmailMessage:
        mail = self.digest([filed], recipient)
        mail.set_content("with picture" if picture else "without picture")
        return mail

    def digest(self, filed: Sequence[FiledReport], recipient: str) -> EmailMessage:
        mail = EmailMessage()
        mail["Message-ID"] = message_id([one.violation_id for one in filed], recipient, "site.example")
        mail.set_content("digest")
        return mail


class FakeMailer:
    """Takes every mail unless `raises` has an error for the next ones; calls `after` when it has taken one."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.mails: list[EmailMessage] = []
        self.raises: list[Exception | None] = []
        self.after: Callable[[], None] = lambda: None

    def send(self, mail: EmailMessage, recipient: str) -> str:
        error = self.raises.pop(0) if self.raises else None
        if error:
            raise error
        self.sent.append((recipient, str(mail["Message-ID"])))
        self.mails.append(mail)
        self.after()
        return str(mail["Message-ID"])

    @property
    def bodies(self) -> list[str]:
        return [mail.get_content().strip() for mail in self.mails]


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)
