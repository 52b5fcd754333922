"""Mails about reports: text and HTML with the annotated picture inside and the PDF attached."""

import textwrap
from collections.abc import Iterator, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.agent.adapters import report_words as words
from services.agent.adapters.annotated_picture import annotate
from services.agent.adapters.mail_address import ascii_domain
from services.agent.adapters.overlay import ACCENTS
from services.agent.application.ports import Clock
from services.agent.domain import facts
from services.agent.domain.draft import Sentence, Writer
from services.agent.domain.letter import VIOLATION_HEADER, FiledReport, message_id
from services.agent.domain.plain_text import plain, shorten
from services.agent.domain.report import DISCLAIMER, Report
from services.agent.domain.wording import FINDINGS
from shared.contracts.violation import Opened
from shared.errors import PermanentError
from shared.vocabulary import Severity

PRODUCT = "AI Safety Compliance Officer"
MAX_SUBJECT_NAME = 60  # of site and camera in the subject: the finding must stay in sight
_TEMPLATES = Path(__file__).with_name("mail_templates")
_SHOWN_FACTS = (
    facts.FIRST_SEEN,
    facts.DURATION,
    facts.PEOPLE,
    facts.ZONE,
    facts.HAZARDS_DECLARED,
    facts.RULE,
    facts.CONFIDENCE,
    facts.RECURRENCE,
    facts.SOURCE,
)
_OBSERVED = "Observed: "
_RISING = tuple(Severity)


class JinjaMailComposer:
    """Every value is plain text in the templates; the HTML ones escape all of them."""

    def __init__(self, sender: str, clock: Clock) -> None:
        """Write mails in the name of *sender*, a mail address; replies go there."""
        self._sender = ascii_domain(sender)
        self._domain = self._sender.rpartition("@")[2]
        self._clock = clock
        self._templates = _environment()

    def report(self, filed: FiledReport, recipient: str, picture: bytes | None, pdf: bytes) -> EmailMessage:
        subject = report_subject(filed)
        annotated = _annotated(filed, picture)
        mail = self._mail(subject, [filed], recipient)
        mail[VIOLATION_HEADER] = filed.violation_id
        cid = f"evidence.{filed.violation_id}@{self._domain}"
        values = _report_values(filed) | {
            "subject": subject,
            "has_picture": annotated is not None,
            "picture_cid": cid,
        }
        self._fill(mail, "report", values)
        if annotated is not None:
            _html_part(mail).add_related(
                annotated, "image", "jpeg", cid=f"<{cid}>", disposition="inline", filename="evidence.jpg"
            )
        mail.add_attachment(pdf, "application", "pdf", filename=_file_name(filed))
        return mail

    def digest(self, filed: Sequence[FiledReport], recipient: str) -> EmailMessage:
        worst = _worst(filed)
        count = f"{len(filed)} observation{'' if len(filed) == 1 else 's'}"
        sites = sorted({one.report.brief.opened.site.name for one in filed})
        where = shorten(sites[0], MAX_SUBJECT_NAME) if len(sites) == 1 else f"{len(sites)} sites"
        first = words.short_id(filed[0].violation_id)
        subject = f"[Digest] {where}: {count}, up to {worst.value} severity ({first})"
        mail = self._mail(subject, filed, recipient)
        for one in filed:
            mail[VIOLATION_HEADER] = one.violation_id
        rows = [_digest_row(one) for one in filed]
        self._fill(
            mail,
            "digest",
            {
                "subject": subject,
                "preview": "; ".join(f"{row['findings']} at {row['camera']}" for row in rows[:4]),
                "count": len(filed),
                "severity": worst.value,
                "accent": ACCENTS[worst],
                "rows": rows,
                "disclaimer": DISCLAIMER,
            },
        )
        return mail

    def _mail(self, subject: str, filed: Sequence[FiledReport], recipient: str) -> EmailMessage:
        opened = filed[0].report.brief.opened
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = subject
        mail["From"] = _address(self._sender, PRODUCT)
        mail["To"] = _address(ascii_domain(recipient))
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = message_id([one.violation_id for one in filed], recipient, self._domain)
        mail["List-Id"] = f"Safety observations <{opened.site.id}.observations.{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation replies
        mail["X-Auto-Response-Suppress"] = "All"
        if _worst(filed) in (Severity.HIGH, Severity.CRITICAL):
            mail["Importance"] = "high"
        return mail

    def _fill(self, mail: EmailMessage, name: str, values: dict[str, Any]) -> None:
        text = self._templates.get_template(f"{name}.txt").render(values)
        html = self._templates.get_template(f"{name}.html").render(values)
        mail.set_content(text, cte="quoted-printable")
        mail.add_alternative(html, subtype="html", cte="quoted-printable")


def report_subject(filed: FiledReport) -> str:
    """Such as ``[HIGH] North yard, Gate camera: no hard hat, no high-visibility vest (01234567)``."""
    opened = filed.report.brief.opened
    site, camera = (shorten(name, MAX_SUBJECT_NAME) for name in (opened.site.name, opened.camera.name))
    return (
        f"[{filed.severity.value.upper()}] {site}, {camera}: {_findings(opened)} "
        f"({words.short_id(opened.violation_id)})"
    )


def _address(address: str, name: str = "") -> Address:
    """With letters outside ASCII before the @, which `Address` takes only in parts."""
    local, _, domain = address.rpartition("@")
    return Address(name, addr_spec=address) if local.isascii() else Address(name, local, domain)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["fill"] = lambda text: textwrap.fill(text, 76, break_long_words=False)
    return environment


def _html_part(mail: EmailMessage) -> EmailMessage:
    """The HTML alternative, beside which the picture goes."""
    *_, html = (part for part in mail.iter_parts() if isinstance(part, EmailMessage))
    return html


def _annotated(filed: FiledReport, picture: bytes | None) -> bytes | None:
    opened = filed.report.brief.opened
    if picture is None:
        return None
    try:
        return annotate(picture, opened.evidence, polygon=opened.zone.polygon, severity=filed.severity)
    except PermanentError:
        return None  # altered since the report was made; the PDF has the genuine one


def _report_values(filed: FiledReport) -> dict[str, Any]:
    report = filed.report
    opened, draft = report.brief.opened, report.draft
    return {
        "violation_id": opened.violation_id,
        "short_id": words.short_id(opened.violation_id),
        "severity": filed.severity.value,
        "severity_step": _RISING.index(filed.severity),
        "accent": ACCENTS[filed.severity],
        "headline": plain(draft.headline.text),
        "preview": f"{_findings(opened)}. {_joined(draft.immediate_action)}",
        "site": plain(opened.site.name),
        "camera": plain(opened.camera.name),
        "zone": plain(opened.zone.name),
        "when": facts.when(opened, opened.first_seen),
        "picture_alt": f"Evidence picture: {_findings(opened)}",
        "picture_note": f"Evidence picture with what the system marked. {words.blur(opened)}",
        "immediate_action": [plain(sentence.text) for sentence in draft.immediate_action],
        "what_was_seen": _joined(draft.what_was_seen),
        "why_it_matters": _joined(draft.why_it_matters),
        "facts": list(_shown_facts(report)),
        "references": report.brief.references,
        "actions": list(_actions(report)),
        "pdf_name": _file_name(filed),
        "review_words": words.REVIEW,
        "review": words.review(opened.violation_id),
        "disclaimer": DISCLAIMER,
        "writer": _writer(report.writer),
        "grading_reason": report.brief.grading.reason,
    }


def _shown_facts(report: Report) -> Iterator[tuple[str, str]]:
    """The facts that a reader asks for first; the PDF has them all."""
    told = {fact.name: fact.value for fact in report.brief.facts}
    observed = [name for name in told if name.startswith(_OBSERVED)]
    for name in (*observed, *_SHOWN_FACTS):
        if name in told:
            yield plain(name), plain(told[name])


def _actions(report: Report) -> Iterator[dict[str, str]]:
    timezone = report.brief.opened.site.timezone
    for action in report.actions:
        yield {
            "level": words.level(action.level),
            "text": action.text,
            "owner": action.suggested_owner,
            "due": words.due(report.generated_at, action.due_days, timezone),
        }


def _digest_row(filed: FiledReport) -> dict[str, str]:
    opened = filed.report.brief.opened
    return {
        "severity": filed.severity.value,
        "accent": ACCENTS[filed.severity],
        "findings": f"{_findings(opened)} ({words.short_id(opened.violation_id)})".capitalize(),
        "site": plain(opened.site.name),
        "camera": plain(opened.camera.name),
        "zone": plain(opened.zone.name),
        "when": facts.when(opened, opened.first_seen),
        "people": words.people(opened.people),
        "pdf_name": _file_name(filed),
    }


def _findings(opened: Opened) -> str:
    return ", ".join(FINDINGS[finding.finding] for finding in opened.findings)


def _joined(sentences: tuple[Sentence, ...]) -> str:
    return " ".join(plain(sentence.text) for sentence in sentences)


def _writer(writer: Writer) -> str:
    instead = f" (the model did not write: {plain(writer.fallback_reason)})" if writer.fallback_reason else ""
    return f"{plain(writer.name)}{instead}"


def _file_name(filed: FiledReport) -> str:
    return filed.pdf_key.rpartition("/")[2]


def _worst(filed: Sequence[FiledReport]) -> Severity:
    return max((one.severity for one in filed), key=_RISING.index)
