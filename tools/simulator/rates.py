"""How sure a model is of what is there, by size: its measured rates read as distributions of the score."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from services.detection.domain.detection import Label

SUREST = 0.95  # nobody has measured above the highest limit of the rates; scores run out here
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Rates:
    """The chance of a box of a label on a thing, by the height of the person.

    Attributes:
        limits: [n] scores, rising.
        by_size: for each (found, there): [m] heights in pixels of the network's input, and [m, n] the share of looks
            with a box of at least each limit.
        thresholds: scores from which the model is believed, for each label that it can report.
        model: name and version.
        longest_px: long side of the network's input at which all this was measured.
    """

    limits: npt.NDArray[np.float64]
    by_size: Mapping[tuple[Label, Label], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
    thresholds: Mapping[Label, float]
    model: str
    longest_px: int

    @property
    def labels(self) -> frozenset[Label]:
        """What can be found: a model without `no_vest` has no rates of it."""
        return frozenset(found for found, _ in self.by_size)

    def score(self, found: Label, there: Label, person_px: float, luck: float) -> float:
        """The score that *luck* (standard normal: higher is surer) gives; 0 if there is no box."""
        shares = self._shares(found, there, person_px)
        chance = 1.0 - _NORMAL.cdf(luck)
        if chance > shares[0]:
            return 0.0
        limits = np.append(self.limits, SUREST)
        return float(np.interp(chance, np.append(shares, 0.0)[::-1], limits[::-1]))

    def luck(self, found: Label, there: Label, person_px: float, score: float) -> float:
        """The luck that gives *score*; below the lowest limit the middle of what gives no box."""
        shares = self._shares(found, there, person_px)
        if score < self.limits[0]:
            chance = (1.0 + shares[0]) / 2
        else:
            chance = np.interp(score, np.append(self.limits, SUREST), np.append(shares, 0.0))
        return _NORMAL.inv_cdf(1.0 - min(max(float(chance), 0.002), 0.998))

    def _shares(self, found: Label, there: Label, person_px: float) -> npt.NDArray[np.float64]:
        heights, shares = self.by_size[found, there]
        place = np.interp(log(max(person_px, 1.0)), np.log(heights), np.arange(len(heights)))
        below = min(int(place), len(heights) - 1)
        above = min(below + 1, len(heights) - 1)
        mixed: npt.NDArray[np.float64] = shares[below] + (place - below) * (shares[above] - shares[below])
        return mixed


def read_rates(path: Path) -> Rates:
    """Read a model's rates from its report, as `officer model validate` writes it (models/ppe.validation.json)."""
    report = json.loads(path.read_text("utf-8"))
    rows: dict[tuple[Label, Label], list[dict[str, Any]]] = {}
    for row in report["rates"]:
        if row["by"] == "person_height_px":
            found, there = (words.split()[0] for words in row["question"].split(" | "))
            rows.setdefault((Label(found), Label(there)), []).append(row)
    limits = np.array([float(limit) for limit in next(iter(rows.values()))[0]["share"]])
    by_size = {key: _by_size(found) for key, found in rows.items()}
    thresholds = {Label(label): value for label, value in report["thresholds"].items()}
    model = f"{report['model']} {report['version']}".strip()
    return Rates(limits, by_size, thresholds, model, max(report["input_px"]))


def _by_size(rows: list[dict[str, Any]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The middle of each range of heights, and its shares; the open ends are taken as half and 1.5 times their edge."""
    heights = [_middle(*row["px"]) for row in rows]
    return np.array(heights), np.array([list(row["share"].values()) for row in rows])


def _middle(low: float, high: float) -> float:
    low, high = low or high / 2, min(high, 2 * low) if low else high
    return float(np.sqrt(low * high))
