"""Pictures that are mosaics of up to 2 x 2 others: where their seams are, and the parts with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from officer.training.labels import Thing, in_pixels
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box

MIDDLE = 0.2, 0.8  # of a side: seams are looked for between these
JUMP = 25  # from one pixel to the next, summed over colours (0 to 765); compression hides smaller ones
SEAM = 0.5  # of the pixels along a seam jump, at least
# By so much more of them than along any line beside it: of 500 pictures that were mosaics a seam was found both ways
# in 484 (489 without this), of 500 in each of two sets that were none in 0 and 1 (42 and 86 without), but one way in
# 44 and 37: only a set of mosaics should be cut.
ABOVE_BESIDE = 0.2
BESIDE = range(3, 13)  # pixels from a seam; nearer ones may belong to it
SMALLEST_SIDE = 120  # pixels; smaller parts are left out
SMALLEST_BOX = 3  # pixels; of what is left of a box, smaller ones are left out


@dataclass(frozen=True, slots=True)
class Part:
    """One picture of a mosaic.

    Attributes:
        image: BGR [height, width, 3], uint8; a view into the mosaic.
        things: what is labelled in it, in fractions of the part.
    """

    image: BgrImage
    things: list[Thing]


def cut_mosaic(image: BgrImage, things: Sequence[Thing]) -> list[Part]:
    """The parts of *image* with those of *things* whose centre lies in them, clipped; none if it is no mosaic.

    Args:
        image: BGR [height, width, 3], uint8.
        things: in fractions of *image*.
    """
    column, row = find_seams(image)
    if column is None and row is None:
        return []
    height, width = image.shape[:2]
    areas = [(x, y) for y in _spans(height, row) for x in _spans(width, column)]
    return [
        Part(image[top:bottom, left:right], _within(things, Box(left, top, right, bottom), width, height))
        for (left, right), (top, bottom) in areas
        if min(right - left, bottom - top) >= SMALLEST_SIDE
    ]


def find_seams(image: BgrImage) -> tuple[int | None, int | None]:
    """The first column right of the upright seam of *image* (BGR), and the first row below the level one."""
    return _seam(image), _seam(image.swapaxes(0, 1))


def _seam(image: BgrImage) -> int | None:
    low, high = (round(share * image.shape[1]) for share in MIDDLE)
    jumps = _jumps(image)
    if low >= min(high, len(jumps)):
        return None
    at = low + int(jumps[low:high].argmax())
    beside = [
        jumps[at + side * far] for far in BESIDE for side in (-1, 1) if 0 <= at + side * far < len(jumps)
    ]
    return at + 1 if jumps[at] > max(SEAM, max(beside, default=0) + ABOVE_BESIDE) else None


def _jumps(image: BgrImage) -> npt.NDArray[np.float64]:
    """For each column but the last, the share of its pixels that differ by more than JUMP from the next column's."""
    steps = np.abs(np.diff(image.astype(np.int16), axis=1)).sum(axis=2)
    return np.asarray((steps > JUMP).mean(axis=0), np.float64)


def _spans(length: int, seam: int | None) -> list[tuple[int, int]]:
    return [*pairwise([0, length] if seam is None else [0, seam, length])]


def _within(things: Sequence[Thing], area: Box, width: int, height: int) -> list[Thing]:
    """Those of *things*, in fractions of *width* x *height* pixels, that belong to *area*, in fractions of it."""
    found = []
    for thing in things:
        box = in_pixels(thing.box, width, height)
        own = Box(box.x1 - area.x1, box.y1 - area.y1, box.x2 - area.x1, box.y2 - area.y1)
        own = own.clipped(area.width, area.height)
        if area.contains(box.centre) and min(own.width, own.height) >= SMALLEST_BOX:
            x, y = area.width, area.height
            found.append(Thing(thing.label, Box(own.x1 / x, own.y1 / y, own.x2 / x, own.y2 / y)))
    return found
