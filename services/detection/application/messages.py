"""Puts what was seen into the contract's words."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.detection.application.evidence import Sighting, close_up
from services.detection.application.ports import Picture, SourceIdentity, Spool
from services.detection.domain.cases import Case, Closing, Opening
from services.detection.domain.detection import ModelInfo
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Observation, Scene, Stance, Subject, people_inside
from services.detection.domain.wearing import View
from shared.config.site import Camera, PpeRule, Rule, Site, Zone
from shared.contracts.violation import (
    CameraFacts,
    Closed,
    EvidenceFacts,
    ModelFacts,
    NormalisedBox,
    Opened,
    PictureBox,
    RuleFacts,
    SiteFacts,
    SourceFacts,
    ZoneFacts,
    as_name,
    decode,
)
from shared.errors import ContractError
from shared.object_keys import evidence_key
from shared.version import VERSION

MOST_BOXES = 60

Role = Literal["subject", "person", "item", "bare", "other"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all messages of one camera have in common.

    Attributes:
        site, camera: from the site file.
        source: where the frames come from.
        model: what looked at them.
    """

    site: Site
    camera: Camera
    source: SourceIdentity
    model: ModelInfo


@dataclass(frozen=True, slots=True)
class Times:
    """Wall-clock times of a violation (aware UTC), and where it begins in the session."""

    first: datetime
    last: datetime
    offset_s: float


def opened(
    opening: Opening,
    rule: Rule,
    sighting: Sighting,
    picture: Picture,
    times: Times,
    setting: Setting,
    blind_s: float,
) -> Opened:
    """The message that opens a violation."""
    site, case = setting.site.site, opening.case
    zone = next(zone for zone in setting.camera.zones if zone.id == case.subject.zone)
    return Opened(
        violation_id=case.id,
        site=SiteFacts(**site.model_dump()),
        camera=CameraFacts(id=setting.camera.id, name=setting.camera.name),
        zone=ZoneFacts(**zone.model_dump(exclude={"look_closer"})),
        rule=_rule(rule),
        findings=opening.findings,
        source=_source(setting.source, times),
        first_seen=times.first,
        last_seen=times.last,
        people=case.people,
        confidence=round(min(finding.confidence for finding in opening.findings), 3),
        evidence=_evidence(
            case.id, case.subject, zone, sighting, picture, blurred=setting.site.privacy.blur_faces
        ),
        model=ModelFacts(
            name=as_name(setting.model.name),
            sha256=setting.model.sha256,
            backend=setting.model.backend,
            input_px=setting.model.input_px,
        ),
        software_version=VERSION,
        camera_blind_s=round(blind_s, 1),
    )


def closed(closing: Closing, times: Times) -> Closed:
    """The message that closes a violation."""
    case = closing.case
    return Closed(
        violation_id=case.id,
        first_seen=times.first,
        last_seen=times.last,
        duration_s=round((times.last - times.first).total_seconds(), 3),
        people_peak=case.people,
        looks_supporting=case.supporting,
        looks=case.looks,
        reason=closing.reason,
    )


def begun(spool: Spool) -> list[Opened]:
    """What waits in *spool* with its beginning told and its end not; read once for all cameras."""
    messages = []
    for body in spool.begun():
        with suppress(ContractError):  # another version wrote it: the courier sets it aside, and tells
            message = decode(body).data
            if isinstance(message, Opened):
                messages.append(message)
    return messages


def case_of(message: Opened, began_at: datetime) -> Case:
    """The open violation that *message* told of, for a start after a kill; its track is not known any more."""
    first_s, last_s = ((at - began_at).total_seconds() for at in (message.first_seen, message.last_seen))
    evidence = message.evidence
    subject = next((box.box for box in evidence.boxes if box.role == "subject"), evidence.close_up)
    width, height = evidence.width, evidence.height
    box = Box(subject.x1 * width, subject.y1 * height, subject.x2 * width, subject.y2 * height)
    return Case(
        id=message.violation_id,
        subject=Subject(message.rule.id, message.zone.id, None if message.rule.per == "zone" else 0),
        findings=tuple(finding.finding for finding in message.findings),
        first_s=first_s,
        last_s=last_s,
        people=message.people,
        supporting=message.findings[0].supporting,
        looks=message.findings[0].looked,
        box=box,
    )


def _rule(rule: Rule) -> RuleFacts:
    requires = rule.requires if isinstance(rule, PpeRule) else ()
    return RuleFacts(
        id=rule.id,
        kind=rule.kind,
        title=rule.title,
        version=rule.version,
        per=rule.per,
        requires=requires,
        severity=rule.severity,
    )


def _source(source: SourceIdentity, times: Times) -> SourceFacts:
    return SourceFacts(
        kind=source.kind,
        session=source.session,
        name=as_name(source.name),
        offset_s=None if source.kind == "live" else round(times.offset_s, 3),
        clock=source.clock,
    )


def _evidence(
    violation_id: str, subject: Subject, zone: Zone, sighting: Sighting, picture: Picture, blurred: bool
) -> EvidenceFacts:
    look = sighting.look
    own = [observation for observation in look.observations if observation.subject == subject]
    person = next(observation.box for observation in own if observation.box)
    return EvidenceFacts(
        key=evidence_key(violation_id, picture.sha256, look.frame.captured_at),
        sha256=picture.sha256,
        size_bytes=len(picture.jpeg),
        width=picture.width,
        height=picture.height,
        captured_at=look.frame.captured_at,
        faces_blurred=blurred,
        close_up=_normalised(close_up(person, *look.frame.size), look.scene.view),
        boxes=tuple(_people(subject, zone, look.scene) + _items(own, look.scene.view))[:MOST_BOXES],
    )


def _people(subject: Subject, zone: Zone, scene: Scene) -> list[PictureBox]:
    """Everybody, those whom it is about first."""
    inside = {person.id for person in people_inside(zone, scene)}
    about = inside if subject.track is None else {subject.track}
    ordered = sorted(scene.people, key=lambda person: person.id not in about)
    return [
        _drawn(
            "subject" if person.id in about else "person", "person", person.confidence, person.box, scene.view
        )
        for person in ordered
    ]


def _items(own: Sequence[Observation], view: View) -> list[PictureBox]:
    """The boxes that decided about the subject: bare ones, and items that are worn."""
    boxes = []
    for observation in own:
        if observation.item_box and observation.stance is not Stance.CANNOT_TELL:
            bare = observation.stance is Stance.SUPPORTS
            label = observation.finding.value.removeprefix("" if bare else "no_").replace("_", " ")
            role: Role = "bare" if bare else "item"
            boxes.append(_drawn(role, label, observation.confidence, observation.item_box, view))
    return boxes


def _drawn(role: Role, label: str, confidence: float, box: Box, view: View) -> PictureBox:
    return PictureBox(role=role, label=label, confidence=round(confidence, 3), box=_normalised(box, view))


def _normalised(box: Box, view: View) -> NormalisedBox:
    inside = box.clipped(view.width, view.height)
    return NormalisedBox(
        x1=round(inside.x1 / view.width, 4),
        y1=round(inside.y1 / view.height, 4),
        x2=round(inside.x2 / view.width, 4),
        y2=round(inside.y2 / view.height, 4),
    )
