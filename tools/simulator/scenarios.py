"""The scenes: each makes a `World` by chance, with heads of a given height."""

from collections.abc import Callable

import numpy as np

from services.detection.domain.geometry import Box
from services.detection.domain.wearing import HEADS_IN_A_BODY
from tools.simulator.world import HEIGHT, SLIM, WIDTH, Hat, Place, Worker, World

Random = np.random.Generator
SECONDS = 24.0
_WALK = 5.5  # heads a second: 1.3 m/s


def equipped(random: Random, head: float) -> World:
    """Somebody with hat and vest walks and stands."""
    return World(SECONDS, (Worker("equipped", _stroll(random, head)),))


def bare(random: Random, head: float) -> World:
    return World(SECONDS, (Worker("bare", _stroll(random, head), _NO_HAT),))


def without_vest(random: Random, head: float) -> World:
    return World(SECONDS, (Worker("no vest", _stroll(random, head), vest=False),))


def without_both(random: Random, head: float) -> World:
    return World(SECONDS, (Worker("neither", _stroll(random, head), _NO_HAT, vest=False),))


def carried_hat(random: Random, head: float) -> World:
    hand = float(random.uniform(1.6, 4.2))
    return World(SECONDS, (Worker("carrier", _stroll(random, head), ((0.0, "in hand"),), hand=hand),))


def hat_on_table(random: Random, head: float) -> World:
    """One bare, one equipped, one after the other beside a table on which a hat lies."""
    x, feet_y = _spot(random, head)
    hat = Box(x + 1.4 * head, feet_y - 3.4 * head, x + 2.6 * head, feet_y - 2.6 * head)
    first, second = random.permutation([0, 1])
    return World(
        SECONDS,
        (
            Worker("bare", _visit(x, feet_y, head, 12.0 * first), _NO_HAT),
            Worker("equipped", _visit(x, feet_y, head, 12.0 * second)),
        ),
        hats=(hat,),
    )


def close_together(random: Random, head: float) -> World:
    """A bare and an equipped worker side by side, up to half of one behind the other."""
    x, feet_y = _spot(random, head)
    width = SLIM * HEADS_IN_A_BODY * head
    side = random.choice([-1, 1])
    apart = width * random.uniform(0.5, 1.2) * side
    deep = head * random.uniform(-0.6, 0.6)
    sway = [(t, float(random.normal(0, 0.12 * head))) for t in range(0, 25, 3)]
    return World(
        SECONDS,
        (
            Worker("bare", tuple(Place(t, x + dx, feet_y, head) for t, dx in sway), _NO_HAT),
            Worker("equipped", tuple(Place(t, x + apart - dx, feet_y + deep, head) for t, dx in sway)),
        ),
    )


def crossing(random: Random, head: float) -> World:
    """A bare and an equipped worker walk past each other, stop and walk back."""
    x, feet_y = _spot(random, head)
    far = min(7.0 * head, x - 10, WIDTH - x - 10)
    deep = head * random.choice([-1, 1]) * random.uniform(0.3, 1.0)
    rest = 3.0 + float(random.uniform(0, 3))
    way = 2 * far / (_WALK * head)

    def there_and_back(sign: int, y: float) -> tuple[Place, ...]:
        return (
            Place(0, x - sign * far, y, head),
            Place(2, x - sign * far, y, head),
            Place(2 + way, x + sign * far, y, head),
            Place(2 + way + rest, x + sign * far, y, head),
            Place(2 + 2 * way + rest, x - sign * far, y, head),
            Place(SECONDS, x - sign * far, y, head),
        )

    return World(
        SECONDS,
        (
            Worker("bare", there_and_back(1, feet_y), _NO_HAT),
            Worker("equipped", there_and_back(-1, feet_y + deep)),
        ),
    )


def behind_a_pillar(random: Random, head: float) -> World:
    """A bare worker walks behind a pillar and comes out on the other side after 0.4 to 1.6 s."""
    world = _pillar(random, head)
    return World(SECONDS, world.workers[:1], world.pillars)


def swap_behind_a_pillar(random: Random, head: float) -> World:
    """The same, and an equipped worker walks the other way behind the same pillar at the same time."""
    return _pillar(random, head)


def cut_by_the_edge(random: Random, head: float) -> World:
    """An equipped worker of whom the picture's edge cuts off the legs, a side, or all above the chin."""
    height, width = HEADS_IN_A_BODY * head, SLIM * HEADS_IN_A_BODY * head
    x, feet_y = _spot(random, head)
    edge = random.choice(["left", "right", "below", "above"])
    if edge == "below":
        feet_y = HEIGHT + height * float(random.uniform(0.3, 0.85))
    elif edge == "above":
        feet_y = height - head * float(random.uniform(0.3, 1.5))
    else:
        out = width * float(random.uniform(-0.3, 0.2))
        x = out if edge == "left" else WIDTH - out
    sway = tuple(Place(t, x + float(random.normal(0, 0.1 * head)), feet_y, head) for t in range(0, 25, 3))
    return World(SECONDS, (Worker("equipped", sway),))


def hat_off(seconds: float) -> Callable[[Random, float], World]:
    """The hat comes off after 7 s, into the hand, for *seconds*."""

    def make(random: Random, head: float) -> World:
        hat: tuple[tuple[float, Hat], ...] = ((0.0, "worn"), (7.0, "in hand"), (7.0 + seconds, "worn"))
        return World(SECONDS, (Worker("wearer", _stroll(random, head), hat),))

    return make


def into_the_zone(random: Random, head: float) -> World:
    """An equipped worker walks into a restricted zone, stays for 3 to 8 s, and leaves."""
    return _zone(random, head, depth=float(random.uniform(0.8, 2.0)), stay_s=float(random.uniform(3, 8)))


def past_the_zone(random: Random, head: float) -> World:
    """An equipped worker comes to the line of a restricted zone, as near as a sixth of a head, and not over it."""
    return _zone(random, head, depth=-float(random.uniform(0.15, 0.8)), stay_s=6.0)


def several(random: Random, head: float) -> World:
    """Four workers, of whom one lacks the hat and one the vest, stroll over the site."""
    heads = head * random.uniform(0.75, 1.1, 4)
    lacks = random.permutation(4)
    return World(
        SECONDS,
        tuple(
            Worker(
                f"worker {number}",
                _stroll(random, float(size)),
                _NO_HAT if lack == 0 else _HAT,
                vest=bool(lack != 1),
            )
            for number, (size, lack) in enumerate(zip(heads, lacks, strict=True))
        ),
    )


SCENARIOS: dict[str, Callable[[Random, float], World]] = {
    "equipped": equipped,
    "no hat": bare,
    "no vest": without_vest,
    "neither": without_both,
    "hat in the hand": carried_hat,
    "hat on a table": hat_on_table,
    "close together": close_together,
    "crossing": crossing,
    "behind a pillar": behind_a_pillar,
    "swap behind a pillar": swap_behind_a_pillar,
    "cut by the edge": cut_by_the_edge,
    "hat off for 1 s": hat_off(1.0),
    "hat off for 5 s": hat_off(5.0),
    "hat off for good": hat_off(99.0),
    "into the zone": into_the_zone,
    "past the zone": past_the_zone,
    "four people": several,
}

_HAT: tuple[tuple[float, Hat], ...] = ((0.0, "worn"),)
_NO_HAT: tuple[tuple[float, Hat], ...] = ((0.0, "none"),)


def _spot(random: Random, head: float) -> tuple[float, float]:
    """Where the whole person is in the picture, with room to both sides."""
    height = HEADS_IN_A_BODY * head
    room = min(4 * head, WIDTH / 3)
    return float(random.uniform(room, WIDTH - room)), float(random.uniform(height + 4, HEIGHT - 4))


def _stroll(random: Random, head: float) -> tuple[Place, ...]:
    """Walk and stand in turns, from place to place."""
    x, feet_y = _spot(random, head)
    places = [Place(0.0, x, feet_y, head)]
    at_s = 0.0
    while at_s < SECONDS:
        at_s += float(random.uniform(1.0, 5.0))
        places.append(Place(at_s, x, feet_y, head))
        width = SLIM * HEADS_IN_A_BODY * head
        x_next = float(np.clip(x + random.normal(0, 8 * head), width, WIDTH - width))
        at_s += max(0.2, abs(x_next - x) / (_WALK * head))
        x = x_next
        places.append(Place(at_s, x, feet_y, head))
    return tuple(places)


def _visit(x: float, feet_y: float, head: float, from_s: float) -> tuple[Place, ...]:
    """Come from the left, stand at *x* for 9 s, leave to the left."""
    start = x - 4 * head
    return (
        Place(from_s, start, feet_y, head),
        Place(from_s + 0.8, x, feet_y, head),
        Place(from_s + 9.8, x, feet_y, head),
        Place(from_s + 10.6, start, feet_y, head),
    )


def _pillar(random: Random, head: float) -> World:
    """Both start beside the pillar, are wholly hidden for 0.4 to 1.6 s and go on standing on the other side."""
    x, feet_y = _spot(random, head)
    x = float(np.clip(x, 9 * head, WIDTH - 9 * head)) if 18 * head < WIDTH else WIDTH / 2
    width = SLIM * HEADS_IN_A_BODY * head
    speed = _WALK * head * float(random.uniform(0.7, 1.0))
    half = (width + speed * float(random.uniform(0.4, 1.6))) / 2
    far = min(half + 4 * head, x - 4, WIDTH - x - 4)
    began = float(random.uniform(2.0, 6.0))
    way = 2 * far / speed

    def through(sign: int, y: float) -> tuple[Place, ...]:
        return (
            Place(0, x - sign * far, y, head),
            Place(began, x - sign * far, y, head),
            Place(began + way, x + sign * far, y, head),
            Place(SECONDS, x + sign * far, y, head),
        )

    pillar = Box(x - half, -1.0, x + half, HEIGHT + 1.0)
    other = feet_y + head * float(random.uniform(-0.5, 0.5))
    return World(
        SECONDS,
        (Worker("bare", through(1, feet_y), _NO_HAT), Worker("equipped", through(-1, other))),
        (pillar,),
    )


def _zone(random: Random, head: float, depth: float, stay_s: float) -> World:
    """A zone to the right of a line; *depth* is how many heads beyond the line the worker goes."""
    x, feet_y = _spot(random, head)
    line = min(x, WIDTH - 4 * head)
    far = max(4.0, line - 6 * head)
    way = (line + depth * head - far) / (_WALK * head)
    path = (
        Place(0, far, feet_y, head),
        Place(5, far, feet_y, head),
        Place(5 + way, line + depth * head, feet_y, head),
        Place(5 + way + stay_s, line + depth * head, feet_y, head),
        Place(5 + 2 * way + stay_s, far, feet_y, head),
        Place(SECONDS, far, feet_y, head),
    )
    zone = ((line, feet_y - head), (WIDTH, feet_y - head), (WIDTH, feet_y + head), (line, feet_y + head))
    return World(SECONDS, (Worker("walker", path),), zone=zone)
