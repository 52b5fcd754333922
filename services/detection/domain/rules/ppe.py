"""Each person in the zone must wear each required item."""

from collections.abc import Sequence

from services.detection.domain.scene import Observation, Scene, Stance, Subject, people_inside
from services.detection.domain.tracking import Track
from services.detection.domain.wearing import Verdict, Wearing
from shared.config.site import PpeRule, Zone
from shared.vocabulary import missing

_STANCE = {
    Verdict.MISSING: Stance.SUPPORTS,
    Verdict.WORN: Stance.DENIES,
    Verdict.CANNOT_TELL: Stance.CANNOT_TELL,
}


def observe(rule: PpeRule, zones: Sequence[Zone], scene: Scene) -> list[Observation]:
    """One observation for each person and each item that *rule* requires, in the first of *zones* that he stands in."""
    result: list[Observation] = []
    judged: set[int] = set()
    for zone in zones:
        for person in people_inside(zone, scene):
            if person.id not in judged:
                judged.add(person.id)
                result += [
                    _item(rule, zone, person, scene.wearing[person.id][item]) for item in rule.requires
                ]
    return result


def _item(rule: PpeRule, zone: Zone, person: Track, wearing: Wearing) -> Observation:
    return Observation(
        subject=Subject(rule.id, zone.id, person.id),
        finding=missing(wearing.item),
        stance=_STANCE[wearing.verdict],
        basis=wearing.basis.value if wearing.basis else None,
        confidence=wearing.confidence,
        people=1,
        box=person.box,
        item_box=wearing.box,
        why=wearing.why,
    )
