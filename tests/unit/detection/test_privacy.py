"""Faces are found from boxes, and what is to be shown stays free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.privacy import face_regions, face_regions_by_any

WIDTH, HEIGHT = 1000, 800
PERSON = Box(400, 200, 520, 560)  # upright, 360 high: a head of 48, its crown at 200


def seen(label: Label, box: Box, confidence: float = 0.8) -> Detection:
    return Detection(box, label, confidence)


def faces(*detections: Detection) -> list[Box]:
    return face_regions(detections, WIDTH, HEIGHT)


def hidden(part: Box, regions: list[Box]) -> float:
    """The largest share of *part* that one region covers."""
    return max((part.covered_by(region) for region in regions), default=0.0)


def test_hides_brow_to_chin_of_a_bare_head_and_shows_its_hair() -> None:
    head = Box(440, 200, 480, 252)

    (region,) = faces(seen(Label.PERSON, PERSON), seen(Label.NO_HARDHAT, head))

    assert hidden(head.band(0.4, 1.0), [region]) == 1
    assert hidden(head.band(0.0, 0.3), [region]) == 0


def test_hides_the_whole_face_though_the_box_holds_the_crown_alone() -> None:
    crown = Box(440, 200, 480, 220)

    (region,) = faces(seen(Label.PERSON, PERSON), seen(Label.NO_HARDHAT, crown))

    assert region.y2 >= 252


def test_hides_the_face_below_the_brim_and_shows_the_hat() -> None:
    hat = Box(435, 195, 485, 233)

    (region,) = faces(seen(Label.PERSON, PERSON), seen(Label.HARDHAT, hat))

    assert hidden(Box(440, 233, 480, 258), [region]) == 1
    assert hidden(hat.band(0.0, 0.7), [region]) == 0


def test_hides_the_face_in_a_box_that_holds_hat_and_face() -> None:
    hat_and_face = Box(435, 195, 485, 260)

    (region,) = faces(seen(Label.HARDHAT, hat_and_face))

    assert hidden(hat_and_face.band(0.55, 1.0), [region]) == 1
    assert hidden(hat_and_face.band(0.0, 0.4), [region]) == 0


def test_guesses_the_face_of_a_person_whose_head_was_not_seen() -> None:
    (region,) = faces(seen(Label.PERSON, PERSON, 0.06))

    assert hidden(Box(440, 218, 480, 248), [region]) == 1
    assert hidden(Box(440, 200, 480, 212), [region]) == 0, "the crown, or the hat, stays visible"
    assert hidden(PERSON.band(0.25, 1.0), [region]) == 0, "the vest stays visible"


def test_an_unsure_head_does_not_take_the_guess_away() -> None:
    elsewhere = Box(405, 240, 425, 260)

    regions = faces(seen(Label.PERSON, PERSON), seen(Label.NO_HARDHAT, elsewhere, 0.1))

    assert hidden(Box(440, 218, 480, 248), regions) == 1
    assert len(regions) == 2


def test_an_unsure_head_over_the_chest_leaves_the_vest_visible() -> None:
    regions = faces(seen(Label.PERSON, PERSON), seen(Label.NO_HARDHAT, Box(410, 210, 510, 330), 0.1))

    assert hidden(PERSON.band(0.25, 1.0), regions) == 0


def test_a_hat_in_the_hand_does_not_take_the_guess_away() -> None:
    regions = faces(seen(Label.PERSON, PERSON), seen(Label.HARDHAT, Box(500, 400, 540, 430)))

    assert hidden(Box(440, 218, 480, 248), regions) == 1


def test_one_head_does_not_stand_for_two_people() -> None:
    neighbour = Box(430, 205, 550, 565)
    head = Box(440, 200, 480, 252)

    regions = faces(seen(Label.PERSON, PERSON), seen(Label.PERSON, neighbour), seen(Label.NO_HARDHAT, head))

    assert hidden(Box(472, 225, 508, 253), regions) == 1


def test_a_head_that_two_views_show_is_not_taken_for_the_neighbours_too() -> None:
    people = [seen(Label.PERSON, PERSON), seen(Label.PERSON, Box(430, 205, 550, 565))]
    heads = [seen(Label.NO_HARDHAT, Box(440 + shift, 200, 480 + shift, 252)) for shift in (0, 1)]
    neighbours = Box(472, 225, 508, 253)
    assert hidden(neighbours, faces(*people, *heads)) < 1

    for views in ([[*people, heads[0]], [*people, heads[1]]], [[*people, heads[0]], [*people, *heads]]):
        assert hidden(neighbours, face_regions_by_any(views, WIDTH, HEIGHT)) == 1


def test_of_a_sure_hat_and_a_doubtful_bare_head_in_one_place_the_hat_decides() -> None:
    hat = Box(435, 195, 485, 233)

    regions = faces(
        seen(Label.PERSON, PERSON),
        seen(Label.HARDHAT, hat),
        seen(Label.NO_HARDHAT, Box(438, 196, 482, 232), 0.1),
    )

    assert hidden(hat.band(0.0, 0.7), regions) == 0


def test_a_second_box_of_the_same_person_does_not_hide_the_hat() -> None:
    hat = Box(435, 195, 485, 233)

    regions = faces(
        seen(Label.PERSON, PERSON),
        seen(Label.PERSON, Box(405, 190, 525, 550), 0.07),
        seen(Label.HARDHAT, hat),
    )

    assert hidden(hat.band(0.0, 0.7), regions) == 0


def test_is_generous_where_the_person_is_cut_above() -> None:
    (region,) = faces(seen(Label.PERSON, Box(400, 0, 520, 340)))

    assert region.y1 == 0
    assert region.y2 > 40


def test_hides_both_ends_of_a_person_who_lies() -> None:
    lying = Box(300, 600, 660, 700)

    regions = faces(seen(Label.PERSON, lying))

    assert hidden(Box(300, 600, 350, 700), regions) == 1
    assert hidden(Box(610, 600, 660, 700), regions) == 1


def test_takes_a_person_cut_below_for_a_close_one() -> None:
    regions = faces(seen(Label.PERSON, Box(150, 300, 850, 800)))

    assert hidden(Box(420, 400, 580, 540), regions) == 1


def test_needs_no_box_of_a_person() -> None:
    assert len(faces(seen(Label.NO_HARDHAT, Box(440, 200, 480, 252), 0.05))) == 1


@pytest.mark.parametrize("label", [Label.VEST, Label.NO_VEST, Label.MACHINERY, Label.CONE, Label.BOOTS])
def test_hides_no_thing_but_faces(label: Label) -> None:
    assert faces(seen(label, PERSON)) == []


def test_has_nothing_to_hide_in_an_empty_frame() -> None:
    assert faces() == []


coordinates = st.floats(-50, 1100)
boxes = st.tuples(coordinates, coordinates, st.floats(0, 900), st.floats(0, 900)).map(
    lambda n: Box(n[0], n[1], n[0] + n[2], n[1] + n[3])
)
detections = st.builds(Detection, boxes, st.sampled_from(list(Label)), st.floats(0, 1))


@given(st.lists(detections, max_size=8))
def test_regions_lie_in_the_frame_and_have_an_area(found: list[Detection]) -> None:
    for region in face_regions(found, WIDTH, HEIGHT):
        assert 0 <= region.x1 < region.x2 <= WIDTH
        assert 0 <= region.y1 < region.y2 <= HEIGHT


@given(st.lists(st.lists(detections, max_size=6), max_size=3))
def test_no_view_takes_a_region_from_another(views: list[list[Detection]]) -> None:
    together = face_regions_by_any(views, WIDTH, HEIGHT)
    for region in (region for view in views for region in face_regions(view, WIDTH, HEIGHT)):
        assert hidden(region, together) == 1
