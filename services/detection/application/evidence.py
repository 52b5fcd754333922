"""The best of the confirming looks: kept for each subject until its violation is opened or it is gone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from services.detection.domain.geometry import Box
from services.detection.domain.scene import Look, Observation, Stance, Subject
from services.detection.domain.tracking import EDGE_PX

MOST_LOOKS = 24  # a 1080p look holds 6 MB, for all whom it shows; beyond this the oldest is dropped
FRESH_S = 8.0  # an older look is replaced by any newer one
NOT_SEEN = 0.5  # what a picture is worth for a finding without a box of its own: there is nothing to point at
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
    """One sighting for each subject, in a bounded number of looks."""

    _best: dict[Subject, Sighting] = field(default_factory=dict)

    def offer(self, look: Look) -> None:
        """Keep *look* for each subject that it shows better than the look that is kept.

        Once a look has spoken against a finding, what was kept gives way to the next look that supports: it may show
        a mistake, or what was over before.
        """
        supports: dict[Subject, list[Observation]] = {}
        for observation in look.observations:
            if observation.stance is Stance.SUPPORTS:
                supports.setdefault(observation.subject, []).append(observation)
            elif observation.stance is Stance.DENIES:
                self._doubt(observation)
        for subject, observations in supports.items():
            self._keep(subject, Sighting(look, _score(look, observations)))
        self._bound(look, supports)

    def best(self, subject: Subject) -> Sighting | None:
        return self._best.get(subject)

    def forget_all_but(self, subjects: Collection[Subject]) -> None:
        for subject in [subject for subject in self._best if subject not in subjects]:
            del self._best[subject]

    def _doubt(self, denial: Observation) -> None:
        kept = self._best.get(denial.subject)
        if kept and any(_speaks_against(denial, one) for one in kept.look.observations):
            self._best[denial.subject] = replace(kept, score=0.0)

    def _keep(self, subject: Subject, sighting: Sighting) -> None:
        kept = self._best.get(subject)
        if not (kept and kept.score >= sighting.score and _age_s(kept, sighting) <= FRESH_S):
            self._best[subject] = sighting

    def _bound(self, look: Look, supports: Mapping[Subject, list[Observation]]) -> None:
        """Drop the oldest looks; whom *look* shows goes on with that, as nobody may be left without a picture."""
        times = sorted({sighting.look.scene.at_s for sighting in self._best.values()})
        if len(times) <= MOST_LOOKS:
            return
        oldest_s = times[-MOST_LOOKS]
        for subject in [one for one, kept in self._best.items() if kept.look.scene.at_s < oldest_s]:
            del self._best[subject]
            if subject in supports:
                self._best[subject] = Sighting(look, _score(look, supports[subject]))


def _speaks_against(denial: Observation, one: Observation) -> bool:
    same = (one.subject, one.finding) == (denial.subject, denial.finding)
    return same and one.stance is Stance.SUPPORTS


def _age_s(kept: Sighting, newer: Sighting) -> float:
    return newer.look.scene.at_s - kept.look.scene.at_s


def _score(look: Look, observations: list[Observation]) -> float:
    """Findings that can be pointed at come first, the surer the better, then whole and large people."""
    shown = sum(NOT_SEEN if one.basis == "not-seen" else 1 + one.confidence for one in observations)
    box, view = observations[0].box, look.scene.view
    if box is None:
        return shown
    whole = min(box.x1, box.y1, view.width - box.x2, view.height - box.y2) > EDGE_PX
    return shown + 0.5 * whole + min(0.5, box.area / (view.width * view.height))


def close_up(person: Box, width: int, height: int) -> Box:
    """What to show large: the person with a margin, clipped to the picture, never narrower than half its height."""
    dx, dy = CLOSE_UP_MARGIN * person.width, CLOSE_UP_MARGIN * person.height / 2
    dx = max(dx, (person.height / 2 - person.width) / 2)
    return Box(person.x1 - dx, person.y1 - dy, person.x2 + dx, person.y2 + dy).clipped(width, height)
