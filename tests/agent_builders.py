"""Valid reports to build the agent's tests on."""

import hashlib
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

from PIL import Image, ImageDraw

from services.agent.application.brief import build_brief
from services.agent.domain.draft import Draft, Sentence, Writer
from services.agent.domain.letter import FiledReport
from services.agent.domain.report import Brief, Recurrence, Report
from shared.contracts.violation import Opened, ViolationMessage, encode
from shared.regulations.table import shipped_table
from shared.vocabulary import Severity
from tests import builders
from tests.builders import AT

NO_RECURRENCE = Recurrence(days_7=0, days_30=0)


def jpeg(width: int = 640, height: int = 360) -> bytes:
    """A picture of a figure on a yard."""
    image = Image.new("RGB", (width, height), (176, 182, 178))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.7, width, height), fill=(140, 132, 120))
    draw.rectangle((width * 0.44, height * 0.35, width * 0.56, height * 0.88), fill=(60, 80, 120))
    draw.ellipse((width * 0.47, height * 0.22, width * 0.53, height * 0.34), fill=(196, 160, 140))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


PICTURE = jpeg()
PICTURE_SHA = hashlib.sha256(PICTURE).hexdigest()


def violation_id(number: int) -> str:
    return f"{number:032x}"


def opened(number: int = 1, **overrides: Any) -> Opened:
    """A violation whose evidence is `PICTURE`."""
    fields: dict[str, Any] = {"violation_id": violation_id(number), "picture_sha256": PICTURE_SHA}
    if "first_seen" in overrides:
        fields["last_seen"] = overrides["first_seen"] + timedelta(seconds=3)
    return builders.opened(**{**fields, **overrides})


def opened_message(number: int = 1, **overrides: Any) -> ViolationMessage:
    return builders.message(opened(number, **overrides))


def closed_message(number: int = 1, **overrides: Any) -> ViolationMessage:
    return builders.message(builders.closed(violation_id=violation_id(number), **overrides))


def body(number: int = 1, **overrides: Any) -> bytes:
    return encode(opened_message(number, **overrides))


def closed_body(number: int = 1, **overrides: Any) -> bytes:
    return encode(closed_message(number, **overrides))


def brief(about: Opened | None = None, recurrence: Recurrence = NO_RECURRENCE) -> Brief:
    return build_brief(about or opened(), recurrence, shipped_table())


def draft(about: Brief) -> Draft:
    return Draft(
        headline=Sentence("Worker without hard hat and vest in the hoist area", ("F1",)),
        what_was_seen=(Sentence("One person was seen without a hard hat and without a vest.", ("F1", "F2")),),
        why_it_matters=(Sentence("Objects may fall where work goes on overhead.", ("F4",)),),
        immediate_action=(Sentence("Ask the person to leave the area until equipped.", ("F1",)),),
        actions=tuple(action.id for action in about.offered_actions[:2]),
    )


def report(number: int = 1, severity: Severity | None = None, **overrides: Any) -> Report:
    about = brief(opened(number, **overrides))
    if severity:
        about = replace(about, grading=replace(about.grading, severity=severity))
    written = draft(about)
    return Report(
        brief=about,
        draft=written,
        writer=Writer(name="template", prompt_version="1"),
        actions=tuple(action for action in about.offered_actions if action.id in written.actions),
        generated_at=AT,
        table_version="2026-11-20, table not yet reviewed by a competent person",
    )


def filed(number: int = 1, severity: Severity | None = None, **overrides: Any) -> FiledReport:
    return FiledReport(
        report=report(number, severity, **overrides),
        pdf_key=f"reports/{violation_id(number)}.pdf",
        pdf_sha256="c" * 64,
        pdf_bytes=1234,
    )
