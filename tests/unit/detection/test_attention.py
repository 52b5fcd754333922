"""Who may be there, or was left open, because he is small is looked at closer: in turn, not too often, nobody else."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.detection.adapters.letterbox import rectangle
from services.detection.domain.attention import (
    COUNTS_S,
    FIRST_GLANCES,
    FIRST_LOOKS,
    LATER_S,
    Attention,
    around,
)
from services.detection.domain.closer import MOST_SCALE, Part
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.scene import EvidenceBasis, Observation, Scene, Stance, Subject
from services.detection.domain.tracking import STRONG, Track
from services.detection.domain.wearing import View
from shared.vocabulary import Finding
from tests.unit.detection.scenes import BEGIN, HALL, PRESS

SMALL = Box(900, 500, 970, 700)
OTHER = Box(300, 500, 370, 700)
LARGE = Box(900, 100, 1250, 1000)
INPUT = (480, 480)
OPEN = Stance.CANNOT_TELL


def seen(
    stance: Stance = OPEN, track: int | None = 1, box: Box = SMALL, basis: EvidenceBasis | None = None
) -> Observation:
    return Observation(
        Subject("ppe", "hall", track), Finding.NO_HARDHAT, stance, basis, 0.8, 1, box, None, "told"
    )


def weak(box: Box = SMALL, confidence: float = 0.2) -> Detection:
    return Detection(box, Label.PERSON, confidence)


def view(parts: Sequence[Part] = (), scale: float = 0.25) -> View:
    return View(1920, 1080, scale, parts)


def scene(at_s: float, *people: Box, parts: Sequence[Part] = ()) -> Scene:
    tracks = [Track(n + 1, box, 0.8, looks=9, confirmed=True) for n, box in enumerate(people)]
    return Scene(BEGIN, at_s, view(parts), tracks, {})


class Looks:
    """A camera of 1920 x 1080 that looks 5 times a second with an input of 480."""

    def __init__(self) -> None:
        self.attention, self.at_s = Attention(), 0.0

    def see(
        self, *what: Observation | Detection, times: int = 1, seen_anyway: Sequence[Part] = ()
    ) -> list[Part | None]:
        """What the looks after each of these show enlarged."""
        shown = []
        observations = [one for one in what if isinstance(one, Observation)]
        found = [one for one in what if isinstance(one, Detection)]
        for _ in range(times):
            self.at_s = round(self.at_s + 0.2, 3)
            people = [one.box for one in observations if one.box]
            self.attention.note(found, scene(self.at_s, *people), observations, [HALL])
            next_s = round(self.at_s + 0.2, 3)
            shown.append(self.attention.part(view(seen_anyway), INPUT, next_s))
        return shown


def whom(parts: Sequence[Part | None], *boxes: Box) -> list[int]:
    """Which of *boxes* each part holds."""
    return [next(n for n, box in enumerate(boxes) if part.holds(box)) for part in parts if part]


def test_who_is_small_is_seen_as_large_as_a_model_needs_it() -> None:
    [part] = Looks().see(seen())
    assert part is not None
    assert part.holds(SMALL)
    assert 480 / 1920 < part.scale <= MOST_SCALE
    assert SMALL.height * part.scale == pytest.approx(280, rel=0.05)


def test_all_parts_have_one_shape_so_that_the_network_is_made_ready_for_one_more_only() -> None:
    boxes = [Box(900, 250, 900 + height / 3, 250 + height) for height in range(40, 600, 7)]
    parts = [around(box, 1920, 1080, INPUT).box for box in boxes]
    assert {rectangle((int(box.width), int(box.height)), 480, 32) for box in parts} == {(320, 480)}


@pytest.mark.parametrize(
    "observation",
    [
        seen(Stance.DENIES),
        seen(Stance.SUPPORTS, basis="present-in-zone"),
        seen(track=None),
        seen(box=LARGE),
    ],
    ids=["worn", "in a zone", "the zone", "large enough"],
)
def test_who_needs_no_closer_look_gets_none(observation: Observation) -> None:
    assert Looks().see(observation, times=3) == [None] * 3


@pytest.mark.parametrize("basis", ["not-seen", "seen-missing"])
def test_what_is_missing_is_looked_at_closer_as_well(basis: EvidenceBasis) -> None:
    assert Looks().see(seen(Stance.SUPPORTS, basis=basis))[0] is not None


def test_who_is_seen_enlarged_anyway_gets_none() -> None:
    zone = Part("far", Box(800, 400, 1100, 800), 1.2)
    assert Looks().see(seen(), seen_anyway=[zone]) == [None]


def test_who_is_seen_only_a_little_larger_in_a_zone_is_looked_at_closer_all_the_same() -> None:
    zone = Part("wide", Box(0, 100, 1420, 900), 0.34)
    assert Looks().see(seen(), seen_anyway=[zone])[0] is not None


def test_a_picture_no_larger_than_the_input_gains_nothing_by_being_magnified() -> None:
    attention = Attention()
    attention.note([], scene(0.2, SMALL), [seen()], [HALL])
    assert attention.part(view(scale=1.0), (1920, 1920), 0.4) is None
    assert attention.part(view(), INPUT, 0.4) is not None


def test_whose_box_is_too_weak_for_a_zone_is_looked_at_closer() -> None:
    attention = Attention()
    weakly = replace(scene(0.2), people=[Track(1, SMALL, STRONG - 0.1, looks=9, confirmed=True)])
    attention.note([], weakly, [seen(track=None)], [PRESS])
    assert attention.part(view(), INPUT, 0.4) is None  # he stands elsewhere
    attention.note([], weakly, [seen(track=None)], [HALL])
    assert attention.part(view(), INPUT, 0.4) is not None


def test_two_are_looked_at_in_turn() -> None:
    shown = Looks().see(seen(), seen(track=2, box=OTHER), times=4)
    assert whom(shown, SMALL, OTHER) == [0, 1, 0, 1]


def test_after_the_first_looks_it_is_done_now_and_then_and_a_newcomer_comes_first() -> None:
    looks = Looks()
    assert all(looks.see(seen(), times=FIRST_LOOKS))
    later = looks.see(seen(), times=60)  # 12 s
    assert 12 / LATER_S - 2 <= sum(part is not None for part in later) <= 12 / LATER_S
    assert whom(looks.see(seen(), seen(track=2, box=OTHER), times=6), SMALL, OTHER).count(1) >= 5


def test_who_moves_keeps_his_turn() -> None:
    looks = Looks()
    shown = [
        part
        for number in range(60)
        for part in looks.see(seen(box=Box(100 + 20 * number, 500, 170 + 20 * number, 700)))
    ]
    assert FIRST_LOOKS < sum(part is not None for part in shown) <= FIRST_LOOKS + 10 / LATER_S
    assert all(
        part is None or part.holds(Box(100 + 20 * n, 500, 170 + 20 * n, 700)) for n, part in enumerate(shown)
    )


def test_leaves_and_rain_keep_nobody_from_his_turn() -> None:
    looks, parts = Looks(), []
    for number in range(20):
        parts += looks.see(seen(), weak(Box(80 * number, 100, 80 * number + 60, 280)))
    assert sum(part is not None and part.holds(SMALL) for part in parts) == FIRST_LOOKS


def test_where_somebody_may_be_is_glanced_at_and_then_now_and_then() -> None:
    looks = Looks()
    shown = looks.see(weak(), times=54)
    assert all(shown[: 2 * FIRST_GLANCES : 2])  # in every second look
    assert sum(part is not None for part in shown) <= FIRST_GLANCES + 10 / LATER_S
    assert looks.see(weak(OTHER))[0] is not None


@pytest.mark.parametrize(
    "box",
    [weak(OTHER, 0.05), weak(LARGE), weak(Box(905, 505, 975, 705))],
    ids=["noise", "large", "known"],
)
def test_what_is_hardly_anybody_or_known_already_gets_no_glance(box: Detection) -> None:
    assert Looks().see(box, seen(Stance.DENIES)) == [None]


def test_outside_of_all_zones_nobody_is_looked_for() -> None:
    attention = Attention()
    attention.note([weak(OTHER)], scene(0.2), [], [PRESS])
    assert attention.part(view(), INPUT, 0.4) is None


MISSING = seen(Stance.SUPPORTS, basis="seen-missing")
WORN = seen(Stance.DENIES)


def seen_closer(as_what: Observation) -> Looks:
    """A camera whose last look showed somebody enlarged, and said *as_what* of him."""
    looks = Looks()
    looks.see(seen())
    looks.see(as_what)
    return looks


@pytest.mark.parametrize(
    ("observation", "counts"),
    [
        (MISSING, False),
        (seen(Stance.SUPPORTS, basis="not-seen"), False),
        (seen(Stance.SUPPORTS, basis="seen-missing", box=LARGE), True),
        (WORN, True),
        (seen(Stance.SUPPORTS, track=2, basis="seen-missing"), True),
    ],
    ids=["seen missing", "not seen", "come near", "worn", "somebody else"],
)
def test_what_a_larger_view_has_just_seen_worn_a_smaller_one_does_not_miss(
    observation: Observation, counts: bool
) -> None:
    looks = seen_closer(WORN)
    [believed] = looks.attention.believed(scene(looks.at_s + 0.2, SMALL), [observation])
    assert (believed == observation) is counts
    if not counts:
        assert (believed.stance, believed.basis, believed.why) == (OPEN, None, "was just seen worn, closer")


def test_a_look_at_a_place_says_nothing_of_who_comes_into_a_zone() -> None:
    looks, inside = Looks(), seen(Stance.SUPPORTS, track=None, basis="present-in-zone")
    assert looks.see(weak(OTHER))[0] is not None
    looks.see(seen(Stance.DENIES, track=None))  # the look that shows the place: nobody in the zone
    assert looks.attention.believed(scene(looks.at_s + 0.2, SMALL), [inside]) == [inside]


def test_what_the_larger_view_misses_or_leaves_open_the_smaller_one_may_miss() -> None:
    for said in (MISSING, seen()):
        looks = seen_closer(said)
        assert looks.attention.believed(scene(looks.at_s + 0.2, SMALL), [MISSING]) == [MISSING]


def test_a_larger_view_counts_itself_and_after_a_while_the_smaller_one_again() -> None:
    looks = seen_closer(WORN)
    again = around(SMALL, 1920, 1080, INPUT)
    assert looks.attention.believed(scene(looks.at_s + 0.2, SMALL, parts=[again]), [MISSING]) == [MISSING]
    assert looks.attention.believed(scene(looks.at_s + COUNTS_S + 0.2, SMALL), [MISSING]) == [MISSING]


def test_it_forgets_who_has_gone() -> None:
    looks = Looks()
    for track in range(500):
        looks.see(seen(track=track))
    assert len(looks.attention._turns) <= 151
