"""Draws what was seen into a frame, for the annotated video."""

from collections.abc import Sequence

import cv2
import numpy as np

from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Look, Stance
from services.detection.domain.tracking import Track
from services.detection.domain.wearing import Verdict, Wearing
from shared.config.site import Zone

Colour = tuple[int, int, int]  # blue, green, red

GREEN: Colour = (96, 168, 60)
RED: Colour = (52, 52, 214)
GREY: Colour = (150, 150, 150)
AMBER: Colour = (40, 160, 235)
WHITE: Colour = (255, 255, 255)
DARK: Colour = (40, 34, 30)
_VERDICT = {Verdict.WORN: GREEN, Verdict.MISSING: RED, Verdict.CANNOT_TELL: GREY}
_SIGN = {Verdict.WORN: "+", Verdict.MISSING: "no", Verdict.CANNOT_TELL: "?"}
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def annotate(image: BgrImage, look: Look | None, zones: Sequence[Zone], headline: str) -> BgrImage:
    """A copy of *image* with zones, people, what they wear and *headline* drawn in.

    Args:
        image: [H, W, 3] BGR uint8; not modified.
        look: what was seen, None for nothing.
        zones: polygons in fractions of the picture.
        headline: printable ASCII; other characters become question marks (OpenCV's built-in font has no more).

    Returns:
        [H, W, 3] BGR uint8.
    """
    canvas = image.copy()
    unit = max(image.shape[:2]) / 1280
    for zone in zones:
        _draw_zone(canvas, zone, unit)
    if look:
        wrong = {observed.box for observed in look.observations if observed.stance is Stance.SUPPORTS}
        for person in look.scene.people:
            wearing = list(look.scene.wearing[person.id].values())
            _draw_person(canvas, person, wearing, person.box in wrong, unit)
    label(canvas, (0, 0), headline, DARK, unit)
    return canvas


def _draw_zone(canvas: BgrImage, zone: Zone, unit: float) -> None:
    if zone.polygon is None:
        return
    height, width = canvas.shape[:2]
    points = np.array([(x * width, y * height) for x, y in zone.polygon], dtype=np.int32)
    filled = canvas.copy()
    cv2.fillPoly(filled, [points], AMBER)
    cv2.addWeighted(filled, 0.15, canvas, 0.85, 0, dst=canvas)
    cv2.polylines(canvas, [points], True, AMBER, max(1, round(2 * unit)), cv2.LINE_AA)
    top = min(zone.polygon, key=lambda point: point[1])
    label(canvas, (round(top[0] * width), round(top[1] * height)), zone.id, AMBER, unit)


def _draw_person(
    canvas: BgrImage, person: Track, wearing: Sequence[Wearing], wrong: bool, unit: float
) -> None:
    worn = any(item.verdict is Verdict.WORN for item in wearing)
    colour = RED if wrong else GREEN if worn else GREY
    outline(canvas, person.box, colour, max(2, round(2.5 * unit)))
    for item in wearing:
        if item.box:
            outline(canvas, item.box, _VERDICT[item.verdict], max(1, round(1.5 * unit)))
    words = "  ".join(f"{_SIGN[item.verdict]} {item.item}" for item in wearing)
    label(canvas, (round(person.box.x1), round(person.box.y1)), f"#{person.id} {words}", colour, unit)


def outline(canvas: BgrImage, box: Box, colour: Colour, thickness: int) -> None:
    """Draw *box* (pixels) into *canvas*, [H, W, 3] BGR uint8."""
    corners = (round(box.x1), round(box.y1)), (round(box.x2), round(box.y2))
    cv2.rectangle(canvas, *corners, colour, thickness, cv2.LINE_AA)


def label(canvas: BgrImage, corner: tuple[int, int], text: str, colour: Colour, unit: float) -> None:
    """White text on a filled bar that stands on *corner*, moved into the picture."""
    plain = text.encode("ascii", "replace").decode()
    scale, thickness, margin = 0.5 * unit, max(1, round(unit)), round(5 * unit)
    (width, height), base = cv2.getTextSize(plain, _FONT, scale, thickness)
    x = max(0, min(corner[0], canvas.shape[1] - width - 2 * margin))
    y = max(0, corner[1] - height - base - 2 * margin)
    cv2.rectangle(canvas, (x, y), (x + width + 2 * margin, y + height + base + 2 * margin), colour, -1)
    cv2.putText(canvas, plain, (x + margin, y + margin + height), _FONT, scale, WHITE, thickness, cv2.LINE_AA)
