"""Looking closer: a box found in a part lands where it is in the frame, once, and nothing lies outside of it."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detection.domain.closer import (
    LEAST_GAIN,
    MOST_SCALE,
    SAME,
    Part,
    gains,
    joined,
    parts_of,
    scale_to,
)
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from shared.config.site import Zone
from tests.fakes.detector import seen

WIDTH, HEIGHT = 1920, 1080
INPUT = (480, 480)
FAR = Zone(
    id="far", name="Far end", look_closer=True, polygon=((0.4, 0.4), (0.6, 0.4), (0.6, 0.5), (0.4, 0.5))
)
PART = Part("far", Box(600, 300, 1200, 700), 0.8)


def detections(width: float, height: float) -> st.SearchStrategy[Detection]:
    """Inside a picture of that size."""

    @st.composite
    def one(draw: st.DrawFn) -> Detection:
        x1, y1 = draw(st.floats(0, width - 2)), draw(st.floats(0, height - 2))
        x2, y2 = draw(st.floats(x1 + 1, width)), draw(st.floats(y1 + 1, height))
        label = draw(st.sampled_from([Label.PERSON, Label.HARDHAT]))
        return Detection(Box(x1, y1, x2, y2), label, draw(st.floats(0.05, 1)))

    return one()


@st.composite
def parts(draw: st.DrawFn) -> Part:
    x1, y1 = draw(st.integers(0, WIDTH - 100)), draw(st.integers(0, HEIGHT - 100))
    x2, y2 = draw(st.integers(x1 + 50, WIDTH)), draw(st.integers(y1 + 50, HEIGHT))
    return Part("far", Box(x1, y1, x2, y2), scale_to(x2 - x1, y2 - y1, INPUT))


@st.composite
def looks(draw: st.DrawFn) -> tuple[list[Detection], list[tuple[Part, list[Detection]]]]:
    whole = draw(st.lists(detections(WIDTH, HEIGHT), max_size=5))
    closer = []
    for part in draw(st.lists(parts(), max_size=3)):
        found = detections(part.box.width, part.box.height)
        closer.append((part, draw(st.lists(found, max_size=5))))
    return whole, closer


def shifted(box: Box, part: Part) -> Box:
    dx, dy = part.box.x1, part.box.y1
    return Box(box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy)


@given(st.floats(20, 400), st.floats(20, 250), st.floats(20, 150), st.floats(20, 100))
def test_a_box_found_in_a_part_lands_where_it_is_in_the_frame(x: float, y: float, w: float, h: float) -> None:
    there = Box(PART.box.x1 + x, PART.box.y1 + y, PART.box.x1 + x + w, PART.box.y1 + y + h)
    (found,) = joined([], [(PART, [seen(Label.PERSON, x, y, x + w, y + h)])], WIDTH, HEIGHT)
    assert found.box.iou(there) == pytest.approx(1)


@given(looks())
def test_nothing_lies_outside_the_frame_and_the_surest_come_first(
    given_looks: tuple[list[Detection], list[tuple[Part, list[Detection]]]],
) -> None:
    found = joined(*given_looks, WIDTH, HEIGHT)
    assert all(one.box == one.box.clipped(WIDTH, HEIGHT) for one in found)
    scores = [one.confidence for one in found]
    assert scores == sorted(scores, reverse=True)


@given(looks())
def test_no_thing_is_told_twice_and_none_is_lost(
    given_looks: tuple[list[Detection], list[tuple[Part, list[Detection]]]],
) -> None:
    whole, closer = given_looks
    found = joined(whole, closer, WIDTH, HEIGHT)
    by_look = [
        list(whole),
        *([replace(one, box=shifted(one.box, part)) for one in some] for part, some in closer),
    ]
    for one, other in itertools.combinations(found, 2):
        if one.label is other.label and one.box.iou(other.box) >= SAME:
            assert any(one in look and other in look for look in by_look)  # told apart by one look
    for one in whole:
        told_by_a_part = one.label is not Label.PERSON and any(part.holds(one.box) for part, _ in closer)
        assert (
            told_by_a_part
            or one in found
            or any(
                other.label is one.label
                and other.confidence >= one.confidence
                and other.box.iou(one.box) >= SAME
                for other in found
            )
        )


@given(st.lists(detections(WIDTH, HEIGHT), max_size=6))
def test_without_parts_the_whole_frames_answer_stays_as_it_was(whole: list[Detection]) -> None:
    assert joined(whole, [], WIDTH, HEIGHT) == sorted(whole, key=lambda one: -one.confidence)


def test_the_surer_of_two_boxes_on_one_thing_stays() -> None:
    far = seen(Label.PERSON, 700, 400, 720, 460, 0.4)
    near = seen(Label.PERSON, 101, 101, 121, 161, 0.8)
    assert joined([far], [(PART, [near])], WIDTH, HEIGHT) == [seen(Label.PERSON, 701, 401, 721, 461, 0.8)]
    surer = replace(far, confidence=0.9)
    assert joined([surer], [(PART, [near])], WIDTH, HEIGHT) == [surer]


def test_what_somebody_wears_is_told_by_the_larger_view_alone() -> None:
    person = Detection(Box(700, 400, 760, 580), Label.PERSON, 0.8)
    bare = Detection(Box(720, 400, 745, 420), Label.NO_HARDHAT, 0.3)
    outside = Detection(Box(100, 400, 125, 420), Label.NO_HARDHAT, 0.3)
    hat = Detection(Box(120, 100, 145, 120), Label.HARDHAT, 0.6)
    told = joined([person, bare, outside], [(PART, [hat])], WIDTH, HEIGHT)
    assert {(one.label, one.box.x1) for one in told} == {
        (Label.PERSON, 700),
        (Label.HARDHAT, 720),
        (Label.NO_HARDHAT, 100),
    }


def test_two_people_that_one_look_tells_apart_both_stay() -> None:
    pair = [seen(Label.PERSON, 100, 100, 140, 220, 0.9), seen(Label.PERSON, 110, 100, 150, 220, 0.8)]
    assert pair[0].box.iou(pair[1].box) >= SAME
    blob = seen(Label.PERSON, 700, 400, 750, 520, 0.5)
    assert [one.confidence for one in joined([blob], [(PART, pair)], WIDTH, HEIGHT)] == [0.9, 0.8]


@pytest.mark.parametrize(
    "box", [(0, 100, 60, 300), (540, 100, 600, 300), (100, 0, 160, 200), (100, 250, 160, 400)]
)
def test_a_box_that_the_part_cuts_is_left_to_the_whole_frame(box: tuple[float, float, float, float]) -> None:
    assert joined([], [(PART, [seen(Label.PERSON, *box)])], WIDTH, HEIGHT) == []


def test_a_box_at_the_frames_own_edge_is_not_cut_by_the_part() -> None:
    corner = Part("far", Box(0, 0, 600, 400), 0.8)
    assert len(joined([], [(corner, [seen(Label.PERSON, 0, 0, 60, 200)])], WIDTH, HEIGHT)) == 1


def test_two_overlapping_parts_tell_a_thing_once() -> None:
    other = Part("gate", Box(650, 300, 1250, 700), 0.8)
    here, there = seen(Label.PERSON, 200, 100, 240, 220, 0.7), seen(Label.PERSON, 151, 100, 191, 220, 0.8)
    assert [one.confidence for one in joined([], [(PART, [here]), (other, [there])], WIDTH, HEIGHT)] == [0.8]


@given(
    st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.02, 0.6), st.floats(0.02, 0.6),
    st.integers(64, 4000), st.integers(64, 4000), st.sampled_from([INPUT, (640, 384), (320, 320)]),
)  # fmt: skip
def test_a_part_lies_in_the_frame_around_its_zone_and_is_not_magnified_beyond_use(
    x: float, y: float, w: float, h: float, width: int, height: int, network: tuple[int, int]
) -> None:
    x2, y2 = min(1.0, x + w), min(1.0, y + h)
    zone = FAR.model_copy(update={"polygon": ((x, y), (x2, y), (x2, y2), (x, y2))})
    (part,) = parts_of([zone], width, height, network)
    box = part.box
    assert box == box.clipped(width, height)
    assert all(edge == int(edge) for edge in (box.x1, box.y1, box.x2, box.y2))
    assert (box.x1 - 1, box.y1 - 1) <= (x * width, y * height)
    assert box.x2 >= x2 * width - 1
    assert box.y2 >= y2 * height - 1
    in_full = box.width == width or box.height == height
    assert in_full or part.scale <= 1.05 * MOST_SCALE or min(box.width, box.height) < 50  # rounded


def test_only_zones_that_ask_for_it_are_looked_at_closer() -> None:
    plain = FAR.model_copy(update={"id": "near", "look_closer": False})
    assert [part.zone for part in parts_of([plain, FAR], WIDTH, HEIGHT, INPUT)] == ["far"]


def test_there_is_room_for_a_person_who_stands_in_the_zone() -> None:
    (part,) = parts_of([FAR], WIDTH, HEIGHT, INPUT)
    assert part.holds(Box(0.4 * WIDTH, 0.4 * HEIGHT - 200, 0.4 * WIDTH + 60, 0.4 * HEIGHT))
    assert part.scale == pytest.approx(480 / (0.28 * WIDTH), abs=0.01)
    assert gains(part, WIDTH, HEIGHT, INPUT)


def test_a_frame_that_is_no_larger_than_the_networks_input_gains_little() -> None:
    (part,) = parts_of([FAR], 240, 180, (480, 480))
    assert part.scale < LEAST_GAIN * scale_to(240, 180, (480, 480))
    assert not gains(part, 240, 180, (480, 480))
