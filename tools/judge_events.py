"""Judge the rules as events over simulated scenes (development only).

    python -m tools.judge_events models/ppe4.rates.json

Hundreds of scenes with exact truth go through tracking, wearing, rules and cases; what the detector would say of each
look follows the model's measured rates by size, and their measured correlation in time (tools/simulator). With
--write docs/events.md its tables are replaced, each between its marks, and the curve beside it (events.svg).
"""

import argparse
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from officer.training.events import EventTally, Raised, TrueEvent, tally
from services.detection.domain import wearing
from services.detection.domain.confirmation import PPE_DEFAULT, ZONE_DEFAULT
from services.detection.domain.detection import Label
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
PPE_SETTINGS = ((2, 3), (4, 5), (6, 8), (8, 10), (12, 16), (16, 20))
ZONE_SETTINGS = ((2, 3), (3, 4), (4, 5), (6, 7), (8, 10))
LEAST_HEADS_PX = (12.0, 18.0, 30.0)
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
    """What came of one scene for one finding.

    Attributes:
        must: of what had to be raised; its false and duplicate findings are those of the whole scene.
        may_raised: raised of what was in view too shortly to have to be.
        comply: people of whom the finding never held.
    """

    must: EventTally
    may_raised: int
    comply: int


def main() -> None:
    options = _options()
    began = time.process_time()
    rates, habits = read_rates(options.rates), read_habits(options.habits)
    scenes = play(rates, habits, options.scenes, options.seed)
    judged = [(scene, outcomes(scene)) for scene in scenes]
    ppe = sweep(scenes, _ppe, PPE_SETTINGS, PPE_DEFAULT)
    zone = sweep([s for s in scenes if s.recording.world.zone], _zone, ZONE_SETTINGS, ZONE_DEFAULT)
    tables = {
        "findings": _by_finding(judged),
        "sizes": _by_size(judged),
        "scenes": _by_scenario(judged),
        "ppe settings": _settings(ppe, FINDINGS[:2]),
        "zone settings": _settings(zone, FINDINGS[2:]),
        "least heads": _least_heads(scenes, rates),
        "cannot tell": _cannot_tell(scenes),
        "run": f"{len(scenes)} scenes ({options.scenes} of each kind), seed {options.seed}, rates of"
        f" {options.rates.name}, {time.process_time() - began:.0f} s of processor time.",
    }
    for name, table in tables.items():
        print(f"\n{name}\n{table}")
    if options.write:
        write(options.write, tables)
        points = {
            f: [(setting, figures([one[f] for one in judged])) for setting, judged in ppe]
            for f in FINDINGS[:2]
        }
        options.write.with_suffix(".svg").write_text(curve(points), "utf-8")


def write(document: Path, tables: Mapping[str, str]) -> None:
    """Replace what lies between `<!-- NAME -->` and `<!-- end -->` for each of *tables*."""
    text = document.read_text("utf-8")
    for name, table in tables.items():
        pattern = rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)"
        text, found = re.subn(pattern, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.DOTALL)
        assert found == 1, f"{document} needs <!-- {name} --> and <!-- end --> once"
    document.write_text(text, "utf-8")


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
    lacking = {name for event in (*must, *may) for name in event.people}
    return Outcome(counted, all_of_it.found - due.found, len(recording.world.workers) - len(lacking))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Judge the rules as events over simulated scenes.")
    parser.add_argument("rates", type=Path, help="of a model: its report, with rates by size")
    parser.add_argument("--habits", type=Path, default=ROOT / "tools" / "simulator" / "ppe4.habits.json")
    parser.add_argument("--scenes", type=int, default=20, help="of each kind")
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
        shares = f"{_share(self.recall)} | {_share(self.precision)}"
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


def _by_finding(judged: Judgements) -> str:
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
        mine = [(scene, one) for scene, one in judged if scene.name == name]
        asked = FINDINGS if mine[0][0].recording.world.zone else FINDINGS[:2]
        rows.append((name, figures([one[finding] for _, one in mine for finding in asked])))
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


Sweep = Sequence[tuple[str, Sequence[Mapping[Finding, Outcome]]]]


def sweep(
    scenes: Sequence[Scene],
    changed: Callable[[Confirmation], dict[str, Rule]],
    settings: Iterable[tuple[int, int]],
    default: Confirmation,
) -> Sweep:
    """Outcomes of all *scenes* for each of *settings*, M and N."""
    confirms = [Confirmation(looks=looks, of=of, within_s=default.within_s) for looks, of in settings]
    return [
        (f"{one.looks} of {one.of}", [outcomes(scene, changed(one)) for scene in scenes]) for one in confirms
    ]


def _settings(swept: Sweep, findings: Iterable[Finding]) -> str:
    rows = [(f"{f}, {name}", figures([one[f] for one in judged])) for f in findings for name, judged in swept]
    return _table("Finding, looks", rows)


def _least_heads(scenes: Sequence[Scene], rates: Rates) -> str:
    """The absence of an item may count from different heights of the head on."""
    rows = []
    shipped = wearing.LEAST_HEAD_PX
    for least_px in LEAST_HEADS_PX:
        wearing.LEAST_HEAD_PX = least_px
        again = [
            outcomes(replace(scene, recording=again_judged(scene.recording, rates.thresholds)))
            for scene in scenes
        ]
        rows += [(f"{f}, {least_px:.0f} px", figures([one[f] for one in again])) for f in FINDINGS[:2]]
    wearing.LEAST_HEAD_PX = shipped
    return _table("Finding, least head", sorted(rows, key=lambda row: row[0].split(",")[0]))


def again_judged(recording: Recording, thresholds: Mapping[Label, float]) -> Recording:
    """The same detections, judged again by the domain as it is now."""
    seen = [look.detections for look, _ in recording.looks]
    return record(recording.world, recording.moments, seen, thresholds)


def curve(points: Mapping[Finding, Sequence[tuple[str, Figures]]]) -> str:
    """An SVG: what is found of what there is, over what is raised falsely, one point for each setting."""
    most = max(one.false_of_100 for row in points.values() for _, one in row) * 1.15
    parts = [_AXES]
    for tick in range(6):
        y = 330 - tick * 60
        parts.append(
            f'<path d="M70 {y}H690" stroke="#8884"/><text x="60" y="{y + 4}" text-anchor="end">{tick / 5:.1f}</text>'
        )
        x, value = 70 + tick * 124, most * tick / 5
        parts.append(f'<text x="{x}" y="350" text-anchor="middle">{value:.1f}</text>')
    for (finding, row), colour in zip(points.items(), ("#d9480f", "#1c7ed6"), strict=True):
        places = [(70 + 620 * one.false_of_100 / most, 330 - 300 * one.recall[0]) for _, one in row]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (setting, _) in zip(places, row, strict=True):
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{colour}"/>')
            if setting in SHOWN:
                parts.append(f'<text x="{x:.0f}" y="{y - 9:.0f}" text-anchor="middle">{setting}</text>')
        x, y = places[0]
        parts.append(
            f'<text x="{x + 10:.0f}" y="{y + 16:.0f}" fill="{colour}" font-weight="bold">{finding}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


SHOWN = ("2 of 3", f"{PPE_DEFAULT.looks} of {PPE_DEFAULT.of}", "16 of 20")
_AXES = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 390" font-family="sans-serif" font-size="13" '
    'fill="#777">\n<text x="380" y="378" text-anchor="middle">false findings, of 100 people who comply</text>\n'
    '<text x="70" y="20" text-anchor="start">share of events found</text>'
)


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
