"""One rule kind per file: pure steps over a scene."""

from collections.abc import Iterable

from services.detection.domain.rules import ppe, restricted_zone
from services.detection.domain.scene import Observation, Scene
from services.detection.domain.schedule import active
from shared.config.site import PpeRule, Rule, Zone


def observe(rules: Iterable[Rule], zones: Iterable[Zone], scene: Scene, timezone: str) -> list[Observation]:
    """What *rules* that hold now say of *scene* in each of their *zones*."""
    places = tuple(zones)
    return [
        observation
        for rule in rules
        if active(rule.schedule, scene.at, timezone)
        for observation in _observe(rule, _places(rule, places), scene)
    ]


def _places(rule: Rule, zones: tuple[Zone, ...]) -> tuple[Zone, ...]:
    return tuple(zone for zone in zones if not rule.zones or zone.id in rule.zones)


def _observe(rule: Rule, zones: tuple[Zone, ...], scene: Scene) -> list[Observation]:
    if isinstance(rule, PpeRule):
        return ppe.observe(rule, zones, scene)
    return restricted_zone.observe(rule, zones, scene)
