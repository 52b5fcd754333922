"""The evidence picture: clean, small enough, and faces gone for good."""

import hashlib

import cv2
import numpy as np
import pytest

from services.detection.adapters.jpeg_evidence_renderer import CELLS, FEATHER, JpegEvidenceRenderer
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box
from shared.errors import PermanentError

FACE = Box(100, 60, 160, 140)


def scene(width: int = 320, height: int = 240) -> BgrImage:
    """Soft colours with fine stripes everywhere, as much detail as a face has."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    stripes = 60 * ((x // 3 + y // 3) % 2)
    return np.stack([stripes + 40, x * 150 // width + stripes, y * 150 // height + stripes], axis=2).astype(
        np.uint8
    )


def rendered(image: BgrImage, *faces: Box) -> BgrImage:
    jpeg = JpegEvidenceRenderer().render(image, faces).jpeg
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def detail(image: BgrImage, box: Box) -> float:
    """How much changes from pixel to pixel in *box*, in grey levels."""
    cut = image[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)].astype(float)
    return float(np.abs(np.diff(cut, axis=1)).mean())


def inner(box: Box, share: float) -> Box:
    x, y = box.width * (1 - share) / 2, box.height * (1 - share) / 2
    return Box(box.x1 + x, box.y1 + y, box.x2 - x, box.y2 - y)


def test_is_the_frame_itself_where_nobody_is() -> None:
    image = scene()

    assert cv2.PSNR(image, rendered(image)) > 35


def test_tells_size_and_hash_of_the_bytes() -> None:
    picture = JpegEvidenceRenderer().render(scene(), [FACE])

    assert (picture.width, picture.height) == (320, 240)
    assert picture.sha256 == hashlib.sha256(picture.jpeg).hexdigest()


def test_gives_the_same_bytes_for_the_same_frame_and_leaves_the_frame_alone() -> None:
    image = scene()

    first, second = (JpegEvidenceRenderer().render(image, [FACE]) for _ in range(2))

    assert first == second
    assert np.array_equal(image, scene())


def test_leaves_no_detail_of_a_face() -> None:
    image = scene()

    blurred = rendered(image, FACE)

    assert detail(image, FACE) > 15
    whole = inner(FACE, 0.84)  # the box but its rounded corners
    assert detail(blurred, whole) < 1.5
    assert detail(blurred, Box(whole.x1, whole.y1, whole.x1 + 6, whole.y1 + 6)) < 3


@pytest.mark.parametrize("size", [12, 40, 120, 400])
def test_two_people_with_the_same_colours_cannot_be_told_apart(size: int) -> None:
    """All that is left are the averages of few cells: the same averages give the same blur."""
    face = Box(100, 100, 100 + size, 100 + size)
    margin = max(1, round(FEATHER * size))
    one, other = (np.full((600, 600, 3), 120, np.uint8) for _ in range(2))
    cell = (size + 2 * margin) // CELLS
    for image, sign in ((one, 1), (other, -1)):
        for row in range(CELLS):
            for column in range(CELLS):
                y, x = 100 - margin + row * cell, 100 - margin + column * cell
                half = cell // 2
                image[y : y + cell, x : x + half] = 120 + 40 * sign
                image[y : y + cell, x + half : x + 2 * half] = 120 - 40 * sign
    inside = np.s_[100 + size // 8 : 100 + size * 7 // 8, 100 + size // 8 : 100 + size * 7 // 8]

    apart = np.abs(rendered(one, face)[inside].astype(int) - rendered(other, face)[inside].astype(int))

    assert np.abs(one[inside].astype(int) - other[inside].astype(int)).mean() > 50
    assert apart.mean() < 12


def test_touches_nothing_far_from_a_face() -> None:
    image = scene()
    mask = np.ones(image.shape[:2], bool)
    mask[60 - 26 : 140 + 26, 100 - 26 : 160 + 26] = False  # feather, and JPEG's blocks of 16

    difference = np.abs(rendered(image, FACE).astype(int) - rendered(image).astype(int))

    assert difference[mask].max() == 0


def test_blurs_every_face_also_where_they_overlap() -> None:
    image, second = scene(), Box(140, 100, 200, 180)

    blurred = rendered(image, FACE, second)

    assert detail(blurred, inner(FACE, 0.84)) < 2
    assert detail(blurred, inner(second, 0.84)) < 2


@pytest.mark.parametrize(
    "face",
    [
        Box(-30, -30, 20, 20),
        Box(300, 220, 400, 300),
        Box(-10, -10, 400, 300),
        Box(10, 10, 11, 11),
        Box(10.2, 10.2, 10.4, 10.4),
        Box(0, 0, 3, 200),
        Box(0, 239, 320, 240),
    ],
)
def test_takes_faces_at_and_beyond_the_edge_and_tiny_ones(face: Box) -> None:
    assert rendered(scene(), face).shape == (240, 320, 3)


@pytest.mark.parametrize("face", [Box(400, 300, 500, 400), Box(-90, -90, -50, -50), Box(50, 50, 50, 50)])
def test_passes_over_faces_that_are_not_in_the_picture(face: Box) -> None:
    image = scene()

    assert np.array_equal(rendered(image, face), rendered(image))


def test_takes_a_frame_of_one_pixel() -> None:
    assert rendered(np.full((1, 1, 3), 200, np.uint8), Box(0, 0, 1, 1)).shape == (1, 1, 3)


def test_a_1080p_picture_stays_below_400_kb_in_the_noise_of_the_night() -> None:
    noise = np.random.default_rng(1).normal(0, 15, (1080, 1920, 3))
    image = np.clip(scene(1920, 1080) // 2 + noise, 0, 255).astype(np.uint8)

    assert len(JpegEvidenceRenderer().render(image, []).jpeg) <= 400_000


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 10, 3), (1, 70_000, 3)])
def test_says_what_cannot_be_a_picture(shape: tuple[int, int, int]) -> None:
    with pytest.raises(PermanentError, match=f"{shape[1]} x {shape[0]} pixels cannot be written") as caught:
        JpegEvidenceRenderer().render(np.zeros(shape, np.uint8), [])

    assert caught.value.code == "not-a-picture"
