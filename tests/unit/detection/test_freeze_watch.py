"""A picture that repeats is frozen; one that is only still is not."""

import tracemalloc

import numpy as np

from services.detection.adapters.freeze_watch import FROZEN_AFTER_S, FreezeWatch
from services.detection.domain.frame import GreyImage

FPS = 10
RANDOM = np.random.default_rng(4)
STILL: GreyImage = RANDOM.integers(0, 256, (240, 320)).astype(np.uint8)


def longest_still_s(pictures: list[GreyImage]) -> float:
    watch = FreezeWatch()
    return max(watch.still_s(picture, index / FPS) for index, picture in enumerate(pictures))


def noisy(sigma: float) -> GreyImage:
    return np.clip(STILL + RANDOM.normal(0, sigma, STILL.shape), 0, 255).astype(np.uint8)


def test_the_same_picture_again_and_again_is_frozen() -> None:
    assert longest_still_s([STILL] * 200) >= FROZEN_AFTER_S


def test_a_hanging_camera_that_encodes_anew_in_a_cycle_is_frozen() -> None:
    cycle = [noisy(2) for _ in range(20)]
    assert longest_still_s(cycle * 10) >= FROZEN_AFTER_S


def test_a_still_scene_with_a_sensors_noise_is_alive() -> None:
    assert longest_still_s([noisy(0.7) for _ in range(200)]) < 1


def test_a_short_recording_in_a_loop_is_alive_while_something_moves_in_it() -> None:
    def with_box(left: int) -> GreyImage:
        picture = STILL.copy()
        picture[60:140, left : left + 30] = 255
        return picture

    assert longest_still_s([with_box(8 * index) for index in range(30)] * 7) < 2


def test_a_new_resolution_is_a_new_picture() -> None:
    watch = FreezeWatch()
    watch.still_s(STILL, 0.0)
    assert watch.still_s(STILL, 20.0) == 20.0
    assert watch.still_s(STILL[:120], 21.0) == 0.0


def test_an_endless_stream_of_small_changes_takes_bounded_memory() -> None:
    watch = FreezeWatch()
    base = np.zeros((240, 320), np.uint8)
    for index in range(20_000):
        base[0, 0], base[8, 0] = index % 8, index // 8 % 8
        base[16, 0], base[24, 0] = index // 64 % 8, index // 512 % 8
        base[32, 0] = index // 4096
        watch.still_s(base, index / FPS)
    assert len(watch._seen) < 2000


def test_what_it_remembers_of_a_still_scene_is_small() -> None:
    watch, still = FreezeWatch(), np.full((1080, 1920), 127, np.uint8)
    tracemalloc.start()
    try:
        for index in range(1000):
            still[0, 0], still[8, 0] = index % 32 + 100, index // 32 + 100
            assert watch.still_s(still, index / FPS) == 0.0
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 1_000_000
