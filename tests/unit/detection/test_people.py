"""One box for each person, also from models that know only heads."""

from services.detection.domain.detection import Detection, Label, translate
from services.detection.domain.geometry import Box
from services.detection.domain.people import people


def found(box: Box, label: Label = Label.PERSON, confidence: float = 0.8) -> Detection:
    return Detection(box, label, confidence)


def test_a_second_box_of_the_same_person_is_dropped() -> None:
    whole, half = found(Box(100, 100, 250, 500)), found(Box(105, 102, 245, 320), confidence=0.6)
    assert people([whole, half], [Label.PERSON], 1280, 720) == [whole]


def test_a_person_farther_off_in_front_of_another_stays() -> None:
    near, far = found(Box(100, 100, 400, 700)), found(Box(180, 300, 260, 520), confidence=0.6)
    assert people([near, far], [Label.PERSON], 1280, 720) == [near, far]


def test_a_head_stands_for_its_person_where_the_model_knows_no_person() -> None:
    [person] = people(
        [found(Box(100, 100, 130, 140), Label.NO_HARDHAT)], [Label.NO_HARDHAT, Label.HARDHAT], 1280, 720
    )
    assert person.label is Label.PERSON
    assert person.box == Box(70, 100, 160, 380)


def test_dialects_are_translated_and_unknown_classes_left_out() -> None:
    names = {0: "Hardhat", 1: "NO-Safety Vest", 2: "no_helmet", 3: "Person", 4: "teapot", 5: "Safety Cone"}
    assert translate(names) == {
        0: Label.HARDHAT,
        1: Label.NO_VEST,
        2: Label.NO_HARDHAT,
        3: Label.PERSON,
        5: Label.CONE,
    }
