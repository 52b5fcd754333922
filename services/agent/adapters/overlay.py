"""What is drawn over the evidence, as shapes; the PDF and the mail's picture paint the same ones."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from services.agent.adapters.typefaces import clean
from shared.contracts.violation import EvidenceFacts, NormalisedBox, PictureBox
from shared.vocabulary import Severity

# One accent by severity, dark enough for white text (contrast at least 4.5 to 1) and ever darker in grey.
ACCENTS = {
    Severity.LOW: "#3F7391",
    Severity.MEDIUM: "#8F6400",
    Severity.HIGH: "#B4450C",
    Severity.CRITICAL: "#A01722",
}
PART_GAP = 0.35  # of an em
WHOLE = NormalisedBox(x1=0, y1=0, x2=1, y2=1)

Point = tuple[float, float]
Polygon = tuple[Point, ...]
Tone = Literal["accent", "neutral"]


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed line.

    Attributes:
        points: x from the left and y from the top, in the target's units.
        tone: accent for what the finding is about, neutral for the rest.
        width: of the line, in the target's units.
        zone: dashed and lightly filled.
    """

    points: Polygon
    tone: Tone
    width: float
    zone: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A filled label.

    Attributes:
        x, y: its top left corner, in the target's units.
        width, height: in the target's units.
        parts: texts to set one after the other with `PART_GAP` between, each in its own direction of writing.
        tone: of its ground.
    """

    x: float
    y: float
    width: float
    height: float
    parts: tuple[str, str]
    tone: Tone


@dataclass(frozen=True, slots=True)
class Overlay:
    """Outlines first, tags over them.

    Attributes:
        outlines, tags: to paint in order.
        em: size of the tags' letters, in the target's units.
    """

    outlines: tuple[Outline, ...]
    tags: tuple[Tag, ...]
    em: float


@dataclass(frozen=True, slots=True)
class View:
    """The part of the picture that fills a target.

    Attributes:
        part: in fractions of the picture.
        width, height: of the target, in its units.
        em: size of letters, in the same units.
    """

    part: NormalisedBox
    width: float
    height: float
    em: float

    def place(self, x: float, y: float) -> Point:
        """Where a point of the picture (fractions) lies on the target."""
        across, down = self.part.x2 - self.part.x1, self.part.y2 - self.part.y1
        return (x - self.part.x1) / across * self.width, (y - self.part.y1) / down * self.height


def overlay(
    evidence: EvidenceFacts,
    polygon: Polygon | None,
    view: View,
    measure: Callable[[str], float],
    *,
    tagged: Iterable[str] = ("bare", "subject", "item", "person", "other"),
) -> Overlay:
    """Lay out boxes, zone and labels.

    Args:
        evidence: boxes in fractions of the picture.
        polygon: the zone in fractions of the picture; None draws none.
        view: where it goes.
        measure: width of a text at the view's `em`.
        tagged: roles that get a label, the most important first.
    """
    boxes = sorted(evidence.boxes, key=lambda box: _ROLES.index(box.role))
    outlines = [_zone(polygon, view)] if polygon else []
    outlines += [_outline(box, view) for box in reversed(boxes) if _in_view(box.box, view.part)]
    wanted = [box for role in tagged for box in boxes if box.role == role and _in_view(box.box, view.part)]
    return Overlay(tuple(outlines), tuple(_tags(wanted, view, measure)), view.em)


_ROLES = ("bare", "subject", "item", "person", "other")
_MUST_SHOW = ("bare", "subject")
_LINE = {"subject": 0.26, "bare": 0.22, "item": 0.13, "person": 0.13, "other": 0.1}  # of an em


def _in_view(box: NormalisedBox, part: NormalisedBox) -> bool:
    return box.x1 < part.x2 and box.x2 > part.x1 and box.y1 < part.y2 and box.y2 > part.y1


def _zone(polygon: Polygon, view: View) -> Outline:
    return Outline(tuple(view.place(x, y) for x, y in polygon), "accent", 0.2 * view.em, zone=True)


def _outline(box: PictureBox, view: View) -> Outline:
    corners = _corners(box.box)
    return Outline(tuple(view.place(x, y) for x, y in corners), _tone(box), _LINE[box.role] * view.em)


def _corners(box: NormalisedBox) -> Polygon:
    return (box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), (box.x1, box.y2)


def _tone(box: PictureBox) -> Tone:
    return "accent" if box.role in _MUST_SHOW else "neutral"


def _tags(boxes: list[PictureBox], view: View, measure: Callable[[str], float]) -> Iterator[Tag]:
    placed: list[Tag] = []
    for box in boxes:
        others = [other.box for other in boxes if other.role == "bare" and other is not box]
        parts = _fitting(clean(box.label), 0.5 * view.width, measure), f"{box.confidence:.0%}"
        choices = list(_positions(box, parts, view, sum(map(measure, parts)) + PART_GAP * view.em))
        free = [tag for tag in choices if not any(_overlap(tag, other) for other in placed)]
        clear = [tag for tag in free if not any(_reaches_into(tag, other, view) for other in others)]
        tag = next(iter([*clear, *free]), choices[0] if box.role in _MUST_SHOW else None)
        if tag:
            placed.append(tag)
            yield tag


def _fitting(text: str, width: float, measure: Callable[[str], float]) -> str:
    if measure(text) <= width:
        return text
    while text and measure(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _positions(box: PictureBox, parts: tuple[str, str], view: View, text_width: float) -> Iterator[Tag]:
    """Above the box, below it, inside at its top, inside at its foot; kept on the target."""
    width, height = text_width + 0.8 * view.em, 1.5 * view.em
    left, top = view.place(box.box.x1, box.box.y1)
    foot = view.place(box.box.x2, box.box.y2)[1]
    half = 0.5 * _LINE[box.role] * view.em
    x = min(max(left - half, 0), max(view.width - width, 0))
    for y in (top - height, foot, top, foot - height):
        if 0 <= y <= view.height - height:
            yield Tag(x, y, width, height, parts, _tone(box))
    yield Tag(x, min(max(top, 0), max(view.height - height, 0)), width, height, parts, _tone(box))


def _reaches_into(tag: Tag, box: NormalisedBox, view: View) -> bool:
    """Where it does, it reads as that box's label."""
    (left, top), (right, foot) = view.place(box.x1, box.y1), view.place(box.x2, box.y2)
    return left < tag.x + tag.width and tag.x < right and top < tag.y + tag.height and tag.y < foot


def _overlap(one: Tag, other: Tag) -> bool:
    across = one.x < other.x + other.width and other.x < one.x + one.width
    return across and one.y < other.y + other.height and other.y < one.y + one.height
