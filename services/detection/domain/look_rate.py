"""Whether a camera is looked at often enough for its rules to be found broken."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from statistics import median

from services.detection.domain.confirmation import WEIGHT, needed_for
from services.detection.domain.detection import Label, bare
from services.detection.domain.tracking import MAX_GAP_S
from shared.config.site import PpeRule, Rule

LEAST_RATE = 1.1 / MAX_GAP_S  # looks a second that keep a track alive, although cameras do not keep time
INTERVALS = 20  # whose median tells the rate


def least_rate(rule: Rule, labels: Collection[Label]) -> float:
    """Looks a second below which *rule* could never be found broken by a model of *labels*."""
    unseen = isinstance(rule, PpeRule) and any(bare(item) not in labels for item in rule.requires)
    needed = needed_for(rule)
    looks = needed.looks / WEIGHT["not-seen" if unseen else "seen-missing"]
    return max((looks - 1) / needed.within_s, LEAST_RATE)


@dataclass(slots=True)
class LookRate:
    """The rate that is reached while somebody is in view; at other times fewer looks are meant to be made."""

    _intervals: deque[float] = field(default_factory=lambda: deque(maxlen=INTERVALS))
    _last_s: float | None = None

    def note(self, at_s: float, busy: bool) -> None:
        """A look at *at_s*, seconds in the session; *busy*: somebody was in view since the last one."""
        if busy and self._last_s is not None:
            self._intervals.append(at_s - self._last_s)
        self._last_s = at_s

    def too_low_for(
        self, rules: Iterable[Rule], labels: Collection[Label]
    ) -> tuple[Rule, float, float] | None:
        """The rule that suffers most, what it needs and what is reached, in looks a second; None if all is well."""
        if len(self._intervals) < INTERVALS:
            return None
        reached = 1 / median(self._intervals)
        needs = ((rule, least_rate(rule, labels)) for rule in rules)
        rule, least = max(needs, key=lambda need: need[1], default=(None, 0.0))
        return (rule, least, reached) if rule and reached < least else None
