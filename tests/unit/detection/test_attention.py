"""Who may be there, or was left open, because he is small is looked at closer: in turn, not too often, nobody else."""

from collections.abc import Sequence

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
from services.detection.domain.tracking import Track
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


def scene(at_s: float, *people: Box, parts: Sequence[Part] = ()) -> Scene:
    tracks = [Track(n + 1, box, 0.8, looks=9, confirmed=True) for n, box in enumerate(people)]
    return Scene(BEGIN, at_s, View(1920, 1080, 0.25, parts), tracks, {})


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
            shown.append(self.attention.part(seen_anyway, 1920, 1080, INPUT, next_s))
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
        seen(Stance.SUPPORTS, basis="seen-missing"),
        seen(Stance.SUPPORTS, basis="present-in-zone"),
        seen(track=None),
        seen(box=LARGE),
    ],
    ids=["worn", "seen to lack it", "in a zone", "the zone", "large enough"],
)
def test_who_needs_no_closer_look_gets_none(observation: Observation) -> None:
    assert Looks().see(observation, times=3) == [None] * 3


def test_absence_is_looked_at_closer_as_well() -> None:
    assert Looks().see(seen(Stance.SUPPORTS, basis="not-seen"))[0] is not None


def test_who_is_seen_enlarged_anyway_gets_none() -> None:
    zone = Part("far", Box(800, 400, 1100, 800), 1.2)
    assert Looks().see(seen(), seen_anyway=[zone]) == [None]


def test_a_picture_no_larger_than_the_input_gains_nothing() -> None:
    attention = Attention()
    attention.note([], scene(0.2, SMALL), [seen(box=Box(2, 2, 60, 158))], [HALL])
    assert attention.part((), 160, 160, (160, 160), 0.4) is None


def test_two_are_looked_at_in_turn() -> None:
    shown = Looks().see(seen(), seen(track=2, box=OTHER), times=4)
    assert whom(shown, SMALL, OTHER) == [0, 1, 0, 1]


def test_after_the_first_looks_it_is_done_now_and_then_and_a_newcomer_comes_first() -> None:
    looks = Looks()
    assert all(looks.see(seen(), times=FIRST_LOOKS))
    later = looks.see(seen(), times=60)  # 12 s
    assert 12 / LATER_S - 2 <= sum(part is not None for part in later) <= 12 / LATER_S
    assert whom(looks.see(seen(), seen(track=2, box=OTHER), times=6), SMALL, OTHER).count(1) >= 5


def test_who_takes_the_hat_off_gets_his_first_looks_again() -> None:
    looks = Looks()
    looks.see(seen(), times=60)
    bare = looks.see(seen(Stance.SUPPORTS, basis="not-seen"), times=60)
    first = next(n for n, part in enumerate(bare) if part)
    assert all(bare[first : first + FIRST_LOOKS])
    assert (
        sum(part is not None for part in bare) <= FIRST_LOOKS + 12 / LATER_S
    )  # and then as seldom as before


def test_who_moves_keeps_his_turn() -> None:
    looks = Looks()
    shown = [
        part
        for number in range(60)
        for part in looks.see(seen(box=Box(100 + 20 * number, 500, 170 + 20 * number, 700)))
    ]
    assert sum(part is not None for part in shown) <= FIRST_LOOKS + 10 / LATER_S


def test_where_somebody_may_be_is_glanced_at_and_then_now_and_then() -> None:
    looks = Looks()
    shown = looks.see(weak(), times=54)
    assert all(shown[:FIRST_GLANCES])
    assert sum(part is not None for part in shown) <= FIRST_GLANCES + 10 / LATER_S
    assert looks.see(weak(OTHER))[0] is not None


@pytest.mark.parametrize(
    "box",
    [weak(confidence=0.05), weak(LARGE), weak(Box(905, 505, 975, 705))],
    ids=["noise", "large", "known"],
)
def test_what_is_hardly_anybody_or_known_already_gets_no_glance(box: Detection) -> None:
    assert Looks().see(box, seen(Stance.DENIES)) == [None]


def test_outside_of_all_zones_nobody_is_looked_for() -> None:
    attention = Attention()
    attention.note([weak(OTHER)], scene(0.2), [], [PRESS])
    assert attention.part((), 1920, 1080, INPUT, 0.4) is None


MISSING = seen(Stance.SUPPORTS, basis="seen-missing")


@pytest.mark.parametrize(
    ("observation", "counts"),
    [
        (MISSING, False),
        (seen(Stance.SUPPORTS, basis="not-seen"), False),
        (seen(Stance.SUPPORTS, basis="present-in-zone"), True),
        (seen(Stance.SUPPORTS, basis="seen-missing", box=LARGE), True),
        (seen(Stance.DENIES), True),
        (seen(Stance.SUPPORTS, track=2, basis="seen-missing"), True),
    ],
    ids=["seen missing", "not seen", "in a zone", "come near", "worn", "somebody else"],
)
def test_of_whom_was_just_seen_closer_nothing_that_a_smaller_view_misses_counts(
    observation: Observation, counts: bool
) -> None:
    looks = Looks()
    looks.see(seen())
    [believed] = looks.attention.believed(scene(looks.at_s + 0.2, SMALL), [observation])
    assert (believed == observation) is counts
    if not counts:
        assert (believed.stance, believed.basis, believed.why) == (OPEN, None, "was just seen closer")


def test_what_a_larger_view_says_counts_and_after_a_while_the_smaller_one_again() -> None:
    looks = Looks()
    [part] = looks.see(seen())
    assert part is not None
    assert looks.attention.believed(scene(looks.at_s + 0.2, SMALL, parts=[part]), [MISSING]) == [MISSING]
    assert looks.attention.believed(scene(looks.at_s + COUNTS_S + 0.2, SMALL), [MISSING]) == [MISSING]


def test_it_forgets_who_has_gone() -> None:
    looks = Looks()
    for track in range(500):
        looks.see(seen(track=track))
    assert len(looks.attention._turns) <= 151
