"""Who stands in a zone."""

import pytest

from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Scene, people_inside
from shared.config.site import Zone
from tests.unit.detection.scenes import BEGIN, KEEP_OUT, PRESS, VIEW, Story, person, track

WHOLE = Zone(id="whole", name="Whole", polygon=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))


@pytest.mark.parametrize("zone", [WHOLE, PRESS])
@pytest.mark.parametrize(
    "box", [Box(700, 400, 900, 720), Box(1180, 500, 1280, 720), Box(1000, 300, 1280, 719)]
)
def test_who_is_cut_by_the_edge_of_the_picture_stands_in_a_zone_that_reaches_it(zone: Zone, box: Box) -> None:
    cut = track(Detection(box, Label.PERSON, 0.9))
    assert people_inside(zone, Scene(BEGIN, 0.0, VIEW, [cut], {})) == [cut]


def test_who_stands_beside_the_zone_at_the_edge_is_not_in_it() -> None:
    beside = track(Detection(Box(100, 400, 300, 720), Label.PERSON, 0.9))
    assert people_inside(PRESS, Scene(BEGIN, 0.0, VIEW, [beside], {})) == []


def test_a_person_cut_by_the_lower_edge_is_raised() -> None:
    cut = Detection(Box(900, 300, 1100, 720), Label.PERSON, 0.9)
    assert len(Story(KEEP_OUT, zones=(PRESS,)).seconds(3, cut).opened) == 1


def test_boxes_that_could_start_no_track_confirm_nothing_and_deny_nothing() -> None:
    """One sure look, then a shadow that continues the track: nobody is reported; sure looks between them count."""
    sure, weak = person(x=900, y=100, confidence=0.41), person(x=900, y=100, confidence=0.2)
    assert Story(KEEP_OUT, zones=(PRESS,)).look(sure).seconds(10, weak).opened == []
    story = Story(KEEP_OUT, zones=(PRESS,))
    for _ in range(5):
        story.look(sure).look(weak)
    assert len(story.opened) == 1
