"""The one judge of a run: looks at store, database, queue and mails with nothing but their own formats.

It uses none of the product's adapters, so that a defect in them cannot hide itself.
"""

import email
import email.policy
import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Delivered:
    """A mail as it arrived.

    Attributes:
        recipient: of the envelope.
        content: the mail.
    """

    recipient: str
    content: bytes


def problems(
    folder: Path,
    recipients: Sequence[str],
    mails: Iterable[Delivered],
    *,
    mail_may_repeat: bool = False,
    secrets: Sequence[str] = (),
) -> list[str]:
    """What breaks the invariants of a run that has come to rest; empty if nothing does.

    Args:
        folder: the agent's DATA_DIR, with SQLite.
        recipients: each gets every report.
        mails: all that arrived.
        mail_may_repeat: a kill fell into the window in which SMTP leaves it open who has the mail.
        secrets: texts that must stand in no file.
    """
    database = sqlite3.connect(folder / "officer.db")
    database.row_factory = sqlite3.Row
    found: list[str] = []
    messages = [json.loads(path.read_bytes()) for path in sorted((folder / "events").rglob("*.json"))]
    reported = set()
    for message in messages:
        claim = _one(
            database, "claims", violation_id=message["subject"], phase=message["id"].partition("/")[2]
        )
        quarantined = _one(database, "quarantine", violation_id=message["subject"]) is not None
        if claim is None or claim["state"] not in ("done", "quarantined"):
            found.append(f"{message['id']} is not settled: {dict(claim) if claim else None}")
        elif claim["state"] == "quarantined" and not quarantined:
            found.append(f"{message['id']} is quarantined without a record")
        elif claim["state"] == "done" and message["type"] == "officer.violation.opened.v1":
            reported.add(message["subject"])
            found += _report_problems(folder, database, message)
        elif claim["state"] == "done":
            found += _end_problems(database, message)
    found += _strays(folder, database, reported)
    found += _mail_problems(database, reported, recipients, list(mails), mail_may_repeat=mail_may_repeat)
    found += _left_in_queue(folder)
    found += _leaks(folder, secrets)
    return found


def mails_in_folder(folder: Path) -> list[Delivered]:
    contents = [path.read_bytes() for path in sorted((folder / "mail").glob("*.eml"))]
    return [Delivered(_parse(content)["To"].addresses[0].addr_spec, content) for content in contents]


def _report_problems(folder: Path, database: sqlite3.Connection, message: dict[str, Any]) -> list[str]:
    data, row = message["data"], _one(database, "violations", violation_id=message["subject"])
    if row is None or row["reported_at"] is None:
        return [f"{message['id']} is done without a report"]
    found = []
    pdf = folder / str(row["pdf_key"])
    if not pdf.is_file() or _sha256(pdf) != row["pdf_sha256"]:
        found.append(f"{message['id']}: the PDF is not the one of the row")
    picture = folder / data["evidence"]["key"]
    if _sha256(picture) != data["evidence"]["sha256"] or row["evidence_sha256"] != data["evidence"]["sha256"]:
        found.append(f"{message['id']}: the evidence is not the one of the message")
    if json.loads(row["opened_message"]) != data:
        found.append(f"{message['id']}: the row holds another message")
    stored = database.execute(
        "SELECT count(*) FROM audit WHERE violation_id = ? AND event IN ('report.stored', 'report.adopted')",
        (message["subject"],),
    ).fetchone()[0]
    if stored != 1:
        found.append(f"{message['id']}: reported {stored} times")
    return found


def _end_problems(database: sqlite3.Connection, message: dict[str, Any]) -> list[str]:
    row = _one(database, "violations", violation_id=message["subject"])
    if row is None or row["closed_reason"] != message["data"]["reason"]:
        return [f"{message['id']} is done, but its end stands nowhere"]
    return []


def _strays(folder: Path, database: sqlite3.Connection, reported: set[str]) -> list[str]:
    keys = {
        row["pdf_key"] for row in database.execute("SELECT pdf_key FROM violations WHERE pdf_key IS NOT NULL")
    }
    lying = {path.relative_to(folder).as_posix() for path in (folder / "reports").rglob("*.pdf")}
    rows = {
        row["violation_id"]
        for row in database.execute("SELECT violation_id FROM violations WHERE reported_at IS NOT NULL")
    }
    found = [f"PDF without a row: {key}" for key in lying - keys]
    return found + [f"report without a message: {one}" for one in rows - reported]


def _mail_problems(
    database: sqlite3.Connection,
    reported: set[str],
    recipients: Sequence[str],
    mails: list[Delivered],
    *,
    mail_may_repeat: bool,
) -> list[str]:
    arrived: dict[tuple[str, str], list[EmailMessage]] = defaultdict(list)
    for mail in mails:
        parsed = _parse(mail.content)
        for violation_id in parsed.get_all("X-Violation-Id", []):
            arrived[str(violation_id), mail.recipient].append(parsed)
    found = []
    for key in sorted({(one, recipient) for one in reported for recipient in recipients} | set(arrived)):
        found += [
            f"mail of {key}: {text}"
            for text in _one_mail(database, key, arrived[key], reported, mail_may_repeat=mail_may_repeat)
        ]
    unsent = database.execute(
        "SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'in-digest', 'refused', 'presumed-sent')"
    ).fetchone()[0]
    return found + ([f"{unsent} mails are not settled"] if unsent else [])


def _one_mail(
    database: sqlite3.Connection,
    key: tuple[str, str],
    got: list[EmailMessage],
    reported: set[str],
    *,
    mail_may_repeat: bool,
) -> list[str]:
    violation_id, _ = key
    if violation_id not in reported:
        return ["there is no such report"]
    if not got or len(got) > (2 if mail_may_repeat else 1):
        return [f"it came {len(got)} times"]
    found = [] if len({str(mail["Message-ID"]) for mail in got}) == 1 else ["its Message-IDs differ"]
    row = _one(database, "violations", violation_id=violation_id)
    for mail in got:
        attached = [part.get_content() for part in mail.iter_attachments()]
        if attached and row and hashlib.sha256(attached[-1]).hexdigest() != row["pdf_sha256"]:
            found.append("its PDF is not the one of the row")
        if violation_id[:8] not in str(mail["Subject"]) and "Digest" not in str(mail["Subject"]):
            found.append("its subject does not name the violation")
    return found


def _left_in_queue(folder: Path) -> list[str]:
    queue = sqlite3.connect(folder / "queue.db")
    left = queue.execute("SELECT count(*) FROM queue_messages").fetchone()[0]
    return [f"{left} messages are left in the queue"] if left else []


def _leaks(folder: Path, secrets: Sequence[str]) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [
        f"{path.name} holds a secret"
        for path in files
        for secret in secrets
        if secret.encode() in path.read_bytes()
    ]


def _one(database: sqlite3.Connection, table: str, **wanted: str) -> sqlite3.Row | None:
    where = " AND ".join(f"{name} = :{name}" for name in wanted)
    row: sqlite3.Row | None = database.execute(f"SELECT * FROM {table} WHERE {where}", wanted).fetchone()  # noqa: S608
    return row


def _parse(content: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
