"""Seams of mosaics are found where they are, other pictures stay whole, and each box lands in its part."""

import cv2
import numpy as np
import pytest

from officer.training.labels import Thing
from officer.training.mosaics import Part, cut_mosaic, find_seams
from services.detection.domain.detection import Label
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box

WIDTH, HEIGHT, COLUMN, ROW = 400, 500, 180, 300


def smooth(width: int, height: int, seed: int) -> BgrImage:
    """Colours that flow into each other, with a little noise."""
    dice = np.random.default_rng(seed)
    blocks = dice.integers(20, 230, (5, 5, 3), np.uint8)
    image = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(image + dice.integers(0, 4, image.shape, np.uint8), np.uint8)


def noise(width: int, height: int) -> BgrImage:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


def mosaic(column: int = COLUMN, row: int = ROW) -> BgrImage:
    """WIDTH x HEIGHT pixels of four pictures that meet at *column*, *row*."""
    spans = [(column, row), (WIDTH - column, row), (column, HEIGHT - row), (WIDTH - column, HEIGHT - row)]
    parts = [smooth(width, height, seed) for seed, (width, height) in enumerate(spans)]
    return np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])])


def thing(x1: float, y1: float, x2: float, y2: float) -> Thing:
    """Given in pixels of the mosaic."""
    return Thing(Label.PERSON, Box(x1 / WIDTH, y1 / HEIGHT, x2 / WIDTH, y2 / HEIGHT))


def pixels(part: Part) -> list[list[float]]:
    height, width = part.image.shape[:2]
    boxes = [one.box for one in part.things]
    return [[box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height] for box in boxes]


@pytest.mark.parametrize(("column", "row"), [(180, 300), (90, 390), (310, 110)])
@pytest.mark.parametrize("quality", [None, 75])
def test_seams_are_found_where_they_are(column: int, row: int, quality: int | None) -> None:
    image = mosaic(column, row)
    if quality:
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    assert find_seams(image) == (column, row)


@pytest.mark.parametrize(
    "image",
    [
        smooth(WIDTH, HEIGHT, 1),
        noise(WIDTH, HEIGHT),
        np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
    ],
    ids=["smooth", "noise", "black", "one pixel"],
)
def test_a_plain_picture_is_not_cut(image: BgrImage) -> None:
    assert find_seams(image) == (None, None)
    assert cut_mosaic(image, []) == []


def test_a_line_along_less_than_half_of_the_picture_is_no_seam() -> None:
    image = smooth(WIDTH, HEIGHT, 1)
    image[: int(HEIGHT * 0.45), 200:] = 255
    assert find_seams(image)[0] is None


def test_parts_are_the_pictures_of_the_mosaic_row_by_row() -> None:
    image = mosaic()
    parts = cut_mosaic(image, [])
    assert [part.image.shape[:2] for part in parts] == [(300, 180), (300, 220), (200, 180), (200, 220)]
    assert np.array_equal(parts[2].image, image[ROW:, :COLUMN])


def test_a_box_belongs_to_the_part_with_its_centre_and_is_clipped_to_it() -> None:
    things = [thing(10, 20, 110, 220), thing(170, 310, 300, 490), thing(200, 250, 300, 310)]
    upper_left, upper_right, lower_left, lower_right = cut_mosaic(mosaic(), things)
    assert pixels(upper_left) == [pytest.approx([10, 20, 110, 220])]
    assert pixels(upper_right) == [pytest.approx([20, 250, 120, 300])]
    assert pixels(lower_left) == []
    assert pixels(lower_right) == [pytest.approx([0, 10, 120, 190])]


def test_what_is_left_too_small_is_left_out() -> None:
    parts = cut_mosaic(mosaic(column=90), [thing(200, 20, 202, 80), thing(200, 20, 204, 80)])
    assert [part.image.shape[1] for part in parts] == [310, 310]
    assert pixels(parts[0]) == [pytest.approx([110, 20, 114, 80])]
