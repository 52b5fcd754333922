"""Boxes and polygons, also empty, of one pixel and off the frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detection.domain.geometry import Box, inside

SQUARE = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
numbers = st.floats(-100, 100)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + abs(w), y + abs(h)), numbers, numbers, numbers, numbers)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_between_0_and_1(a: Box, b: Box) -> None:
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert 0 <= a.iou(b) <= 1 + 1e-9


def test_overlap_of_equal_half_and_apart() -> None:
    assert Box(0, 0, 2, 2).iou(Box(0, 0, 2, 2)) == 1
    assert Box(0, 0, 2, 2).iou(Box(1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert Box(0, 0, 1, 1).iou(Box(5, 5, 6, 6)) == 0


def test_an_empty_box_overlaps_nothing() -> None:
    empty = Box(3, 3, 3, 3)
    assert (empty.area, empty.iou(Box(0, 0, 9, 9)), empty.covered_by(Box(0, 0, 9, 9))) == (0, 0, 0)


def test_a_box_off_the_frame_is_clipped_to_nothing() -> None:
    assert Box(-50, -50, -10, -10).clipped(640, 480).area == 0
    assert Box(-5, 10, 700, 20).clipped(640, 480) == Box(0, 10, 640, 20)


def test_a_band_is_a_part_of_the_height() -> None:
    assert Box(0, 0, 10, 100).band(0.1, 0.5, margin=0.2) == Box(-2, 10, 12, 50)


@pytest.mark.parametrize(
    ("point", "expected"),
    [((0.5, 0.5), True), ((0.1, 0.5), False), ((0.5, 0.9), False), ((0.21, 0.79), True)],
)
def test_points_of_a_square(point: tuple[float, float], expected: bool) -> None:
    assert inside(SQUARE, point) is expected


def test_the_notch_of_a_concave_zone_is_outside() -> None:
    arrow = ((0, 0), (1, 0), (0.5, 0.4), (1, 1), (0, 1))
    assert inside(arrow, (0.2, 0.5))
    assert not inside(arrow, (0.9, 0.5))
