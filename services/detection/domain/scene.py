"""What one look at a camera showed, and what a rule says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from services.detection.domain.detection import Detection
from services.detection.domain.frame import Frame
from services.detection.domain.geometry import Box, Point, inside
from services.detection.domain.privacy import face_regions_by_any
from services.detection.domain.tracking import Track
from services.detection.domain.wearing import View, Wearing
from shared.config.site import Zone
from shared.vocabulary import Finding, Item

LOWEST = 1 - 1e-6  # as a fraction of the picture's height

EvidenceBasis = Literal["seen-missing", "not-seen", "present-in-zone"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One look.

    Attributes:
        at: aware UTC.
        at_s: seconds in the session.
        view: size and scale of the picture.
        people: confirmed tracks seen in this look.
        wearing: verdicts by track id and item.
    """

    at: datetime
    at_s: float
    view: View
    people: Sequence[Track]
    wearing: Mapping[int, Mapping[Item, Wearing]]


class Stance(StrEnum):
    """How a look bears on a finding."""

    SUPPORTS = "supports"
    DENIES = "denies"
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who or what a violation is about: a track in a zone, or (track None) the zone itself."""

    rule: str
    zone: str
    track: int | None


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look says of one finding about one subject.

    Attributes:
        subject: who or what.
        finding: of which potential non-compliance.
        stance: for, against or cannot tell.
        basis: what a support rests on; None otherwise.
        confidence: 0 to 1.
        people: how many people it concerns in this look.
        box: the person (the first of them), in pixels; None for an empty zone.
        item_box: the deciding item or bare box, if there is one.
        why: the reason in words.
    """

    subject: Subject
    finding: Finding
    stance: Stance
    basis: EvidenceBasis | None
    confidence: float
    people: int
    box: Box | None
    item_box: Box | None
    why: str


def people_inside(zone: Zone, scene: Scene) -> list[Track]:
    """The people whose feet are in *zone*; a zone without polygon is the whole picture."""
    return [person for person in scene.people if stands_in(zone, person.box, scene.view)]


def stands_in(zone: Zone, person: Box, view: View) -> bool:
    """Whether the feet of *person* are in *zone*."""
    return zone.polygon is None or inside(zone.polygon, _feet(person, view))


def _feet(person: Box, view: View) -> Point:
    """In fractions of the picture. Cut by its lower edge they lie just above that, which no polygon holds itself."""
    x, y = person.feet
    return x / view.width, min(y / view.height, LOWEST)


@dataclass(frozen=True, slots=True)
class Look:
    """A look with all that was seen and said.

    Attributes:
        frame: the picture.
        detections: everything that the model saw, down to the lowest floor.
        scene: people and what they wear.
        observations: what the rules say of it.
        outdone: what it saw besides in the whole picture, where an enlarged part told better.
    """

    frame: Frame
    detections: Sequence[Detection]
    scene: Scene
    observations: Sequence[Observation]
    outdone: Sequence[Detection] = ()

    @property
    def faces(self) -> list[Box]:
        """What to blur, in pixels: the face regions of whatever was seen, also where a larger view denies it."""
        views = [self.detections]
        if self.outdone:
            views.append([*self.detections, *self.outdone])
        return face_regions_by_any(views, *self.frame.size)
