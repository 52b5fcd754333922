"""What a box says of a head or a body, and the thresholds that follow; the decision of who wears what rests on it.

Thresholds, by these rules:

- an item (hardhat, vest): where the chances of a box on the worn item and on the bare spot lie farthest apart; of
  confidences that differ from that by no more than one standard error, the highest (Breiman's rule: chance decides
  no threshold, and what is believed to be worn should be surely so);
- a bare spot (no_hardhat): the lowest at which at most `MOST_WRONG` of the worn items are called bare; the highest
  where none keeps that, and `unkept` tells of it;
- any other label: where F1 over all sets is best.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from officer.training.looks import Picture
from services.detection.domain.detection import Label
from services.detection.domain.geometry import Box
from shared.vocabulary import Finding

CONFIDENCES = (0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6)
MOST_WRONG = 0.015
SIZES = ((0, 12), (12, 20), (20, 32), (32, 64), (64, 10_000))  # of a head, pixels of the network's input
LARGE_PX = 128  # height of a person in pixels of the network's input, from which absence counts
PERSON_SIZES = ((0, 64), (64, 128), (128, 256), (256, 10_000))  # of a person, likewise

PAIRS = ((Label.HARDHAT, Label.NO_HARDHAT), (Label.VEST, Label.NO_VEST))
# What each question asks: which detections, on which labelled things.
_ASKED = (
    *(
        (found, thing)
        for worn, bare in PAIRS
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
    asked = {row["question"]: row for row in rows if row["by"] == "any"}
    chosen = {label: max(0.01, math.floor(at * 100) / 100) for label, at in best_f1_at.items()}
    for question, found, thing in QUESTIONS:
        wrong, right = asked.get(question), asked.get(f"{found} found | {found} there")
        if found is not thing and wrong and right:
            chosen[found] = (_seldom_wrong if found.startswith("no_") else _farthest_apart)(right, wrong)
    return chosen


def unkept(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The bare spots of which no confidence keeps `MOST_WRONG`; one sentence each.

    Args:
        rows: of `rates`.
    """
    asked = {row["question"]: row for row in rows if row["by"] == "any"}
    for worn, bare in PAIRS:
        right, wrong = (asked.get(f"{bare} found | {thing} there") for thing in (bare, worn))
        if right and wrong and (least := min(wrong["share"].values())) > MOST_WRONG:
            yield (
                f"{bare}: {least:.3f} of {worn} are called that at the highest confidence, too ({CONFIDENCES[-1]}); "
                f"at most {MOST_WRONG} should be"
            )


def _seldom_wrong(right: Mapping[str, Any], wrong: Mapping[str, Any]) -> float:
    low = [limit for limit, share in wrong["share"].items() if share <= MOST_WRONG]
    return float(low[0] if low else max(right["share"], key=float))


def _farthest_apart(right: Mapping[str, Any], wrong: Mapping[str, Any]) -> float:
    apart = {limit: share - wrong["share"][limit] for limit, share in right["share"].items()}
    best = max(apart, key=apart.__getitem__)
    variances = (row["share"][best] * (1 - row["share"][best]) / row["looks"] for row in (right, wrong))
    least = apart[best] - math.sqrt(sum(variances))
    return max(float(limit) for limit, distance in apart.items() if distance >= least)


def reliability(
    rows: list[dict[str, Any]], used: Mapping[Label, float], precision: Mapping[Label, float]
) -> dict[str, dict[str, float]]:
    """How often a look is right where bare and equipped people are equally many; for `ModelInfo.reliability`.

    *Seen missing*: a bare box at its threshold. *Not seen*: no box at half the item's threshold, on a person of
    `LARGE_PX` or more. Shares are Laplace's (one right and one wrong added): a few looks prove nothing for sure.

    Args:
        rows: of `rates`.
        used: threshold of each label.
        precision: of each label at its threshold.
    """
    found: dict[str, dict[str, float]] = {}
    for worn, bare in PAIRS:
        here = found.setdefault(str(bare), {})
        if bare in used and (odds := _odds(rows, bare, (bare, worn), used[bare], 0, seen=True)):
            here["seen-missing"] = odds
        if worn in used and (odds := _odds(rows, worn, (bare, worn), used[worn] / 2, LARGE_PX, seen=False)):
            here["not-seen"] = odds
    if Label.PERSON in precision:
        found[str(Finding.RESTRICTED_ZONE)] = {"present-in-zone": round(precision[Label.PERSON], 2)}
    return {finding: by_basis for finding, by_basis in found.items() if by_basis}


def _odds(
    rows: list[dict[str, Any]],
    label: Label,
    things: tuple[Label, Label],
    limit: float,
    px: int,
    *,
    seen: bool,
) -> float | None:
    """Chance that the first of *things* is there if *label* was *seen*, or was not; None if not measured."""
    shares = [_share(rows, f"{label} found | {thing} there", limit, px, seen) for thing in things]
    if None in shares:
        return None
    right, wrong = (share or 0.0 for share in shares)
    return round(right / (right + wrong), 2)


def _share(rows: list[dict[str, Any]], question: str, limit: float, px: int, seen: bool) -> float | None:
    """Share of looks with (or without) a box of *limit* or more, on people of *px* or more (0: all)."""
    asked = [
        row
        for row in rows
        if row["question"] == question
        and (row["by"] == "person_height_px" and row["px"][0] >= px if px else row["by"] == "any")
    ]
    looks = sum(row["looks"] for row in asked)
    if not looks:
        return None
    nearest = f"{min(CONFIDENCES, key=lambda known: abs(known - limit)):.2f}"
    shown = sum(row["share"][nearest] * row["looks"] for row in asked)
    return float(((shown if seen else looks - shown) + 1) / (looks + 2))


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
