"""Looking closer: which parts of a frame the model sees a second time, enlarged, and how both looks are joined.

In a large frame far people shrink to a few pixels of the network's input. A part of the frame shows them larger; it
costs one more run of the model.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box, Point
from shared.config.site import Zone

LEAST_GAIN = 1.2  # a part that enlarges by less is not worth a run of the model
MOST_SCALE = (
    2.0  # a model sees people of 60 pixels better enlarged (docs/site-file.md); beyond, it is all blur
)
SAME = 0.45  # IoU from which boxes of two looks show the same thing: small boxes are a pixel off soon
EDGE_PX = 2.0  # of the network's input: a box that ends so near to a cut is cut


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the frame that the model sees on its own.

    Attributes:
        zone: whose it is; empty where it was chosen for somebody (attention.py).
        box: whole pixels of the frame.
        scale: pixels of the network's input for one pixel of the frame; above 1 it is magnified.
    """

    zone: str
    box: Box
    scale: float

    def holds(self, box: Box) -> bool:
        """Whether all of *box* (pixels of the frame) was seen in it."""
        ours = self.box
        return ours.x1 <= box.x1 and ours.y1 <= box.y1 and box.x2 <= ours.x2 and box.y2 <= ours.y2


def scale_to(width: float, height: float, input_px: tuple[int, int]) -> float:
    """Pixels of a network's input of *input_px* (width, height) for one pixel of a picture that fills it."""
    return min(input_px[0] / width, input_px[1] / height)


def parts_of(zones: Iterable[Zone], width: int, height: int, input_px: tuple[int, int]) -> list[Part]:
    """The part around each of *zones* that asks for it, in a frame of *width* x *height*, whether it gains or not."""
    return [
        _part(zone.id, Box(x1 * width, y1 * height, x2 * width, y2 * height), width, height, input_px)
        for zone in zones
        if zone.closer_look
        for x1, y1, x2, y2 in [zone.closer_look]
    ]


def gains(part: Part, width: int, height: int, input_px: tuple[int, int]) -> bool:
    """Whether *part* shows people larger than the whole frame of *width* x *height* does."""
    return part.scale >= LEAST_GAIN * scale_to(width, height, input_px)


def joined(
    whole: Sequence[Detection], closer: Sequence[tuple[Part, Sequence[Detection]]], width: int, height: int
) -> list[Detection]:
    """One list of what several looks at a frame found, surest first.

    Of boxes of one label from different looks that show the same thing the surest stays. Boxes of one look never
    displace each other: the model has told them apart already. A box that ends at a part's cut is left out: it shows
    half a thing, with its head or its feet in the wrong place, and the part is wide enough for whoever is in the zone.

    Args:
        whole: found in the whole frame, in its pixels.
        closer: found in each part, in pixels of the part.
        width, height: of the frame.
    """
    looks = [[one for one in whole if not _seen_better(one, closer)]]
    for part, found in closer:
        moved = (_moved(one, part) for one in found)
        looks.append([one for one in moved if not _cut(one.box, part, width, height)])
    ranked = sorted(
        ((one, number) for number, look in enumerate(looks) for one in look),
        key=lambda pair: -pair[0].confidence,
    )
    kept: list[tuple[Detection, int]] = []
    for one, look in ranked:
        if not any(look != other_look and _same(one, other) for other, other_look in kept):
            kept.append((one, look))
    return [one for one, _ in kept]


def _part(zone: str, wanted: Box, width: int, height: int, input_px: tuple[int, int]) -> Part:
    """A zone that would be magnified too much gets more of its surroundings instead."""
    grow = max(1.0, scale_to(wanted.width, wanted.height, input_px) / MOST_SCALE)
    (x, y), across, down = wanted.centre, wanted.width * grow, wanted.height * grow
    box = placed((x, y), max(1, round(across)), max(1, round(down)), width, height)
    return Part(zone, box, scale_to(box.width, box.height, input_px))


def placed(centre: Point, across: int, down: int, width: int, height: int) -> Box:
    """A box of *across* x *down* around *centre*, no larger than the frame of *width* x *height* and moved into it."""
    x1, x2 = _span(centre[0], across, width)
    y1, y2 = _span(centre[1], down, height)
    return Box(x1, y1, x2, y2)


def _span(middle: float, length: int, most: int) -> tuple[int, int]:
    length = min(most, length)
    start = min(max(round(middle - length / 2), 0), most - length)
    return start, start + length


def _moved(found: Detection, part: Part) -> Detection:
    box, dx, dy = found.box, part.box.x1, part.box.y1
    moved = Box(box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy)
    return Detection(moved, found.label, found.confidence)


def _cut(box: Box, part: Part, width: int, height: int) -> bool:
    near = EDGE_PX / part.scale
    return (
        (part.box.x1 > 0 and box.x1 < part.box.x1 + near)
        or (part.box.y1 > 0 and box.y1 < part.box.y1 + near)
        or (part.box.x2 < width and box.x2 > part.box.x2 - near)
        or (part.box.y2 < height and box.y2 > part.box.y2 - near)
    )


def _seen_better(one: Detection, closer: Sequence[tuple[Part, Sequence[Detection]]]) -> bool:
    """Whether *one* is something that people wear or lack, in a part: of that the larger view tells."""
    return one.label is not Label.PERSON and any(part.holds(one.box) for part, _ in closer)


def _same(one: Detection, other: Detection) -> bool:
    return one.label is other.label and one.box.iou(other.box) >= SAME
