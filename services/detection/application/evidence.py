"""The best of the confirming looks: kept for each subject until its violation is opened or it is gone."""

from collections.abc import Collection
from dataclasses import dataclass, field

from services.detection.domain.geometry import Box
from services.detection.domain.scene import Look, Observation, Stance, Subject

MOST_SUBJECTS = 24  # a 1080p look holds 6 MB; beyond this the oldest subject's look is dropped
FRESH_S = 8.0  # an older look is replaced by any newer one
CLOSE_UP_MARGIN = 0.25  # of the person's box, on each side


@dataclass(frozen=True, slots=True)
class Sighting:
    """A look that supports a finding about a subject.

    Attributes:
        look: the picture and all that was seen.
        score: how well it shows the finding; higher is better.
    """

    look: Look
    score: float


@dataclass(slots=True)
class EvidenceRing:
    """One sighting for each subject, bounded."""

    _best: dict[Subject, Sighting] = field(default_factory=dict)

    def offer(self, look: Look) -> None:
        """Keep *look* for each subject that it shows better than the look that is kept."""
        supports: dict[Subject, list[Observation]] = {}
        for observation in look.observations:
            if observation.stance is Stance.SUPPORTS:
                supports.setdefault(observation.subject, []).append(observation)
        for subject, observations in supports.items():
            self._keep(subject, Sighting(look, _score(look, observations)))

    def best(self, subject: Subject) -> Sighting | None:
        return self._best.get(subject)

    def forget_all_but(self, subjects: Collection[Subject]) -> None:
        for subject in [subject for subject in self._best if subject not in subjects]:
            del self._best[subject]

    def _keep(self, subject: Subject, sighting: Sighting) -> None:
        kept = self._best.pop(subject, None)
        if kept and kept.score >= sighting.score and _age_s(kept, sighting) <= FRESH_S:
            sighting = kept
        self._best[subject] = sighting
        if len(self._best) > MOST_SUBJECTS:
            del self._best[next(iter(self._best))]


def _age_s(kept: Sighting, newer: Sighting) -> float:
    return newer.look.scene.at_s - kept.look.scene.at_s


def _score(look: Look, observations: list[Observation]) -> float:
    """Findings shown first, then sure, whole and large people."""
    confidence = sum(observation.confidence for observation in observations) / len(observations)
    box = observations[0].box
    if box is None:
        return len(observations) + confidence
    view = look.scene.view
    whole = box.x1 > 2 and box.y1 > 2 and box.x2 < view.width - 2 and box.y2 < view.height - 2
    return len(observations) + confidence + 0.5 * whole + min(0.5, box.area / (view.width * view.height))


def close_up(person: Box, width: int, height: int) -> Box:
    """What to show large: the person with a margin, clipped to the picture, never narrower than half its height."""
    dx, dy = CLOSE_UP_MARGIN * person.width, CLOSE_UP_MARGIN * person.height / 2
    dx = max(dx, (person.height / 2 - person.width) / 2)
    return Box(person.x1 - dx, person.y1 - dy, person.x2 + dx, person.y2 + dy).clipped(width, height)
