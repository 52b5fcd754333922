"""Tables of people and boxes for the rules' tests; no model anywhere."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.detection.domain import rules
from services.detection.domain.cases import Cases, Identity, Outcome
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Scene
from services.detection.domain.tracking import Track, Tracker
from services.detection.domain.wearing import View, judge
from shared.config.site import PpeRule, RestrictedZoneRule, Rule, Zone
from shared.vocabulary import Item

VIEW = View(width=1280, height=720, scale=0.5)
THRESHOLDS = {Label.HARDHAT: 0.3, Label.NO_HARDHAT: 0.3, Label.VEST: 0.3}
BEGIN = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
HALL = Zone(id="hall", name="Hall")
PPE = PpeRule(id="ppe", kind="ppe", title="Hard hat and vest", requires=(Item.HARDHAT, Item.VEST))
HARDHAT = PpeRule(id="hat", kind="ppe", title="Hard hat", requires=(Item.HARDHAT,))
PRESS = Zone(id="press", name="Press", polygon=((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)))
KEEP_OUT = RestrictedZoneRule(id="keep-out", kind="restricted-zone", title="Keep out", zones=("press",))


def person(x: float = 400, y: float = 100, height: float = 500, confidence: float = 0.9) -> Detection:
    """A standing person whose box begins at (x, y): 0.35 times as wide as high."""
    return Detection(Box(x, y, x + 0.35 * height, y + height), Label.PERSON, confidence)


def on_head(of: Detection, label: Label, confidence: float = 0.8) -> Detection:
    """A hat, or a bare head, on the head of *of*."""
    head, middle = of.box.height / 7, of.box.centre[0]
    box = Box(middle - head / 2, of.box.y1, middle + head / 2, of.box.y1 + 0.7 * head)
    return Detection(box, label, confidence)


def on_torso(of: Detection, label: Label = Label.VEST, confidence: float = 0.8) -> Detection:
    return Detection(of.box.band(0.15, 0.55), label, confidence)


def track(detection: Detection, number: int = 1) -> Track:
    return Track(number, detection.box, detection.confidence, looks=9, confirmed=True)


class Story:
    """A camera whose looks are told one by one, 5 a second unless said otherwise."""

    def __init__(
        self,
        *site_rules: Rule,
        zones: Sequence[Zone] = (HALL,),
        cases: Cases | None = None,
        thresholds: Mapping[Label, float] = THRESHOLDS,
        rate: float = 5,
    ) -> None:
        self.rate = rate
        self.rules, self.zones, self.thresholds = site_rules, zones, thresholds
        identity = Identity("site", "camera", "session")
        self.cases = cases or Cases(identity, {rule.id: rule for rule in site_rules})
        self.tracker = Tracker()
        self.at_s = 0.0
        self.events: list[tuple[str, Any]] = []
        self.why: list[str] = []
        self.suppressed: list[Any] = []

    def look(self, *detections: Detection, times: int = 1, accept: bool = True) -> "Story":
        for _ in range(times):
            self.at_s = round(self.at_s + 1 / self.rate, 3)
            tracks = self.tracker.update([d for d in detections if d.label is Label.PERSON], self.at_s)
            seen = [one for one in tracks if one.confirmed]
            wearing = judge(seen, detections, (Item.HARDHAT, Item.VEST), VIEW, self.thresholds)
            scene = Scene(BEGIN + timedelta(seconds=self.at_s), self.at_s, VIEW, seen, wearing)
            observed = rules.observe(self.rules, self.zones, scene, "UTC")
            self.settle(self.cases.look(observed, self.tracker.alive, self.at_s), accept)
        return self

    def seconds(self, seconds: float, *detections: Detection) -> "Story":
        return self.look(*detections, times=round(seconds * self.rate))

    def wait(self, seconds: float) -> "Story":
        """No looks at all for a while."""
        self.at_s += seconds
        return self

    def settle(self, outcome: Outcome, accept: bool = True) -> None:
        self.why += [decision.why for decision in outcome.decisions]
        self.suppressed += outcome.suppressed
        for opening in outcome.openings if accept else ():
            self.events.append(("opened", opening))
            self.cases.opened(opening)
        for closing in outcome.closings if accept else ():
            self.events.append(("closed", closing))
            self.cases.closed(closing)

    @property
    def opened(self) -> list[Any]:
        return [event for kind, event in self.events if kind == "opened"]

    @property
    def closed(self) -> list[Any]:
        return [event for kind, event in self.events if kind == "closed"]
