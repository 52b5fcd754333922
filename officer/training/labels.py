"""Label files in YOLO format, read line by line: what is broken is reported by file and line, never guessed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.detection.domain.detection import Label
from services.detection.domain.geometry import Box

SLACK = 0.01  # of the picture: a box may reach so far over its edge; exporters round


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is labelled in a picture.

    Attributes:
        label: what it is.
        box: in fractions of the picture's width and height.
    """

    label: Label
    box: Box


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is not used, or not as it stands.

    Attributes:
        file: the label file.
        line: from 1.
        text: what is wrong with it.
    """

    file: Path
    line: int
    text: str


class _BrokenLineError(Exception):
    """Its text says what is wrong."""


def read_labels(path: Path, classes: Mapping[int, Label], known: int) -> tuple[list[Thing], list[Problem]]:
    """Read one label file; a missing one means that nothing is labelled in the picture.

    Args:
        path: lines of `class x y width height` (centre, in fractions) or of `class x1 y1 x2 y2 x3 y3 ...`, an outline,
            of which the upright box is taken.
        classes: the label of each class number that we have a word for.
        known: how many classes the set has; other numbers are broken lines.
    """
    things: dict[Thing, None] = {}
    problems = []
    text = path.read_text("utf-8-sig", errors="replace") if path.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            label, box = _read_line(line, classes, known)
        except _BrokenLineError as error:
            problems.append(Problem(path, number, str(error)))
            continue
        if label is None:
            continue
        if (thing := Thing(label, box)) in things:
            problems.append(Problem(path, number, "the same box stands there twice; one is used"))
        things[thing] = None
    return [*things], problems


def in_pixels(box: Box, width: int, height: int) -> Box:
    """*box*, in fractions of a picture of *width* x *height* pixels, in its pixels."""
    return Box(box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height)


def write_labels(things: list[Thing], numbers: Mapping[Label, int]) -> str:
    """Lines of a label file: class, centre, width and height in fractions."""
    return "".join(
        f"{numbers[thing.label]} {thing.box.centre[0]:.6f} {thing.box.centre[1]:.6f} "
        f"{thing.box.width:.6f} {thing.box.height:.6f}\n"
        for thing in things
    )


def _read_line(line: str, classes: Mapping[int, Label], known: int) -> tuple[Label | None, Box]:
    number, *sides = _numbers(line)
    if number != int(number) or not 0 <= number < known:
        raise _BrokenLineError(f"class {number:g} is unknown; allowed are 0 to {known - 1}")
    if len(sides) != 4 and (len(sides) < 6 or len(sides) % 2):
        raise _BrokenLineError(f"{len(sides)} numbers after the class; allowed are 4, or pairs from 6 on")
    box = _box(sides)
    if min(box.x1, box.y1) < -SLACK or max(box.x2, box.y2) > 1 + SLACK:
        raise _BrokenLineError("the box leaves the picture; allowed are fractions from 0 to 1")
    box = box.clipped(1, 1)
    if box.width <= 0 or box.height <= 0:
        raise _BrokenLineError("the box has no area")
    return classes.get(int(number)), box


def _numbers(line: str) -> list[float]:
    try:
        numbers = [float(word) for word in line.split()]
    except ValueError as error:
        raise _BrokenLineError(f"{line[:40]!a} is not made of numbers") from error
    if not all(math.isfinite(number) for number in numbers):
        raise _BrokenLineError("holds a number that is not finite")
    return numbers


def _box(sides: list[float]) -> Box:
    if len(sides) == 4:
        x, y, width, height = sides
        return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return Box(min(sides[::2]), min(sides[1::2]), max(sides[::2]), max(sides[1::2]))
