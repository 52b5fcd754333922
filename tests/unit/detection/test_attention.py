"""Who was left open because he is small is looked at closer: each in turn, seldom enough, and nobody else."""

from collections.abc import Sequence

import pytest

from services.detection.adapters.letterbox import rectangle
from services.detection.domain.attention import FIRST_LOOKS, LATER_S, Attention
from services.detection.domain.closer import MOST_SCALE, Part
from services.detection.domain.geometry import Box
from services.detection.domain.scene import EvidenceBasis, Observation, Stance, Subject
from shared.vocabulary import Finding

SMALL = Box(900, 500, 970, 700)
OTHER = Box(300, 500, 370, 700)
OPEN = Stance.CANNOT_TELL


def seen(
    stance: Stance = OPEN, track: int | None = 1, box: Box = SMALL, basis: EvidenceBasis | None = None
) -> Observation:
    return Observation(
        Subject("ppe", "hall", track), Finding.NO_HARDHAT, stance, basis, 0.8, 1, box, None, "told"
    )


def looks(
    attention: Attention, *observations: Observation, times: int, every_s: float = 0.2, begin_s: float = 0.0
) -> list[Part | None]:
    """*times* looks that lead to *observations*: what each of them shows enlarged."""
    shown = []
    for number in range(times):
        attention.note(observations)
        shown.append(attention.part((), 1920, 1080, (480, 480), round(begin_s + (number + 1) * every_s, 3)))
    return shown


def whom(parts: Sequence[Part | None], *boxes: Box) -> list[list[int]]:
    """Which of *boxes* each part holds."""
    return [[n for n, box in enumerate(boxes) if part.holds(box)] for part in parts if part]


def test_who_is_small_is_seen_larger_in_every_second_look() -> None:
    shown = looks(Attention(), seen(), times=6)
    assert [part is not None for part in shown] == [True, False] * 3
    part = shown[0]
    assert part is not None
    assert part.holds(SMALL)
    assert 480 / 1920 < part.scale <= MOST_SCALE
    assert SMALL.height * part.scale == pytest.approx(280, rel=0.05)


def test_all_parts_have_one_shape_so_that_the_network_is_made_ready_for_one_more_only() -> None:
    shapes = set()
    for height in range(40, 800, 7):
        attention = Attention()
        attention.note([seen(box=Box(900, 250, 900 + height / 3, 250 + height))])
        part = attention.part((), 1920, 1080, (480, 480), 1.0)
        if part:
            shapes.add(rectangle((int(part.box.width), int(part.box.height)), 480, 32))
    assert shapes == {(320, 480)}


@pytest.mark.parametrize(
    "observation",
    [
        seen(Stance.DENIES),
        seen(Stance.SUPPORTS, basis="seen-missing"),
        seen(track=None),
        seen(box=Box(900, 100, 1250, 1000)),
    ],
    ids=["worn", "seen to lack it", "a zone", "large enough"],
)
def test_who_needs_no_closer_look_gets_none(observation: Observation) -> None:
    assert not any(looks(Attention(), observation, times=4))


def test_absence_is_looked_at_closer_as_well() -> None:
    assert any(looks(Attention(), seen(Stance.SUPPORTS, basis="not-seen"), times=2))


def test_who_is_seen_enlarged_anyway_or_gains_nothing_gets_none() -> None:
    attention = Attention()
    attention.note([seen()])
    zone = Part("far", Box(800, 400, 1100, 800), 1.2)
    assert attention.part([zone], 1920, 1080, (480, 480), 0.2) is None
    assert attention.part((), 1920, 1080, (2304, 2304), 0.4) is None  # tall enough as he is
    attention.note([seen(box=Box(2, 2, 60, 158))])
    assert (
        attention.part((), 160, 160, (160, 160), 0.6) is None
    )  # all of the picture is not larger than itself


def test_two_are_looked_at_in_turn() -> None:
    shown = looks(Attention(), seen(), seen(track=2, box=OTHER), times=8)
    assert whom(shown, SMALL, OTHER) == [[0], [1], [0], [1]]


def test_after_the_first_looks_it_is_done_now_and_then_and_a_newcomer_comes_first() -> None:
    attention = Attention()
    assert sum(part is not None for part in looks(attention, seen(), times=2 * FIRST_LOOKS)) == FIRST_LOOKS
    begin_s = 2 * FIRST_LOOKS * 0.2
    later = looks(attention, seen(), times=50, begin_s=begin_s)
    assert 3 <= sum(part is not None for part in later) <= 10 / LATER_S
    both = looks(attention, seen(), seen(track=2, box=OTHER), times=10, begin_s=begin_s + 10)
    assert whom(both, SMALL, OTHER).count([1]) >= 4


def test_it_forgets_who_has_gone() -> None:
    attention = Attention()
    for track in range(500):
        attention.note([seen(track=track)])
        attention.part((), 1920, 1080, (480, 480), track * 1.0)
    assert len(attention._looked) < 40
