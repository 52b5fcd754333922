"""Where faces are in a frame, from the boxes of people and heads; needs no face model.

A region reaches from brow to chin: the crown stays free, so that the hat, or the bare hair, can be seen. Where a
sure head box says where the head is, it alone decides; else the head is also guessed from the person's box, so that
one wrong guess does not show a face.

Proportions: a standing adult is 7.5 heads high and 3 heads wide with arms hanging (Tilley, The Measure of Man and
Woman, 2002); brow at 0.35 of the head's height; a helmet is about as wide as the head with it is long by 1.4.
"""

from collections.abc import Sequence

from services.detection.domain.assignment import assign
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box

LOWEST_CONFIDENCE = 0.05  # what to pass: a false box costs a blurred patch of wall, a missed one a face
SURE_HEAD = 0.3  # at this confidence a head box stands for its person's head
SAME = 0.6  # boxes that share so much show the same person or head
_BROW = 0.35  # of the head's height, from the crown
_HEADS = (Label.HARDHAT, Label.NO_HARDHAT)


def face_regions(detections: Sequence[Detection], width: int, height: int) -> list[Box]:
    """Face regions of everybody in a frame, to be made unrecognisable.

    Args:
        detections: of one frame, at `LOWEST_CONFIDENCE` and above; other labels than person, hardhat and no_hardhat
            are not used.
        width, height: of the frame in pixels.

    Returns:
        Boxes in pixels, cut to the frame, none inside another.
    """
    sure, unsure = _heads(detections)
    people = [detection.box for detection in detections if detection.label is Label.PERSON]
    seen = _with_own_head(people, [head.box for head in sure])
    guessed = [person for person in people if not any(person.iou(other) >= SAME for other in seen)]
    regions = [_face_of_head(head) for head in sure]
    regions += [_above_chest(_face_of_head(head), head.box, people) for head in unsure]
    regions += [region for person in guessed for region in _faces_of_person(person, height)]
    return _outermost([region.clipped(width, height) for region in regions])


def face_regions_by_any(views: Sequence[Sequence[Detection]], width: int, height: int) -> list[Box]:
    """What any of *views* of one frame calls a face. Two that show the same head must not be one view: counted twice,
    it would stand for the head of his neighbour, too, whose face would then not be guessed.
    """
    return _outermost([region for view in views for region in face_regions(view, width, height)])


def _heads(detections: Sequence[Detection]) -> tuple[list[Detection], list[Detection]]:
    """Sure head boxes, and the unsure ones that do not sit in a sure one: of a hat and a doubtful bare head in the
    same place the hat decides."""
    heads = [detection for detection in detections if detection.label in _HEADS]
    sure = [head for head in heads if head.confidence >= SURE_HEAD]
    unsure = [
        head
        for head in heads
        if head.confidence < SURE_HEAD and not any(head.box.covered_by(other.box) >= SAME for other in sure)
    ]
    return sure, unsure


def _with_own_head(people: Sequence[Box], heads: Sequence[Box]) -> list[Box]:
    """The people whose head was seen; one head cannot stand for two people."""
    distances = [[_distance(person, head) for head in heads] for person in people]
    return [people[person] for person, _ in assign(distances, limit=1.0)]


def _distance(person: Box, head: Box) -> float:
    """How far the middle of *head* is from where the person's head should be; 1 is the farthest that is believed."""
    (x, y), length = head.centre, _head_length(person)
    across = abs(x - person.centre[0]) / max(0.5 * person.width, 1.0)
    down = abs(y - (person.y1 + 0.5 * length)) / max(length, 1.0)
    return max(across, down)


def _face_of_head(head: Detection) -> Box:
    box = head.box
    if (
        head.label is Label.HARDHAT
    ):  # some models box the helmet alone, others the whole head: go by the width
        top = box.y1 + min(0.6 * box.width, 0.85 * box.height)
        return Box(box.x1, top, box.x2, max(box.y2 + 0.45 * box.height, box.y1 + 1.4 * box.width))
    bottom = max(box.y2 + 0.3 * box.height, box.y1 + 1.4 * box.width)  # some models box the crown alone
    return Box(box.x1, box.y1 + _BROW * box.height, box.x2, bottom)


def _above_chest(region: Box, head: Box, people: Sequence[Box]) -> Box:
    """An unsure head box may reach over the chest, where the vest, or its absence, must stay visible."""
    chests = [box.y1 + 1.75 * _head_length(box) for box in people if _distance(box, head) <= 1]
    return Box(region.x1, region.y1, region.x2, min([region.y2, *chests]))


def _faces_of_person(box: Box, frame_height: int) -> list[Box]:
    """Where the face may be in a person's box; an upright person has one such place, a lying one two."""
    cut_above, cut_below = box.y1 <= 0.005 * frame_height, box.y2 >= 0.97 * frame_height
    if box.width > 1.2 * box.height and not cut_below:
        return _ends(box)
    length = _head_length(box)
    half = max(0.6 * length, 0.25 * box.width)
    x = box.centre[0]
    top = box.y1 if cut_above else box.y1 + _BROW * length
    return [Box(x - half, top, x + half, box.y1 + 1.25 * length)]


def _head_length(box: Box) -> float:
    """From crown to chin: by the height for somebody who stands, by the width for who sits, bends or is cut below."""
    return min(max(0.4 * box.width, box.height / 7.5), box.height / 2)


def _ends(box: Box) -> list[Box]:
    length = max(box.width / 5, 0.5 * box.height)
    return [Box(box.x1, box.y1, box.x1 + length, box.y2), Box(box.x2 - length, box.y1, box.x2, box.y2)]


def _outermost(regions: Sequence[Box]) -> list[Box]:
    kept: list[Box] = []
    for region in sorted(regions, key=lambda box: box.area, reverse=True):
        if region.area > 0 and not any(region.covered_by(other) >= 1 for other in kept):
            kept.append(region)
    return kept
