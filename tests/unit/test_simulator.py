"""The simulated sites are exact, repeatable, and go through the real domain."""

from dataclasses import replace

import numpy as np
import pytest

from services.detection.domain.detection import Label
from services.detection.domain.geometry import Box
from shared.vocabulary import Finding
from tools.judge_events import ROOT, outcomes, play
from tools.simulator.emulator import read_habits
from tools.simulator.rates import Rates, read_rates
from tools.simulator.report import figures
from tools.simulator.scenarios import SCENARIOS
from tools.simulator.world import Place, Worker, World, moment

RATES = read_rates(ROOT / "models" / "ppe.validation.json")
HABITS = read_habits(ROOT / "tools" / "simulator" / "habits.json")
STANDING = (Place(0, 300, 400, 40), Place(10, 300, 400, 40))


def sure(rates: Rates) -> Rates:
    """A detector that always finds what is there, and nothing else."""
    right = {(a, b) for a, b in rates.by_size if a is b}
    shares = {
        key: (sizes, np.full_like(share, key in right)) for key, (sizes, share) in rates.by_size.items()
    }
    return replace(rates, by_size=shares)


def test_scores_come_back_as_the_luck_that_made_them() -> None:
    for luck in (-1.0, 0.0, 0.4):
        score = RATES.score(Label.VEST, Label.VEST, 300, luck)
        assert RATES.luck(Label.VEST, Label.VEST, 300, score) == pytest.approx(luck, abs=0.02)


def test_over_many_people_boxes_are_as_frequent_as_measured() -> None:
    luck = np.random.default_rng(0).normal(size=4000)
    scores = np.array([RATES.score(Label.HARDHAT, Label.HARDHAT, 181, one) for one in luck])
    _, shares = RATES.by_size[Label.HARDHAT, Label.HARDHAT]
    assert (scores >= 0.2).mean() == pytest.approx(shares[2][list(RATES.limits).index(0.2)], abs=0.02)


def test_every_label_with_rates_is_emulated() -> None:
    scenes = play(sure(RATES), HABITS, each=1, seed=1, names=["equipped", "neither"])
    looks = [look for scene in scenes for look, _ in scene.recording.looks]
    assert {one.label for look in looks for one in look.detections} == RATES.labels


def test_a_model_without_bare_vests_is_judged_by_their_absence() -> None:
    known = {pair: shares for pair, shares in RATES.by_size.items() if pair[0] is not Label.NO_VEST}
    scene = play(sure(replace(RATES, by_size=known)), HABITS, 1, 1, ["no vest"])[0]
    assert not any(one.label is Label.NO_VEST for look, _ in scene.recording.looks for one in look.detections)
    assert outcomes(scene)[Finding.NO_VEST].must.found == 1


def test_a_pillar_and_a_nearer_person_hide_what_lies_behind_them() -> None:
    front = tuple(Place(place.at_s, 330, 405, 40) for place in STANDING)
    world = World(10, (Worker("back", STANDING), Worker("front", front)), pillars=(Box(0, 0, 290, 576),))
    people = moment(world, 5).people
    assert people["front"].visible > 0.9
    assert 0 < people["back"].visible < 0.5
    assert people["back"].box.x1 >= 285


def test_the_picture_s_edge_cuts() -> None:
    half = tuple(Place(place.at_s, 0, 400, 40) for place in STANDING)
    seen = moment(World(10, (Worker("half", half),)), 5).people["half"]
    assert seen.box.x1 == 0
    assert seen.visible == pytest.approx(0.5, abs=0.06)


def test_with_a_sure_detector_the_domain_finds_all_and_nothing_else() -> None:
    """All but who is hidden for longer than a track lives, and hats that are off too shortly."""
    scenes = play(sure(RATES), HABITS, each=1, seed=3)
    scenes = [scene for scene in scenes if scene.head_px > 20]
    told = figures([one for scene in scenes for one in outcomes(scene).values()])
    assert told.expected > 5
    assert told.recall[0] >= 0.9
    assert told.false_of_100 == 0


def test_the_same_seed_gives_the_same_scenes() -> None:
    one, other = (play(RATES, HABITS, each=1, seed=5, names=["crossing"])[0] for _ in range(2))
    assert [look.detections for look, _ in one.recording.looks] == [
        look.detections for look, _ in other.recording.looks
    ]
    assert outcomes(one) == outcomes(other)


def test_every_scene_holds_what_its_name_says() -> None:
    random = np.random.default_rng(0)
    for name, make in SCENARIOS.items():
        worlds = [make(random, 30.0) for _ in range(5)]
        assert all(moment(world, 5.0).people or moment(world, 15.0).people for world in worlds), name
    lifted = SCENARIOS["hat off for 1 s"](random, 30.0)
    assert [moment(lifted, at).people["wearer"].hat for at in (6.9, 7.5, 8.1)] == ["worn", "in hand", "worn"]
    events = {name: outcomes(play(RATES, HABITS, 1, 1, [name])[0]) for name in ("equipped", "no hat")}
    assert [told[Finding.NO_HARDHAT].must.expected for told in events.values()] == [0, 1]
