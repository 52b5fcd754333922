"""People keep their track through motion, misses and crossings, and lose it when they have gone."""

from collections.abc import Callable

import pytest

from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.tracking import MAX_GAP_S, Tracker


def person(x: float, y: float = 100, confidence: float = 0.9) -> Detection:
    return Detection(Box(x, y, x + 100, y + 280), Label.PERSON, confidence)


def ids(tracker: Tracker, at_s: float, *people: Detection) -> list[int]:
    return [track.id for track in tracker.update(people, at_s)]


def test_a_walking_person_keeps_one_track() -> None:
    tracker = Tracker()
    seen = {one for step in range(40) for one in ids(tracker, step * 0.2, person(30.0 * step))}
    assert seen == {1}


@pytest.mark.parametrize("gap_s", [0.4, 1.0, MAX_GAP_S - 0.1])
def test_a_short_miss_re_attaches(gap_s: float) -> None:
    tracker = Tracker()
    ids(tracker, 0.0, person(100))
    ids(tracker, 0.2, person(100))
    assert ids(tracker, 0.2 + gap_s, person(105)) == [1]


def behind_a_pillar(x: float) -> Detection | None:
    """Somebody who walks at *x*, and of whom a pillar from 500 to 800 hides what lies behind it."""
    x1, x2 = (max(x, 800.0) if x > 500 else x), (min(x + 100, 500.0) if x < 500 else x + 100)
    return Detection(Box(x1, 100, x2, 380), Label.PERSON, 0.9) if x2 - x1 >= 30 else None


def walk(*xs: Callable[[float], float]) -> list[list[int]]:
    """Ids of everybody in the order of *xs* (place at a second) where all are in view, over 6 s."""
    tracker, seen = Tracker(), []
    for step in range(31):
        at_s = step * 0.2
        people = [person for x in xs if (person := behind_a_pillar(x(at_s)))]
        tracks = tracker.update(people, at_s)
        if len(tracks) == len(xs):
            boxes = [track.box for track in tracks]
            seen.append([tracks[boxes.index(person.box)].id for person in people])
    return seen


def test_who_walks_behind_a_pillar_comes_out_as_the_same() -> None:
    assert {tuple(one) for one in walk(lambda s: 100 + 200 * s)} == {(1,)}


def test_two_who_walk_behind_a_pillar_from_both_sides_are_not_swapped() -> None:
    both = walk(lambda s: 50 + 200 * s, lambda s: 1150 - 200 * s)
    assert {tuple(one) for one in both} == {(1, 2)}
    assert len(both) > 15


def test_who_comes_out_where_somebody_went_in_is_another_person() -> None:
    tracker = Tracker()
    for step in range(10):
        ids(tracker, step * 0.2, person(100 + 40.0 * step))
    assert ids(tracker, 1.8 + 1.4, person(470)) == [2]


def test_after_a_longer_gap_the_same_spot_is_another_person() -> None:
    tracker = Tracker()
    ids(tracker, 0.0, person(100))
    assert ids(tracker, MAX_GAP_S + 0.1, person(100)) == [2]


def test_two_people_who_pass_each_other_keep_their_tracks() -> None:
    tracker, last = Tracker(), []
    for step in range(21):
        last = tracker.update([person(40.0 * step), person(800 - 40.0 * step, y=160)], step * 0.2)
    assert [(track.id, track.box.x1) for track in last] == [(1, 800.0), (2, 0.0)]


def test_a_weak_box_continues_a_track_but_starts_none() -> None:
    tracker = Tracker()
    assert ids(tracker, 0.0, person(100, confidence=0.2)) == []
    ids(tracker, 0.2, person(100))
    assert ids(tracker, 0.4, person(100, confidence=0.15)) == [1]


def test_one_look_is_not_believed() -> None:
    tracker = Tracker()
    assert [track.confirmed for track in tracker.update([person(100)], 0.0)] == [False]
    assert [track.confirmed for track in tracker.update([person(100)], 0.2)] == [True]


def test_an_empty_picture_is_no_error() -> None:
    assert Tracker().update([], 0.0) == []


def test_a_hundred_thousand_people_leave_nothing_behind() -> None:
    tracker = Tracker()
    for number in range(100_000):
        tracker.update([person(100)], number * (MAX_GAP_S + 1))
    assert tracker.next_id == 100_001
    assert len(tracker.alive) == 1
