import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detection.adapters.letterbox import PADDING, Letterbox, fit, rectangle
from services.detection.adapters.openvino_detector import MOST_COMPILED

sides = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("frame", "longest", "network"),
    [
        ((1920, 1080), 640, (640, 384)),
        ((1920, 1080), 480, (480, 288)),
        ((768, 432), 480, (480, 288)),
        ((1080, 1920), 640, (384, 640)),
        ((1000, 1000), 480, (480, 480)),
        ((1, 1), 480, (480, 480)),
        ((640, 480), 480, (480, 384)),
        ((600, 900), 480, (320, 480)),
        ((1000, 410), 480, (480, 288)),
        ((5000, 1), 640, (640, 128)),
    ],
)
def test_the_input_follows_the_frames_aspect(
    frame: tuple[int, int], longest: int, network: tuple[int, int]
) -> None:
    assert rectangle(frame, longest, 32) == network


@given(sides, sides, st.sampled_from([320, 480, 640]), st.sampled_from([8, 32, 64]))
def test_the_input_is_a_multiple_of_the_stride_and_holds_the_frame(
    width: int, height: int, longest: int, stride: int
) -> None:
    network = rectangle((width, height), longest, stride)
    letterbox = fit((width, height), network)
    assert all(side % stride == 0 and side > 0 for side in network)
    assert letterbox.left >= 0
    assert letterbox.top >= 0
    assert letterbox.left + letterbox.scaled[0] <= network[0]
    assert letterbox.top + letterbox.scaled[1] <= network[1]


@pytest.mark.parametrize("longest", [320, 480, 640, 1280, 1472])
def test_however_zones_and_cameras_are_shaped_no_network_has_to_make_room_for_another(longest: int) -> None:
    shapes = {rectangle((1000, short), longest, 32) for short in range(1, 1001)}
    shapes |= {rectangle((short, 1000), longest, 32) for short in range(1, 1001)}
    assert len(shapes) <= MOST_COMPILED
    assert max(network for shape in shapes for network in shape) == longest


@given(sides, sides, sides, sides)
def test_a_box_around_the_whole_frame_comes_back_as_the_frame(
    width: int, height: int, network_width: int, network_height: int
) -> None:
    letterbox = fit((width, height), (network_width, network_height))
    left, top = letterbox.left, letterbox.top
    whole = np.array([[left, top, left + letterbox.scaled[0], top + letterbox.scaled[1]]], np.float32)
    assert letterbox.back(whole)[0] == pytest.approx([0, 0, width, height], abs=1e-2)


def test_the_frame_lies_in_the_middle_of_grey() -> None:
    letterbox = fit((200, 100), (64, 64))
    picture = letterbox.apply(np.full((100, 200, 3), 255, np.uint8))
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    assert (picture[:16] == PADDING).all()
    assert (picture[16:48] == 255).all()
    assert (picture[48:] == PADDING).all()


def test_boxes_in_the_padding_are_cut_to_the_frame() -> None:
    letterbox = fit((200, 100), (64, 64))
    back = letterbox.back(np.array([[-10, 0, 32, 32], [0, 60, 64, 64]], np.float32))
    assert back.tolist() == [[0, 0, 100, 50], [0, 100, 200, 100]]


def test_a_frame_of_the_inputs_size_passes_unchanged() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (64, 96, 3), np.uint8)
    letterbox = fit((96, 64), (96, 64))
    assert letterbox == Letterbox((96, 64), (96, 64), (96, 64), 0, 0)
    assert np.array_equal(letterbox.apply(picture), picture)
