"""Judge the rules as events over simulated scenes (development only).

    python -m tools.judge_events models/ppe4.rates.json

Hundreds of scenes with exact truth go through tracking, wearing, rules and cases; what the detector would say of each
look follows the model's measured rates by size, and their measured correlation in time (tools/simulator). Writes the
tables of docs/events.md, and its curve, between their marks.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from officer.training.events import EventTally, Raised, TrueEvent, tally
from services.detection.domain.confirmation import PPE_DEFAULT, ZONE_DEFAULT
from services.detection.domain.wearing import Verdict
from shared.config.site import Confirmation, PpeRule, RestrictedZoneRule, Rule
from shared.vocabulary import Finding
from tools.simulator.emulator import Emulator, Habits, read_habits
from tools.simulator.rates import Rates, read_rates
from tools.simulator.replay import (
    ITEMS,
    LOOKS_A_SECOND,
    Judged,
    Recording,
    place_of,
    raised,
    record,
    true_events,
)
from tools.simulator.scenarios import SCENARIOS
from tools.simulator.world import moment

ROOT = Path(__file__).parents[1]
HEADS_PX = (8.0, 60.0)  # drawn evenly on a logarithmic scale
SIZES = ((8, 12), (12, 18), (18, 26), (26, 40), (40, 60))
FINDINGS = (Finding.NO_HARDHAT, Finding.NO_VEST, Finding.RESTRICTED_ZONE)
PPE_SETTINGS = ((2, 3), (3, 4), (4, 5), (5, 7), (6, 8), (8, 10), (10, 13), (12, 16), (16, 20))
ZONE_SETTINGS = ((2, 2), (2, 3), (3, 4), (4, 5), (6, 7), (8, 10))
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene, played.

    Attributes:
        name: of the scenario.
        head_px: height of the heads in pixels of the network's input.
    """

    name: str
    head_px: float
    recording: Recording


Judgements = Sequence[tuple[Scene, Mapping[Finding, "Outcome"]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scene for one finding: what had to be raised, and what was in view too shortly for that."""

    must: EventTally
    may: int
    may_raised: int


def main() -> None:
    options = _options()
    began = time.process_time()
    rates, habits = read_rates(options.rates), read_habits(options.habits)
    scenes = play(rates, habits, options.scenes, options.seed)
    judged = [(scene, outcomes(scene)) for scene in scenes]
    tables = {
        "rules": _by_rule(judged),
        "sizes": _by_size(judged),
        "scenes": _by_scenario(judged),
        "ppe settings": _settings(scenes, _ppe, PPE_SETTINGS, FINDINGS[:2], PPE_DEFAULT),
        "zone settings": _settings(
            [s for s in scenes if s.recording.world.zone], _zone, ZONE_SETTINGS, FINDINGS[2:], ZONE_DEFAULT
        ),
        "cannot tell": _cannot_tell(scenes),
    }
    for name, table in tables.items():
        print(f"\n{name}\n{table}")
    print(f"\n{len(scenes)} scenes, {time.process_time() - began:.0f} s of processor time")


def play(rates: Rates, habits: Habits, each: int, seed: int, names: Iterable[str] = SCENARIOS) -> list[Scene]:
    """*each* scenes of each scenario, the same for the same *seed*."""
    return [
        _play(name, rates, habits, np.random.default_rng([seed, *name.encode(), number]))
        for name in names
        for number in range(each)
    ]


def outcomes(scene: Scene, changed: Mapping[str, Rule] | None = None) -> dict[Finding, Outcome]:
    """Judge *scene* for each finding, with rules *changed*."""
    must, may = true_events(scene.recording)
    told = raised(scene.recording, changed)
    return {
        finding: _outcome(
            scene.recording, *([one for one in some if one.finding is finding] for some in (must, may, told))
        )
        for finding in FINDINGS
    }


def _outcome(
    recording: Recording, must: list[TrueEvent], may: list[TrueEvent], told: list[Raised]
) -> Outcome:
    places, camera_s = partial(place_of, recording), recording.world.seconds
    all_of_it, due = tally([*must, *may], told, places, camera_s), tally(must, told, places, camera_s)
    counted = replace(due, false=all_of_it.false, duplicates=all_of_it.duplicates)
    return Outcome(counted, len(may), all_of_it.found - due.found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Judge the rules as events over simulated scenes.")
    parser.add_argument("rates", type=Path, help="of a model, as tools/measure_model.py wrote them")
    parser.add_argument("--habits", type=Path, default=ROOT / "tools" / "simulator" / "ppe4.habits.json")
    parser.add_argument("--scenes", type=int, default=40, help="of each scenario")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="put tables and curve into this document")
    return parser.parse_args()


def _play(name: str, rates: Rates, habits: Habits, random: np.random.Generator) -> Scene:
    head_px = float(np.exp(random.uniform(*np.log(HEADS_PX))))
    world = SCENARIOS[name](random, head_px)
    moments = [
        moment(world, number / LOOKS_A_SECOND) for number in range(int(world.seconds * LOOKS_A_SECOND))
    ]
    emulator = Emulator(rates, habits, random)
    seen = [emulator.look(one) for one in moments]
    return Scene(name, head_px, record(world, moments, seen, rates.thresholds))


COLUMNS = "| Events | Found | Right | Median delay | 90 % of delays | Raised again | False an hour |"


@dataclass(frozen=True, slots=True)
class Figures:
    """What many outcomes come to; shares with their 95 % interval by resampling scenes."""

    expected: int
    recall: tuple[float, float, float]
    precision: tuple[float, float, float]
    delay_s: tuple[float, float]
    duplicates: int
    false_an_hour: float

    @property
    def row(self) -> str:
        return (
            f"{self.expected} | {_share(self.recall)} | {_share(self.precision)} | {self.delay_s[0]:.1f} s |"
            f" {self.delay_s[1]:.1f} s | {self.duplicates} | {self.false_an_hour:.1f} |"
        )


def figures(chosen: Sequence[Outcome]) -> Figures:
    counts = np.array([[o.must.expected, o.must.found, o.may_raised, o.must.false] for o in chosen], float)
    drawn = np.random.default_rng(0).integers(len(counts), size=(RESAMPLES, len(counts)))
    many = counts[drawn].sum(axis=1)
    delays = [delay for o in chosen for delay in o.must.delays_s] or [float("nan")]
    hours = sum(o.must.camera_s for o in chosen) / 3600
    return Figures(
        int(counts[:, 0].sum()),
        _interval(counts.sum(axis=0), many, _recall),
        _interval(counts.sum(axis=0), many, _precision),
        (float(np.median(delays)), float(np.quantile(delays, 0.9))),
        sum(o.must.duplicates for o in chosen),
        float(counts[:, 3].sum() / hours),
    )


def _recall(counts: np.ndarray) -> np.ndarray:
    return counts[..., 1] / np.maximum(counts[..., 0], 1)


def _precision(counts: np.ndarray) -> np.ndarray:
    right = counts[..., 1] + counts[..., 2]
    return right / np.maximum(right + counts[..., 3], 1)


def _interval(
    whole: np.ndarray, many: np.ndarray, of: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float, float]:
    low, high = np.quantile(of(many), [0.025, 0.975])
    return float(of(whole)), float(low), float(high)


def _share(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.2f} ({value[1]:.2f}-{value[2]:.2f})"


def _table(first: str, rows: Iterable[tuple[str, Figures]]) -> str:
    lines = [f"| {first} {COLUMNS}", "|---" * (1 + COLUMNS.count("|") - 1) + "|"]
    return "\n".join([*lines, *(f"| {name} | {row.row}" for name, row in rows)])


def _by_rule(judged: Judgements) -> str:
    return _table("Finding", ((str(f), figures([one[f] for _, one in judged])) for f in FINDINGS))


def _by_size(judged: Judgements) -> str:
    rows = []
    for finding in FINDINGS:
        for low, high in SIZES:
            chosen = [one[finding] for scene, one in judged if low <= scene.head_px < high]
            rows.append((f"{finding}, {low}-{high} px", figures(chosen)))
    return _table("Finding, head", rows)


def _by_scenario(judged: Judgements) -> str:
    rows = []
    for name in SCENARIOS:
        chosen = [outcome for scene, one in judged if scene.name == name for outcome in one.values()]
        rows.append((name, figures(chosen)))
    return _table("Scene", rows)


def _ppe(confirm: Confirmation) -> dict[str, Rule]:
    return {
        "ppe": PpeRule(id="ppe", kind="ppe", title="PPE", requires=ITEMS, zones=("yard",), confirm=confirm)
    }


def _zone(confirm: Confirmation) -> dict[str, Rule]:
    rule = RestrictedZoneRule(
        id="keep-out", kind="restricted-zone", title="Out", zones=("slew",), confirm=confirm
    )
    return {"keep-out": rule}


def _settings(
    scenes: Sequence[Scene],
    changed: Callable[[Confirmation], dict[str, Rule]],
    settings: Sequence[tuple[int, int]],
    findings: Sequence[Finding],
    default: Confirmation,
) -> str:
    rows = []
    for looks, of in settings:
        confirm = Confirmation(looks=looks, of=of, within_s=default.within_s)
        judged = [outcomes(scene, changed(confirm)) for scene in scenes]
        rows += [(f"{looks} of {of}, {f}", figures([one[f] for one in judged])) for f in findings]
    return _table("Looks, finding", rows)


def _cannot_tell(scenes: Sequence[Scene]) -> str:
    lines = [
        "| Item, head | Looks | Cannot tell | of these rightly | Decided rightly |",
        "|---|---|---|---|---|",
    ]
    for item in ITEMS:
        for low, high in SIZES:
            looks = [
                one
                for scene in scenes
                if low <= scene.head_px < high
                for one in scene.recording.judged
                if one.item is item
            ]
            lines.append(f"| {item}, {low}-{high} px | {_verdicts(looks)}")
    return "\n".join(lines)


def _verdicts(looks: Sequence[Judged]) -> str:
    unsure = [look for look in looks if look.verdict is Verdict.CANNOT_TELL]
    rightly = [look for look in unsure if not look.in_view or look.forced != look.lacks]
    decided = [look for look in looks if look.verdict is not Verdict.CANNOT_TELL]
    right = [look for look in decided if (look.verdict is Verdict.MISSING) == look.lacks]
    shares = [len(a) / max(1, len(b)) for a, b in ((unsure, looks), (rightly, unsure), (right, decided))]
    return f"{len(looks)} | {shares[0]:.2f} | {shares[1]:.2f} | {shares[2]:.3f} |"


if __name__ == "__main__":
    main()
