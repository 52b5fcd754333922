"""Contact sheets: many pictures on one, with what is labelled drawn in, so that a person can look at the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from officer.training.labels import Thing
from services.detection.adapters.letterbox import fit
from services.detection.domain.detection import Label
from services.detection.domain.frame import BgrImage

TILE = 320, 280  # width and height of one picture on the sheet, its caption above
CAPTION = 22
COLUMNS = 6
MOST = 30
COLOURS = {  # BGR
    Label.PERSON: (230, 160, 60),
    Label.HARDHAT: (60, 200, 60),
    Label.NO_HARDHAT: (40, 40, 235),
    Label.VEST: (30, 200, 230),
    Label.NO_VEST: (200, 50, 220),
}
OTHER = (200, 200, 200)


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sheet.

    Attributes:
        picture: its file.
        caption: above it.
        things: what to draw in.
    """

    picture: Path
    caption: str
    things: Sequence[Thing] = ()


def draw_sheet(tiles: Sequence[Tile], out: Path) -> None:
    """Write a PNG of at most `MOST` of *tiles*, row by row."""
    drawn = [_drawn(tile) for tile in tiles[:MOST]]
    blank = np.full_like(drawn[0], 255)
    drawn += [blank] * (-len(drawn) % COLUMNS)
    rows = [np.hstack(drawn[start : start + COLUMNS]) for start in range(0, len(drawn), COLUMNS)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(cv2.imencode(".png", np.vstack([_legend(rows[0].shape[1]), *rows]))[1].tobytes())


def _drawn(tile: Tile) -> BgrImage:
    image = np.asarray(cv2.imread(str(tile.picture)), np.uint8)
    height, width = image.shape[:2]
    box = fit((width, height), TILE)
    canvas = box.apply(image)
    for thing in tile.things:
        x, y = box.scaled
        start = round(box.left + thing.box.x1 * x), round(box.top + thing.box.y1 * y)
        end = round(box.left + thing.box.x2 * x), round(box.top + thing.box.y2 * y)
        cv2.rectangle(canvas, start, end, COLOURS.get(thing.label, OTHER), 2)
    caption = np.full((CAPTION, TILE[0], 3), 255, np.uint8)
    _write(caption, tile.caption[-46:], (4, 15), (0, 0, 0))
    return np.asarray(np.vstack([caption, canvas]), np.uint8)


def _legend(width: int) -> BgrImage:
    legend = np.full((28, width, 3), 255, np.uint8)
    for place, (label, colour) in enumerate(COLOURS.items()):
        cv2.rectangle(legend, (10 + place * 160, 8), (30 + place * 160, 20), colour, -1)
        _write(legend, label, (36 + place * 160, 19), (0, 0, 0))
    return legend


def _write(image: BgrImage, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
