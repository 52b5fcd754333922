"""Judge the rules as events over simulated scenes (development only).

    python -m tools.judge_events models/ppe.validation.json

Hundreds of scenes with exact truth go through tracking, wearing, rules and cases; what the detector would say of each
look follows the model's measured rates by size, and their measured correlation in time (tools/simulator). With
--write docs/events.md its tables are replaced, each between its marks, and the curve beside it (events.svg).
"""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from officer.training.events import Raised, TrueEvent, tally
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
from tools.simulator.report import Outcome, curve, figures, table, write
from tools.simulator.scenarios import SCENARIOS
from tools.simulator.world import moment

ROOT = Path(__file__).parents[1]
HEADS_PX = (8.0, 60.0)  # drawn evenly on a logarithmic scale
SIZES = ((8, 12), (12, 18), (18, 26), (26, 40), (40, 60))
FINDINGS = (Finding.NO_HARDHAT, Finding.NO_VEST, Finding.RESTRICTED_ZONE)
PPE_SETTINGS = ((2, 3), (4, 5), (6, 8), (8, 10), (12, 16), (16, 20))
ZONE_SETTINGS = ((2, 3), (3, 4), (4, 5), (6, 7), (8, 10))
LEAST_HEADS_PX = (12.0, 18.0, 24.0, 30.0, 40.0)


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


Judgements = Sequence[tuple[Scene, Mapping[Finding, Outcome]]]


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
        f" {options.rates.name} ({rates.model}), {time.process_time() - began:.0f} s of processor time.",
    }
    for name, text in tables.items():
        print(f"\n{name}\n{text}")
    if options.write:
        write(options.write, tables)
        points = {
            f: [(setting, figures([one[f] for one in judged])) for setting, judged in ppe]
            for f in FINDINGS[:2]
        }
        options.write.with_suffix(".svg").write_text(curve(points), "utf-8")


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
    parser.add_argument("--habits", type=Path, default=ROOT / "tools" / "simulator" / "habits.json")
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


def _by_finding(judged: Judgements) -> str:
    return table("Finding", ((str(f), figures([one[f] for _, one in _asked(judged, f)])) for f in FINDINGS))


def _by_size(judged: Judgements) -> str:
    rows = []
    for finding in FINDINGS:
        for low, high in SIZES:
            chosen = [one[finding] for scene, one in _asked(judged, finding) if low <= scene.head_px < high]
            rows += [(f"{finding}, {low}-{high} px", figures(chosen))] if chosen else []
    return table("Finding, head", rows)


def _asked(judged: Judgements, finding: Finding) -> Judgements:
    """A restricted zone is asked for only where there is one."""
    everywhere = finding is not Finding.RESTRICTED_ZONE
    return [(scene, one) for scene, one in judged if everywhere or scene.recording.world.zone]


def _by_scenario(judged: Judgements) -> str:
    rows = []
    for name in SCENARIOS:
        mine = [(scene, one) for scene, one in judged if scene.name == name]
        asked = FINDINGS if mine[0][0].recording.world.zone else FINDINGS[:2]
        rows.append((name, figures([one[finding] for _, one in mine for finding in asked])))
    return table("Scene", rows)


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
    return table("Finding, looks", rows)


def _least_heads(scenes: Sequence[Scene], rates: Rates) -> str:
    """The absence of an item may count from different heights of the head on."""
    rows = []
    shipped = dict(wearing.LEAST_HEAD_PX)
    for least_px in LEAST_HEADS_PX:
        wearing.LEAST_HEAD_PX.update(dict.fromkeys(ITEMS, least_px))
        again = [
            outcomes(replace(scene, recording=again_judged(scene.recording, rates.thresholds)))
            for scene in scenes
        ]
        rows += [(f"{f}, {least_px:.0f} px", figures([one[f] for one in again])) for f in FINDINGS[:2]]
    wearing.LEAST_HEAD_PX.update(shipped)
    return table("Finding, least head", sorted(rows, key=lambda row: row[0].split(",")[0]))


def again_judged(recording: Recording, thresholds: Mapping[Label, float]) -> Recording:
    """The same detections, judged again by the domain as it is now."""
    seen = [look.detections for look, _ in recording.looks]
    return record(recording.world, recording.moments, seen, thresholds)


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
