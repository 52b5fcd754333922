"""The shipped model on rendered clips with exact truth, each of them a trap (examples/clips/README.md)."""

import pytest

from officer.training.events import judge_clip
from services.detection.settings import SHIPPED_MODEL
from tests.e2e.running import ROOT

CLIPS = ROOT / "examples" / "clips"


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("carried-hat", 1),
        ("close-together", 2),
        ("behind-a-pillar", 2),
        ("cut-by-the-edge", 0),
        ("at-night", 2),
    ],
)
def test_what_lacks_is_found_once_and_nothing_else_is_raised(name: str, least: int) -> None:
    told = judge_clip(CLIPS / name, SHIPPED_MODEL)
    assert told.found >= least
    assert (told.false, told.duplicates) == (0, 0)


def test_the_demo_is_judged_as_its_own_test_does() -> None:
    told = judge_clip(ROOT / "examples" / "demo", SHIPPED_MODEL)
    assert (told.expected, told.found, told.false, told.duplicates) == (3, 3, 0, 0)
