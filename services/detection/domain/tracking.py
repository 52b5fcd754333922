"""Who is who from look to look: two-stage association by overlap, on the frames' own time.

After ByteTrack (Zhang et al. 2022: strong boxes first, then the weak ones for the tracks left over), with
widened boxes for low frame rates (C-BIoU, Yang et al. 2023) and a smoothed velocity in place of the Kalman
filter. A track that is not seen keeps its place for `MAX_GAP_S`, so that a short miss re-attaches and the
next person on the same spot does not. Who walks behind something is looked for further along the way: over
simulated scenes (docs/events.md) that prevents most second reports of one person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import hypot, inf

from services.detection.domain.assignment import assign
from services.detection.domain.detection import Detection
from services.detection.domain.geometry import Box, Point

MAX_GAP_S = 2.0
STRONG = 0.4  # a box that may start a track, and that says by itself that somebody is there
WEAK = 0.1  # a box that may continue one
LOOKS_TO_CONFIRM = 2
BUFFER = 0.3  # of width and height, added on each side before overlaps are compared
LEAST_OVERLAP = 0.15  # of the widened boxes
LEAST_HIDDEN_S = 0.3  # from which somebody may have walked on behind something
NEAREST, FARTHEST = 0.5, 2.0  # times the way that the last velocity leads
OFF_THE_WAY = 0.3  # of the height: farther from the way it is somebody else
ALIKE = 1.3  # greatest ratio of two heights of one person
BETA = 0.5  # share of the newest step in the velocity
EDGE_PX = 2.0  # nearer to the picture's edge a box is cut by it


@dataclass(frozen=True, slots=True)
class Track:
    """One person, without identity.

    Attributes:
        id: from 1, rising; unique in the session.
        box: the detection of this look, in pixels of the frame.
        confidence: of that detection.
        looks: number of looks that saw this person.
        confirmed: seen often enough to be believed.
        uncut: the last detection that the top of the picture did not cut; None if it cut all.
    """

    id: int
    box: Box
    confidence: float
    looks: int
    confirmed: bool
    uncut: Box | None = None


@dataclass(slots=True)
class _State:
    track: Track
    predicted: Box
    velocity: tuple[float, float, float, float]  # pixels a second of the box's edges
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
        left_states, left_strong = self._continue(
            self._states, strong, at_s, _overlap_cost, 1 - LEAST_OVERLAP
        )
        left_states, _ = self._continue(left_states, weak, at_s, _overlap_cost, 1 - LEAST_OVERLAP)
        hidden = [
            state for state in left_states if state.track.confirmed and at_s - state.seen_s > LEAST_HIDDEN_S
        ]
        _, left_strong = self._continue(hidden, left_strong, at_s, _way_cost, 1.0)
        for person in left_strong:
            self._start(person, at_s)
        return sorted(
            (state.track for state in self._states if state.seen_s == at_s), key=lambda track: track.id
        )

    @property
    def alive(self) -> frozenset[int]:
        """Ids of the tracks that may still be continued."""
        return frozenset(state.track.id for state in self._states)

    def scale(self, x: float, y: float) -> None:
        """From now on pictures are *x* times as wide and *y* times as high."""
        for state in self._states:
            uncut = state.track.uncut and state.track.uncut.scaled(x, y)
            state.track = replace(state.track, box=state.track.box.scaled(x, y), uncut=uncut)
            vx1, vy1, vx2, vy2 = state.velocity
            state.velocity = x * vx1, y * vy1, x * vx2, y * vy2

    def _continue(
        self,
        states: list[_State],
        people: list[Detection],
        at_s: float,
        cost: Callable[[_State, Box, float], float],
        limit: float,
    ) -> tuple[list[_State], list[Detection]]:
        costs = [[cost(state, person.box, at_s) for person in people] for state in states]
        pairs = assign(costs, limit)
        for row, column in pairs:
            _correct(states[row], people[column], at_s)
        rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
        return (
            [state for number, state in enumerate(states) if number not in rows],
            [person for number, person in enumerate(people) if number not in columns],
        )

    def _start(self, person: Detection, at_s: float) -> None:
        track = Track(
            self.next_id, person.box, person.confidence, looks=1, confirmed=False, uncut=_uncut(person.box)
        )
        self._states.append(_State(track, person.box, (0.0, 0.0, 0.0, 0.0), at_s))
        self.next_id += 1


def _predict(state: _State, at_s: float) -> Box:
    """Move the box by its velocity."""
    seconds = at_s - state.seen_s
    (vx, vy), box = _motion(state), state.track.box
    dx, dy = vx * seconds, vy * seconds
    return Box(box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy)


def _motion(state: _State) -> Point:
    """Pixels a second of the person. Who walks behind something has one edge held: the faster one tells."""
    x1, y1, x2, y2 = state.velocity
    return _faster(x1, x2), _faster(y1, y2)


def _faster(one: float, other: float) -> float:
    return max(one, other, key=abs) if one * other > 0 else (one + other) / 2


def _correct(state: _State, person: Detection, at_s: float) -> None:
    seconds = at_s - state.seen_s
    if seconds > 0:
        before, now = _edges(state.track.box), _edges(person.box)
        steps = zip(state.velocity, before, now, strict=True)
        x1, y1, x2, y2 = (v + BETA * ((x - x0) / seconds - v) for v, x0, x in steps)
        state.velocity = x1, y1, x2, y2
    looks = state.track.looks + 1
    state.track = replace(
        state.track,
        box=person.box,
        confidence=person.confidence,
        looks=looks,
        confirmed=looks >= LOOKS_TO_CONFIRM,
        uncut=_uncut(person.box) or state.track.uncut,
    )
    state.seen_s = at_s


def _uncut(box: Box) -> Box | None:
    return box if box.y1 > EDGE_PX else None


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


def _overlap_cost(state: _State, person: Box, _: float) -> float:
    return 1 - _buffered_overlap(state.predicted, person)


def _way_cost(state: _State, person: Box, at_s: float) -> float:
    """How far *person* is from the way that a hidden one walks on, as a share of what is allowed.

    He may slow down or hurry between `NEAREST` and `FARTHEST`; who is of another height is somebody else.
    """
    height = state.track.box.height
    if not 0 < height / ALIKE <= person.height <= ALIKE * height:
        return inf
    gone = at_s - state.seen_s
    (x, y), (vx, vy) = state.track.box.centre, _motion(state)
    wx, wy = vx * gone, vy * gone
    dx, dy = person.centre[0] - x, person.centre[1] - y
    way = wx * wx + wy * wy
    share = min(FARTHEST, max(NEAREST, (dx * wx + dy * wy) / way)) if way else 0.0
    return hypot(dx - share * wx, dy - share * wy) / (OFF_THE_WAY * height)


def _buffered_overlap(a: Box, b: Box) -> float:
    return _widened(a).iou(_widened(b))


def _widened(box: Box) -> Box:
    dx, dy = BUFFER * box.width, BUFFER * box.height
    return Box(box.x1 - dx, box.y1 - dy, box.x2 + dx, box.y2 + dy)
