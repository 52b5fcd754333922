"""Nobody may stand in the zone."""

from collections.abc import Sequence
from dataclasses import replace

from services.detection.domain.scene import Observation, Scene, Stance, Subject, people_inside
from services.detection.domain.tracking import STRONG, Track
from shared.config.site import RestrictedZoneRule, Zone
from shared.vocabulary import Finding


def observe(rule: RestrictedZoneRule, zones: Sequence[Zone], scene: Scene) -> list[Observation]:
    """What `observe_zone` says of each of *zones*."""
    return [observation for zone in zones for observation in observe_zone(rule, zone, scene)]


def observe_zone(rule: RestrictedZoneRule, zone: Zone, scene: Scene) -> list[Observation]:
    """One observation for each person inside, or one for the zone, as *rule* counts; an empty zone denies."""
    people = people_inside(zone, scene)
    if rule.per == "person":
        return [_inside(Subject(rule.id, zone.id, person.id), [person]) for person in people]
    subject = Subject(rule.id, zone.id, None)
    return [_inside(subject, people) if people else _empty(subject)]


def _inside(subject: Subject, people: Sequence[Track]) -> Observation:
    surest = max(people, key=lambda person: person.confidence)
    inside = Observation(
        subject=subject,
        finding=Finding.RESTRICTED_ZONE,
        stance=Stance.SUPPORTS,
        basis="present-in-zone",
        confidence=surest.confidence,
        people=len(people),
        box=surest.box,
        item_box=None,
        why=f"feet of {len(people)} inside the zone",
    )
    if surest.confidence >= STRONG:
        return inside
    why = f"person uncertain ({surest.confidence:.2f} below {STRONG})"
    return replace(inside, stance=Stance.CANNOT_TELL, basis=None, why=why)


def _empty(subject: Subject) -> Observation:
    return Observation(
        subject, Finding.RESTRICTED_ZONE, Stance.DENIES, None, 0.0, 0, None, None, "nobody inside"
    )
