from services.detection.domain.comparison import Answer, Comparison, Difference, compare
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from tests.fakes.detector import seen

LABELS = (Label.HARDHAT, Label.PERSON)
LOW = dict.fromkeys(Label, 0.1)
HAT = seen(Label.HARDHAT, 10, 10, 30, 30, 0.5)


def compared(ours: list[Detection], theirs: list[Detection]) -> Comparison:
    return compare(Answer(ours, LOW), Answer(theirs, LOW), LABELS)


def test_what_both_found_in_nearly_the_same_place_is_agreed() -> None:
    assert compared([HAT], [seen(Label.HARDHAT, 12, 11, 31, 30, 0.2)]) == Comparison({Label.HARDHAT: 1}, [])


def test_what_one_alone_found_is_told_with_its_place_and_score() -> None:
    far = seen(Label.HARDHAT, 100, 10, 130, 30, 0.7)
    assert compared([HAT], [far]) == Comparison(
        {},
        [
            Difference("model", Label.HARDHAT, 0.5, HAT.box),
            Difference("shadow", Label.HARDHAT, 0.7, Box(100, 10, 130, 30)),
        ],
    )


def test_the_same_place_under_another_label_is_no_agreement() -> None:
    person = Detection(HAT.box, Label.PERSON, 0.5)
    assert {one.label for one in compared([HAT], [person]).differences} == {Label.HARDHAT, Label.PERSON}


def test_a_box_agrees_with_one_other_only() -> None:
    found = compared([HAT], [HAT, seen(Label.HARDHAT, 12, 11, 31, 30, 0.4)])
    assert (found.agreed, len(found.differences)) == ({Label.HARDHAT: 1}, 1)


def test_each_model_is_believed_at_its_own_thresholds() -> None:
    weak = seen(Label.HARDHAT, 10, 10, 30, 30, 0.2)
    ours, theirs = Answer([HAT], {Label.HARDHAT: 0.4}), Answer([weak], {Label.HARDHAT: 0.15})
    assert compare(ours, theirs, LABELS).agreed == {Label.HARDHAT: 1}
    assert not compare(ours, Answer([weak], {Label.HARDHAT: 0.3}), LABELS).agreed


def test_labels_that_are_not_asked_for_are_left_out() -> None:
    assert compared([seen(Label.CONE, 0, 0, 9, 9)], []) == Comparison({}, [])
