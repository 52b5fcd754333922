from dataclasses import replace

import pytest

from services.detection.adapters.joined_detector import JoinedDetector
from services.detection.domain.detection import Label
from shared.errors import ConfigurationError
from shared.vocabulary import Finding
from tests.fakes.detector import ScriptedDetector, numbered_picture, seen

PEOPLE = frozenset({Label.PERSON, Label.VEHICLE})
GEAR = frozenset({Label.PERSON, Label.HARDHAT})


def people() -> ScriptedDetector:
    return ScriptedDetector({1: [seen(Label.PERSON, 0, 0, 50, 100, 0.7)]}, PEOPLE, {Label.PERSON: 0.4})


def gear() -> ScriptedDetector:
    script = {1: [seen(Label.PERSON, 0, 0, 40, 90, 0.9), seen(Label.HARDHAT, 10, 0, 30, 20, 0.8)]}
    return ScriptedDetector(script, GEAR, {Label.PERSON: 0.2, Label.HARDHAT: 0.3})


def test_each_label_comes_from_the_first_model_that_knows_it() -> None:
    found = JoinedDetector([people(), gear()]).detect([numbered_picture(1), numbered_picture(2)], 0.1)
    assert [[(d.label, d.confidence) for d in picture] for picture in found] == [
        [(Label.HARDHAT, 0.8), (Label.PERSON, 0.7)],
        [],
    ]


def test_the_labels_and_thresholds_are_joined() -> None:
    info = JoinedDetector([people(), gear()]).info
    assert info.labels == PEOPLE | GEAR
    assert info.thresholds == {Label.PERSON: 0.4, Label.HARDHAT: 0.3}
    assert info.name == "scripted+scripted"
    assert len(info.sha256) == 64


def test_a_threshold_is_taken_only_from_the_model_whose_boxes_are() -> None:
    unmeasured = ScriptedDetector({}, PEOPLE)
    assert JoinedDetector([unmeasured, gear()]).info.thresholds == {Label.HARDHAT: 0.3}


@pytest.mark.parametrize("sizes", [(1280, 480), (480, 1280)])
def test_people_are_as_small_as_the_model_of_the_smaller_input_sees_them(sizes: tuple[int, int]) -> None:
    parts = people(), gear()
    for part, size in zip(parts, sizes, strict=True):
        part._info = replace(part.info, input_px=(size, size))
    assert JoinedDetector(parts).info.input_px == (480, 480)


def test_of_two_measured_reliabilities_the_lower_is_told() -> None:
    parts = [
        ScriptedDetector({}, labels, reliability={Finding.NO_VEST: shares})
        for labels, shares in (
            (PEOPLE, {"not-seen": 0.9}),
            (GEAR, {"not-seen": 0.8, "seen-missing": 0.95}),
        )
    ]
    assert JoinedDetector(parts).info.reliability == {
        Finding.NO_VEST: {"not-seen": 0.8, "seen-missing": 0.95}
    }


def test_a_model_that_adds_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="adds nothing to the models before it"):
        JoinedDetector([gear(), ScriptedDetector({}, frozenset({Label.HARDHAT}))])


def test_no_model_at_all_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no model is given"):
        JoinedDetector([])
