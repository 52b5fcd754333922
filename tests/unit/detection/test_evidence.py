"""The picture of a violation is its best look, and a crowd leaves nobody without one."""

from datetime import timedelta

from services.detection.application.evidence import FRESH_S, MOST_LOOKS, EvidenceRing
from services.detection.domain import rules
from services.detection.domain.detection import Detection, Label
from services.detection.domain.frame import Frame
from services.detection.domain.scene import Look, Scene, Subject
from services.detection.domain.wearing import judge
from shared.vocabulary import Item
from tests.fakes.detector import numbered_picture
from tests.unit.detection.scenes import BEGIN, HALL, HARDHAT, THRESHOLDS, VIEW, on_head, person, track


def look(
    at_s: float, people: dict[int, Detection], confidence: float = 0.8, shown: Label | None = Label.NO_HARDHAT
) -> Look:
    """Bare heads of *people* (by track id), `confidence` sure; or what is *shown* in their place."""
    heads = [on_head(one, shown, confidence) for one in people.values()] if shown else []
    detections = [*people.values(), *heads]
    tracks = [track(one, number) for number, one in people.items()]
    wearing = judge(tracks, detections, (Item.HARDHAT,), VIEW, THRESHOLDS)
    scene = Scene(BEGIN + timedelta(seconds=at_s), at_s, VIEW, tracks, wearing)
    frame = Frame("gate", round(at_s * 5), scene.at, at_s, numbered_picture(0, 8, 8))
    return Look(frame, detections, scene, rules.observe((HARDHAT,), (HALL,), scene, "UTC"))


def subject(number: int) -> Subject:
    return Subject(HARDHAT.id, HALL.id, number)


def best_s(ring: EvidenceRing, number: int) -> float:
    sighting = ring.best(subject(number))
    assert sighting is not None
    return sighting.look.scene.at_s


def test_the_surest_look_is_kept() -> None:
    ring = EvidenceRing()
    for at_s, confidence in ((1.0, 0.6), (2.0, 0.9), (3.0, 0.7)):
        ring.offer(look(at_s, {1: person()}, confidence))
    assert best_s(ring, 1) == 2.0


def test_a_whole_person_is_preferred_to_one_at_the_edge() -> None:
    ring = EvidenceRing()
    ring.offer(look(1.0, {1: person(x=0)}))
    ring.offer(look(2.0, {1: person()}))
    ring.offer(look(3.0, {1: person(x=0)}))
    assert best_s(ring, 1) == 2.0


def test_a_look_with_a_bare_head_to_point_at_is_preferred_to_one_where_no_hat_is_seen() -> None:
    ring, worker = EvidenceRing(), person(confidence=0.95)
    ring.offer(look(1.0, {1: worker}, shown=None))
    assert best_s(ring, 1) == 1.0
    ring.offer(look(2.0, {1: worker}, 0.4))
    ring.offer(look(3.0, {1: worker}, shown=None))
    assert best_s(ring, 1) == 2.0


def test_an_old_look_gives_way_to_any_newer_one() -> None:
    ring = EvidenceRing()
    ring.offer(look(1.0, {1: person()}, 0.9))
    ring.offer(look(1.0 + FRESH_S + 1, {1: person()}, 0.4))
    assert best_s(ring, 1) == 1.0 + FRESH_S + 1


def test_a_look_gives_way_once_another_has_spoken_against_it() -> None:
    """A hat that was missed, then seen, then taken off: the picture must show the head without it."""
    ring = EvidenceRing()
    ring.offer(look(1.0, {1: person()}, 0.9))
    ring.offer(look(2.0, {1: person()}, 0.8, shown=Label.HARDHAT))
    assert best_s(ring, 1) == 1.0
    ring.offer(look(3.0, {1: person()}, 0.5))
    assert best_s(ring, 1) == 3.0


def test_a_crowd_leaves_nobody_without_a_picture() -> None:
    ring, crowd = EvidenceRing(), {number: person(x=10 * number, height=60) for number in range(1, 101)}
    for at_s in (1.0, 2.0, 3.0):
        ring.offer(look(at_s, crowd))
        assert all(ring.best(subject(number)) for number in crowd)


def test_no_more_than_so_many_looks_are_held_whoever_they_show() -> None:
    ring, still_here = EvidenceRing(), person()
    for number in range(2, 3 * MOST_LOOKS):
        ring.offer(look(number * 0.1, {1: still_here, number: person(x=900)}, 0.9 - number / 1000))
    held = {kept.look.scene.at_s for n in range(3 * MOST_LOOKS) if (kept := ring.best(subject(n)))}
    assert len(held) == MOST_LOOKS
    assert ring.best(subject(1))


def test_what_is_not_asked_about_any_more_is_forgotten() -> None:
    ring = EvidenceRing()
    ring.offer(look(1.0, {1: person(), 2: person(x=900)}))
    ring.forget_all_but([subject(2)])
    assert ring.best(subject(1)) is None
    assert ring.best(subject(2))
