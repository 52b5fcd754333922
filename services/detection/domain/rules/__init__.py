"""One rule kind per file: pure steps over a scene."""

from collections.abc import Iterable, Sequence

from services.detection.domain.rules import ppe, restricted_zone
from services.detection.domain.scene import Observation, Scene
from services.detection.domain.schedule import active
from shared.config.site import PpeRule, Rule, Zone


def observe(rules: Iterable[Rule], zones: Sequence[Zone], scene: Scene, timezone: str) -> list[Observation]:
    """What *rules* that hold now say of *scene* in each of their *zones*."""
    return [
        observation
        for rule in rules
        if active(rule.schedule, scene.at, timezone)
        for observation in _observe(rule, zones_of(rule, zones), scene)
    ]


def zones_of(rule: Rule, zones: Sequence[Zone]) -> list[Zone]:
    """Those of a camera's *zones* that *rule* is about."""
    return [zone for zone in zones if not rule.zones or zone.id in rule.zones]


def _observe(rule: Rule, zones: Sequence[Zone], scene: Scene) -> list[Observation]:
    if isinstance(rule, PpeRule):
        return ppe.observe(rule, zones, scene)
    return restricted_zone.observe(rule, zones, scene)
