"""What was raised is matched with the truth by rule, finding, person and time."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from officer.training.events import Raised, TrueEvent, expected_events, judge_clip, tally
from services.detection.domain.geometry import Box
from shared.config.site import Site, load_site
from shared.errors import ConfigurationError
from shared.vocabulary import Finding

HAT, VEST, ZONE = Finding.NO_HARDHAT, Finding.NO_VEST, Finding.RESTRICTED_ZONE
LEFT, RIGHT = Box(0, 0, 100, 300), Box(60, 0, 160, 300)
DEMO = Path("examples/demo")


def people(_: float) -> Mapping[str, Box]:
    return {"left": LEFT, "right": RIGHT}


def event(person: str = "left", finding: Finding = HAT, from_s: float = 2, to_s: float = 9) -> TrueEvent:
    return TrueEvent("ppe", finding, frozenset({person}), from_s, to_s)


def violation(at_s: float = 5, *boxes: Box, finding: Finding = HAT, rule: str = "ppe") -> Raised:
    return Raised(rule, finding, at_s, at_s + 1, boxes or (LEFT,))


def test_an_event_that_is_raised_is_found_with_its_delay() -> None:
    told = tally([event()], [violation(5)], people, camera_s=20)
    assert (told.expected, told.found, told.missed, told.false, told.duplicates) == (1, 1, 0, 0, 0)
    assert told.delays_s == (4.0,)


def test_raised_again_it_is_a_duplicate() -> None:
    told = tally([event()], [violation(5), violation(8)], people, camera_s=20)
    assert (told.found, told.duplicates, told.false) == (1, 1, 0)
    assert told.delays_s == (4.0,)


@pytest.mark.parametrize(
    "wrong",
    [
        violation(5, RIGHT),
        violation(5, Box(400, 0, 500, 300)),
        violation(5, finding=VEST),
        violation(5, rule="other"),
        violation(1),
        violation(10),
    ],
    ids=["neighbour", "nobody", "other finding", "other rule", "before", "after"],
)
def test_anything_else_is_false_and_the_event_missed(wrong: Raised) -> None:
    told = tally([event()], [wrong], people, camera_s=20)
    assert (told.found, told.missed, told.false) == (0, 1, 1)


def test_tallies_add_up() -> None:
    both = tally([event()], [violation(5)], people, 20) + tally([event()], [], people, 10)
    assert (both.expected, both.found, both.missed, both.camera_s) == (2, 1, 1, 30)


def test_people_who_are_in_a_zone_at_once_are_one_event_where_it_counts_by_zone() -> None:
    told = [
        {"person": "a", "what": "in_zone", "from_s": 1, "to_s": 5},
        {"person": "b", "what": "in_zone", "from_s": 4, "to_s": 8},
        {"person": "a", "what": "in_zone", "from_s": 9, "to_s": 12},
        {"person": "a", "what": "no_hardhat", "from_s": 0, "to_s": 12},
    ]
    found = [(one.rule, one.people, one.from_s, one.to_s) for one in expected_events(told, _demo_site())]
    assert found == [
        ("ppe", {"a"}, 0, 12),
        ("keep-out", {"a", "b"}, 1, 8),
        ("keep-out", {"a"}, 9, 12),
    ]


def test_a_folder_without_truth_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"truth\.json"):
        judge_clip(tmp_path, Path("models/ppe.onnx"))
    (tmp_path / "truth.json").write_text(json.dumps({"video": "clip.mp4"}))
    with pytest.raises(ConfigurationError, match="lacks events"):
        judge_clip(tmp_path, Path("models/ppe.onnx"))


def _demo_site() -> Site:
    return load_site(DEMO / "site.yaml").site
