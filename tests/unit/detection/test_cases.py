"""A violation is opened once, kept while it lasts and closed once; everything else raises nothing."""

from dataclasses import replace

import pytest

from services.detection.domain.cases import ADOPT_S, END_S, LONGEST_GAP_S, Cases, Identity
from services.detection.domain.confirmation import WORN_MEMORY_S
from services.detection.domain.detection import Detection, Label
from shared.config.site import Confirmation, Zone
from shared.vocabulary import Finding
from tests.unit.detection.scenes import (
    HALL,
    HARDHAT,
    KEEP_OUT,
    PPE,
    PRESS,
    THRESHOLDS,
    Story,
    on_head,
    on_torso,
    person,
)

WORKER = person()
OTHER = person(x=900)


def names(opening: object) -> list[str]:
    return [finding.finding.value for finding in opening.findings]  # type: ignore[attr-defined]


def test_one_violation_names_both_missing_items() -> None:
    story = Story(PPE).seconds(10, WORKER).seconds(8)
    assert [names(one) for one in story.opened] == [["no_hardhat", "no_vest"]]
    assert [one.reason for one in story.closed] == ["ended"]
    assert story.closed[0].case.id == story.opened[0].case.id


def test_confidence_is_what_the_model_was_measured_to_be_worth_times_the_share_of_supporting_looks() -> None:
    measured = {Finding.NO_HARDHAT: {"seen-missing": 0.97}}
    cases = Cases(Identity("site", "camera", "session"), {HARDHAT.id: HARDHAT}, measured)
    bare, unclear = (WORKER, on_head(WORKER, Label.NO_HARDHAT)), (WORKER, on_head(WORKER, Label.HARDHAT))
    story = Story(HARDHAT, cases=cases).seconds(1, *bare).look(*unclear).seconds(4, *bare)
    (told,) = story.opened[0].findings
    assert told.confidence == pytest.approx(0.97 * told.supporting / told.looked, abs=0.001)
    assert told.supporting < told.looked


def test_a_model_of_which_nothing_was_measured_is_trusted_less() -> None:
    story = Story(HARDHAT).seconds(5, WORKER, on_head(WORKER, Label.NO_HARDHAT))
    assert [told.confidence for told in story.opened[0].findings] == [0.8]


def test_one_doubtful_look_does_not_part_two_findings_of_one_person() -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT))  # the vest is confirmed later, by absence
    story = Story(PPE).seconds(1.2, *bare).look(*bare, on_torso(WORKER)).seconds(4, *bare)
    assert [names(one) for one in story.opened] == [["no_hardhat", "no_vest"]]


def test_two_rules_make_two_violations() -> None:
    vest = replace_rule(PPE, id="vest", requires=("vest",))
    story = Story(HARDHAT, vest).seconds(10, WORKER).seconds(8)
    assert sorted(one.case.subject.rule for one in story.opened) == ["hat", "vest"]
    assert len(story.closed) == 2


def test_an_equipped_worker_raises_nothing() -> None:
    story = Story(PPE).seconds(30, WORKER, on_head(WORKER, Label.HARDHAT), on_torso(WORKER))
    assert story.events == []


def test_one_bad_look_raises_nothing() -> None:
    dressed = (WORKER, on_head(WORKER, Label.HARDHAT), on_torso(WORKER))
    story = (
        Story(PPE).seconds(3, *dressed).look(WORKER, on_head(WORKER, Label.NO_HARDHAT)).seconds(3, *dressed)
    )
    assert story.events == []


def test_a_long_drop_out_of_the_hat_raises_nothing() -> None:
    dressed = (WORKER, on_head(WORKER, Label.HARDHAT), on_torso(WORKER))
    story = Story(HARDHAT).seconds(4, *dressed).seconds(8, WORKER, on_torso(WORKER)).seconds(4, *dressed)
    assert story.events == []
    assert any("seen worn" in why for why in story.why)


@pytest.mark.parametrize("within_s", [4, 10])
@pytest.mark.parametrize(
    "seen", [(WORKER,), (WORKER, replace(on_head(WORKER, Label.HARDHAT), confidence=0.2))]
)
def test_a_worn_hat_is_remembered_for_longer_than_the_window(
    seen: tuple[Detection, ...], within_s: float
) -> None:
    rule = replace_rule(HARDHAT, confirm=Confirmation(looks=6, of=8, within_s=within_s))
    story = Story(rule).seconds(4, WORKER, on_head(WORKER, Label.HARDHAT)).seconds(WORN_MEMORY_S - 4, *seen)
    story.why.clear()
    story.seconds(2, WORKER)
    assert all("seen worn" in why for why in story.why)
    story.seconds(6, WORKER)
    assert len(story.opened) == 1


def test_a_worn_hat_is_forgotten_with_the_person_and_after_its_time() -> None:
    assert not Story(HARDHAT).seconds(4, WORKER, on_head(WORKER, Label.HARDHAT)).seconds(3).cases.subjects
    outside = replace_zone(HALL, polygon=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    story = Story(HARDHAT, zones=(outside,)).seconds(4, WORKER, on_head(WORKER, Label.HARDHAT))
    for x in range(400, 900, 20):
        story.look(person(x=x))
    story.seconds(WORN_MEMORY_S, OTHER)
    assert story.cases.subjects == frozenset()


def test_a_hat_that_is_taken_off_is_raised_by_explicit_evidence() -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT), on_torso(WORKER))
    story = (
        Story(HARDHAT).seconds(4, WORKER, on_head(WORKER, Label.HARDHAT), on_torso(WORKER)).seconds(10, *bare)
    )
    assert [names(one) for one in story.opened] == [["no_hardhat"]]
    assert story.opened[0].findings[0].basis == "seen-missing"


def test_explicit_evidence_confirms_sooner_than_absence() -> None:
    explicit, absent = Story(HARDHAT), Story(HARDHAT)
    for _ in range(60):
        explicit.look(WORKER, on_head(WORKER, Label.NO_HARDHAT))
        absent.look(WORKER)
    assert explicit.opened[0].case.last_s < absent.opened[0].case.last_s


def test_putting_the_hat_on_ends_it_and_the_cooldown_holds_for_the_same_person() -> None:
    bare, hat = (WORKER, on_head(WORKER, Label.NO_HARDHAT)), (WORKER, on_head(WORKER, Label.HARDHAT))
    story = Story(HARDHAT).seconds(5, *bare).seconds(END_S + 2, *hat).seconds(20, *bare)
    assert (len(story.opened), len(story.closed)) == (1, 1)
    assert any("suppressed by the cooldown" in why for why in story.why)


def test_after_the_cooldown_it_is_raised_again_under_another_id() -> None:
    rule = replace_rule(HARDHAT, cooldown_s=10)
    bare, hat = (WORKER, on_head(WORKER, Label.NO_HARDHAT)), (WORKER, on_head(WORKER, Label.HARDHAT))
    story = Story(rule).seconds(5, *bare).seconds(END_S + 2, *hat).seconds(20, *bare)
    assert len({one.case.id for one in story.opened}) == 2


def test_each_finding_cools_down_from_its_own_end() -> None:
    hat, bare = on_head(WORKER, Label.HARDHAT), on_head(WORKER, Label.NO_HARDHAT)
    vest, no_vest = on_torso(WORKER), on_torso(WORKER, Label.NO_VEST)
    story = Story(replace_rule(PPE, cooldown_s=30), thresholds={**THRESHOLDS, Label.NO_VEST: 0.3})
    story.seconds(5, WORKER, bare, vest).seconds(10, WORKER, hat, vest)
    story.seconds(10, WORKER, hat, no_vest).seconds(10, WORKER, hat, vest)
    assert [round(one.case.last_s) for one in story.closed] == [5, 25]
    story.seconds(5, WORKER, bare, vest)
    assert [names(one) for one in story.opened] == [["no_hardhat"], ["no_vest"], ["no_hardhat"]]


def test_the_cooldown_of_one_person_does_not_hide_another() -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    story = Story(HARDHAT).seconds(5, *bare).seconds(8).seconds(5, OTHER, on_head(OTHER, Label.NO_HARDHAT))
    assert len(story.opened) == 2


def test_the_next_person_on_the_same_spot_is_another_violation() -> None:
    story = Story(PPE).seconds(8, WORKER).seconds(5).seconds(8, WORKER)
    assert len({one.case.id for one in story.opened}) == 2


def test_two_people_at_once_are_two_violations() -> None:
    story = Story(PPE).seconds(8, WORKER, OTHER)
    assert len({one.case.subject.track for one in story.opened}) == 2


def test_a_short_miss_of_the_person_does_not_double_it() -> None:
    story = Story(PPE).seconds(6, WORKER).seconds(1.6).seconds(6, WORKER).seconds(10)
    assert (len(story.opened), len(story.closed)) == (1, 1)


def test_hidden_for_longer_than_a_track_lives_it_is_still_one_violation() -> None:
    story = Story(PPE).seconds(6, WORKER).seconds(3.6).seconds(6, WORKER).seconds(10)
    assert (len(story.opened), len(story.closed)) == (1, 1)


def test_who_was_seen_beside_a_lost_person_is_a_violation_of_his_own() -> None:
    left_half = replace_zone(HALL, polygon=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    aside = (OTHER, on_head(OTHER, Label.NO_HARDHAT))
    story = Story(HARDHAT, zones=(left_half,)).seconds(6, WORKER, on_head(WORKER, Label.NO_HARDHAT), *aside)
    story.seconds(1, *aside)
    for x in range(860, 420, -40):
        walking = person(x=x)
        story.look(walking, on_head(walking, Label.NO_HARDHAT))
    story.seconds(8, WORKER, on_head(WORKER, Label.NO_HARDHAT))
    assert [one.case.subject.track for one in story.opened] == [1, 2]
    assert [one.case.subject.track for one in story.closed] == [1]


def test_who_came_while_a_lost_person_could_not_be_judged_is_a_violation_of_his_own() -> None:
    left_half = replace_zone(HALL, polygon=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    unclear = (WORKER, replace(on_head(WORKER, Label.HARDHAT), confidence=0.2))
    story = Story(HARDHAT, zones=(left_half,)).seconds(5, WORKER, on_head(WORKER, Label.NO_HARDHAT))
    story.seconds(10, *unclear).seconds(2, *unclear, OTHER)
    for x in range(860, 420, -40):
        story.look(person(x=x))
    story.seconds(8, WORKER, on_head(WORKER, Label.NO_HARDHAT))
    assert [one.case.subject.track for one in story.opened] == [1, 2]


def test_who_walks_past_where_somebody_left_is_a_violation_of_his_own() -> None:
    """Six in a row through one door: each vanishes where the one before did, hardly confirmed."""
    story = Story(HARDHAT)
    for _ in range(6):
        for x in range(40, 1060, 60):
            story.look(person(x=x))
        story.seconds(0.6)
    story.seconds(10)
    assert len(story.opened) == len(story.closed) == 6


def test_what_the_cooldown_holds_back_is_told_once() -> None:
    inside = person(x=800, y=200)
    story = Story(KEEP_OUT, zones=(PRESS,)).seconds(3, inside).seconds(8).seconds(6, inside)
    assert len(story.opened) == 1
    assert [finding.value for _, finding in story.suppressed] == ["restricted_zone"]


def test_a_second_item_that_is_confirmed_much_later_is_not_lost() -> None:
    vest_on = (WORKER, on_head(WORKER, Label.NO_HARDHAT), on_torso(WORKER))
    vest_off = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    story = Story(PPE).seconds(8, *vest_on).seconds(40, *vest_off)
    assert [names(one) for one in story.opened] == [["no_hardhat"], ["no_vest"]]
    assert len({one.case.id for one in story.opened}) == 2


def test_nothing_is_opened_that_was_not_accepted_and_it_is_tried_again() -> None:
    story = Story(HARDHAT).look(WORKER, on_head(WORKER, Label.NO_HARDHAT), times=20, accept=False)
    assert not story.cases.open
    story.look(WORKER, on_head(WORKER, Label.NO_HARDHAT))
    assert len(story.opened) == 1


def test_restricted_zone_counts_people_and_is_one_violation() -> None:
    first, second = person(x=800, y=200), person(x=1000, y=200)
    story = (
        Story(KEEP_OUT, zones=(PRESS,))
        .seconds(3, first)
        .seconds(3, first, second)
        .seconds(2, first)
        .seconds(8)
    )
    assert [names(one) for one in story.opened] == [["restricted_zone"]]
    assert story.closed[0].case.people == 2


def test_feet_outside_the_zone_raise_nothing() -> None:
    story = Story(KEEP_OUT, zones=(PRESS,)).seconds(10, person(x=300, y=150))
    assert story.events == []


def test_restricted_zone_for_each_person() -> None:
    rule = replace_rule(KEEP_OUT, per="person")
    story = Story(rule, zones=(PRESS,)).seconds(4, person(x=800, y=200), person(x=1050, y=200))
    assert len(story.opened) == 2


def test_a_gap_in_the_looks_does_not_double_an_open_violation() -> None:
    story = Story(PPE).seconds(8, WORKER).wait(20).seconds(8, WORKER).seconds(10)
    assert (len(story.opened), len(story.closed)) == (1, 1)
    assert story.closed[0].case.last_s > 30


def test_what_is_not_seen_again_after_a_gap_is_closed_as_unobserved() -> None:
    story = Story(PPE).seconds(8, WORKER).wait(20).seconds(ADOPT_S + 1)
    assert [one.reason for one in story.closed] == ["unobserved"]


def test_after_a_very_long_gap_nobody_claims_that_it_is_the_same() -> None:
    story = Story(PPE).seconds(8, WORKER).wait(LONGEST_GAP_S + 10).seconds(8, WORKER)
    assert [one.reason for one in story.closed] == ["unobserved"]
    assert len(story.opened) == 2


def test_a_restart_goes_on_with_the_same_violation() -> None:
    before = Story(PPE).seconds(8, WORKER)
    cases = Cases(Identity("site", "camera", "session"), {PPE.id: PPE})
    cases.open = dict(before.cases.open)
    after = Story(PPE, cases=cases)
    after.at_s = before.at_s + 5
    after.tracker.next_id = before.tracker.next_id
    after.seconds(6, WORKER).seconds(10)
    assert after.opened == []
    assert [one.case.id for one in after.closed] == [before.opened[0].case.id]
    assert after.closed[0].reason == "ended"


def test_at_the_end_of_a_recording_what_is_open_is_closed() -> None:
    story = Story(PPE).seconds(8, WORKER)
    story.settle(story.cases.finish(story.at_s))
    assert [one.reason for one in story.closed] == ["source-ended"]


def test_the_same_story_gives_the_same_ids() -> None:
    first, second = (Story(PPE).seconds(8, WORKER, OTHER) for _ in range(2))
    assert [one.case.id for one in first.opened] == [one.case.id for one in second.opened]


@pytest.mark.parametrize(
    "identity",
    [
        Identity("other", "camera", "session"),
        Identity("site", "other", "session"),
        Identity("site", "camera", "o"),
    ],
)
def test_site_camera_and_session_are_part_of_the_id(identity: Identity) -> None:
    plain = Story(PPE).seconds(8, WORKER)
    changed = Story(PPE, cases=Cases(identity, {PPE.id: PPE})).seconds(8, WORKER)
    assert plain.opened[0].case.id != changed.opened[0].case.id


def test_m_of_n_is_the_users_to_set() -> None:
    rule = replace_rule(HARDHAT, confirm=Confirmation(looks=30, of=40, within_s=20))
    story = Story(rule).look(WORKER, on_head(WORKER, Label.NO_HARDHAT), times=30)
    assert story.opened == []
    story.look(WORKER, on_head(WORKER, Label.NO_HARDHAT), times=5)
    assert len(story.opened) == 1


def test_state_goes_when_tracks_go() -> None:
    story = Story(PPE)
    for number in range(2_000):
        story.look(person(x=100 + 37 * (number % 25))).wait(2.5)
    assert len(story.cases._candidates) <= 2
    assert len(story.tracker._states) <= 2
    assert len(story.cases.ended) == 0


def test_no_person_is_judged_twice_in_overlapping_zones() -> None:
    part = replace_zone(HALL, id="part", polygon=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    story = Story(PPE, zones=(part, HALL)).seconds(8, WORKER)
    assert [one.case.subject.zone for one in story.opened] == ["part"]


def test_findings_are_reported_with_their_support() -> None:
    facts = Story(PPE).seconds(8, WORKER).opened[0].findings
    assert {one.finding for one in facts} == {Finding.NO_HARDHAT, Finding.NO_VEST}
    assert all(one.basis == "not-seen" and one.supporting <= one.looked and one.window_s > 1 for one in facts)


def replace_rule(rule, **changes):  # type: ignore[no-untyped-def]
    return rule.model_copy(update=changes)


def replace_zone(zone, **changes):  # type: ignore[no-untyped-def]
    return zone.model_copy(update=changes)


def test_an_open_violation_that_is_unclear_for_a_while_stays_open() -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    hidden = (WORKER, replace(on_head(WORKER, Label.HARDHAT), confidence=0.2))
    story = Story(HARDHAT).seconds(5, *bare).seconds(20, *hidden).seconds(5, *bare)
    assert (len(story.opened), len(story.closed)) == (1, 0)


def test_an_empty_zone_does_not_keep_the_camera_busy() -> None:
    assert not Story(KEEP_OUT, zones=(HALL, PRESS)).seconds(5).cases.busy


def test_the_number_of_people_is_that_of_this_violation_not_of_an_earlier_visit() -> None:
    first, second = person(x=700, y=150), person(x=950, y=150)
    story = Story(KEEP_OUT, zones=(HALL, PRESS)).look(first, second, times=3).seconds(60).seconds(5, first)
    assert [one.case.people for one in story.opened] == [1]


def test_what_was_confirmed_before_a_gap_is_opened_after_it_and_closed() -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    story = Story(PPE).seconds(2, *bare)  # the hat is confirmed, the vest leans: it waits
    assert not story.opened
    story.wait(5).seconds(ADOPT_S + 1)
    assert [names(one) for one in story.opened] == [["no_hardhat"]]
    assert [(one.case.id, one.reason) for one in story.closed] == [(story.opened[0].case.id, "unobserved")]


def test_what_could_not_be_stored_before_the_person_left_is_tried_again() -> None:
    story = Story(HARDHAT).look(WORKER, on_head(WORKER, Label.NO_HARDHAT), times=20, accept=False)
    story.look(times=15, accept=False)  # the track has died meanwhile
    story.look()
    assert len(story.opened) == 1


def test_what_could_not_be_stored_for_an_hour_is_not_forgotten_and_says_what_came_of_it() -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    story = Story(HARDHAT).look(*bare, times=300, accept=False).wait(10).look(times=300, accept=False)
    assert story.cases.busy
    assert [subject.track for subject in story.cases.subjects] == [1]
    story.wait(3600).seconds(ADOPT_S + 5)
    [opened], [closed] = story.opened, story.closed
    assert (opened.case.id, closed.reason) == (closed.case.id, "unobserved")
    assert (round(opened.case.first_s), round(closed.case.last_s)) == (0, 60)
    assert closed.case.looks > opened.findings[0].looked


def test_who_is_lost_and_found_while_nothing_can_be_stored_is_one_violation() -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    story = Story(HARDHAT).look(*bare, times=30, accept=False).look(times=15, accept=False)
    story.look(*bare, times=30, accept=False).seconds(10)
    assert (len(story.opened), len(story.closed)) == (1, 1)
    again = Story(HARDHAT).look(*bare, times=30, accept=False).wait(10)
    again.look(*bare, times=30, accept=False).seconds(10)
    assert (len(again.opened), len(again.closed)) == (1, 1)


def test_who_stands_where_somebody_stood_who_waits_to_be_stored_is_a_violation_of_his_own() -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    story = Story(HARDHAT).look(*bare, times=30, accept=False).look(times=100, accept=False)
    story.look(*bare, times=30, accept=False).seconds(10)
    assert (len(story.opened), len(story.closed)) == (2, 2)


def test_two_findings_of_one_person_that_wait_to_be_stored_are_two_violations() -> None:
    vest_on = (WORKER, on_head(WORKER, Label.NO_HARDHAT), on_torso(WORKER))
    vest_off = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    story = Story(PPE).look(*vest_on, times=40, accept=False).look(*vest_off, times=200, accept=False)
    story.look(*vest_off)
    assert [names(one) for one in story.opened] == [["no_hardhat"], ["no_vest"]]
    assert len({one.case.id for one in story.opened}) == 2


def test_what_can_never_be_stored_is_given_up() -> None:
    story = Story(KEEP_OUT, zones=(PRESS,)).look(person(x=800, y=200), times=20, accept=False)
    story.look(times=30, accept=False)
    [opening] = story.cases.finish(story.at_s).openings
    story.cases.dropped(opening)
    assert story.look().opened == []


@pytest.mark.parametrize("rate", [5, 30, 60])
def test_many_looks_of_one_moment_are_not_more_evidence(rate: float) -> None:
    bare = (WORKER, on_head(WORKER, Label.NO_HARDHAT))
    assert Story(HARDHAT, rate=rate).seconds(0.6, *bare).opened == []
    assert len(Story(HARDHAT, rate=rate).seconds(1.6, *bare).opened) == 1


HALVES = (
    Zone(id="left", name="Left", polygon=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))),
    Zone(id="right", name="Right", polygon=((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))),
)


def swaying(story: Story, seconds: float, label: Label) -> Story:
    """Somebody whose feet are now in the left half, now in the right one."""
    for number in range(round(seconds * story.rate)):
        stands = person(x=530 + 30 * (number % 2))
        story.look(stands, on_head(stands, label))
    return story


def test_on_the_border_of_two_zones_one_person_is_one_violation_confirmed_as_soon() -> None:
    story = swaying(Story(HARDHAT, zones=HALVES), 1.6, Label.NO_HARDHAT)
    assert len(story.opened) == 1
    assert story.opened[0].case.subject.zone in {"left", "right"}
    story = swaying(swaying(story, 8, Label.NO_HARDHAT), 8, Label.HARDHAT)
    story = swaying(story, 8, Label.NO_HARDHAT)
    assert (len(story.opened), len(story.closed)) == (1, 1)
    assert any("suppressed by the cooldown" in why for why in story.why)


def test_a_hat_that_was_worn_in_one_zone_is_remembered_in_the_next() -> None:
    story = Story(HARDHAT, zones=HALVES).seconds(4, WORKER, on_head(WORKER, Label.HARDHAT))
    for x in range(400, 640, 40):
        story.look(person(x=x))
    story.seconds(8, person(x=640))
    assert story.opened == []


def test_the_zone_told_is_where_the_item_was_last_seen_missing() -> None:
    story = Story(HARDHAT, zones=HALVES).seconds(2, WORKER, on_head(WORKER, Label.HARDHAT))
    for x in range(400, 640, 40):
        story.look(person(x=x), on_head(person(x=x), Label.HARDHAT))
    there = person(x=640)
    story.seconds(3, there, on_head(there, Label.NO_HARDHAT))
    assert [one.case.subject.zone for one in story.opened] == ["right"]


def test_two_restricted_zones_are_two_violations_of_one_person() -> None:
    rule = replace_rule(KEEP_OUT, per="person", zones=())
    story = Story(rule, zones=HALVES).seconds(4, WORKER)
    for x in range(400, 640, 40):
        story.look(person(x=x))
    story.seconds(4, person(x=640))
    assert [one.case.subject.zone for one in story.opened] == ["left", "right"]


def test_a_violation_whose_rule_was_removed_while_the_service_was_down_is_closed() -> None:
    before = Story(KEEP_OUT, zones=(HALL, PRESS)).seconds(5, person(x=700, y=150))
    cases = Cases(Identity("site", "camera", "session"), {PPE.id: PPE}, open=dict(before.cases.open))
    after = Story(PPE, zones=(HALL, PRESS), cases=cases).seconds(ADOPT_S + 5)
    assert [one.reason for one in after.closed] == ["unobserved"]
