"""A detector that errs as the real one was measured to: what it misses once it often misses again.

The score of each label on each thing is a fixed function of size (`Rates`) and of *luck*, a standard normal number
that is partly the person's own (clothes, hair, light), partly a slow drift (pose), so that errors come in rows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import exp, sqrt
from pathlib import Path

import numpy as np

from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.wearing import HEADS_IN_A_BODY
from tools.simulator.rates import Rates
from tools.simulator.world import HEIGHT, WIDTH, Moment, Part, Seen

FLOOR = 0.05
SAME_THING = 0.6  # IoU from which two boxes of a label are one, as in the product's adapter
LEAST_IN_VIEW = 0.35  # share of a head, trunk or person below which nothing is found (assumed)
HIDDEN_COSTS = 2.0  # luck lost if all were hidden, in standard deviations (assumed)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a detector's scores hang together in time, as `correlation.py` measured it.

    Attributes:
        own: share of the variance of luck that is the person's own, by label.
        drift_s: time constant of the rest.
        jitter: standard deviation of a box's edge, as a share of the person's height.
        jitter_s: its time constant.
    """

    own: dict[str, float]
    drift_s: float
    jitter: float
    jitter_s: float


def read_habits(path: Path) -> Habits:
    told = json.loads(path.read_text("utf-8"))
    return Habits(told["own"], told["drift_s"], told["jitter"], told["jitter_s"])


@dataclass(slots=True)
class _Luck:
    own: float
    drift: float
    at_s: float


@dataclass(slots=True)
class Emulator:
    """The detector of one scene."""

    rates: Rates
    habits: Habits
    random: np.random.Generator
    _lucks: dict[tuple[str, Label, Label], _Luck] = field(default_factory=dict)
    _jitters: dict[tuple[str, str], tuple[np.ndarray, float]] = field(default_factory=dict)

    def look(self, moment: Moment) -> list[Detection]:
        """What the detector says of *moment*, the surest first."""
        found: list[Detection] = []
        for name, seen in moment.people.items():
            found += self._person(name, seen, moment.at_s)
        for number, hat in enumerate(moment.hats):
            found += self._hat(f"hat {number}", hat, moment.at_s)
        return _once(sorted(found, key=lambda one: -one.confidence))

    def _person(self, name: str, seen: Seen, at_s: float) -> Iterator[Detection]:
        height = seen.head_px * HEADS_IN_A_BODY
        whole = Part(seen.box, seen.visible)
        yield from self._found(name, Label.PERSON, Label.PERSON, whole, seen.box.height, at_s)
        head = _shell(seen.head.box) if seen.hat == "worn" else seen.head.box
        there = Label.HARDHAT if seen.hat == "worn" else Label.NO_HARDHAT
        for label in (Label.HARDHAT, Label.NO_HARDHAT):
            yield from self._found(name, label, there, Part(head, seen.head.visible), height, at_s)
        there = Label.VEST if seen.vest else Label.NO_VEST
        for label in (Label.VEST, Label.NO_VEST):
            yield from self._found(name, label, there, seen.trunk, height, at_s)
        if seen.carried:
            yield from self._hat(f"{name}'s hat", seen.carried, at_s)

    def _hat(self, name: str, hat: Part, at_s: float) -> Iterator[Detection]:
        """A hat that nobody wears is seen as well as one that somebody does (assumed)."""
        height = hat.box.height / 0.8 * HEADS_IN_A_BODY
        yield from self._found(name, Label.HARDHAT, Label.HARDHAT, hat, height, at_s)

    def _found(
        self, name: str, label: Label, there: Label, part: Part, person_px: float, at_s: float
    ) -> Iterator[Detection]:
        if label not in self.rates.labels:
            return
        luck = self._luck((name, label, there), at_s) - HIDDEN_COSTS * (1.0 - part.visible)
        score = self.rates.score(label, there, person_px, luck)
        if part.visible >= LEAST_IN_VIEW and score >= FLOOR:
            box = self._shaken((name, str(label)), part.box, person_px, at_s)
            if box.width > 1 and box.height > 1:
                yield Detection(box, label, score)

    def _luck(self, key: tuple[str, Label, Label], at_s: float) -> float:
        own = self.habits.own[str(key[1])]
        luck = self._lucks.get(key)
        if luck is None:
            luck = self._lucks[key] = _Luck(float(self.random.normal()), float(self.random.normal()), at_s)
        kept = exp(-(at_s - luck.at_s) / self.habits.drift_s)
        luck.drift = kept * luck.drift + sqrt(1 - kept * kept) * float(self.random.normal())
        luck.at_s = at_s
        return sqrt(own) * luck.own + sqrt(1 - own) * luck.drift

    def _shaken(self, key: tuple[str, str], box: Box, person_px: float, at_s: float) -> Box:
        """Every edge a little off, but one that the picture cuts: real boxes end there to the pixel."""
        before, since_s = self._jitters.get(key, (self.random.normal(size=4), at_s))
        kept = exp(-(at_s - since_s) / self.habits.jitter_s)
        now = kept * before + sqrt(1 - kept * kept) * self.random.normal(size=4)
        self._jitters[key] = now, at_s
        x1, y1, x2, y2 = now * self.habits.jitter * person_px
        return Box(
            box.x1 + x1 if box.x1 > 0 else 0.0,
            box.y1 + y1 if box.y1 > 0 else 0.0,
            box.x2 + x2 if box.x2 < WIDTH else WIDTH,
            box.y2 + y2 if box.y2 < HEIGHT else HEIGHT,
        ).clipped(WIDTH, HEIGHT)


def _shell(head: Box) -> Box:
    """Where the hat is: from a little above the crown to the brow, wider than the head."""
    wide, high = 0.06 * head.width, head.height
    return Box(head.x1 - wide, head.y1 - 0.1 * high, head.x2 + wide, head.y1 + 0.65 * high)


def _once(found: list[Detection]) -> list[Detection]:
    kept: list[Detection] = []
    for one in found:
        if not any(one.label is other.label and one.box.iou(other.box) > SAME_THING for other in kept):
            kept.append(one)
    return kept
