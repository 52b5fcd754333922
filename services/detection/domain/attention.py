"""Who is looked at closer next: whoever may be there, or was left open, because he is small; each in turn.

A zone with `look_closer` is seen enlarged in every look, even where nothing has been found. This is for what was found:
people who are too small to be judged, and boxes too weak to begin a track. A part of the frame around one of them costs
one more run of the model, one part a look at most, and only while somebody needs it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from services.detection.domain.closer import LEAST_GAIN, MOST_SCALE, Part, placed, scale_to
from services.detection.domain.detection import Detection
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Observation, Scene, Stance, stands_in
from services.detection.domain.tracking import STRONG, WEAK
from services.detection.domain.wearing import HEADS_IN_A_BODY, View
from shared.config.site import Zone
from shared.vocabulary import Finding

ENOUGH_PX = 30 * HEADS_IN_A_BODY  # of the network's input: taller people are judged well (docs/events.md)
GOOD_PX = 40 * HEADS_IN_A_BODY  # how tall to make the smaller ones
ROOM = 1.35  # height of the part in those of the person: he may raise his arms, or walk on
ABOVE = 0.025  # of his height: so much higher than he the part has its middle
FIRST_LOOKS = 10  # at a person: as soon as possible; the next ones,
FIRST_GLANCES = 4  # or those at a place where somebody may be,
LATER_S = 1.5  # so long after the one before; 6 of 8 looks at what has changed since then fit into 10 s
COUNTS_S = 3.0  # how long a smaller view cannot say that something is missing which a closer look saw worn
GLANCE_EVERY_S = 0.35  # between looks at places: leaves and rain have weak boxes, too
FORGET_S = 30.0
SAME_PLACE = 0.3  # IoU


@dataclass(slots=True)
class _Turn:
    """Somebody, or (track None) a place where somebody may be.

    Attributes:
        times: how often it was looked at.
        last_s: when last.
        worn: what that look saw worn.
    """

    box: Box
    track: int | None
    times: int = 0
    last_s: float = 0.0
    worn: frozenset[Finding] = frozenset()

    def due(self, at_s: float) -> bool:
        at_once = FIRST_GLANCES if self.track is None else FIRST_LOOKS
        return self.times < at_once or at_s - self.last_s >= LATER_S


@dataclass(slots=True)
class Attention:
    """Whom one camera looks at closer."""

    _turns: list[_Turn] = field(default_factory=list)
    _wanting: list[_Turn] = field(default_factory=list)
    _glanced_s: float = -inf

    def note(
        self,
        found: Iterable[Detection],
        scene: Scene,
        observations: Sequence[Observation],
        zones: Sequence[Zone],
    ) -> None:
        """Remember whom a look leaves open, or calls bare only for want of a box, and who may be there besides.

        Args:
            found: all boxes of people, however weak.
            scene: what is known of those who are believed.
            observations: what the rules say of them.
            zones: where it matters whether somebody is there.
        """
        self._turns = [one for one in self._turns if scene.at_s - one.last_s < FORGET_S]
        for turn in self._turns:
            if turn.last_s == scene.at_s and turn.track is not None:
                mine = [one for one in observations if one.subject.track == turn.track]
                turn.worn = frozenset(one.finding for one in mine if one.stance is Stance.DENIES)

        def matters(box: Box) -> bool:
            return any(stands_in(zone, box, scene.view) for zone in zones)

        left_open = {one.subject.track for one in observations if _leaves_open(one)}
        known = [person.box for person in scene.people]
        self._wanting = [
            self._turn(person.box, person.id)
            for person in scene.people
            if person.id in left_open or (person.confidence < STRONG and matters(person.box))
        ]
        self._wanting += [
            self._turn(one.box, None)
            for one in found
            if one.confidence >= WEAK
            and not any(one.box.iou(box) >= SAME_PLACE for box in known)
            and matters(one.box)
        ]

    def part(self, view: View, input_px: tuple[int, int], at_s: float) -> Part | None:
        """What the next look should show enlarged; None if nobody needs it or it is not due.

        Args:
            view: what that look shows anyway.
            input_px: width and height of the network's input.
            at_s: seconds in the session.
        """
        glances = at_s - self._glanced_s >= GLANCE_EVERY_S
        due = [turn for turn in self._wanting if turn.due(at_s) and (glances or turn.track is not None)]
        for turn in sorted(due, key=lambda turn: turn.last_s):
            part, best = around(turn.box, view.width, view.height, input_px), view.scale_of(turn.box)
            if turn.box.height * best < ENOUGH_PX and min(part.scale, 1.0) >= LEAST_GAIN * best:
                self._take(turn, at_s)
                return part
        return None

    def believed(self, scene: Scene, observations: Sequence[Observation]) -> list[Observation]:
        """*observations* of *scene*, but not that something is missing which a larger view has just seen worn.

        A small bare head and a small hat look alike: in the rendered clips the smaller view said so of people whose
        hats the larger one saw (tools/measure_attention.py).
        """
        worn = {
            (turn.track, finding)
            for turn in self._turns
            if scene.at_s - turn.last_s <= COUNTS_S
            for finding in turn.worn
        }
        return [
            replace(one, stance=Stance.CANNOT_TELL, basis=None, why="was just seen worn, closer")
            if (one.subject.track, one.finding) in worn
            and one.stance is Stance.SUPPORTS
            and one.box
            and one.box.height * scene.view.scale_of(one.box) < ENOUGH_PX
            and not any(part.holds(one.box) for part in scene.view.closer)
            else one
            for one in observations
        ]

    def _take(self, turn: _Turn, at_s: float) -> None:
        if turn.times == 0:
            self._turns.append(turn)
        if turn.track is None:
            self._glanced_s = at_s
        turn.times, turn.last_s = turn.times + 1, at_s

    def _turn(self, box: Box, track: int | None) -> _Turn:
        """The turn of *track*, or of the place of *box*."""
        for turn in self._turns:
            if turn.track == track and (track is not None or turn.box.iou(box) >= SAME_PLACE):
                turn.box = box
                return turn
        return _Turn(box, track)


def around(person: Box, width: int, height: int, input_px: tuple[int, int]) -> Part:
    """The part of a frame of *width* x *height* that shows *person* large enough to be judged, or as large as it may.

    Always two thirds as wide as high, since a network is made ready for each shape of its input.
    """
    scale = min(MOST_SCALE, GOOD_PX / person.height)
    down = min(height, round(max(ROOM * person.height, input_px[1] / scale)))
    x, y = person.centre
    box = placed((x, y - ABOVE * person.height), max(1, 2 * down // 3), down, width, height)
    return Part("", box, scale_to(box.width, box.height, input_px))


def _leaves_open(one: Observation) -> bool:
    """Whether a larger view could tell more, or better: it may see the hat that a smaller one takes for hair."""
    return one.stance is Stance.CANNOT_TELL or one.basis in ("not-seen", "seen-missing")
