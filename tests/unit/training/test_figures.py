"""Average precision, precision and recall against figures worked out by hand, and their intervals."""

import numpy as np
import pytest

from officer.training import figures
from officer.training.looks import Picture
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box

PLACES = [Box(0, 0, 10, 10), Box(20, 0, 30, 10), Box(40, 0, 50, 10)]
NOWHERE = Box(200, 200, 210, 210)


def picture(
    truth: list[Box], found: list[tuple[float, Box]], dataset: str = "a", scale: float = 1
) -> Picture:
    return Picture(
        "p.jpg",
        dataset,
        scale,
        [Detection(box, Label.PERSON, 1) for box in truth],
        [Detection(box, Label.PERSON, sure) for sure, box in sorted(found, key=lambda one: -one[0])],
        1.0,
    )


def matched(pictures: list[Picture]) -> figures.Matches:
    return figures.match(pictures, Label.PERSON, range(len(pictures)))


def ap(pictures: list[Picture], ious: int = 1) -> float:
    return float(figures.average_precision(matched(pictures), np.ones((1, len(pictures))), ious)[0])


def test_average_precision_is_the_area_under_the_monotonic_curve() -> None:
    found = [(0.9, PLACES[0]), (0.8, NOWHERE), (0.7, PLACES[1]), (0.6, NOWHERE)]
    # one of three boxes at precision 1, the second at 2/3, the third never
    assert ap([picture(PLACES, found)]) == pytest.approx((1 + 2 / 3) / 3)


def test_each_box_is_taken_once_by_the_surest() -> None:
    twice = [(0.9, PLACES[0]), (0.8, PLACES[0])]
    found = matched([picture(PLACES[:1], twice)])
    assert found.right[:, 0].tolist() == [True, False]


def test_higher_limits_ask_for_a_tighter_box() -> None:
    loose = Box(0, 0, 10, 16)  # IoU 0.625: right at 0.50, 0.55 and 0.60
    assert ap([picture(PLACES[:1], [(0.9, loose)])]) == 1
    assert ap([picture(PLACES[:1], [(0.9, loose)])], 10) == pytest.approx(0.3)


def test_precision_and_recall_count_what_reaches_the_threshold() -> None:
    pictures = [picture(PLACES, [(0.9, PLACES[0]), (0.8, NOWHERE), (0.2, PLACES[1])])]
    precision, recall = figures.precision_and_recall(matched(pictures), np.ones((1, 1)), 0.5)
    assert (precision[0], recall[0]) == (0.5, pytest.approx(1 / 3))


def test_size_is_that_of_the_labelled_box_in_pixels_of_the_network() -> None:
    found = matched([picture([PLACES[0], Box(100, 100, 150, 150)], [(0.9, Box(0, 0, 10, 11))], scale=2)])
    assert found.of_height(15, 30).right[:, 0].tolist() == [True]
    assert len(found.of_height(15, 30).labelled_px) == 1
    assert len(found.of_height(50, 200).score) == 0


def test_what_cannot_be_computed_is_no_figure() -> None:
    empty = matched([picture([], [])])
    assert np.isnan(figures.average_precision(empty, np.ones((3, 1)))).all()
    assert np.isnan(figures.estimate(figures.average_precision(empty, np.ones((3, 1)))).low)


def test_draws_keep_the_number_of_pictures_of_each_set() -> None:
    pictures = [picture([], [], "a")] * 5 + [picture([], [], "b")] * 3
    drawn = figures.draws(pictures, 50)
    assert drawn[0].tolist() == [1] * 8
    assert set(drawn[:, :5].sum(axis=1)) == {5}
    assert set(drawn[:, 5:].sum(axis=1)) == {3}
    assert len(np.unique(drawn[1:], axis=0)) > 1


def test_the_interval_holds_the_figure_and_is_narrower_with_more_pictures() -> None:
    hit, miss = picture(PLACES[:1], [(0.9, PLACES[0])]), picture(PLACES[:1], [])

    def interval(number: int) -> figures.Estimate:
        pictures = [hit, miss] * number
        _, recall = figures.precision_and_recall(matched(pictures), figures.draws(pictures), 0.5)
        return figures.estimate(recall)

    few, many = interval(10), interval(200)
    assert few.value == many.value == 0.5
    assert few.low < many.low < 0.5 < many.high < few.high
    assert many.high - many.low == pytest.approx(2 * 1.96 * 0.5 / 400**0.5, rel=0.15)  # as the binomial says
