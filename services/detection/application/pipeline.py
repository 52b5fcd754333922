"""READ FIRST. One camera, one frame after the other:

frame > motion gate > detector > tracks > what they wear > rules > cases > evidence > spool
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.detection.application import camera_state, messages
from services.detection.application.camera_state import CameraState
from services.detection.application.evidence import EvidenceRing, Sighting
from services.detection.application.messages import Setting, Times
from services.detection.application.ports import (
    Detector,
    EvidenceRenderer,
    MotionGate,
    Picture,
    Spool,
    StateStore,
)
from services.detection.domain import rules
from services.detection.domain.attention import Attention
from services.detection.domain.cases import Case, Cases, Closing, Decision, Identity, Opening, Outcome
from services.detection.domain.closer import Part, gains, joined, parts_of, scale_to
from services.detection.domain.detection import Detection
from services.detection.domain.frame import BgrImage, Frame
from services.detection.domain.geometry import Box
from services.detection.domain.look_rate import LookRate
from services.detection.domain.people import people
from services.detection.domain.scene import Look, Observation, Scene, Subject
from services.detection.domain.tracking import Tracker
from services.detection.domain.wearing import View, judge
from shared.config.site import Camera, PpeRule, Rule, Site
from shared.contracts.violation import Closed, Opened, encode, envelope
from shared.errors import TransientError
from shared.vocabulary import Finding, Item

FLOOR = 0.05  # lowest score that the detector reports: blurring faces and weak hints want it
BLIND_AFTER_S = 5.0  # a longer gap between frames counts as blind
SAVE_EVERY_S = 2.0  # while a violation is open
SAVE_IDLE_S = 30.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tools:
    """What a pipeline works with."""

    gate: MotionGate
    detector: Detector
    renderer: EvidenceRenderer
    spool: Spool
    states: StateStore


@dataclass(frozen=True, slots=True)
class Counts:
    """What a camera shows now, for the live view."""

    processed: int
    people: int
    open: int


class CameraPipeline:
    """Turns the frames of one camera into accepted violation messages.

    Attributes:
        problem: why violations may be missed now, in words; empty if nothing speaks for that.
    """

    def __init__(
        self,
        setting: Setting,
        tools: Tools,
        state: CameraState,
        state_name: str,
        explain: bool,
        begun: Sequence[Opened] = (),
    ) -> None:
        """Go on from *state* and what had *begun* by the spool (see `messages.begun`).

        With *explain*, log every decision that changed.
        """
        self._setting, self._tools, self._explain = setting, tools, explain
        self._state, self._state_name = state, state_name
        self._cases = Cases(
            Identity(setting.site.site.id, setting.camera.id, state.session),
            _by_id(setting.site.rules),
            tools.detector.info.reliability,
        )
        self._tracker = Tracker(next_id=state.next_track)
        self._evidence = EvidenceRing()
        self._blind: deque[tuple[float, float]] = deque(maxlen=4096)  # session seconds of its end, length
        self._last_frame_s: float | None = None
        self._saved_s = 0.0
        self._shift_s: float | None = None  # from this run's seconds to the session's
        self._told: dict[tuple[object, object], tuple[object, str]] = {}
        self._processed = self._people = 0
        self._change: tuple[Site, Camera] | None = None
        self._useless: set[tuple[str, int, int]] = set()
        self._attention = Attention()
        self._rate = LookRate()
        self.problem = ""
        self._resume(begun)

    def see(self, frame: Frame) -> Look | None:
        """Take in one frame; None if the detector did not look at it."""
        self._take_change_over()
        frame = self._placed(frame)
        at_s = self._session_seconds(frame)
        self._note_gap(at_s)
        busy = bool(self._tracker.alive) or self._cases.busy
        if not self._tools.gate.wants(frame, busy):
            return None
        self._note_rate(at_s, busy)
        look = self._look(frame, at_s)
        self._evidence.offer(look)
        outcome = self._cases.look(look.observations, self._tracker.alive, at_s)
        self._settle(outcome, look.scene.at, at_s)
        self._evidence.forget_all_but(self._cases.subjects)
        self._processed, self._people = self._processed + 1, len(look.scene.people)
        return look

    def finish(self) -> bool:
        """The source has ended: open what is confirmed, close what is open; False if that could not be stored."""
        if self._state.began_at is None:
            return True
        at_s = self._state.last_s
        stored = self._settle(self._cases.finish(at_s), self._at(at_s), at_s)
        self._save()
        return stored

    def pause(self) -> None:
        """The service stops: what is open, or confirmed and only waits, is kept for the next start."""
        if self._live and self._state.began_at:  # a recording begins again and confirms it again
            at_s = self._state.last_s
            confirmed = replace(self._cases.finish(at_s), closings=())
            self._settle(confirmed, self._at(at_s), at_s)
        self._save()

    def note_finished(self, run: str) -> None:
        """Remember that this recording has been seen to its end with the settings that *run* stands for."""
        self._state.finished_runs.append(run)
        self._save()

    def use(self, site: Site, camera: Camera) -> None:
        """Go on with a changed site file from the next frame on; what is open keeps the rule that opened it.

        Another thread than the one that sees may call this.
        """
        self._change = site, camera

    @property
    def counts(self) -> Counts:
        return Counts(self._processed, self._people, len(self._cases.open))

    @property
    def open_cases(self) -> Mapping[str, Case]:
        return self._cases.open

    @property
    def blurs_faces(self) -> bool:
        """By the site file that the last frame was seen by."""
        return self._setting.site.privacy.blur_faces

    def _take_change_over(self) -> None:
        if self._change is None:
            return
        (site, camera), self._change = self._change, None
        self._setting = replace(self._setting, site=site, camera=camera)
        self._cases.use(_by_id(site.rules), [zone.id for zone in camera.zones])

    def _resume(self, begun: Sequence[Opened]) -> None:
        """A live camera goes on with what was open; a recording begins again and comes to the same violations."""
        if not self._live:
            return
        for case in self._state.open:
            if self._has_ended(case.id):
                self._state.first_seen.pop(case.id, None)
            else:
                self._cases.open[case.id] = case
        self._cases.ended = {subject: (ended_s, findings) for subject, ended_s, findings in self._state.ended}
        for message in begun if self._state.began_at else ():
            self._learn(message)

    def _learn(self, message: Opened) -> None:
        """Killed right after a message was accepted, the state does not know of it yet."""
        if message.camera.id == self._setting.camera.id and message.rule.id in self._cases.rules:
            case = messages.case_of(message, self._began_at)
            self._cases.open.setdefault(case.id, case)
            self._state.first_seen[case.id] = message.first_seen

    def _has_ended(self, violation_id: str) -> bool:
        """Its end may be delivered before its beginning, or not stand in the state yet: told once, it takes no more."""
        return self._tools.spool.knows(violation_id, "closed")

    @property
    def _live(self) -> bool:
        return self._setting.source.kind == "live"

    @property
    def _began_at(self) -> datetime:
        if self._state.began_at is None:
            raise AssertionError("no frame yet")
        return self._state.began_at

    def _placed(self, frame: Frame) -> Frame:
        """Note when the session began, at its first frame; a recording keeps that even if its file is touched, until
        somebody tells when it was."""
        if self._state.began_at is None:
            self._state.began_at = frame.captured_at - timedelta(seconds=frame.offset_s)
            self._save()
        return frame if self._live else replace(frame, captured_at=self._at(frame.offset_s))

    def _look(self, frame: Frame, at_s: float) -> Look:
        width, height = frame.size
        self._fit_to(width, height)
        model = self._tools.detector.info
        view = self._view(width, height, at_s)
        detections, outdone = self._detect(frame.image, view)
        found = people(detections, model.labels, width, height)
        tracks = self._tracker.update(found, at_s)
        confirmed = [track for track in tracks if track.confirmed]
        wearing = judge(confirmed, detections, _required(self._setting.site.rules), view, model.thresholds)
        scene = Scene(frame.captured_at, at_s, view, confirmed, wearing)
        self._state.last_s = at_s
        if self._live:  # the clock may have been set since
            self._state.began_at = frame.captured_at - timedelta(seconds=at_s)
        observations = self._attention.believed(scene, self._observe(scene))
        self._attention.note(found, scene, observations, self._setting.camera.zones)
        return Look(frame, detections, scene, observations, outdone)

    def _fit_to(self, width: int, height: int) -> None:
        """The camera may send another size than before, now or after a restart: what is known goes on in that."""
        if self._state.size and self._state.size != (width, height):
            x, y = width / self._state.size[0], height / self._state.size[1]
            self._tracker.scale(x, y)
            self._cases.scale(x, y)
            self._attention = Attention()
        self._state.size = width, height

    def _view(self, width: int, height: int, at_s: float) -> View:
        """What the model is to see of a picture, enlarged parts included."""
        input_px = self._tools.detector.info.input_px
        view = View(width, height, scale_to(width, height, input_px), self._zones_closer(width, height))
        if self._setting.camera.look_closer and (part := self._attention.part(view, input_px, at_s)):
            return replace(view, closer=[*view.closer, part])
        return view

    def _zones_closer(self, width: int, height: int) -> list[Part]:
        """The zones to be seen enlarged; one that gains nothing at this size of picture is told once."""
        input_px = self._tools.detector.info.input_px
        useful = []
        for part in parts_of(self._setting.camera.zones, width, height, input_px):
            if gains(part, width, height, input_px):
                useful.append(part)
            elif (part.zone, width, height) not in self._useless:
                self._useless.add((part.zone, width, height))
                log.warning("closer.useless", camera=self._setting.camera.id, **_useless(part, width, height))
        return useful

    def _detect(self, image: BgrImage, view: View) -> tuple[list[Detection], list[Detection]]:
        """What is seen, and what of the whole picture an enlarged part outdid."""
        cut = [image[_pixels(part.box)] for part in view.closer]
        whole, *closer = self._tools.detector.detect([image, *cut], FLOOR)
        if not closer:
            return whole, []
        found = joined(whole, list(zip(view.closer, closer, strict=True)), view.width, view.height)
        return found, [one for one in whole if one not in found]

    def _session_seconds(self, frame: Frame) -> float:
        """Seconds in the session. The wall clock is asked once a run: set back or on, it must not stop or jump time."""
        if self._shift_s is None:
            since = (frame.captured_at - self._began_at).total_seconds() if self._live else 0.0
            self._shift_s = max(since, self._state.last_s) - (frame.offset_s if self._live else 0.0)
            self._note_downtime(since)
        return max(frame.offset_s + self._shift_s, self._state.last_s + 0.001)

    def _note_downtime(self, since_s: float) -> None:
        """The time that the service was not running counts as blind."""
        if self._state.last_s and since_s - self._state.last_s > BLIND_AFTER_S:
            self._blind.append((since_s, since_s - self._state.last_s))

    def _observe(self, scene: Scene) -> list[Observation]:
        site = self._setting.site
        return rules.observe(site.rules, self._setting.camera.zones, scene, site.site.timezone)

    def _settle(self, outcome: Outcome, at: datetime, at_s: float) -> bool:
        """Store what was decided; False if the spool refused: it is decided again at the next look."""
        stored = True
        try:
            for opening in outcome.openings:
                self._open_or_drop(opening, at)
            for closing in outcome.closings:
                if closing.case.id in self._cases.open:
                    self._close(closing, at)
        except TransientError as error:
            stored = False
            log.error("spool.refused", camera=self._setting.camera.id, problem=str(error))
        if at_s - self._saved_s > (SAVE_EVERY_S if self._cases.open else SAVE_IDLE_S):
            self._save()
        for subject, finding in outcome.suppressed:
            self._note_suppressed(subject, finding)
        if self._explain:
            self._tell(outcome.decisions)
        return stored

    def _note_suppressed(self, subject: Subject, finding: Finding) -> None:
        log.info(
            "violation.suppressed",
            camera=self._setting.camera.id,
            rule=subject.rule,
            zone=subject.zone,
            finding=finding,
            why="confirmed again within the rule's cooldown",
        )

    def _open_or_drop(self, opening: Opening, at: datetime) -> None:
        """What cannot be told although there is room must not stand in the way of the others."""
        try:
            self._open(opening, at)
        except TransientError:
            raise
        except Exception:
            self._cases.dropped(opening)
            raise

    def _open(self, opening: Opening, at: datetime) -> None:
        sighting = self._evidence.best(opening.case.subject)
        if sighting is None:
            log.error("violation.without-picture", violation_id=opening.case.id)
            self._cases.dropped(opening)
            return
        picture = self._tools.renderer.render(sighting.look.frame.image, self._faces(sighting))
        case = opening.case
        first_seen = _by_its_picture(case, sighting)
        data = messages.opened(
            opening,
            self._cases.rules[case.subject.rule],
            sighting,
            picture,
            _times(case, first_seen),
            self._setting,
            self._blind_s(case.first_s),
        )
        if self._accept(data, at, picture):
            log.info(
                "violation.opened",
                violation_id=case.id,
                camera=self._setting.camera.id,
                zone=case.subject.zone,
                rule=case.subject.rule,
                findings=list(case.findings),
                confidence=data.confidence,
                people=case.people,
                offset_s=round(case.first_s, 2),
            )
        self._cases.opened(opening)
        self._state.first_seen.setdefault(case.id, first_seen)  # a recording seen again may be dated anew
        self._save()  # at once: delivered and then killed, the spool could not tell of it any more

    def _close(self, closing: Closing, at: datetime) -> None:
        case = closing.case
        data = messages.closed(
            closing, _times(case, self._state.first_seen.get(case.id) or self._at(case.first_s))
        )
        if self._accept(data, at, None):
            log.info(
                "violation.closed",
                violation_id=case.id,
                camera=self._setting.camera.id,
                rule=case.subject.rule,
                reason=closing.reason,
                duration_s=data.duration_s,
                people=case.people,
            )
        self._cases.closed(closing)
        self._state.first_seen.pop(case.id, None)
        self._save()

    def _accept(self, data: Opened | Closed, at: datetime, picture: Picture | None) -> bool:
        """Put the message into the spool; False if it has been accepted before."""
        message = envelope(data, site=self._setting.site.site.id, camera=self._setting.camera.id, at=at)
        return self._tools.spool.accept(encode(message), message.violation_id, message.phase, picture)

    def _faces(self, sighting: Sighting) -> Sequence[Box]:
        return sighting.look.faces if self.blurs_faces else ()

    def _at(self, at_s: float) -> datetime:
        """Wall clock of a moment: of a recording from its beginning, live as the clock said at the last look."""
        return self._began_at + timedelta(seconds=round(at_s, 3))

    def _note_gap(self, at_s: float) -> None:
        before_s, self._last_frame_s = self._last_frame_s, at_s
        if before_s is not None and at_s - before_s > BLIND_AFTER_S:
            self._blind.append((at_s, at_s - before_s))

    def _note_rate(self, at_s: float, busy: bool) -> None:
        """Tell once, until it is better, if so few looks are made that what breaks a rule is not found."""
        self._rate.note(at_s, busy)
        zones = self._setting.camera.zones
        mine = [rule for rule in self._setting.site.rules if rules.zones_of(rule, zones)]
        too_low = self._rate.too_low_for(mine, self._tools.detector.info.labels)
        before, self.problem = self.problem, _too_few_looks(*too_low) if too_low else ""
        if self.problem and not before:
            log.warning("looks.too-few", camera=self._setting.camera.id, problem=self.problem)

    def _blind_s(self, at_s: float) -> float:
        """Seconds without a picture in the hour before *at_s*."""
        return min(3600.0, sum(length_s for end_s, length_s in self._blind if at_s - 3600 <= end_s <= at_s))

    def _save(self) -> None:
        self._saved_s = self._state.last_s
        self._state.open = list(self._cases.open.values())
        self._state.ended = [(subject, *ended) for subject, ended in self._cases.ended.items()]
        self._state.next_track = self._tracker.next_id
        try:
            camera_state.save(self._tools.states, self._state_name, self._state)
        except TransientError as error:
            log.error("state.refused", camera=self._setting.camera.id, problem=str(error))

    def _tell(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            key = (decision.subject, decision.finding)
            news = (decision.stance, decision.why.split("(")[0])
            if self._told.get(key) != news:
                self._told[key] = news
                log.info("decision", camera=self._setting.camera.id, **_words(decision))
        alive = {decision.subject for decision in decisions}
        self._told = {key: value for key, value in self._told.items() if key[0] in alive}


def _by_its_picture(case: Case, sighting: Sighting) -> datetime:
    """When *case* was first seen, by the clock that stands on its picture."""
    look = sighting.look
    return look.frame.captured_at - timedelta(seconds=round(look.scene.at_s - case.first_s, 3))


def _times(case: Case, first_seen: datetime) -> Times:
    """From its first look on, so that a clock that is set meanwhile changes neither their order nor the duration."""
    last_seen = first_seen + timedelta(seconds=round(case.last_s - case.first_s, 3))
    return Times(first_seen, last_seen, max(0.0, case.first_s))


def _words(decision: Decision) -> dict[str, object]:
    subject = decision.subject
    return {
        "rule": subject.rule,
        "zone": subject.zone,
        "track": subject.track,
        "finding": decision.finding,
        "stance": decision.stance,
        "confidence": round(decision.confidence, 3),
        "looks": decision.progress,
        "why": decision.why,
    }


def _too_few_looks(rule: Rule, least: float, reached: float) -> str:
    return (
        f"{reached:.2f} looks a second are reached, and rule {rule.id} cannot be found broken below {least:.2f}; do: "
        "give this machine fewer cameras or the model more threads, or the rule fewer looks or a longer within_s"
    )


def _useless(part: Part, width: int, height: int) -> dict[str, str]:
    return {
        "zone": part.zone,
        "problem": f"a picture of {width} x {height} shows this zone hardly larger when looked at closer; "
        "take look_closer away, draw a smaller zone or let the camera send a larger picture",
    }


def _pixels(box: Box) -> tuple[slice, slice]:
    return slice(int(box.y1), int(box.y2)), slice(int(box.x1), int(box.x2))


def _by_id(all_rules: Sequence[Rule]) -> dict[str, Rule]:
    return {rule.id: rule for rule in all_rules}


def _required(all_rules: Sequence[Rule]) -> tuple[Item, ...]:
    items = [item for rule in all_rules if isinstance(rule, PpeRule) for item in rule.requires]
    return tuple(dict.fromkeys(items))
