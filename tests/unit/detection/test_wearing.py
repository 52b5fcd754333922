"""Who wears what: the item must sit in its band of this person, and doubt raises nothing."""

from dataclasses import replace

import pytest

from services.detection.domain.closer import Part
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.tracking import Track, Tracker
from services.detection.domain.wearing import Verdict, View, Wearing, judge
from shared.vocabulary import Item
from tests.unit.detection.scenes import THRESHOLDS, VIEW, on_head, on_torso, person, track

WORKER = person()


def hat(*others: Detection, of: Detection = WORKER, view: View = VIEW) -> Wearing:
    return judge([track(of)], others, (Item.HARDHAT,), view, THRESHOLDS)[1][Item.HARDHAT]


def vest(*others: Detection, of: Detection = WORKER) -> Wearing:
    return judge([track(of)], others, (Item.VEST,), VIEW, THRESHOLDS)[1][Item.VEST]


def test_a_hat_on_the_head_is_worn() -> None:
    assert hat(on_head(WORKER, Label.HARDHAT)).verdict is Verdict.WORN


def test_an_explicit_bare_head_is_missing_and_strong() -> None:
    wearing = hat(on_head(WORKER, Label.NO_HARDHAT))
    assert (wearing.verdict, wearing.basis) == (Verdict.MISSING, "seen-missing")


def test_no_box_in_a_clear_view_is_missing_and_weak() -> None:
    assert (hat().verdict, hat().basis) == (Verdict.MISSING, "not-seen")


def test_a_weak_hat_box_leaves_it_open() -> None:
    assert hat(on_head(WORKER, Label.HARDHAT, 0.2)).verdict is Verdict.CANNOT_TELL


def test_the_surer_of_hat_and_bare_head_decides() -> None:
    both = on_head(WORKER, Label.HARDHAT, 0.9), on_head(WORKER, Label.NO_HARDHAT, 0.4)
    assert hat(*both).verdict is Verdict.WORN
    both = on_head(WORKER, Label.HARDHAT, 0.4), on_head(WORKER, Label.NO_HARDHAT, 0.8)
    assert hat(*both).verdict is Verdict.MISSING
    both = on_head(WORKER, Label.HARDHAT, 0.6), on_head(WORKER, Label.NO_HARDHAT, 0.6)
    assert hat(*both).verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("place", "box"),
    [
        ("in the hand", Box(560, 360, 620, 410)),
        ("on a table beside", Box(700, 300, 760, 350)),
        ("on a shelf behind the shoulder", Box(530, 190, 590, 240)),
        ("on the belt", Box(460, 330, 520, 380)),
        ("as large as the person", Box(400, 100, 575, 600)),
    ],
)
def test_a_hat_elsewhere_is_not_worn(place: str, box: Box) -> None:
    assert hat(Detection(box, Label.HARDHAT, 0.95)).verdict is Verdict.MISSING, place


def test_under_raised_arms_or_a_load_a_hat_may_be_worn() -> None:
    """Arms overhead reach a head and more above the head: the box begins there, and the hat lies low in it."""
    reaching_up = person(height=600)
    low = Detection(Box(470, 210, 540, 260), Label.HARDHAT, 0.9)
    assert hat(low, of=reaching_up).verdict is Verdict.CANNOT_TELL
    assert "raised arms" in hat(low, of=reaching_up).why
    assert hat(low, on_head(reaching_up, Label.NO_HARDHAT), of=reaching_up).verdict is Verdict.MISSING


def test_the_hat_of_whoever_stands_in_front_excuses_nobody_behind() -> None:
    """A child-sized one, whose hat is where a hat under raised arms would be; heads do not overlap."""
    behind, front = person(x=400, y=60, height=600), person(x=470, y=200, height=300)
    seen = [behind, front, on_head(front, Label.HARDHAT)]
    verdicts = judge([track(behind, 1), track(front, 2)], seen, (Item.HARDHAT,), VIEW, THRESHOLDS)
    assert verdicts[2][Item.HARDHAT].verdict is Verdict.WORN
    assert verdicts[1][Item.HARDHAT].verdict is Verdict.MISSING


@pytest.mark.parametrize("item", [Item.MASK, Item.GOGGLES, Item.GLOVES])
def test_what_may_be_turned_away_is_never_missing_because_it_is_not_seen(item: Item) -> None:
    [wearing] = judge([track(WORKER)], (), (item,), VIEW, THRESHOLDS).values()
    assert wearing[item].verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize("item", [Item.MASK, Item.GOGGLES])
@pytest.mark.parametrize(("lack", "verdict"), [(False, Verdict.WORN), (True, Verdict.MISSING)])
def test_what_is_worn_on_the_face(item: Item, lack: bool, verdict: Verdict) -> None:
    face = Detection(Box(465, 125, 510, 165), Label(f"no_{item}" if lack else item.value), 0.8)
    [wearing] = judge([track(WORKER)], [face], (item,), VIEW, THRESHOLDS).values()
    assert wearing[item].verdict is verdict


def test_a_mask_on_the_chest_is_not_on_the_face() -> None:
    low = Detection(Box(465, 190, 510, 230), Label.MASK, 0.8)
    [wearing] = judge([track(WORKER)], [low], (Item.MASK,), VIEW, THRESHOLDS).values()
    assert wearing[Item.MASK].verdict is Verdict.CANNOT_TELL


def test_one_hat_serves_one_of_two_people() -> None:
    left, right = person(x=400), person(x=480)
    detections = [left, right, on_head(right, Label.HARDHAT)]
    verdicts = judge([track(left, 1), track(right, 2)], detections, (Item.HARDHAT,), VIEW, THRESHOLDS)
    assert verdicts[2][Item.HARDHAT].verdict is Verdict.WORN
    assert verdicts[1][Item.HARDHAT].verdict is not Verdict.WORN


def test_hats_are_assigned_jointly_not_greedily() -> None:
    """The left hat is nearest to both heads; only a joint assignment gives each person one."""
    left, right = person(x=400), person(x=440)
    one, other = on_head(left, Label.HARDHAT), on_head(right, Label.HARDHAT)
    verdicts = judge([track(left, 1), track(right, 2)], [one, other], (Item.HARDHAT,), VIEW, THRESHOLDS)
    assert verdicts[1][Item.HARDHAT].box == one.box
    assert verdicts[2][Item.HARDHAT].box == other.box


@pytest.mark.parametrize(
    ("reason", "of"),
    [
        ("too small", person(height=120)),
        ("top of the picture", person(y=0)),
        ("side of the picture", person(x=0)),
        ("side of the picture", person(x=1280 - 175)),
        ("person uncertain", person(confidence=0.4)),
        ("not upright", Detection(Box(200, 100, 1000, 560), Label.PERSON, 0.9)),
    ],
)
def test_absence_does_not_count_where_the_view_is_poor(reason: str, of: Detection) -> None:
    wearing = hat(of=of)
    assert wearing.verdict is Verdict.CANNOT_TELL
    assert reason in wearing.why


def test_absence_does_not_count_behind_another_person() -> None:
    behind, front = person(), person(x=420, y=120)
    wearing = judge([track(behind, 1), track(front, 2)], [], (Item.HARDHAT,), VIEW, THRESHOLDS)[1][
        Item.HARDHAT
    ]
    assert (wearing.verdict, wearing.why) == (Verdict.CANNOT_TELL, "overlapped by another person")


def test_explicit_evidence_counts_even_where_absence_does_not() -> None:
    small = person(height=120)
    assert hat(on_head(small, Label.NO_HARDHAT), of=small).verdict is Verdict.MISSING


def test_size_is_measured_in_the_models_pixels() -> None:
    assert hat(view=View(1280, 720, scale=0.1)).verdict is Verdict.CANNOT_TELL


def test_a_person_cut_below_the_waist_still_shows_the_head() -> None:
    cut = Detection(Box(500, 400, 700, 720), Label.PERSON, 0.9)
    assert hat(of=cut).verdict is Verdict.MISSING
    assert hat(Detection(Box(560, 402, 640, 450), Label.HARDHAT, 0.8), of=cut).verdict is Verdict.WORN


def test_a_torso_below_the_picture_cannot_be_judged() -> None:
    cut = Detection(Box(560, 600, 680, 720), Label.PERSON, 0.9)
    assert vest(of=cut).verdict is Verdict.CANNOT_TELL


def seen_walking_up(*heights_cut: float) -> Track:
    """A person 500 px tall who is seen whole, then with the top of the picture cutting off so many pixels of him."""
    tracker, people = Tracker(), []
    for number, cut in enumerate((-20.0, *heights_cut)):
        whole = person(y=-cut).box
        seen = Detection(Box(whole.x1, max(0.0, whole.y1), whole.x2, whole.y2), Label.PERSON, 0.9)
        people = tracker.update([seen], number * 0.2)
    return people[0]


@pytest.mark.parametrize(
    ("cut_px", "verdict"),
    [(60.0, Verdict.MISSING), (90.0, Verdict.CANNOT_TELL), (250.0, Verdict.CANNOT_TELL)],
)
def test_the_top_of_the_picture_may_hide_the_head_and_still_show_the_vest(
    cut_px: float, verdict: Verdict
) -> None:
    seen = judge([seen_walking_up(cut_px / 2, cut_px)], (), (Item.HARDHAT, Item.VEST), VIEW, THRESHOLDS)
    [wearing] = seen.values()
    assert wearing[Item.VEST].verdict is verdict
    assert wearing[Item.HARDHAT].verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (Box(500, 100, 680, 400), "he crouched"),
        (Box(520, 10, 700, 310), "the picture cut him more than it seemed"),
        (Box(550, 10, 640, 310), "he was farther away"),
    ],
)
def test_a_body_of_the_same_height_is_not_the_same_part_of_it(before: Box, why: str) -> None:
    now, tracker, people = Box(500, 0, 690, 310), Tracker(), []
    for number, box in enumerate([before, before, now]):
        people = tracker.update([Detection(box, Label.PERSON, 0.9)], number * 0.2)
    assert [one.id for one in people] == [1]
    [wearing] = judge(people, (), (Item.VEST,), VIEW, THRESHOLDS).values()
    assert wearing[Item.VEST].verdict is Verdict.CANNOT_TELL, why


def test_who_was_never_seen_whole_may_be_cut_anywhere() -> None:
    assert vest(of=person(y=0)).verdict is Verdict.CANNOT_TELL


def test_a_vest_on_the_torso_is_worn_and_one_on_a_hook_is_not() -> None:
    assert vest(on_torso(WORKER)).verdict is Verdict.WORN
    assert vest(Detection(Box(700, 150, 800, 300), Label.VEST, 0.9)).verdict is Verdict.MISSING


def test_who_was_seen_closer_is_as_large_as_there() -> None:
    small = View(1280, 720, scale=0.1)
    around = Part("far", Box(0, 0, 1280, 720), 0.5)
    assert hat(view=replace(small, closer=(around,))).verdict is Verdict.MISSING
    beside = replace(around, box=Box(0, 0, WORKER.box.x2 - 1, 720))
    assert hat(view=replace(small, closer=(beside,))).verdict is Verdict.CANNOT_TELL


def test_magnifying_makes_nobody_larger_than_the_frame_shows_him() -> None:
    around = Part("far", Box(0, 0, 1280, 720), 2.0)
    assert View(1280, 720, 0.25, (around,)).scale_of(WORKER.box) == 1.0
