"""The detector looks where something moves, at once; noise and light do not wake it."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import cv2
import numpy as np
import pytest

from services.detection.adapters.motion_gate import LONGEST_GAP_S, GreyMotionGate
from services.detection.domain.frame import BgrImage, Frame

FPS = 10.0
AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
WIDTH, HEIGHT = 640, 360
RANDOM = np.random.default_rng(11)
FLOOR: BgrImage = cv2.resize(
    RANDOM.integers(60, 180, (HEIGHT // 20, WIDTH // 20, 3)).astype(np.uint8), (WIDTH, HEIGHT)
)


def looks(pictures: Sequence[BgrImage], rate: float = FPS, busy: bool = False) -> list[float]:
    """At which seconds the gate opened."""
    gate = GreyMotionGate(rate)
    frames = [
        Frame("gate", index, AT + timedelta(seconds=index / FPS), index / FPS, image)
        for index, image in enumerate(pictures)
    ]
    return [frame.offset_s for frame in frames if gate.wants(frame, busy)]


@cache
def noisy(index: int, sigma: float) -> BgrImage:
    noise = cv2.randn(np.empty(FLOOR.shape, np.int16), 0, sigma)
    return np.clip(FLOOR + noise, 0, 255).astype(np.uint8)


def brightened(by: float) -> BgrImage:
    return np.clip(FLOOR.astype(np.float32) + by, 0, 255).astype(np.uint8)


def banded(phase: int) -> BgrImage:
    bands = 12 * np.sin(np.arange(HEIGHT) / 30 + phase)[:, None, None]
    return np.clip(FLOOR + bands, 0, 255).astype(np.uint8)


def with_person(left: int, height: int = 60, shade: int = 30, floor: BgrImage = FLOOR) -> BgrImage:
    """A figure a third as wide as high; its left edge may lie outside."""
    image = floor.copy()
    right = left + height // 3
    image[150 : 150 + height, max(0, left) : max(0, right)] = shade
    return image


QUIET = 60


def test_an_empty_scene_is_looked_at_every_two_seconds() -> None:
    assert looks([FLOOR] * QUIET) == [0.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "flickering",
    [
        pytest.param(lambda index: noisy(index, 8), id="a strong sensor noise"),
        pytest.param(lambda index: brightened(index % 2 * 15), id="flickering light"),
        pytest.param(brightened, id="sunrise"),
        pytest.param(lambda index: brightened(40 if index > 30 else 0), id="a lamp switched on"),
        pytest.param(banded, id="bands of a lamp on mains current"),
    ],
)
def test_noise_and_light_do_not_wake_the_detector(flickering: Callable[[int], BgrImage]) -> None:
    assert looks([flickering(index) for index in range(QUIET)]) == [0.0, 2.0, 4.0]


@pytest.mark.parametrize("height", [30, 60, 200])
@pytest.mark.parametrize("shade", [30, 220])
@pytest.mark.parametrize("sigma", [0, 4])
def test_a_person_coming_in_at_the_edge_opens_the_gate_at_once(height: int, shade: int, sigma: int) -> None:
    quiet = [noisy(index, sigma) for index in range(QUIET + 3)]
    walk = [with_person(4 * step - height // 3, height, shade, noisy(step, sigma)) for step in range(1, 8)]
    first_visible_s = (QUIET + 3) / FPS
    opened = [at_s for at_s in looks([*quiet, *walk]) if at_s >= first_visible_s]
    assert opened[0] <= first_visible_s + 0.2


def test_a_person_who_moves_is_looked_at_at_the_rate() -> None:
    walk = [with_person(10 * index) for index in range(40)]
    assert len(looks([*[FLOOR] * QUIET, *walk], rate=5)) == pytest.approx(3 + 20, abs=2)


def test_a_thing_left_standing_wakes_it_once() -> None:
    left = [with_person(300)] * 60
    opened = [at_s for at_s in looks([*[FLOOR] * QUIET, *left]) if at_s >= QUIET / FPS]
    assert opened[:2] == [QUIET / FPS, QUIET / FPS + LONGEST_GAP_S]
    assert len(opened) == 3


def test_it_never_closes_while_someone_is_there() -> None:
    assert len(looks([FLOOR] * QUIET, busy=True)) == QUIET


def test_the_rate_holds_even_when_busy() -> None:
    assert len(looks([FLOOR] * QUIET, rate=5, busy=True)) == QUIET // 2


def test_leaves_in_the_wind_stop_waking_it() -> None:
    def leaves(index: int) -> BgrImage:
        image = FLOOR.copy()
        image[50:150, 450:600] = brightened(25 * (index % 2))[50:150, 450:600]
        return image

    opened = looks([leaves(index) for index in range(400)])
    assert len([at_s for at_s in opened if at_s >= 20]) == pytest.approx(10, abs=2)


def test_a_long_crowd_does_not_make_it_blind_for_the_next_person() -> None:
    gate = GreyMotionGate(FPS)
    pictures = [
        *[(FLOOR, False)] * 10,
        *[(with_person(150 + 10 * (index % 20)), True) for index in range(300)],
        *[(FLOOR, False)] * 30,
        (with_person(200), False),
    ]
    for index, (image, busy) in enumerate(pictures):
        opened = gate.wants(Frame("gate", index, AT, index / FPS, image), busy)
    assert opened


def test_another_resolution_opens_it_and_breaks_nothing() -> None:
    assert looks([FLOOR, FLOOR, FLOOR[:180, :320], FLOOR[:1, :1], FLOOR[:90, :3]]) == [0.0, 0.2, 0.3, 0.4]


def test_it_costs_less_than_a_millisecond_at_1080p() -> None:
    gate = GreyMotionGate(FPS)
    image = cv2.resize(FLOOR, (1920, 1080))
    costs = []
    for index in range(60):
        began = time.thread_time()
        gate.wants(Frame("gate", index, AT, index / FPS, image), busy=False)
        costs.append(time.thread_time() - began)
    assert np.median(costs) < 0.001
