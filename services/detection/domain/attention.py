"""Who is looked at closer next: whoever a look left open because he is small, each in turn.

A zone with `look_closer` is seen enlarged in every look, even where nobody has been found. This is for people who were
found, but are too small to be judged: a part of the frame around one of them costs one more run of the model, in every
second look at most, and only while somebody needs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.detection.domain.closer import MOST_SCALE, Part, gains, placed, scale_to
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Observation, Stance
from services.detection.domain.wearing import HEADS_IN_A_BODY

ENOUGH_PX = (
    30 * HEADS_IN_A_BODY
)  # of the network's input: taller people are judged well as they are (docs/events.md)
GOOD_PX = 40 * HEADS_IN_A_BODY  # how tall to make them
ROOM = 1.35  # height of the part in those of the person: he may raise his arms, or walk on
ABOVE = 0.025  # of his height: so much higher than he the part has its middle
FIRST_LOOKS = 10  # as soon as possible; the next ones,
LATER_S = 2.0  # so long after the one before, find what has changed since
FORGET_S = 30.0


@dataclass(slots=True)
class Attention:
    """The people of one camera who were left open, and when each was last looked at closer."""

    _open: dict[int, Box] = field(default_factory=dict)  # by track
    _looked: dict[int, tuple[int, float]] = field(default_factory=dict)  # by track: how often, and when last
    _rests: bool = True

    def note(self, observations: Sequence[Observation]) -> None:
        """A look has led to *observations*: remember whom they leave open, or call bare only for want of a box."""
        self._open = {
            one.subject.track: one.box
            for one in observations
            if one.subject.track is not None and one.box is not None and _leaves_open(one)
        }

    def part(
        self, seen: Sequence[Part], width: int, height: int, input_px: tuple[int, int], at_s: float
    ) -> Part | None:
        """What the next look should show enlarged; None if nobody needs it or it is not due.

        Args:
            seen: parts that it shows anyway.
            width, height: of the frame in pixels.
            input_px: width and height of the network's input.
            at_s: seconds in the session.
        """
        self._looked = {one: last for one, last in self._looked.items() if at_s - last[1] < FORGET_S}
        whole = scale_to(width, height, input_px)
        parts = {
            track: _around(box, width, height, input_px)
            for track, box in self._open.items()
            if box.height * whole < ENOUGH_PX and not any(part.holds(box) for part in seen)
        }
        due = [
            track
            for track, part in parts.items()
            if gains(part, width, height, input_px) and self._due(track, at_s)
        ]
        self._rests = not (due and self._rests)
        if self._rests:
            return None
        chosen = min(due, key=lambda track: (self._last(track)[1], track))
        self._looked[chosen] = self._last(chosen)[0] + 1, at_s
        return parts[chosen]

    def _due(self, track: int, at_s: float) -> bool:
        times, last_s = self._last(track)
        return times < FIRST_LOOKS or at_s - last_s >= LATER_S

    def _last(self, track: int) -> tuple[int, float]:
        return self._looked.get(track, (0, 0.0))


def _leaves_open(one: Observation) -> bool:
    return one.stance is Stance.CANNOT_TELL or one.basis == "not-seen"


def _around(person: Box, width: int, height: int, input_px: tuple[int, int]) -> Part:
    """Always two thirds as wide as high, since a network is made ready for each shape of its input."""
    scale = min(MOST_SCALE, GOOD_PX / person.height)
    down = min(height, round(max(ROOM * person.height, input_px[1] / scale)))
    x, y = person.centre
    box = placed((x, y - ABOVE * person.height), 2 * down // 3, down, width, height)
    return Part("", box, scale_to(box.width, box.height, input_px))
