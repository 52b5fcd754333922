"""Run the real domain over a world as a detector would show it: what it raises, and what each look said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from officer.training.events import Raised, TrueEvent
from services.detection.application.evidence import EvidenceRing
from services.detection.domain import rules
from services.detection.domain.cases import Cases, Identity
from services.detection.domain.detection import Detection, Label
from services.detection.domain.frame import Frame
from services.detection.domain.geometry import Box
from services.detection.domain.people import people
from services.detection.domain.scene import Look, Scene
from services.detection.domain.tracking import Tracker
from services.detection.domain.wearing import Verdict, View, judge
from shared.config.site import PpeRule, RestrictedZoneRule, Rule, Zone
from shared.vocabulary import Finding, Item
from tools.simulator.world import HEIGHT, WIDTH, Moment, Seen, World

LOOKS_A_SECOND = 5.0
BEGAN = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
VIEW = View(WIDTH, HEIGHT, scale=1.0)
ITEMS = (Item.HARDHAT, Item.VEST)
IN_VIEW = 0.75  # share of a body band that must be free for anybody to judge it
LEAST_S = 3.0  # of having been in view: a shorter event need not be raised, and may be
_NO_PICTURE = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one person and item in one look, beside the truth.

    Attributes:
        in_view: whether the item's body band could be seen.
        lacks: whether the item is missing in truth.
        forced: whether *missing* would have been said if the look had to decide by the surest box alone.
    """

    item: Item
    verdict: Verdict
    in_view: bool
    lacks: bool
    forced: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """A world seen by a detector: all but the confirmation, which `raised` does for different settings."""

    world: World
    moments: Sequence[Moment]
    looks: Sequence[tuple[Look, frozenset[int]]]
    judged: Sequence[Judged]


def site_of(world: World) -> tuple[tuple[Rule, ...], tuple[Zone, ...]]:
    """Hat and vest everywhere; nobody in the zone, where there is one."""
    yard = Zone(id="yard", name="Yard")
    ppe = PpeRule(id="ppe", kind="ppe", title="Hard hat and vest", requires=ITEMS, zones=("yard",))
    if world.zone is None:
        return (ppe,), (yard,)
    polygon = tuple((min(1.0, x / WIDTH), min(1.0, y / HEIGHT)) for x, y in world.zone)
    keep_out = RestrictedZoneRule(id="keep-out", kind="restricted-zone", title="Keep out", zones=("slew",))
    return (ppe, keep_out), (Zone(id="slew", name="Slew area", polygon=polygon), yard)


def record(
    world: World,
    moments: Sequence[Moment],
    seen: Sequence[Sequence[Detection]],
    thresholds: Mapping[Label, float],
) -> Recording:
    """What tracks, wearing and rules say of each moment of *world*, given the detections.

    Args:
        thresholds: for each label that the model can report.
    """
    tracker = Tracker()
    site_rules, zones = site_of(world)
    looks: list[tuple[Look, frozenset[int]]] = []
    judged: list[Judged] = []
    for number, (moment, detections) in enumerate(zip(moments, seen, strict=True)):
        tracks = tracker.update(people(detections, thresholds, WIDTH, HEIGHT), moment.at_s)
        confirmed = [track for track in tracks if track.confirmed]
        wearing = judge(confirmed, detections, ITEMS, VIEW, thresholds)
        at = BEGAN + timedelta(seconds=moment.at_s)
        scene = Scene(at, moment.at_s, VIEW, confirmed, wearing)
        frame = Frame("simulated", number, at, moment.at_s, _NO_PICTURE)
        observed = rules.observe(site_rules, zones, scene, "UTC")
        looks.append((Look(frame, detections, scene, observed), tracker.alive))
        judged += _judged(scene, moment, detections)
    return Recording(world, moments, looks, judged)


def raised(recording: Recording, changed: Mapping[str, Rule] | None = None) -> list[Raised]:
    """What is raised, live: nothing is opened because a recording ends.

    Args:
        changed: rules to take in place of those of the same id.
    """
    site_rules = {rule.id: rule for rule in site_of(recording.world)[0]} | dict(changed or {})
    cases, ring = Cases(Identity("site", "camera", "session"), site_rules), EvidenceRing()
    result: list[Raised] = []
    for look, alive in recording.looks:
        ring.offer(look)
        outcome = cases.look(look.observations, alive, look.scene.at_s)
        for opening in outcome.openings:
            shown = ring.best(opening.case.subject)
            assert shown is not None
            own = [o for o in shown.look.observations if o.subject == opening.case.subject and o.box]
            boxes = tuple(observation.box for observation in own if observation.box)
            moments = shown.look.scene.at_s, look.scene.at_s
            rule = opening.case.subject.rule
            result += [Raised(rule, finding, *moments, boxes) for finding in opening.case.findings]
            cases.opened(opening)
        for closing in outcome.closings:
            cases.closed(closing)
        ring.forget_all_but(cases.subjects)
    return result


def true_events(recording: Recording) -> tuple[list[TrueEvent], list[TrueEvent]]:
    """What happens in the world: what must be raised, and what is in view too shortly for that."""
    spans: dict[tuple[str, Finding], list[list[float]]] = {}
    for before, moment in zip([None, *recording.moments], recording.moments, strict=False):
        for name, seen in moment.people.items():
            earlier = before.people.get(name) if before else None
            for finding, (lacks, in_view) in _findings(seen).items():
                if lacks:
                    runs = spans.setdefault((name, finding), [])
                    if not runs or (earlier and not _findings(earlier)[finding][0]):
                        runs.append([])
                    if in_view:
                        runs[-1].append(moment.at_s)
    must, may = [], []
    for (name, finding), runs in spans.items():
        rule = "keep-out" if finding is Finding.RESTRICTED_ZONE else "ppe"
        for times in runs:
            if times:
                event = TrueEvent(rule, finding, frozenset({name}), times[0], times[-1])
                (must if len(times) / LOOKS_A_SECOND >= LEAST_S else may).append(event)
    return must, may


def place_of(recording: Recording, at_s: float) -> Mapping[str, Box]:
    """Everybody's true box at a look."""
    seen = recording.moments[round(at_s * LOOKS_A_SECOND)].people
    return {name: one.box for name, one in seen.items()}


def _findings(seen: Seen) -> dict[Finding, tuple[bool, bool]]:
    """For each finding whether it holds of the person, and whether that is to be seen."""
    return {
        Finding.NO_HARDHAT: (seen.hat != "worn", seen.head.visible >= IN_VIEW),
        Finding.NO_VEST: (not seen.vest, seen.trunk.visible >= IN_VIEW),
        Finding.RESTRICTED_ZONE: (seen.in_zone, seen.visible >= IN_VIEW),
    }


def _judged(scene: Scene, moment: Moment, detections: Sequence[Detection]) -> list[Judged]:
    result = []
    for track in scene.people:
        name = max(moment.people, key=lambda who: moment.people[who].box.iou(track.box), default=None)
        if name is None or moment.people[name].box.iou(track.box) < 0.3:
            continue
        seen = moment.people[name]
        for item, lacks, part in (
            (Item.HARDHAT, seen.hat != "worn", seen.head),
            (Item.VEST, not seen.vest, seen.trunk),
        ):
            forced = _guess(item, part.box, detections)
            verdict = scene.wearing[track.id][item].verdict
            result.append(Judged(item, verdict, part.visible >= IN_VIEW, lacks, forced))
    return result


def _guess(item: Item, band: Box, detections: Sequence[Detection]) -> bool:
    """Whether the surest box on the band says that the item is missing, or there is none."""
    over = [
        d for d in detections if d.box.iou(band) >= 0.2 and d.label.value.removeprefix("no_") == item.value
    ]
    return not over or max(over, key=lambda d: d.confidence).label.value.startswith("no_")
