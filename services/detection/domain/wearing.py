"""Who wears what in one look: worn, missing or cannot tell, and why.

An item counts for the one person in whose body band its box sits; all people and boxes of a look are assigned
at once. An explicit bare box (`no_hardhat`) is strong evidence. Absence is weak: it counts only where the
model would hardly miss the item, on an upright, whole, large and free view of the band. Everything else is
*cannot tell*, which never raises anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.detection.domain.assignment import assign
from services.detection.domain.closer import Part
from services.detection.domain.detection import Detection, Label, bare, worn
from services.detection.domain.geometry import Box
from services.detection.domain.tracking import EDGE_PX, Track
from shared.vocabulary import Item


class Verdict(StrEnum):
    WORN = "worn"
    MISSING = "missing"
    CANNOT_TELL = "cannot-tell"


class Basis(StrEnum):
    """What a verdict of *missing* rests on."""

    SEEN_MISSING = "seen-missing"
    NOT_SEEN = "not-seen"


@dataclass(frozen=True, slots=True)
class Wearing:
    """The verdict for one person and one item in one look.

    Attributes:
        item: what was looked for.
        verdict: worn, missing or cannot tell.
        basis: what *missing* rests on; None for the other verdicts.
        confidence: 0 to 1; of the deciding box, or of the person for an absence.
        box: the deciding box, None for an absence.
        why: the reason in words, for people.
    """

    item: Item
    verdict: Verdict
    basis: Basis | None
    confidence: float
    box: Box | None
    why: str


@dataclass(frozen=True, slots=True)
class View:
    """The picture that a look was made on.

    Attributes:
        width, height: of the frame in pixels.
        scale: pixels of the network's input for one pixel of the frame.
        closer: parts that the model saw enlarged as well.
    """

    width: int
    height: int
    scale: float
    closer: Sequence[Part] = ()

    def scale_of(self, box: Box) -> float:
        """The largest scale at which the model saw all of *box*; magnified, it shows no more than the frame has."""
        return max([self.scale, *(min(part.scale, 1.0) for part in self.closer if part.holds(box))])


@dataclass(frozen=True, slots=True)
class _Limits:
    """Operating points of the model for one item.

    Attributes:
        worn: score from which a box shows the item.
        hint: score from which a box forbids to call the item absent.
        bare: score from which an explicit bare box counts.
    """

    worn: float
    hint: float
    bare: float


DEFAULT_THRESHOLD = 0.35  # for a model whose metadata state none

HEADS_IN_A_BODY = 7.0  # a standing adult is 7 to 7.5 heads tall (Drillis and Contini 1966)
PERSON_SURE = 0.5
# Height of the head, in pixels of the network's input, from which not seeing an item counts: on smaller people too
# many are missed (docs/events.md). What may be turned away, or in a pocket, is never called absent.
LEAST_HEAD_PX = {Item.HARDHAT: 30.0, Item.VEST: 18.0, Item.BOOTS: 18.0}
STANDING = 2.0  # least height of a standing body, in its widths; who crouches or is cut at the knees is wider
LITTLE_CUT = 0.85  # least share of the height before the top of the picture cut it: a head is a seventh
AS_WIDE = 1.5  # greatest ratio of two widths of one person who walks
MOST_OVERLAP = 0.25
UNDER_RAISED_ARMS = 2.0  # heads between the top of the person and that of a worn hat, at most: arms or a load
OFF_THE_MIDDLE = 0.3  # of the person's width: farther out no head is


def judge(
    people: Sequence[Track],
    detections: Sequence[Detection],
    items: Sequence[Item],
    view: View,
    thresholds: Mapping[Label, float],
) -> dict[int, dict[Item, Wearing]]:
    """Say of each person and each of *items* whether it is worn.

    Args:
        people: tracks seen in this look.
        detections: everything the model saw, down to half the thresholds, in pixels of the frame.
        items: what the rules ask for.
        view: the picture's size and scale.
        thresholds: scores from which the model is to be believed, by measurement on its val splits.

    Returns:
        Verdicts by track id and item.
    """
    verdicts: dict[int, dict[Item, Wearing]] = {person.id: {} for person in people}
    for item in items:
        limits = _limits(item, thresholds)
        shown = _by_person(people, detections, worn(item), limits.hint, item, view)
        denied = _by_person(people, detections, bare(item), limits.bare, item, view)
        boxes = _boxes(detections, worn(item), limits.hint)
        spare = [found for found in boxes if all(found is not one for one in shown.values())]
        for person in people:
            blocked = _why_absence_cannot_count(person, people, item, view, spare)
            verdicts[person.id][item] = _verdict(
                person, item, limits, shown.get(person.id), denied.get(person.id), blocked
            )
    return verdicts


def told_by_absence(item: Item) -> bool:
    """Whether not seeing *item* can tell that it is missing; else only the model's box of its lack does."""
    return item in LEAST_HEAD_PX


def head_height(person: Box, view: View) -> float:
    """Height of the head in pixels: from the body's height, or its width where the picture cuts the legs."""
    whole = person.height / HEADS_IN_A_BODY
    if person.y2 < view.height - EDGE_PX:
        return whole
    return max(whole, min(0.4 * person.width, person.height / 3))


def _limits(item: Item, thresholds: Mapping[Label, float]) -> _Limits:
    sure = thresholds.get(worn(item), DEFAULT_THRESHOLD)
    return _Limits(worn=sure, hint=sure / 2, bare=thresholds.get(bare(item), DEFAULT_THRESHOLD))


def _verdict(
    person: Track,
    item: Item,
    limits: _Limits,
    shown: Detection | None,
    denied: Detection | None,
    blocked: str,
) -> Wearing:
    for_it = shown.confidence / limits.worn if shown else 0.0
    against = denied.confidence / limits.bare if denied else 0.0
    if shown and for_it >= max(1.0, 2 * against):
        return Wearing(item, Verdict.WORN, None, shown.confidence, shown.box, f"{item} in its body band")
    if denied and against >= max(1.0, 2 * for_it):
        why = f"bare: {denied.label} in the body band"
        return Wearing(item, Verdict.MISSING, Basis.SEEN_MISSING, denied.confidence, denied.box, why)
    if shown and denied:
        why = f"both {item} ({shown.confidence:.2f}) and bare ({denied.confidence:.2f})"
        return Wearing(item, Verdict.CANNOT_TELL, None, shown.confidence, shown.box, why)
    if shown:
        why = f"a weak {item} box ({shown.confidence:.2f} below {limits.worn:.2f})"
        return Wearing(item, Verdict.CANNOT_TELL, None, shown.confidence, shown.box, why)
    if blocked:
        return Wearing(item, Verdict.CANNOT_TELL, None, 0.0, None, blocked)
    why = f"no {item} box in a clear view of its band"
    return Wearing(item, Verdict.MISSING, Basis.NOT_SEEN, person.confidence, None, why)


def _why_absence_cannot_count(
    person: Track, people: Sequence[Track], item: Item, view: View, spare: Sequence[Detection]
) -> str:
    """The first reason against calling *item* absent; empty if there is none. *spare*: such items on nobody."""
    box, head, place = person.box, head_height(person.box, view), _PLACES[item]
    if not told_by_absence(item):
        return "may be turned away or hidden"
    if person.confidence < PERSON_SURE:
        return f"person uncertain ({person.confidence:.2f} below {PERSON_SURE})"
    seen_px = head * view.scale_of(box)
    if seen_px < LEAST_HEAD_PX[item]:
        return f"too small (head {seen_px:.0f} px of the model's input, {LEAST_HEAD_PX[item]:.0f} needed)"
    if box.y1 <= EDGE_PX and (place.top < 1 or not _only_the_head_cut(person, view)):
        return "cut by the top of the picture"
    if box.x1 <= EDGE_PX or box.x2 >= view.width - EDGE_PX:
        return "cut by the side of the picture"
    if box.height < (1.0 if box.y2 >= view.height - EDGE_PX else 1.3) * box.width:
        return "not upright"
    band = Box(box.x1, box.y1 + place.top * head, box.x2, box.y1 + place.bottom * head)
    if band.y2 > view.height:
        return "the body band lies below the picture"
    if any(band.covered_by(other.box) > MOST_OVERLAP for other in people if other.id != person.id):
        return "overlapped by another person"
    if item is Item.HARDHAT and any(_under_raised_arms(box, one.box, head) for one in spare):
        return "a hat lower down, which may be worn under raised arms or a load"
    return ""


def _only_the_head_cut(person: Track, view: View) -> bool:
    """Whether the body below the head is whole: its feet in view, and its size about that of before the cut."""
    box, before = person.box, person.uncut
    if before is None or box.y2 >= view.height - EDGE_PX or before.height < STANDING * before.width:
        return False
    as_tall = LITTLE_CUT <= box.height / before.height <= 1 / LITTLE_CUT
    return as_tall and 1 / AS_WIDE <= box.width / before.width <= AS_WIDE


def _under_raised_arms(person: Box, hat: Box, head: float) -> bool:
    """Whether *hat* is where the head would be, if what reaches higher is arms or what they carry."""
    x, top = hat.centre[0], hat.y1 - person.y1
    middle = abs(x - person.centre[0]) <= OFF_THE_MIDDLE * person.width
    return middle and 0 <= top <= UNDER_RAISED_ARMS * head and _as_wide_as_a_head(hat, head)


def _by_person(
    people: Sequence[Track],
    detections: Sequence[Detection],
    label: Label,
    floor: float,
    item: Item,
    view: View,
) -> dict[int, Detection]:
    """The one box of *label* that belongs to each person, assigned over all people at once."""
    boxes, fit = _boxes(detections, label, floor), _PLACES[item].fits
    costs = [
        [
            fit(person.box, found.box, head_height(person.box, view)) + 0.3 * (1 - found.confidence)
            for found in boxes
        ]
        for person in people
    ]
    return {people[row].id: boxes[column] for row, column in assign(costs, _NEVER - 1)}


def _boxes(detections: Sequence[Detection], label: Label, floor: float) -> list[Detection]:
    return [found for found in detections if found.label is label and found.confidence >= floor]


_NEVER = 1e3


def _on_the_head(person: Box, box: Box, head: float) -> float:
    """Hats: distance of *box* from the top of *person*, in heads; `_NEVER` outside the head band.

    What is worn on the head is the top of the person, so the upper edges meet: a hat in the hand, on a
    table or on a shelf behind the shoulder does not pass.
    """
    top = box.y1 - person.y1
    if not _in_line(person, box) or not _as_wide_as_a_head(box, head):
        return _NEVER
    if not -0.6 * head <= top <= 0.45 * head:
        return _NEVER
    return (abs(box.centre[0] - person.centre[0]) + abs(top)) / head


def _on_the_face(person: Box, box: Box, head: float) -> float:
    """Masks and goggles: centre between brow and chin, no wider than a head."""
    down = (box.centre[1] - person.y1) / head
    if not _in_line(person, box) or not 0.2 <= down <= 1.2 or box.width > 1.5 * head:
        return _NEVER
    return abs(box.centre[0] - person.centre[0]) / head + abs(down - 0.6)


def _in_line(person: Box, box: Box) -> bool:
    """Whether the middle of *box* lies above or below some part of *person*, or hardly beside it."""
    reach = 0.1 * person.width
    return person.x1 - reach <= box.centre[0] <= person.x2 + reach


def _as_wide_as_a_head(box: Box, head: float) -> bool:
    return 0.25 * head <= box.width <= 2.2 * head


def _on_the_torso(person: Box, box: Box, head: float) -> float:
    """Vests: centre between chin and hips, most of the box on the person."""
    y = box.centre[1] - person.y1
    if not 0.8 * head <= y <= 4.5 * head or box.covered_by(person) < 0.6 or box.width < 0.25 * person.width:
        return _NEVER
    return 1 - box.iou(person.band(0.12, 0.6)) + abs(box.centre[0] - person.centre[0]) / person.width


def _on_the_feet(person: Box, box: Box, head: float) -> float:
    if box.covered_by(person.band(0.75, 1.1, margin=0.2)) < 0.5:
        return _NEVER
    return abs(box.centre[0] - person.centre[0]) / head


def _on_the_body(person: Box, box: Box, head: float) -> float:
    return abs(box.centre[0] - person.centre[0]) / head if box.covered_by(person) >= 0.5 else _NEVER


@dataclass(frozen=True, slots=True)
class _Place:
    """Where on a body an item is worn.

    Attributes:
        top, bottom: of the band where it is seen, in heads from the top of the person.
        fits: how far a box is from its place, by person, box and height of the head; `_NEVER` if it is elsewhere.
    """

    top: float
    bottom: float
    fits: Callable[[Box, Box, float], float]


_PLACES = {
    Item.HARDHAT: _Place(0.0, 1.2, _on_the_head),
    Item.MASK: _Place(0.0, 1.2, _on_the_face),
    Item.GOGGLES: _Place(0.0, 1.2, _on_the_face),
    Item.VEST: _Place(1.0, 3.5, _on_the_torso),
    Item.GLOVES: _Place(1.5, 5.0, _on_the_body),
    Item.BOOTS: _Place(6.0, 8.0, _on_the_feet),
}
