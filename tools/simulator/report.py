"""Figures of many scenes, and how they are told: tables, the curve, and both put into a document."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np

from officer.training.events import EventTally
from services.detection.domain.confirmation import PPE_DEFAULT
from shared.vocabulary import Finding

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scene for one finding.

    Attributes:
        must: of what had to be raised; its false and duplicate findings are those of the whole scene.
        may_raised: raised of what was in view too shortly to have to be.
        comply: people of whom the finding never held.
    """

    must: EventTally
    may_raised: int
    comply: int


COLUMNS = "| Events | Found | Right | Delay, median | Delay, 90 % | Raised again | False, of 100 who comply |"


@dataclass(frozen=True, slots=True)
class Figures:
    """What many outcomes come to; shares with their 95 % interval by resampling scenes."""

    expected: int
    recall: tuple[float, float, float]
    precision: tuple[float, float, float]
    delay_s: tuple[float, float]
    duplicates: int
    false_of_100: float

    @property
    def row(self) -> str:
        if not self.expected:
            return f"0 | | | | | | {self.false_of_100:.1f} |"
        delays = " | ".join("" if np.isnan(delay) else f"{delay:.1f} s" for delay in self.delay_s)
        raised = any(self.precision)
        shares = f"{_share(self.recall)} | {_share(self.precision) if raised else ''}"
        return f"{self.expected} | {shares} | {delays} | {self.duplicates} | {self.false_of_100:.1f} |"


def figures(chosen: Sequence[Outcome]) -> Figures:
    counts = np.array([[o.must.expected, o.must.found, o.may_raised, o.must.false] for o in chosen], float)
    drawn = np.random.default_rng(0).integers(len(counts), size=(RESAMPLES, len(counts)))
    many = counts[drawn].sum(axis=1)
    delays = [delay for o in chosen for delay in o.must.delays_s] or [float("nan")]
    return Figures(
        int(counts[:, 0].sum()),
        _interval(counts.sum(axis=0), many, _recall),
        _interval(counts.sum(axis=0), many, _precision),
        (float(np.median(delays)), float(np.quantile(delays, 0.9))),
        sum(o.must.duplicates for o in chosen),
        100 * float(counts[:, 3].sum()) / max(1, sum(o.comply for o in chosen)),
    )


def _recall(counts: np.ndarray) -> np.ndarray:
    return counts[..., 1] / np.maximum(counts[..., 0], 1)


def _precision(counts: np.ndarray) -> np.ndarray:
    right = counts[..., 1] + counts[..., 2]
    return right / np.maximum(right + counts[..., 3], 1e-9)


def _interval(
    whole: np.ndarray, many: np.ndarray, of: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float, float]:
    low, high = np.quantile(of(many), [0.025, 0.975])
    return float(of(whole)), float(low), float(high)


def _share(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.2f} ({value[1]:.2f}-{value[2]:.2f})"


def table(first: str, rows: Iterable[tuple[str, Figures]]) -> str:
    lines = [f"| {first} {COLUMNS}", "|---" * (1 + COLUMNS.count("|") - 1) + "|"]
    return "\n".join([*lines, *(f"| {name} | {row.row}" for name, row in rows)])


def curve(points: Mapping[Finding, Sequence[tuple[str, Figures]]]) -> str:
    """An SVG: what is found of what there is, over what is raised falsely, one point for each setting."""
    most = 5 * ceil(max(1.0, *(one.false_of_100 for row in points.values() for _, one in row)) / 4.8)
    parts = [_AXES]
    for tick in range(6):
        y = 330 - tick * 60
        parts.append(
            f'<path d="M70 {y}H690" stroke="#8884"/><text x="60" y="{y + 4}" text-anchor="end">{tick / 5:.1f}</text>'
        )
        x, value = 70 + tick * 124, most * tick / 5
        parts.append(f'<text x="{x}" y="350" text-anchor="middle">{value:.0f}</text>')
    for (finding, row), colour in zip(points.items(), ("#d9480f", "#1c7ed6"), strict=True):
        places = [(70 + 620 * one.false_of_100 / most, 330 - 300 * one.recall[0]) for _, one in row]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (setting, _) in zip(places, row, strict=True):
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{colour}"/>')
            if setting in SHOWN:
                below = 18 if setting == row[-1][0] else -9
                parts.append(f'<text x="{x:.0f}" y="{y + below:.0f}" text-anchor="middle">{setting}</text>')
        x, y = places[0]
        parts.append(
            f'<text x="{x + 10:.0f}" y="{y + 16:.0f}" fill="{colour}" font-weight="bold">{finding}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


SHOWN = ("2 of 3", f"{PPE_DEFAULT.looks} of {PPE_DEFAULT.of}", "16 of 20")
_AXES = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 390" font-family="sans-serif" font-size="13" '
    'fill="#777">\n<text x="380" y="378" text-anchor="middle">false findings, of 100 people who comply</text>\n'
    '<text x="70" y="20" text-anchor="start">share of events found</text>'
)


def write(document: Path, tables: Mapping[str, str]) -> None:
    """Replace what lies between `<!-- NAME -->` and `<!-- end -->` for each of *tables*."""
    text = document.read_text("utf-8")
    for name, table in tables.items():
        pattern = rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)"
        text, found = re.subn(pattern, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.DOTALL)
        assert found == 1, f"{document} needs <!-- {name} --> and <!-- end --> once"
    document.write_text(text, "utf-8")
