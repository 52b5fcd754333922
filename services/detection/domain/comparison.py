"""Where two models differ on one picture, each believed at its own thresholds."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.detection.domain.assignment import assign
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.wearing import DEFAULT_THRESHOLD

SAME = 0.5  # IoU from which two boxes of one label show the same thing, as in mAP50

SeenBy = Literal["model", "shadow"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A box that only one of the models has.

    Attributes:
        seen_by: which of them: the model that decides, or its shadow.
        label: what it shows.
        confidence: that model's score.
        box: pixels of the picture.
    """

    seen_by: SeenBy
    label: Label
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on one picture.

    Attributes:
        agreed: number of things that both found, by label.
        differences: what only one of them found.
    """

    agreed: Mapping[Label, int]
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model says of a picture.

    Attributes:
        found: its detections, down to any floor.
        thresholds: the lowest confidence at which it is believed, by label; `DEFAULT_THRESHOLD` for the others.
    """

    found: Sequence[Detection]
    thresholds: Mapping[Label, float]

    def believed(self, label: Label) -> list[Detection]:
        least = self.thresholds.get(label, DEFAULT_THRESHOLD)
        return [one for one in self.found if one.label is label and one.confidence >= least]


def compare(model: Answer, shadow: Answer, labels: Collection[Label]) -> Comparison:
    """Match the boxes of each of *labels* one to one, where they overlap by `SAME` at least."""
    agreed: Counter[Label] = Counter()
    differences: list[Difference] = []
    for label in sorted(labels):
        ours, theirs = model.believed(label), shadow.believed(label)
        pairs = assign([[1 - one.box.iou(other.box) for other in theirs] for one in ours], 1 - SAME)
        agreed[label] += len(pairs)
        rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
        differences += _only("model", ours, rows) + _only("shadow", theirs, columns)
    return Comparison(+agreed, differences)


def _only(seen_by: SeenBy, boxes: Sequence[Detection], matched: Collection[int]) -> list[Difference]:
    return [
        Difference(seen_by, one.label, one.confidence, one.box)
        for number, one in enumerate(boxes)
        if number not in matched
    ]
