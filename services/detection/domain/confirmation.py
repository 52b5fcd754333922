"""M of N: when a finding about a subject is believed."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.detection.domain.scene import EvidenceBasis, Observation, Stance
from shared.config.site import Confirmation, PpeRule, Rule
from shared.contracts.violation import FindingFacts
from shared.vocabulary import Finding

PPE_DEFAULT = Confirmation(looks=6, of=8, within_s=10)
ZONE_DEFAULT = Confirmation(looks=4, of=5, within_s=4)

# An absence is weak evidence: the detector's misses repeat from frame to frame, so it takes more looks.
WEIGHT: dict[EvidenceBasis, float] = {"seen-missing": 1.0, "not-seen": 0.4, "present-in-zone": 1.0}

# Reliability of a look that the model's metadata say nothing of, lower than all that was measured (models/README.md).
UNMEASURED = 0.8

ROUNDING = 1e-6
LEAST_APART_S = 0.12  # between looks that count: closer together they show one moment, mistakes included
BLIND_S = 3.0  # a gap between looks after which tracks mean nothing
WORN_MEMORY_S = 20.0
WORN_LOOKS = 5


def needed_for(rule: Rule) -> Confirmation:
    """What *rule* asks for, or the default of its kind."""
    return rule.confirm or (PPE_DEFAULT if isinstance(rule, PpeRule) else ZONE_DEFAULT)


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    stance: Stance
    basis: EvidenceBasis | None
    people: int


@dataclass(slots=True)
class History:
    """The decisive looks at one finding about one subject, no older than the window.

    Attributes:
        finding: what is asked.
        needed: how many of how many looks, in which time.
        reliability: how often a look is right, by what it rests on (`ModelInfo.reliability`).
    """

    finding: Finding
    needed: Confirmation
    reliability: Mapping[str, float] = field(default_factory=dict)
    _looks: deque[_Look] = field(default_factory=lambda: deque(maxlen=256))
    _worn_at: deque[float] = field(default_factory=lambda: deque(maxlen=WORN_LOOKS))

    def add(self, observation: Observation, at_s: float) -> str:
        """Take one look in; returns why it does not count, empty if it does."""
        self.forget(at_s)
        if observation.stance is Stance.CANNOT_TELL:
            return observation.why
        if self._looks and at_s - self._looks[-1].at_s < LEAST_APART_S - ROUNDING:
            return "too soon after the last look that counts"
        if observation.basis == "not-seen" and len(self._worn_at) == WORN_LOOKS:
            return f"was seen worn less than {WORN_MEMORY_S:.0f} s ago"
        if observation.stance is Stance.DENIES:
            self._worn_at.append(at_s)
        self._looks.append(_Look(at_s, observation.stance, observation.basis, observation.people))
        return ""

    def forget(self, at_s: float) -> None:
        """Drop the looks that are older than the window; that it was worn is remembered for longer."""
        while self._looks and at_s - self._looks[0].at_s > self.needed.within_s:
            self._looks.popleft()
        while self._worn_at and at_s - self._worn_at[0] > WORN_MEMORY_S:
            self._worn_at.popleft()

    @property
    def empty(self) -> bool:
        return not self._looks and not self._worn_at

    @property
    def supported(self) -> bool:
        """Whether any look supports it."""
        return any(look.basis for look in self._looks)

    @property
    def people(self) -> int:
        """Most at once in the looks that count, at least 1."""
        return max([1, *(look.people for look in self._counted())])

    @property
    def confirmed(self) -> bool:
        """Enough weight among the looks that count."""
        return sum(map(_weight, self._counted())) >= self.needed.looks - ROUNDING

    @property
    def leaning(self) -> bool:
        """Not decided, but most of the looks that count support: worth waiting for."""
        counted = self._counted()
        return not self.confirmed and 2 * sum(look.basis is not None for look in counted) > len(counted)

    @property
    def denied(self) -> bool:
        """The last decisive look spoke against it."""
        return bool(self._looks) and self._looks[-1].stance is Stance.DENIES

    @property
    def first_support_s(self) -> float:
        return next(look.at_s for look in self._counted() if look.basis)

    def facts(self) -> FindingFacts:
        """What the message says of this finding."""
        counted = self._counted()
        supports = [look for look in counted if look.basis]
        return FindingFacts(
            finding=self.finding,
            basis=_basis(supports),
            confidence=round(sum(map(self._reliability, supports)) / len(counted), 3),
            supporting=len(supports),
            looked=len(counted),
            window_s=round(counted[-1].at_s - counted[0].at_s, 3),
        )

    def _reliability(self, look: _Look) -> float:
        return self.reliability.get(look.basis or "not-seen", UNMEASURED)

    def _counted(self) -> list[_Look]:
        """The last N looks, in order: a support takes as much of N as it weighs, a denial one."""
        counted: list[_Look] = []
        left = self.needed.of + ROUNDING
        for look in reversed(self._looks):
            left -= _weight(look) or 1.0
            if left < 0:
                break
            counted.append(look)
        return counted[::-1]

    def progress(self) -> str:
        """For people: how many of the looks that count support it."""
        counted = self._counted()
        return f"{sum(look.basis is not None for look in counted)} of {len(counted)}"


def _weight(look: _Look) -> float:
    return WEIGHT[look.basis] if look.basis else 0.0


def _basis(supports: list[_Look]) -> EvidenceBasis:
    """What most of the supports rest on."""
    weak = sum(look.basis == "not-seen" for look in supports)
    strong = [look.basis for look in supports if look.basis and look.basis != "not-seen"]
    return strong[-1] if len(strong) > weak else "not-seen"
