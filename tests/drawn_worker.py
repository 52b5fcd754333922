"""A worker drawn with a few shapes, which the shipped model recognises: a picture that is wholly ours."""

import cv2
import numpy as np

from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box

SKIN, TROUSERS, SHIRT, SHOES = (120, 150, 200), (70, 50, 40), (110, 80, 60), (30, 30, 30)
WALL, FLOOR = (150, 160, 165), (90, 100, 105)
HAT, BRIM, VEST, STRIPE, HAIR = (30, 200, 250), (20, 180, 235), (60, 230, 230), (220, 220, 220), (30, 40, 50)


def drawn_site(width: int = 640, height: int = 384) -> BgrImage:
    """A wall and a floor with nobody there, [height, width, 3] BGR uint8."""
    picture = np.full((height, width, 3), WALL, np.uint8)
    cv2.rectangle(picture, (0, int(height * 0.75)), (width, height), FLOOR, -1)
    return picture


def draw_worker(
    picture: BgrImage, x: int, top: int, scale: float = 1.0, hat: bool = True, vest: bool = True
) -> Box:
    """Draw a worker into *picture*, middle at *x* and top of the head at *top* in pixels; the box around him."""
    pen = _Pen(picture, x, top, scale)
    _legs(pen)
    _arms(pen)
    pen.shape([(-38, 52), (-14, 44), (14, 44), (38, 52), (34, 155), (-34, 155)], VEST if vest else SHIRT)
    if vest:
        _stripes(pen)
    _head(pen, hat)
    picture[:] = cv2.GaussianBlur(picture, (5, 5), 0)
    return Box(x - 58 * scale, top - 16 * scale, x + 58 * scale, top + 282 * scale)


class _Pen:
    """Draws in the worker's own units: x from his middle, y from the top of his head."""

    def __init__(self, picture: BgrImage, x: int, top: int, scale: float) -> None:
        self._picture, self._x, self._top, self._scale = picture, x, top, scale

    def shape(self, corners: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        cv2.fillPoly(self._picture, [np.array([self._at(*corner) for corner in corners])], colour)

    def block(self, x1: float, y1: float, x2: float, y2: float, colour: tuple[int, int, int]) -> None:
        cv2.rectangle(self._picture, self._at(x1, y1), self._at(x2, y2), colour, -1)

    def limb(
        self, start: tuple[float, float], end: tuple[float, float], width: float, colour: tuple[int, int, int]
    ) -> None:
        cv2.line(self._picture, self._at(*start), self._at(*end), colour, max(1, int(width * self._scale)))

    def oval(
        self,
        x: float,
        y: float,
        across: float,
        down: float,
        colour: tuple[int, int, int],
        upper_half: bool = False,
    ) -> None:
        axes = int(across * self._scale), int(down * self._scale)
        start = 180 if upper_half else 0
        cv2.ellipse(self._picture, self._at(x, y), axes, 0, start, 360, colour, -1)

    def _at(self, x: float, y: float) -> tuple[int, int]:
        return int(self._x + x * self._scale), int(self._top + y * self._scale)


def _legs(pen: _Pen) -> None:
    for side in (-1, 1):
        pen.shape([(side * 28, 150), (side * 4, 150), (side * 6, 270), (side * 30, 270)], TROUSERS)
        pen.oval(side * 20, 274, 18, 8, SHOES)


def _arms(pen: _Pen) -> None:
    for side in (-1, 1):
        pen.limb((side * 38, 62), (side * 48, 110), 20, SHIRT)
        pen.limb((side * 48, 110), (side * 44, 155), 17, SHIRT)
        pen.oval(side * 44, 162, 9, 9, SKIN)


def _stripes(pen: _Pen) -> None:
    for y in (95, 125):
        pen.block(-36, y, 36, y + 9, STRIPE)
    for side in (-1, 1):
        pen.block(side * 20 - 4, 46, side * 20 + 4, 95, STRIPE)


def _head(pen: _Pen, hat: bool) -> None:
    pen.block(-9, 32, 9, 48, SKIN)
    pen.oval(0, 18, 19, 24, SKIN)
    if hat:
        pen.oval(0, 8, 25, 24, HAT, upper_half=True)
        pen.oval(0, 8, 30, 6, BRIM)
    else:
        pen.oval(0, 10, 20, 17, HAIR, upper_half=True)
