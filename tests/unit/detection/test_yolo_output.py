import numpy as np
import numpy.typing as npt
import pytest

from services.detection.adapters.letterbox import fit
from services.detection.adapters.yolo_output import MOST_CANDIDATES, MOST_DETECTIONS, decode
from services.detection.domain.detection import Label
from services.detection.domain.geometry import Box
from shared.errors import PermanentError
from tests.onnx_models import raw_answer

LABELS = {0: Label.PERSON, 1: Label.HARDHAT}
SAME = fit((64, 64), (64, 64))


def raw(*rows: tuple[float, float, float, float, float, float]) -> npt.NDArray[np.float32]:
    return raw_answer(rows).reshape(6, -1)


def test_raw_boxes_become_corners_with_the_likelier_class() -> None:
    found = decode(raw((20, 30, 10, 20, 0.8, 0.1), (40, 10, 8, 8, 0.2, 0.6)), False, LABELS, 0.25, SAME)
    assert [(d.label, d.box) for d in found] == [
        (Label.PERSON, Box(15, 20, 25, 40)),
        (Label.HARDHAT, Box(36, 6, 44, 14)),
    ]
    assert [d.confidence for d in found] == pytest.approx([0.8, 0.6])


def test_finished_boxes_are_taken_as_they_are() -> None:
    output = np.array([[1, 2, 11, 22, 0.3, 1], [5, 5, 9, 9, 0.9, 0], [0, 0, 0, 0, 0, 0]], np.float32)
    found = decode(output, True, LABELS, 0.25, SAME)
    assert [(d.label, d.box) for d in found] == [
        (Label.PERSON, Box(5, 5, 9, 9)),
        (Label.HARDHAT, Box(1, 2, 11, 22)),
    ]


def test_a_sliver_at_the_edge_is_nothing() -> None:
    """Somebody who has all but left the picture: rounded as in a message, his box would have no width."""
    assert decode(raw((66, 30, 4.02, 20, 0.9, 0)), False, LABELS, 0.25, SAME) == []


def test_of_two_boxes_on_one_thing_the_surer_stays() -> None:
    found = decode(raw((20, 20, 20, 20, 0.5, 0), (21, 20, 20, 20, 0.7, 0)), False, LABELS, 0.25, SAME)
    assert [d.confidence for d in found] == pytest.approx([0.7])


def test_neighbours_that_overlap_by_half_both_stay() -> None:
    found = decode(raw((20, 20, 20, 20, 0.5, 0), (30, 20, 20, 20, 0.7, 0)), False, LABELS, 0.25, SAME)
    assert len(found) == 2


def test_a_hat_never_suppresses_the_person_under_it() -> None:
    found = decode(raw((20, 20, 20, 20, 0.5, 0), (20, 20, 20, 20, 0, 0.7)), False, LABELS, 0.25, SAME)
    assert {d.label for d in found} == {Label.PERSON, Label.HARDHAT}


def test_classes_that_we_have_no_word_for_are_left_out() -> None:
    output = raw((20, 20, 20, 20, 0.1, 0.9))
    assert decode(output, False, {0: Label.PERSON}, 0.05, SAME) == []


def test_the_floor_itself_counts() -> None:
    output = raw((20, 20, 20, 20, 0.5, 0))
    assert len(decode(output, False, LABELS, 0.5, SAME)) == 1
    assert decode(output, False, LABELS, 0.51, SAME) == []


def test_a_box_wholly_in_the_padding_is_left_out() -> None:
    output = raw((32, 4, 10, 4, 0.9, 0), (32, 32, 10, 10, 0.8, 0))
    found = decode(output, False, LABELS, 0.25, fit((200, 100), (64, 64)))
    assert [d.confidence for d in found] == pytest.approx([0.8])


def test_nothing_found_is_an_empty_list() -> None:
    assert decode(raw((20, 20, 20, 20, 0, 0)), False, LABELS, 0.25, SAME) == []
    assert decode(np.zeros((0, 6), np.float32), True, LABELS, 0.25, SAME) == []


def test_noise_is_bounded() -> None:
    rng = np.random.default_rng(3)
    many = 2 * MOST_CANDIDATES
    output = np.concatenate(
        [rng.uniform(0, 64, (2, many)), np.full((2, many), 2.0), rng.uniform(0, 1, (2, many))]
    )
    found = decode(output.astype(np.float32), False, LABELS, 0.01, SAME)
    assert len(found) == MOST_DETECTIONS
    assert found[0].confidence > 0.99


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("end_to_end", [True, False])
def test_an_output_that_is_no_number_is_a_permanent_error(bad: float, end_to_end: bool) -> None:
    output = np.full((6, 6), 0.5, np.float32)
    output[2, 3] = bad
    with pytest.raises(PermanentError, match="NaN or infinity") as caught:
        decode(output, end_to_end, LABELS, 0.25, SAME)
    assert caught.value.code == "model-output-not-finite"
