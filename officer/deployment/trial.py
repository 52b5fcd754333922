"""A test violation that nobody can take for a real one, sent as detection would send it, and followed to the mail.

It says TEST wherever a person reads: in the names of site, camera, zone and rule, hence in subject and report, and in
the picture. Camera and rule have an id of their own: it counts in no real rule's history, and lists can leave it out.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

from PIL import Image, ImageDraw, ImageFont

from officer.deployment.installation import Installation
from officer.doctor import Finding
from services.agent.application.process_violation import pdf_key
from shared.aws.s3_object_store import S3ObjectStore
from shared.aws.sqs_queue import SqsQueue
from shared.config.site import SiteFacts as Site
from shared.contracts.violation import (
    CameraFacts,
    Closed,
    EvidenceFacts,
    FindingFacts,
    ModelFacts,
    NormalisedBox,
    Opened,
    PictureBox,
    RuleFacts,
    SiteFacts,
    SourceFacts,
    ZoneFacts,
    encode,
    envelope,
)
from shared.errors import ObjectMissingError
from shared.object_keys import event_key, evidence_key
from shared.objects import StoredObject
from shared.version import VERSION
from shared.vocabulary import Finding as Observed
from shared.vocabulary import Item, Severity

ID = "deploy-check"  # of its camera, zone and rule
POLL_S = 5.0
WIDTH, HEIGHT = 960, 540
PERSON, HEAD = (700, 110, 860, 500), (745, 110, 815, 200)  # pixels: x1, y1, x2, y2
CLOCKS_DIFFER = timedelta(minutes=10)
NOBODY = "nobody in the site file gets mails at all; do: add a recipient and deploy"
NOBODY_OF_THAT = (
    "none: nobody in the site file gets mails of that severity; to see one go out: --severity critical"
)
LOOK_AT_MAIL = "the agent says nothing of it; do: docs/runbooks/mails-waiting.md"
Outcome = tuple[str, Finding]
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """A test violation.

    Attributes:
        opened, closed: its two messages.
        picture: JPEG.
        made_at: aware UTC.
    """

    opened: Opened
    closed: Closed
    picture: bytes
    made_at: datetime

    @property
    def violation_id(self) -> str:
        return self.opened.violation_id


def made(site: Mapping[str, Any], severity: Severity, at: datetime) -> Trial:
    """A test violation at *site* (as the site file has it), seen and over at *at* (aware UTC)."""
    violation_id, picture = uuid4().hex, drawn_picture()
    opened = Opened(
        violation_id=violation_id,
        site=_site(site),
        camera=CameraFacts(id=ID, name="TEST by officer deploy-check"),
        zone=ZoneFacts(id=ID, name="TEST, nobody was there", hazards=(), polygon=None),
        rule=RuleFacts(
            id=ID,
            kind="ppe",
            title="TEST of the installation, not an observation",
            version="1",
            per="person",
            requires=(Item.HARDHAT,),
            severity=severity,
        ),
        findings=(
            FindingFacts(
                finding=Observed.NO_HARDHAT,
                basis="seen-missing",
                confidence=1.0,
                supporting=1,
                looked=1,
                window_s=1.0,
            ),
        ),
        source=SourceFacts(
            kind="file",
            session=hashlib.sha256(picture).hexdigest(),
            name="TEST picture",
            offset_s=0.0,
            clock="recorded-at",
        ),
        first_seen=at,
        last_seen=at,
        people=1,
        confidence=1.0,
        evidence=_evidence(violation_id, picture, at),
        model=ModelFacts(
            name="TEST, no model looked", sha256="0" * 64, backend="onnxruntime", input_px=(WIDTH, HEIGHT)
        ),
        software_version=VERSION,
        camera_blind_s=0.0,
    )
    closed = Closed(
        violation_id=violation_id,
        first_seen=at,
        last_seen=at,
        duration_s=0.0,
        people_peak=1,
        looks_supporting=1,
        looks=1,
        reason="ended",
    )
    return Trial(opened, closed, picture, at)


def _site(told: Mapping[str, Any]) -> SiteFacts:
    site = Site.model_validate(told)
    return SiteFacts(**{**site.model_dump(), "name": f"TEST - {site.name}"[:200]})


def _evidence(violation_id: str, picture: bytes, at: datetime) -> EvidenceFacts:
    sha256 = hashlib.sha256(picture).hexdigest()
    return EvidenceFacts(
        key=evidence_key(violation_id, sha256, at),
        sha256=sha256,
        size_bytes=len(picture),
        width=WIDTH,
        height=HEIGHT,
        captured_at=at,
        faces_blurred=True,
        close_up=_fractions(PERSON),
        boxes=(
            PictureBox(role="subject", label="TEST figure", confidence=1.0, box=_fractions(PERSON)),
            PictureBox(role="bare", label="TEST head", confidence=1.0, box=_fractions(HEAD)),
        ),
    )


def _fractions(box: tuple[int, int, int, int]) -> NormalisedBox:
    x1, y1, x2, y2 = box
    return NormalisedBox(x1=x1 / WIDTH, y1=y1 / HEIGHT, x2=x2 / WIDTH, y2=y2 / HEIGHT)


def drawn_picture() -> bytes:
    """A JPEG of a stick figure beside the words that say what it is."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "#E8ECEF")
    pen = ImageDraw.Draw(image)
    pen.text((60, 150), "TEST", "#B3261E", ImageFont.load_default(150))
    pen.text((60, 330), "Made by officer deploy-check.", "#1F2429", ImageFont.load_default(30))
    pen.text((60, 380), "No camera saw this; nobody was there.", "#1F2429", ImageFont.load_default(30))
    pen.ellipse(HEAD, "#8A949C")
    for line in (
        ((780, 200), (780, 370)),
        ((705, 290), (855, 290)),
        ((780, 370), (720, 495)),
        ((780, 370), (840, 495)),
    ):
        pen.line(line, "#8A949C", 18)
    jpeg = BytesIO()
    image.save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


def send(trial: Trial, installation: Installation) -> None:
    """Picture, messages, bell: in detection's order and under its names.

    Raises:
        TransientError: the bucket or the queue does not take it.
    """
    store = S3ObjectStore(installation.aws("s3"), installation.told["evidence_bucket"], retention="evidence")
    queue = SqsQueue(installation.aws("sqs"), url=installation.told["queue_url"])
    store.put(trial.opened.evidence.key, trial.picture, "image/jpeg")
    for data in (trial.opened, trial.closed):
        message = envelope(data, site=trial.opened.site.id, camera=ID, at=trial.made_at)
        body = encode(message)
        store.put(event_key(message, body), body, "application/json")
        queue.send(body, {"violation_id": trial.violation_id, "phase": message.phase})


def follow(
    trial: Trial,
    installation: Installation,
    limit_s: float,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Outcome]:
    """What becomes of *trial*, as soon as it is known: its report, and a mail for each recipient.

    Raises:
        TransientError: the bucket or the log cannot be looked into.
    """
    began_s, told = clock(), set[str]()
    while True:
        pdf, lines = _report_of(trial, installation), list(_lines_of(trial, installation))
        found, complete = outcomes(pdf, lines, trial.opened.rule.severity)
        for name, finding in found:
            if name not in told:
                told.add(name)
                yield name, Finding(finding.ok, f"{finding.told}; after {clock() - began_s:.0f} s")
        if complete:
            return
        if clock() - began_s >= limit_s:
            yield late(limit_s, pdf, lines)
            return
        wait(POLL_S)


def _report_of(trial: Trial, installation: Installation) -> StoredObject | None:
    bucket = installation.told["report_bucket"]
    try:
        return S3ObjectStore(installation.aws("s3"), bucket, retention="report").info(pdf_key(trial.opened))
    except ObjectMissingError:
        return None


def _lines_of(trial: Trial, installation: Installation) -> Iterator[Line]:
    return installation.log_lines(trial.made_at - CLOCKS_DIFFER, trial.violation_id)


def outcomes(
    pdf: StoredObject | None, lines: Sequence[Line], severity: Severity | None
) -> tuple[list[Outcome], bool]:
    """What is known of the report and its mails, and whether that is all there is to know.

    Args:
        pdf: the report in its bucket.
        lines: the agent's, about this violation.
        severity: of the test. That nobody wants mails of a lower one is a choice, and no image's fault.
    """
    if refused := _first(lines, "message.quarantined"):
        told = f"put aside: {refused['reason']}; do: docs/runbooks/quarantined.md"
        return [("test report", Finding(False, told))], True
    if pdf is None:
        return [], False
    found: list[Outcome] = [("test report", Finding(True, f"{pdf.key}, {pdf.size_bytes // 1000} kB"))]
    if (stored := _first(lines, "report.stored")) is None:
        return found, False
    if not stored["mails"]:
        nobody = Finding(False, NOBODY) if severity is Severity.CRITICAL else Finding(None, NOBODY_OF_THAT)
        return [*found, ("test mail", nobody)], True
    ends = {line["recipient"]: line for line in lines if line["event"] in ("mail.sent", "mail.refused")}
    found += [(f"test mail to {recipient}", _mail(line)) for recipient, line in sorted(ends.items())]
    return found, len(ends) >= stored["mails"]


def _mail(line: Line) -> Finding:
    """A mail leaves the database's outbox, into which it came in one transaction with the report's row."""
    if line["event"] == "mail.refused":
        return Finding(False, f"refused: {line['problem']}; do: docs/runbooks/mail-failures.md")
    digest = ", in a digest" if line["kind"] == "digest" else ""
    return Finding(True, f"row written, mail taken by SES{digest} as {line['message_id']}")


def late(limit_s: float, pdf: StoredObject | None, lines: Sequence[Line]) -> Outcome:
    """What is to be said when time is up."""
    if pdf is not None:
        put_off = _last(lines, "mail.retry")
        why = (
            f"put off: {put_off['problem']}; do: docs/runbooks/mails-waiting.md" if put_off else LOOK_AT_MAIL
        )
        return "test mail", Finding(False, f"not all went out within {limit_s:.0f} s: {why}")
    why = (
        "the agent has it in hand" if _first(lines, "message.received") else "no agent has taken the message"
    )
    return "test report", Finding(
        False, f"none within {limit_s:.0f} s: {why}; do: docs/runbooks/oldest-message.md"
    )


def _first(lines: Sequence[Line], event: str) -> Line | None:
    return next((line for line in lines if line.get("event") == event), None)


def _last(lines: Sequence[Line], event: str) -> Line | None:
    return _first(lines[::-1], event)
