"""The shipped model on rendered clips with exact truth, each of them a trap (examples/clips/README.md)."""

from pathlib import Path

import pytest

from officer.training.events import judge_clip
from officer.training.validate import Validation, validate
from officer.training.verdict import EventFloor, Floors
from services.detection.settings import SHIPPED_MODEL
from tests.e2e.running import ROOT
from tests.labelled_sets import HAT, PERSON, write_set
from tests.prepared_sets import prepared_folder

CLIPS = ROOT / "examples" / "clips"


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("carried-hat", 1),
        ("close-together", 2),
        ("behind-a-pillar", 2),
        ("cut-by-the-edge", 0),
        ("at-night", 2),
        ("soft-hats", 1),  # of two: the model takes the cap for a hard hat (models/README.md, Limits)
    ],
)
def test_what_lacks_is_found_once_and_nothing_else_is_raised(name: str, least: int) -> None:
    told = judge_clip(CLIPS / name, SHIPPED_MODEL)
    assert told.found >= least
    assert (told.false, told.duplicates) == (0, 0)


def test_the_demo_is_judged_as_its_own_test_does() -> None:
    told = judge_clip(ROOT / "examples" / "demo", SHIPPED_MODEL)
    assert (told.expected, told.found, told.false, told.duplicates) == (3, 3, 0, 0)


def test_what_a_report_tells_of_clips_does_not_hang_on_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"STORE": "s3", "QUEUE": "sqs", "QUEUE_NAME": "live", "DETECT_FPS": "0.1"}.items():
        monkeypatch.setenv(name, value)
    data = prepared_folder(
        tmp_path, write_set(tmp_path / "one", {"train/a": [PERSON], "val/a": [PERSON, HAT]})
    )
    floors = Floors(events=EventFloor(least_found=1, most_false_per_camera_hour=0))
    clip = CLIPS / "carried-hat"
    report = validate(
        Validation(SHIPPED_MODEL, data, tmp_path / "out", floors=floors, clips=(clip,), longest=320)
    )
    events = report["events"]
    assert events["clips"] == {"carried-hat": 640}
    assert (events["expected"], events["found"], events["false"], events["camera_s"]) == (1, 1, 0, 7)
    assert report["refused"] == []
