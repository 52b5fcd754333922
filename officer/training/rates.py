"""What a box says of a head or a body, and the thresholds that follow; the decision of who wears what rests on it.

Thresholds, by these rules:

- an item (hardhat, vest): where the chances of a box on the worn item and on the bare spot lie farthest apart;
- a bare spot (no_hardhat): the lowest at which at most `MOST_WRONG` of the worn items are called bare;
- any other label: where F1 over all sets is best.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from officer.training.looks import Picture
from services.detection.domain.detection import Label
from services.detection.domain.geometry import Box

CONFIDENCES = (0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6)
MOST_WRONG = 0.015
SIZES = ((0, 12), (12, 20), (20, 32), (32, 64), (64, 10_000))  # of a head, pixels of the network's input
PERSON_SIZES = ((0, 64), (64, 128), (128, 256), (256, 10_000))  # of a person, likewise

# What each question asks: which detections, on which labelled things.
_ASKED = (
    *(
        (found, thing)
        for worn, bare in ((Label.HARDHAT, Label.NO_HARDHAT), (Label.VEST, Label.NO_VEST))
        for found, thing in ((worn, worn), (worn, bare), (bare, bare), (bare, worn))
    ),
    (Label.PERSON, Label.PERSON),
)
QUESTIONS = tuple((f"{found} found | {thing} there", found, thing) for found, thing in _ASKED)


def rates(
    pictures: Sequence[Picture], labels: frozenset[Label], labelled: Mapping[str, frozenset[Label]]
) -> list[dict[str, Any]]:
    """For each question, the share of labelled things that have a box of at least each of `CONFIDENCES`.

    Asked only of sets that label both: elsewhere one cannot be told from the other.
    """
    rows: list[dict[str, Any]] = []
    for question, wanted, thing in QUESTIONS:
        if wanted in labels:
            chosen = [picture for picture in pictures if {wanted, thing} <= labelled[picture.dataset]]
            rows += _rates(chosen, question, wanted, thing)
    return rows


def thresholds(rows: list[dict[str, Any]], best_f1_at: Mapping[Label, float]) -> dict[Label, float]:
    """The lowest confidence at which each label is to be believed, by the rules above.

    Args:
        rows: of `rates`.
        best_f1_at: for each label, where F1 over all sets is best.
    """
    shares = {row["question"]: row["share"] for row in rows if row["by"] == "any"}
    chosen = {label: max(0.01, math.floor(at * 100) / 100) for label, at in best_f1_at.items()}
    for question, found, thing in QUESTIONS:
        wrong, right = shares.get(question), shares.get(f"{found} found | {found} there")
        if found is thing or not wrong or not right:
            continue
        if found.startswith("no_"):
            low = [limit for limit in right if wrong[limit] <= MOST_WRONG]
            chosen[found] = float(low[0] if low else max(right, key=float))
        else:
            chosen[found] = float(max(right, key=lambda limit: right[limit] - wrong[limit]))
    return chosen


def _rates(pictures: Sequence[Picture], question: str, wanted: Label, thing: Label) -> list[dict[str, Any]]:
    looks = [
        (_surest(box, wanted, picture), box.height * picture.scale, _person_height(box, picture))
        for picture in pictures
        for box in (seen.box for seen in picture.truth if seen.label is thing)
    ]
    rows = [_row(question, "any", None, [best for best, _, _ in looks])]
    for low, high in SIZES:
        within = [best for best, height, _ in looks if low <= height < high]
        rows.append(_row(question, "item_height_px", (low, high), within))
    for low, high in PERSON_SIZES:
        within = [best for best, _, height in looks if height is not None and low <= height < high]
        rows.append(_row(question, "person_height_px", (low, high), within))
    return [row for row in rows if row["looks"]]


def _surest(box: Box, wanted: Label, picture: Picture) -> float:
    """Confidence of the surest *wanted* detection on the thing in *box*, 0 if there is none."""
    return max(
        (one.confidence for one in picture.found if one.label is wanted and _same_place(one.box, box)),
        default=0.0,
    )


def _same_place(found: Box, box: Box) -> bool:
    """Sets draw a hat, or the whole head with it: overlap is asked for more gently than in AP50."""
    return found.iou(box) >= 0.3 or (box.contains(found.centre) and found.contains(box.centre))


def _person_height(box: Box, picture: Picture) -> float | None:
    """Height of the labelled person around *box* in pixels of the network's input; None if that is not clear."""
    around = [
        thing.box
        for thing in picture.truth
        if thing.label is Label.PERSON and box.covered_by(thing.box) > 0.7
    ]
    return around[0].height * picture.scale if len(around) == 1 else None


def _row(question: str, by: str, bounds: tuple[int, int] | None, best: list[float]) -> dict[str, Any]:
    scores = np.array(best)
    share = (
        {f"{limit:.2f}": round(float((scores >= limit).mean()), 3) for limit in CONFIDENCES} if best else {}
    )
    return {
        "question": question,
        "by": by,
        "px": list(bounds) if bounds else None,
        "looks": len(best),
        "share": share,
    }
