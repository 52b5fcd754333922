"""Mails that are to be sent, as the outbox hands them out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.agent.domain.report import Report
from shared.vocabulary import Severity

VIOLATION_HEADER = "X-Violation-Id"  # of a mail, once for each violation that it names
MAX_IN_DIGEST = 200
"""So many reports one digest names; mail servers refuse heads and bodies that are too large."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one recipient, claimed for sending.

    Attributes:
        id: row in the outbox.
        kind: a report, or a digest that names what was held back.
        recipient: one mail address.
        fence: every later write names it.
        attempts: how often sending was begun and refused for now, this time included.
        unfinished: how many tries before this one ended without a word, since the last word.
        tried_for_s: seconds since sending was first begun, by the database's clock.
        contents: what it tells of; one for a report, one or more for a digest, oldest first.
    """

    id: int
    kind: Literal["report", "digest"]
    recipient: str
    fence: int
    attempts: int
    unfinished: int
    tried_for_s: float
    contents: "tuple[FiledReport, ...]"


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report and where its pages lie.

    Attributes:
        report: all that it says.
        pdf_key: in the report store.
        pdf_sha256: hash of those bytes.
        pdf_bytes: how many.
    """

    report: Report
    pdf_key: str
    pdf_sha256: str
    pdf_bytes: int

    @property
    def violation_id(self) -> str:
        return self.report.brief.opened.violation_id

    @property
    def severity(self) -> Severity:
        return self.report.brief.grading.severity


def message_id(violation_ids: Sequence[str], recipient: str, domain: str) -> str:
    """The Message-ID of the mail about *violation_ids* to *recipient*: the same again whenever it is sent again."""
    who = hashlib.sha256(recipient.encode()).hexdigest()[:12]
    if len(violation_ids) == 1:
        return f"<{violation_ids[0]}.{who}@{domain}>"
    what = hashlib.sha256("".join(violation_ids).encode()).hexdigest()[:32]
    return f"<digest-{what}.{who}@{domain}>"
