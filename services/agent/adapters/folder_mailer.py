"""Mails as .eml files in a folder, for one PC without a mail server; any mail program opens them."""

import contextlib
import re
import secrets
from collections.abc import Set
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP, SMTPUTF8
from pathlib import Path

from services.agent.domain.letter import VIOLATION_HEADER
from shared.crash_points import crash_point
from shared.errors import ConfigurationError, TransientError
from shared.local.durable_files import flush_folder, make_folders, write_flushed


class FolderMailer:
    """The file's name comes from the Message-ID: a mail sent again replaces itself."""

    def __init__(self, folder: Path) -> None:
        """Use *folder*, made if missing.

        Raises:
            ConfigurationError: it cannot be made.
        """
        self._folder = folder
        try:
            make_folders(folder)
        except OSError as error:
            raise ConfigurationError(
                f"mail folder {folder} cannot be used: {error.strerror}; name a folder that can be written"
            ) from error

    def send(self, mail: EmailMessage, recipient: str) -> str:
        ascii_only = recipient.isascii() and str(mail["From"]).isascii()
        body = mail.as_bytes(policy=SMTP if ascii_only else SMTPUTF8)
        aside = self._folder / f".{secrets.token_hex(8)}"
        try:
            write_flushed(aside, body)
            crash_point("M2")
            aside.replace(self._folder / mail_file_name(str(mail["Message-ID"])))
            flush_folder(self._folder)
        except OSError as error:
            with contextlib.suppress(OSError):  # a leftover is hidden and does no harm
                aside.unlink()
            raise TransientError(
                f"mail folder {self._folder} does not take a mail: {error.strerror}; check space and permissions"
            ) from error
        crash_point("M3")
        return str(mail["Message-ID"])


def erase_mail_files(folder: Path, violation_ids: Set[str]) -> list[str]:
    """Remove every mail in *folder* that names one of the violations, a digest as a whole; give the files' names.

    Raises:
        TransientError: a file cannot be read or removed.
    """
    try:
        ours = [path for path in sorted(folder.glob("*.eml")) if not violation_ids.isdisjoint(_named(path))]
        for path in ours:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise TransientError(
            f"mail folder {folder} does not let go of a mail: {error.strerror}; check permissions"
        ) from error
    return [path.name for path in ours]


def _named(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [str(value) for value in BytesHeaderParser().parse(file).get_all(VIOLATION_HEADER, [])]


def mail_file_name(message_id: str) -> str:
    """Such as ``0123456789abcdef0123456789abcdef.4f2c9a1b7d3e.eml``."""
    local = message_id.strip("<>").partition("@")[0]
    return re.sub(r"[^A-Za-z0-9.-]", "_", local).lstrip(".")[:200] + ".eml"
