"""People in front of a camera, exactly: where each is, what is hidden of them and what they wear, at any moment.

The picture is 1024 x 576 pixels and goes into the network as it is, so a pixel here is a pixel of the network's input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from services.detection.domain.geometry import Box, Point, inside
from services.detection.domain.wearing import HEADS_IN_A_BODY

WIDTH, HEIGHT = 1024, 576
SLIM = 0.31  # width of a body by its height; people of the demo clip are 0.25 (from the side) to 0.33
_COLUMNS, _ROWS = 10, 28  # cells by which it is known what of a body is hidden

Hat = Literal["worn", "none", "in hand"]
_Cells = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is at a moment: feet in pixels, and how large the head is."""

    at_s: float
    x: float
    feet_y: float
    head_px: float


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody on the site.

    Attributes:
        path: places by rising time, straight lines between; in view from the first to the last of them.
        hat: from when on the hat is where, the first from 0 s.
        hand: height of the hat in the hand, in heads below the crown.
    """

    name: str
    path: tuple[Place, ...]
    hat: tuple[tuple[float, Hat], ...] = ((0.0, "worn"),)
    vest: bool = True
    hand: float = 3.8


@dataclass(frozen=True, slots=True)
class World:
    """A scene.

    Attributes:
        seconds: how long it lasts.
        pillars: what hides people, in pixels.
        hats: hard hats that lie about.
        zone: a restricted zone's corners in pixels, if there is one.
    """

    seconds: float
    workers: tuple[Worker, ...]
    pillars: tuple[Box, ...] = ()
    hats: tuple[Box, ...] = ()
    zone: tuple[Point, ...] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A head, a trunk, or a hat that nobody wears: its box, and the share of it that is in view."""

    box: Box
    visible: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A person at a moment, as far as anything is in view.

    Attributes:
        box: of what is in view.
        visible: share of the person that is in view.
        head_px: true height of the head.
        hat: where the hat is.
        carried: the hat in the hand.
    """

    box: Box
    visible: float
    head_px: float
    head: Part
    trunk: Part
    hat: Hat
    vest: bool
    in_zone: bool
    carried: Part | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """The whole scene at a moment."""

    at_s: float
    people: Mapping[str, Seen]
    hats: Sequence[Part] = field(default=())


def moment(world: World, at_s: float) -> Moment:
    """What is to be seen of *world* at *at_s* seconds."""
    present = [(worker, place) for worker in world.workers if (place := _place(worker.path, at_s))]
    present.sort(key=lambda one: one[1].feet_y)  # the nearest last
    bodies = [_body(place) for _, place in present]
    people = {}
    for number, (worker, place) in enumerate(present):
        seen = _seen(worker, place, at_s, [*bodies[number + 1 :]], world)
        if seen:
            people[worker.name] = seen
    return Moment(at_s, people, [Part(hat, _free(hat, bodies, world.pillars)) for hat in world.hats])


def _place(path: Sequence[Place], at_s: float) -> Place | None:
    if not path[0].at_s <= at_s <= path[-1].at_s:
        return None
    times = [place.at_s for place in path]
    x, y, head = (
        float(np.interp(at_s, times, [getattr(place, name) for place in path]))
        for name in ("x", "feet_y", "head_px")
    )
    return Place(at_s, x, y, head)


def _body(place: Place) -> Box:
    height = HEADS_IN_A_BODY * place.head_px
    half = SLIM * height / 2
    return Box(place.x - half, place.feet_y - height, place.x + half, place.feet_y)


def _seen(worker: Worker, place: Place, at_s: float, nearer: Sequence[Box], world: World) -> Seen | None:
    body = _body(place)
    visible = _in_view(body, nearer, world.pillars)
    own = _silhouette()
    if not (visible & own).any():
        return None
    hat = [where for since_s, where in worker.hat if since_s <= at_s][-1]
    head_px = place.head_px
    middle, top = place.x, body.y1
    carried = Box(middle + 0.9 * head_px, top + worker.hand * head_px, middle + 2.1 * head_px, 0)
    carried = Box(carried.x1, carried.y1, carried.x2, carried.y1 + 0.8 * head_px)
    return Seen(
        box=_bounds(body, visible & own),
        visible=float((visible & own).sum() / own.sum()),
        head_px=head_px,
        head=Part(
            Box(middle - 0.5 * head_px, top, middle + 0.5 * head_px, top + head_px),
            _share(visible & own, 0.0, 1.0),
        ),
        trunk=Part(body.band(0.15, 0.53, margin=-0.08), _share(visible & own, 1.0, 3.7)),
        hat=hat,
        vest=worker.vest,
        in_zone=world.zone is not None and inside(world.zone, (place.x, place.feet_y)),
        carried=Part(carried, _free(carried, nearer, world.pillars)) if hat == "in hand" else None,
    )


def _silhouette() -> _Cells:
    """Cells [rows, columns] of a body's box that the body fills: the head is narrower than the shoulders."""
    cells = np.ones((_ROWS, _COLUMNS), bool)
    head = round(_ROWS / HEADS_IN_A_BODY)
    cells[:head, : _COLUMNS // 4] = cells[:head, -(_COLUMNS // 4) :] = False
    return cells


def _in_view(body: Box, nearer: Sequence[Box], pillars: Sequence[Box]) -> _Cells:
    x = body.x1 + (np.arange(_COLUMNS) + 0.5) / _COLUMNS * body.width
    y = body.y1 + (np.arange(_ROWS) + 0.5) / _ROWS * body.height
    free = ((y >= 0) & (y < HEIGHT))[:, None] & ((x >= 0) & (x < WIDTH))[None, :]
    for box in pillars:
        free &= ~(_within(y, box.y1, box.y2)[:, None] & _within(x, box.x1, box.x2)[None, :])
    for other in nearer:
        head = other.height / HEADS_IN_A_BODY
        middle = other.centre[0]
        trunk = _within(y, other.y1 + head, other.y2)[:, None] & _within(x, other.x1, other.x2)[None, :]
        top = _within(y, other.y1, other.y1 + head)[:, None]
        free &= ~(trunk | top & _within(x, middle - 0.5 * head, middle + 0.5 * head)[None, :])
    return free


def _within(values: npt.NDArray[np.float64], low: float, high: float) -> _Cells:
    return (values >= low) & (values < high)


def _bounds(body: Box, cells: _Cells) -> Box:
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    wide, high = body.width / _COLUMNS, body.height / _ROWS
    x1, y1 = body.x1 + columns[0] * wide, body.y1 + rows[0] * high
    x2, y2 = body.x1 + (columns[-1] + 1) * wide, body.y1 + (rows[-1] + 1) * high
    return Box(  # what the picture cuts ends at its border, not with a cell
        0.0 if body.x1 < 0 and x1 < wide else x1,
        0.0 if body.y1 < 0 and y1 < high else y1,
        WIDTH if body.x2 > WIDTH and x2 > WIDTH - wide else x2,
        HEIGHT if body.y2 > HEIGHT and y2 > HEIGHT - high else y2,
    ).clipped(WIDTH, HEIGHT)


def _share(cells: _Cells, top: float, bottom: float) -> float:
    """Share of the silhouette between *top* and *bottom* heads below the crown that is in view."""
    rows = slice(round(top * _ROWS / HEADS_IN_A_BODY), round(bottom * _ROWS / HEADS_IN_A_BODY))
    return float(cells[rows].sum() / _silhouette()[rows].sum())


def _free(box: Box, nearer: Sequence[Box], pillars: Sequence[Box]) -> float:
    """Share of *box* that is in the picture and behind nothing; what covers it is taken not to overlap."""
    hidden = sum(box.covered_by(other) for other in (*nearer, *pillars))
    return max(0.0, box.clipped(WIDTH, HEIGHT).area / box.area - hidden)
