"""Precision, recall and average precision of detections, each with its bootstrap interval.

A detection is right if its IoU with a labelled box of its label reaches the limit; the surest detection takes the
box that it overlaps most, and each box is taken once. Average precision is the area under the precision-recall curve
made monotonic (PASCAL VOC 2010 and later); AP50-95 is its mean over IoU limits from 0.50 to 0.95 (COCO).

Intervals: pictures are drawn again with replacement, within each set, and the figure is computed anew (Efron 1979);
its 2.5th and 97.5th percentiles. All figures share the same draws, so that two models can be compared pairwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from officer.training.looks import Picture
from services.detection.domain.detection import Label
from services.detection.domain.geometry import Box

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
DRAWS = 1000
SEED = 1
TINY = 1e-9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; all NaN where it cannot be computed."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Matches:
    """Detections of one label in many pictures, the surest first, and the labelled boxes.

    Attributes:
        picture: [n] number of each detection's picture.
        score: [n] confidences.
        right: [n, 10] whether it is right at each of `IOUS`.
        height_px: [n] height of the labelled box that it took at 0.5, else its own; pixels of the network's input.
        labelled_picture: [m] number of each labelled box's picture.
        labelled_px: [m] its height in pixels of the network's input.
    """

    picture: npt.NDArray[np.int64]
    score: Floats
    right: npt.NDArray[np.bool_]
    height_px: Floats
    labelled_picture: npt.NDArray[np.int64]
    labelled_px: Floats

    def of_height(self, low: float, high: float) -> "Matches":
        """Only what is at least *low* and less than *high* pixels tall."""
        kept = (self.height_px >= low) & (self.height_px < high)
        labelled = (self.labelled_px >= low) & (self.labelled_px < high)
        return Matches(
            self.picture[kept],
            self.score[kept],
            self.right[kept],
            self.height_px[kept],
            self.labelled_picture[labelled],
            self.labelled_px[labelled],
        )


def draws(pictures: Sequence[Picture], number: int = DRAWS) -> Floats:
    """[1 + number, pictures] how often each picture is drawn: first each once, then at random within its set."""
    generator = np.random.default_rng(SEED)
    weights = np.ones((1 + number, len(pictures)))
    datasets = np.array([picture.dataset for picture in pictures])
    for dataset in sorted(set(datasets.tolist())):
        members = np.flatnonzero(datasets == dataset)
        shares = np.full(len(members), 1 / len(members))
        weights[1:, members] = generator.multinomial(len(members), shares, size=number)
    return weights


def match(pictures: Sequence[Picture], label: Label, chosen: Sequence[int]) -> Matches:
    """Match the detections of *label* in the *chosen* of *pictures* (by number)."""
    rows: list[tuple[int, float, list[bool], float]] = []
    labelled: list[tuple[int, float]] = []
    for number in chosen:
        picture = pictures[number]
        boxes = [thing.box for thing in picture.truth if thing.label is label]
        found = [one for one in picture.found if one.label is label]
        labelled += [(number, box.height * picture.scale) for box in boxes]
        for one, (right, taken) in zip(found, _matched([one.box for one in found], boxes), strict=True):
            height = (boxes[taken] if taken is not None else one.box).height
            rows.append((number, one.confidence, right, height * picture.scale))
    rows.sort(key=lambda row: -row[1])
    return Matches(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows], bool).reshape(len(rows), len(IOUS)),
        np.array([row[3] for row in rows]),
        np.array([number for number, _ in labelled], np.int64),
        np.array([height for _, height in labelled]),
    )


def _matched(found: list[Box], boxes: list[Box]) -> list[tuple[list[bool], int | None]]:
    """For each of *found*, the surest first: right at each limit, and the number of the box that it took at 0.5."""
    overlaps = [[one.iou(box) for box in boxes] for one in found]
    right = [[False] * len(IOUS) for _ in found]
    taken: list[int | None] = [None] * len(found)
    for column, limit in enumerate(IOUS):
        free = set(range(len(boxes)))
        for row, overlap in enumerate(overlaps):
            nearest = max(free, key=overlap.__getitem__, default=None)
            if nearest is not None and overlap[nearest] >= limit:
                free.remove(nearest)
                right[row][column] = True
                taken[row] = nearest if column == 0 else taken[row]
    return list(zip(right, taken, strict=True))


def average_precision(matches: Matches, weights: Floats, ious: int = 1) -> Floats:
    """[draws] mean average precision over the first *ious* of `IOUS`; NaN where nothing is labelled."""
    drawn = weights[:, matches.picture].astype(np.float32)
    among = np.cumsum(drawn, axis=1)
    positives = weights[:, matches.labelled_picture].sum(axis=1)
    areas = [_area(drawn, among, matches.right[:, column]) for column in range(ious)]
    return share(np.mean(areas, axis=0), positives)


def _area(
    drawn: npt.NDArray[np.float32], among: npt.NDArray[np.float32], right: npt.NDArray[np.bool_]
) -> Floats:
    """[draws] area under the curve, not yet divided by the number of labelled boxes."""
    at = np.flatnonzero(right)
    hits = np.cumsum(drawn[:, at], axis=1)
    precision = hits / np.maximum(among[:, at], TINY)
    ceiling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((drawn[:, at] * ceiling).sum(axis=1), np.float64)


def precision_and_recall(matches: Matches, weights: Floats, threshold: float) -> tuple[Floats, Floats]:
    """[draws] each, of the detections of at least *threshold*; NaN where nothing is found, or labelled."""
    above = matches.score >= threshold
    drawn = weights[:, matches.picture[above]]
    hits, found = drawn[:, matches.right[above, 0]].sum(axis=1), drawn.sum(axis=1)
    positives = weights[:, matches.labelled_picture].sum(axis=1)
    return share(hits, found), share(hits, positives)


def share(part: Floats, whole: Floats) -> Floats:
    """*part* of *whole*, NaN where that is 0."""
    shares: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return shares


def curve(matches: Matches) -> tuple[Floats, Floats]:
    """Recall and precision [n] at each detection, the surest first."""
    hits = np.cumsum(matches.right[:, 0])
    return hits / max(1, len(matches.labelled_px)), hits / np.arange(1, len(hits) + 1)


def best_f1(matches: Matches) -> tuple[float, float]:
    """The best harmonic mean of precision and recall, and the threshold where it is; 0 and 0.99 if nothing is found."""
    recall, precision = curve(matches)
    f1 = 2 * precision * recall / np.maximum(precision + recall, TINY)
    best = int(f1.argmax()) if len(f1) else 0
    return (float(f1[best]), float(matches.score[best])) if len(f1) else (0.0, 0.99)


def estimate(values: Floats) -> Estimate:
    """The first of *values* [1 + draws], which is that of the pictures as they are, with the interval of the others."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not len(drawn):
        return Estimate(float(values[0]), float("nan"), float("nan"))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(float(values[0]), float(low), float(high))
