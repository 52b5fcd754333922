"""Who is who from look to look: two-stage association by overlap, on the frames' own time.

After ByteTrack (Zhang et al. 2022: strong boxes first, then the weak ones for the tracks left over), with
widened boxes for low frame rates (C-BIoU, Yang et al. 2023) and a smoothed velocity in place of the Kalman
filter. A track that is not seen keeps its place for `MAX_GAP_S`, so that a short miss re-attaches and the
next person on the same spot does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.detection.domain.assignment import assign
from services.detection.domain.detection import Detection
from services.detection.domain.geometry import Box

MAX_GAP_S = 2.0
STRONG = 0.4  # a box that may start a track
WEAK = 0.1  # a box that may continue one
LOOKS_TO_CONFIRM = 2
BUFFER = 0.3  # of width and height, added on each side before overlaps are compared
LEAST_OVERLAP = 0.15  # of the widened boxes
BETA = 0.3  # share of the error of place that corrects the velocity


@dataclass(frozen=True, slots=True)
class Track:
    """One person, without identity.

    Attributes:
        id: from 1, rising; unique in the session.
        box: the detection of this look, in pixels of the frame.
        confidence: of that detection.
        looks: number of looks that saw this person.
        confirmed: seen often enough to be believed.
    """

    id: int
    box: Box
    confidence: float
    looks: int
    confirmed: bool


@dataclass(slots=True)
class _State:
    track: Track
    predicted: Box
    velocity: tuple[float, float]  # pixels a second of the box's centre
    seen_s: float


@dataclass(slots=True)
class Tracker:
    """Keeps the tracks of one camera; forgets each `MAX_GAP_S` after it was last seen."""

    next_id: int = 1
    _states: list[_State] = field(default_factory=list)

    def update(self, people: Sequence[Detection], at_s: float) -> list[Track]:
        """Continue, start and end tracks.

        Args:
            people: person detections of one look.
            at_s: seconds in the session; rising from call to call.

        Returns:
            The tracks seen in this look, by id.
        """
        self._states = [state for state in self._states if at_s - state.seen_s <= MAX_GAP_S]
        for state in self._states:
            state.predicted = _predict(state, at_s)
        strong = [person for person in people if person.confidence >= STRONG]
        weak = [person for person in people if WEAK <= person.confidence < STRONG]
        left_states, left_strong = self._continue(self._states, strong, at_s)
        self._continue(left_states, weak, at_s)
        for person in left_strong:
            self._start(person, at_s)
        return sorted(
            (state.track for state in self._states if state.seen_s == at_s), key=lambda track: track.id
        )

    @property
    def alive(self) -> frozenset[int]:
        """Ids of the tracks that may still be continued."""
        return frozenset(state.track.id for state in self._states)

    def _continue(
        self, states: list[_State], people: list[Detection], at_s: float
    ) -> tuple[list[_State], list[Detection]]:
        costs = [
            [1 - _buffered_overlap(state.predicted, person.box) for person in people] for state in states
        ]
        pairs = assign(costs, 1 - LEAST_OVERLAP)
        for row, column in pairs:
            _correct(states[row], people[column], at_s)
        rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
        return (
            [state for number, state in enumerate(states) if number not in rows],
            [person for number, person in enumerate(people) if number not in columns],
        )

    def _start(self, person: Detection, at_s: float) -> None:
        track = Track(self.next_id, person.box, person.confidence, looks=1, confirmed=False)
        self._states.append(_State(track, person.box, (0.0, 0.0), at_s))
        self.next_id += 1


def _predict(state: _State, at_s: float) -> Box:
    """Move the box by its velocity, for half a second at most: further ahead it is a guess."""
    seconds = min(at_s - state.seen_s, 0.5)
    dx, dy = state.velocity[0] * seconds, state.velocity[1] * seconds
    box = state.track.box
    return Box(box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy)


def _correct(state: _State, person: Detection, at_s: float) -> None:
    seconds = at_s - state.seen_s
    (px, py), (x, y) = state.predicted.centre, person.box.centre
    if seconds > 0:
        vx, vy = state.velocity
        state.velocity = (vx + BETA * (x - px) / seconds, vy + BETA * (y - py) / seconds)
    looks = state.track.looks + 1
    state.track = replace(
        state.track,
        box=person.box,
        confidence=person.confidence,
        looks=looks,
        confirmed=looks >= LOOKS_TO_CONFIRM,
    )
    state.seen_s = at_s


def _buffered_overlap(a: Box, b: Box) -> float:
    return _widened(a).iou(_widened(b))


def _widened(box: Box) -> Box:
    dx, dy = BUFFER * box.width, BUFFER * box.height
    return Box(box.x1 - dx, box.y1 - dy, box.x2 + dx, box.y2 + dy)
