"""Person boxes of a look, one for each person."""

from collections.abc import Collection, Sequence

from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box

HEADS = (Label.HARDHAT, Label.NO_HARDHAT)


def people(
    detections: Sequence[Detection], labels: Collection[Label], width: int, height: int
) -> list[Detection]:
    """The people among *detections*, surest first, each once.

    Args:
        detections: of one look, in pixels.
        labels: what the model can report; one without `person` has a head stand for its person.
        width, height: of the frame.
    """
    if Label.PERSON in labels:
        found = [detection for detection in detections if detection.label is Label.PERSON]
    else:
        found = [_body_of(head, width, height) for head in detections if head.label in HEADS]
    return _once(sorted(found, key=lambda person: -person.confidence))


def _body_of(head: Detection, width: int, height: int) -> Detection:
    """A standing adult under *head*: 3 heads wide, 7 heads tall (Drillis and Contini 1966)."""
    box = head.box
    middle = box.centre[0]
    body = Box(middle - 1.5 * box.width, box.y1, middle + 1.5 * box.width, box.y1 + 7 * box.height)
    return Detection(body.clipped(width, height), Label.PERSON, head.confidence)


def _once(found: list[Detection]) -> list[Detection]:
    kept: list[Detection] = []
    for person in found:
        if not any(_same_person(person.box, other.box) for other in kept):
            kept.append(person)
    return kept


def _same_person(part: Box, whole: Box) -> bool:
    """Whether *part* is a second box (a half, a close one) of the person in *whole*: inside it, under the same head."""
    smaller, larger = sorted((part, whole), key=lambda box: box.area)
    near = 0.25 * min(larger.width, larger.height)
    same_head = abs(smaller.y1 - larger.y1) < near and abs(smaller.centre[0] - larger.centre[0]) < near
    return smaller.covered_by(larger) > 0.85 and same_head
