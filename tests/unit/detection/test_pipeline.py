"""One camera from frame to accepted message: what it says, what survives a stop, what a full spool does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.detection.adapters.jpeg_evidence_renderer import JpegEvidenceRenderer
from services.detection.application.ports import Picture
from services.detection.domain.detection import Detection, Label
from services.detection.domain.frame import Frame
from services.detection.domain.privacy import face_regions
from shared.config.site import Privacy, Zone
from shared.contracts.violation import Closed, Opened
from shared.errors import PermanentError
from shared.vocabulary import Item
from tests.fakes.detector import numbered_picture, seen
from tests.fakes.memory_spool import MemorySpool
from tests.unit.detection.camera_run import (
    BARE,
    BEGIN,
    CAMERA,
    SITE,
    WORKER,
    FullSpool,
    MemoryStates,
    Run,
    always,
)
from tests.unit.detection.scenes import HALL, KEEP_OUT, PPE, PRESS, on_head, on_torso, person


def test_a_violation_becomes_one_message_with_its_picture() -> None:
    run = Run(always(BARE)).see(0, 60)
    [opened] = run.messages
    assert isinstance(opened, Opened)
    assert [finding.finding for finding in opened.findings] == ["no_hardhat", "no_vest"]
    assert (opened.site.id, opened.camera.id, opened.zone.id, opened.rule.id) == (
        "yard",
        "gate",
        "hall",
        "ppe",
    )
    assert opened.first_seen == BEGIN + timedelta(seconds=0.2)
    [entry] = run.spool.pending()
    assert entry.jpeg is not None
    assert len(entry.jpeg) == opened.evidence.size_bytes
    assert [box.role for box in opened.evidence.boxes] == ["subject", "bare"]
    assert (opened.evidence.width, opened.evidence.height) == (1280, 720)


def test_when_it_ends_a_second_message_closes_it() -> None:
    opened, closed = Run(always(BARE, 60)).see(0, 120).messages
    assert isinstance(closed, Closed)
    assert closed.violation_id == opened.violation_id
    assert closed.reason == "ended"
    assert closed.last_seen == BEGIN + timedelta(seconds=59 * 0.2)


def test_the_end_of_a_recording_closes_what_is_open() -> None:
    run = Run(always(BARE), kind="file").see(0, 60)
    run.pipeline.finish()
    assert [type(message) for message in run.messages] == [Opened, Closed]


def test_a_recording_seen_twice_adds_nothing() -> None:
    first = Run(always(BARE), kind="file").see(0, 60)
    first.pipeline.finish()
    second = Run(always(BARE), kind="file", spool=first.spool, states=first.states).see(0, 60)
    second.pipeline.finish()
    assert len(second.messages) == 2


def test_a_stopped_service_goes_on_with_the_same_violation() -> None:
    first = Run(always(BARE)).see(0, 60)
    first.pipeline.pause()
    second = Run(always(BARE, 90), spool=first.spool, states=first.states).see(70, 150)
    opened, closed = second.messages
    assert opened.violation_id == closed.violation_id


def test_what_is_confirmed_and_waits_to_settle_is_told_when_the_service_stops() -> None:
    first = Run(always(BARE)).see(0, 12)
    first.pipeline.pause()
    second = Run({}, spool=first.spool, states=first.states).see(30, 100)
    opened, closed = second.messages
    assert opened.violation_id == closed.violation_id


def test_a_recording_that_is_stopped_tells_nothing_early() -> None:
    run = Run(always(BARE), kind="file").see(0, 12)
    run.pipeline.pause()
    assert run.messages == []


def test_killed_right_after_acceptance_it_still_goes_on_with_the_same_violation() -> None:
    first = Run(always(BARE))
    first.see(0, 1)
    before = dict(first.states)
    first.see(1, 60)
    killed = MemoryStates(before)  # the state was not saved any more
    second = Run(always(BARE, 90), spool=first.spool, states=killed).see(60, 150)
    opened, closed = second.messages
    assert opened.violation_id == closed.violation_id


HATTED = [WORKER, on_head(WORKER, Label.HARDHAT), on_torso(WORKER)]


@pytest.mark.parametrize("end_delivered", [False, True])
def test_who_is_bare_after_a_restart_is_no_part_of_what_has_ended_although_its_beginning_still_waits(
    end_delivered: bool,
) -> None:
    script = {**always(BARE, 60), **dict.fromkeys(range(60, 130), HATTED)}
    first = Run(script).see(0, 130)
    if end_delivered:
        [end] = [entry for entry in first.spool.pending() if entry.phase == "closed"]
        first.spool.settle(end)
    first.pipeline.pause()
    second = Run(dict.fromkeys(range(150, 200), BARE), spool=first.spool, states=first.states)
    assert not second.pipeline.open_cases
    begun = [told for told in second.see(150, 300).messages if isinstance(told, Opened)]
    assert len({told.violation_id for told in begun}) == 2
    assert all(second.spool.knows(told.violation_id, "closed") for told in begun)


def test_what_another_version_left_in_the_spool_stops_no_start() -> None:
    first = Run(always(BARE)).see(0, 60)
    before = MemoryStates(first.states)
    first.pipeline.pause()
    first.spool.accept(b'{"type": "officer.violation.opened.v9"}', "f" * 32, "opened", None)
    second = Run(always(BARE, 90), spool=first.spool, states=before)
    assert len(second.pipeline.open_cases) == 1


def test_killed_right_after_its_end_was_accepted_it_does_not_go_on_though_that_was_delivered() -> None:
    first = Run(always(BARE, 60)).see(0, 60)
    before = MemoryStates(first.states)
    first.see(60, 120)
    for entry in first.spool.pending():
        first.spool.settle(entry)
    second = Run(always(BARE, 400), spool=first.spool, states=before)
    assert not second.pipeline.open_cases
    [again] = second.see(150, 200).messages
    assert isinstance(again, Opened)


def test_a_state_that_cannot_be_read_is_told_and_begun_anew() -> None:
    with capture_logs() as logs:
        run = Run(always(BARE), states=MemoryStates(gate=b'{"session": 3')).see(0, 60)
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["state.unreadable"]
    assert len(run.messages) == 1


def test_a_full_spool_opens_nothing_and_is_tried_again() -> None:
    spool = FullSpool()
    run = Run(always(BARE), spool=spool).see(0, 60)
    assert run.messages == []
    assert run.pipeline.counts.open == 0
    spool.full = False
    run.see(60, 61)
    assert len(run.messages) == 1


def test_what_a_full_spool_refused_is_told_with_its_picture_although_everybody_has_left() -> None:
    spool = FullSpool()
    run = Run(always(BARE, 60), spool=spool).see(0, 400)
    assert run.messages == []
    spool.full = False
    opened, closed = run.see(400, 403).messages
    assert opened.violation_id == closed.violation_id
    assert opened.evidence.captured_at <= closed.last_seen == BEGIN + timedelta(seconds=59 * 0.2)


def test_a_violation_that_cannot_be_told_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    twins = [*BARE, other := person(x=50), on_head(other, Label.NO_HARDHAT)]
    run = Run(always(twins))
    render, calls = JpegEvidenceRenderer.render, iter(range(10**6))

    def fails_at_first(self: JpegEvidenceRenderer, *arguments: Any) -> Picture:
        if next(calls) == 0:
            raise PermanentError("picture", "it cannot be encoded")
        return render(self, *arguments)

    monkeypatch.setattr(JpegEvidenceRenderer, "render", fails_at_first)
    failures = 0
    for number in range(60):
        try:
            run.see(number, number + 1)
        except PermanentError:
            failures += 1
    assert failures == 1
    assert len({message.violation_id for message in run.messages}) == 2


def test_a_restricted_zone_shows_everybody_inside() -> None:
    dressed = [person(x=700, y=150), person(x=950, y=150)]
    hats = [on_head(one, Label.HARDHAT) for one in dressed]
    [opened] = [m for m in Run(always(dressed + hats)).see(0, 30).messages if m.rule.id == "keep-out"]
    assert opened.people == 2
    assert [box.role for box in opened.evidence.boxes] == ["subject", "subject"]


def test_a_model_of_heads_alone_finds_bare_heads() -> None:
    heads = [on_head(WORKER, Label.NO_HARDHAT)]
    hat_rule = PPE.model_copy(update={"requires": (Item.HARDHAT,)})
    site = SITE.model_copy(update={"rules": (hat_rule,)})
    run = Run(always(heads), site=site, labels=frozenset({Label.HARDHAT, Label.NO_HARDHAT})).see(0, 60)
    assert [finding.finding for finding in run.messages[0].findings] == ["no_hardhat"]


@pytest.mark.parametrize("blur", [True, False])
def test_faces_are_blurred_unless_the_site_says_otherwise(blur: bool) -> None:
    site = SITE.model_copy(update={"privacy": Privacy(blur_faces=blur)})
    run = Run(always(BARE), site=site)
    run.see(0, 60)
    assert run.messages[0].evidence.faces_blurred is blur


def test_a_gap_between_frames_counts_as_blind_time() -> None:
    run = Run(always(BARE, 400)).see(0, 2).see(302, 360)
    [opened] = run.messages
    assert opened.camera_blind_s == pytest.approx(60.2, abs=0.1)


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_clock_that_is_set_breaks_nothing(step_s: float) -> None:
    run = Run(always(BARE, 60))
    run.see(0, 30)
    run.clock_error_s = step_s
    run.see(30, 120)
    opened, closed = run.messages
    assert closed.violation_id == opened.violation_id
    assert closed.duration_s == pytest.approx(58 * 0.2, abs=0.3)
    assert closed.first_seen == opened.first_seen == BEGIN + timedelta(seconds=0.2)


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_clock_that_is_set_is_no_gap_and_counts_for_what_comes_after(step_s: float) -> None:
    run = Run(dict.fromkeys(range(40, 100), BARE)).see(0, 30)
    run.clock_error_s = step_s
    [opened] = run.see(30, 100).messages
    assert opened.camera_blind_s == 0.0
    assert opened.first_seen == BEGIN + timedelta(seconds=41 * 0.2 + step_s)


def test_a_clock_set_while_a_finding_is_confirmed_leaves_it_the_time_of_its_picture() -> None:
    run = Run(dict.fromkeys(range(8), BARE)).see(0, 8)  # confirmed, and waits to settle
    run.clock_error_s = 3600.0
    opened, closed = run.see(8, 100).messages
    assert opened.first_seen <= opened.evidence.captured_at <= opened.last_seen
    assert closed.first_seen == opened.first_seen


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_clock_that_was_set_is_no_standstill_at_the_next_start(step_s: float) -> None:
    first = Run({}).see(0, 30)
    first.clock_error_s = step_s
    first.see(30, 60).pipeline.pause()
    second = Run(always(BARE, 400), states=first.states)
    second.clock_error_s = step_s
    [opened] = second.see(160, 210).messages
    assert opened.camera_blind_s == pytest.approx(20.2, abs=0.1)


@pytest.mark.parametrize("step_s", [-3600.0, 60.0])
def test_a_clock_set_while_stopped_breaks_nothing(step_s: float) -> None:
    first = Run(always(BARE)).see(0, 60)
    first.pipeline.pause()
    second = Run(always(BARE, 90), states=first.states)
    second.clock_error_s = step_s
    [opened], [closed] = first.messages, second.see(60, 150).messages
    assert closed.violation_id == opened.violation_id
    assert closed.reason == "ended"
    assert closed.first_seen == opened.first_seen


def test_the_cooldown_of_a_zone_outlives_a_restart() -> None:
    inside = [
        person(x=700, y=150),
        on_head(person(x=700, y=150), Label.HARDHAT),
        on_torso(person(x=700, y=150)),
    ]
    first = Run(always(inside, 30)).see(0, 100)
    first.pipeline.pause()
    second = Run(always(inside, 400), spool=first.spool, states=first.states).see(110, 160)
    assert len([m for m in second.messages if isinstance(m, Opened)]) == 1


def test_the_time_that_the_service_stood_still_counts_as_blind() -> None:
    first = Run({}).see(0, 30)
    first.pipeline.pause()
    second = Run(always(BARE, 400), states=first.states).see(130, 180)
    assert second.messages[0].camera_blind_s == pytest.approx(20.2, abs=0.1)


def test_a_picture_without_people_is_no_error() -> None:
    assert Run({}).see(0, 20).messages == []


def test_a_resolution_change_breaks_nothing() -> None:
    run = Run(always(BARE)).see(0, 30)
    small = numbered_picture(30, 640, 360)
    run.pipeline.see(Frame("gate", 30, BEGIN + timedelta(seconds=6), 6.0, small))
    run.see(31, 60)
    assert len(run.messages) == 1


def halved(detections: Sequence[Detection]) -> list[Detection]:
    return [replace(one, box=one.box.scaled(0.5, 0.5)) for one in detections]


@pytest.mark.parametrize("restarted", [False, True])
def test_another_size_of_picture_does_not_double_what_is_open(restarted: bool) -> None:
    """Cameras change their resolution by themselves when the network is slow."""
    script = {**always(BARE, 40), **dict.fromkeys(range(40, 90), halved(BARE))}
    run = Run(script).see(0, 40)
    if restarted:
        run.pipeline.pause()
        run = Run(script, spool=run.spool, states=run.states)
    for number in range(40, 150):
        at_s = number * 0.2
        small = numbered_picture(number, 640, 360)
        run.pipeline.see(Frame("gate", number, BEGIN + timedelta(seconds=at_s), at_s, small))
    opened, closed = run.messages
    assert opened.violation_id == closed.violation_id
    assert closed.last_seen == BEGIN + timedelta(seconds=89 * 0.2)


def test_too_few_looks_to_find_anything_are_told_once_until_it_is_better() -> None:
    run = Run(always(BARE, 4000), spool=FullSpool())
    with capture_logs() as logs:
        for step in (1, 12, 1, 12):  # 5 looks a second, one every 2.4 s, ...
            run.see_every(step, 40)
            assert ("cannot be found broken" in run.pipeline.problem) is (step == 12)
    told = [line for line in logs if line["event"] == "looks.too-few"]
    assert [line["camera"] for line in told] == ["gate", "gate"]
    assert (
        "0.42 looks a second are reached, and rule keep-out cannot be found broken below 0.75"
        in told[0]["problem"]
    )


def test_few_looks_while_nobody_is_there_are_as_they_should_be() -> None:
    run = Run({}).see_every(12, 60)
    assert run.pipeline.problem == ""


def test_a_changed_site_file_drops_what_its_rules_no_longer_ask() -> None:
    run = Run(always(BARE, 400)).see(0, 8)
    no_ppe = SITE.model_copy(
        update={"rules": (KEEP_OUT,), "cameras": (CAMERA.model_copy(update={"zones": (PRESS,)}),)}
    )
    run.pipeline.use(no_ppe, no_ppe.cameras[0])
    assert run.see(8, 80).messages == []


def test_the_end_of_a_recording_tells_that_the_spool_refused() -> None:
    spool = FullSpool()
    run = Run(always(BARE), kind="file", spool=spool).see(0, 60)
    assert run.pipeline.finish() is False
    spool.full = False
    assert run.pipeline.finish() is True
    assert [type(message) for message in run.messages] == [Opened, Closed]


def test_delivered_and_killed_right_after_acceptance_it_still_goes_on_with_the_same_violation() -> None:
    sent: list[str] = []

    class SentAtOnce(MemorySpool):
        def accept(self, message: bytes, violation_id: str, phase: str, picture: Picture | None) -> bool:
            sent.append(violation_id)
            return True

    class KilledError(Exception):
        """In place of a SIGKILL before the next violation of the same look is accepted."""

    class Dying(SentAtOnce):
        def accept(self, message: bytes, violation_id: str, phase: str, picture: Picture | None) -> bool:
            if sent:
                raise KilledError
            return super().accept(message, violation_id, phase, picture)

    twins = [*BARE, other := person(x=50), on_head(other, Label.NO_HARDHAT)]
    first = Run(always(twins), spool=Dying())
    with pytest.raises(KilledError):
        first.see(0, 60)
    Run(always(BARE, 90), spool=SentAtOnce(), states=first.states).see(60, 150)
    assert sent == [sent[0]] * 2  # opened before, closed after; nothing else


def test_a_changed_site_file_leaves_what_is_open_to_end_as_it_began() -> None:
    run = Run(always(BARE, 60)).see(0, 60)
    no_ppe = SITE.model_copy(update={"rules": (KEEP_OUT,)})
    run.pipeline.use(no_ppe, no_ppe.cameras[0])
    opened, closed = run.see(60, 120).messages
    assert opened.violation_id == closed.violation_id


GREY = 0x7F7F7F  # the number that a part of a numbered picture carries
FAR = Zone(id="far", name="Far", look_closer=True, polygon=((0.4, 0.4), (0.6, 0.4), (0.6, 0.5), (0.4, 0.5)))
FAR_WORKER = person(x=100, y=40, height=140)
LOOKS_FAR = SITE.model_copy(update={"cameras": (CAMERA.model_copy(update={"zones": (HALL, FAR)}),)})


def test_who_is_found_only_when_looking_closer_is_reported_where_he_stands() -> None:
    bare = [FAR_WORKER, on_head(FAR_WORKER, Label.NO_HARDHAT)]
    [opened] = Run({GREY: bare}, site=LOOKS_FAR).see(0, 60).messages
    assert isinstance(opened, Opened)
    (subject,) = (box.box for box in opened.evidence.boxes if box.role == "subject")
    left, top = round(0.36 * 1280), round(0.15 * 720)  # the zone's, with its margins
    assert (subject.x1, subject.y1) == (
        pytest.approx((left + 100) / 1280, abs=0.002),
        pytest.approx((top + 40) / 720, abs=0.002),
    )


@pytest.mark.parametrize("inside", [True, False])
def test_a_head_of_the_whole_picture_is_blurred_though_the_closer_look_finds_none(inside: bool) -> None:
    x = 600 if inside else 100
    head = seen(Label.HARDHAT, x, 250, x + 40, 280, 0.1)
    run = Run(always([head]), site=LOOKS_FAR)
    look = run.pipeline.see(Frame("gate", 0, BEGIN, 0.0, numbered_picture(0, 1280, 720)))
    assert look
    assert list(look.detections) == ([] if inside else [head])
    assert look.faces == face_regions([head], 1280, 720) != []
    people = [seen(Label.PERSON, left, 200, left + 120, 560) for left in (400, 430)]
    bare = [seen(Label.NO_HARDHAT, left, 200, left + 40, 252) for left in (440, 441)]
    both = replace(look, detections=[*people, bare[0]], outdone=[bare[1]])
    assert set(face_regions(both.detections, 1280, 720)) <= set(both.faces)


@pytest.mark.parametrize("closer", [True, False])
def test_somebody_too_small_to_be_judged_is_judged_by_a_closer_look_unless_the_camera_says_no(
    closer: bool,
) -> None:
    camera = CAMERA.model_copy(update={"zones": (HALL,), "look_closer": closer})
    site = SITE.model_copy(update={"cameras": (camera,), "rules": (PPE,)})
    small = person(x=600, y=300, height=140)
    in_the_part = person(x=600 - 518, y=300 - 206, height=140)
    bare = [in_the_part, on_head(in_the_part, Label.NO_HARDHAT)]
    run = Run({**always([small]), GREY: bare}, site=site).see(0, 40)
    assert (GREY in run.detector.looked) is closer
    assert [one.finding for told in run.messages for one in told.findings] == ["no_hardhat"] * closer
    if closer:
        [told] = run.messages
        (box,) = (box.box for box in told.evidence.boxes if box.role == "bare")
        assert box.y1 == pytest.approx(300 / 720, abs=0.01)
        assert run.detector.looked.count(GREY) <= len(run.detector.looked) / 3 + 1


def test_a_part_costs_one_more_picture_of_the_same_look() -> None:
    run = Run({}, site=LOOKS_FAR).see(0, 5)
    assert run.detector.looked == [0, GREY, 1, GREY, 2, GREY, 3, GREY, 4, GREY]
    plain = Run({}).see(0, 5)
    assert plain.detector.looked == [0, 1, 2, 3, 4]


def test_a_zone_that_gains_nothing_is_told_once_and_costs_nothing() -> None:
    run = Run({}, site=LOOKS_FAR)
    with capture_logs() as logs:
        for number in range(3):
            tiny = numbered_picture(number, 100, 300)
            run.pipeline.see(Frame("gate", number, BEGIN + timedelta(seconds=number), number, tiny))
    (told,) = (line for line in logs if line["event"] == "closer.useless")
    assert (told["camera"], told["zone"]) == ("gate", "far")
    assert "100 x 300" in told["problem"]
    assert run.detector.looked == [0, 1, 2]
