"""Decides from a small grey picture whether the detector should look: work follows motion."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from services.detection.adapters.media_time import Pace
from services.detection.domain.frame import BgrImage, Frame

_FloatImage = npt.NDArray[np.float32]

LONGEST_GAP_S = 2.0
_WIDTH = 160
_SAMPLED_WIDTH = (
    640  # every nth pixel down to this, then averaged: averaging all of 1080p would cost 1 ms more
)
# In grey levels of the averaged and blurred picture, where a sensor's noise of 8 is 0.7 and a worker's clothes differ
# from the ground by 15 to 100. See tests/unit/detection/test_motion_gate.py for what passes and what does not.
_LEAST_CHANGE = 7.0
_NOISE_FACTOR = (
    4.0  # where the scene is restless (leaves, screens) a change must exceed its usual one by this
)
_LEAST_PIXELS = 3  # of the small picture: 12 x 3 pixels at 640 x 360
_BACKGROUND_S = 10.0  # time in which a new, still thing becomes two thirds part of the background


class GreyMotionGate:
    """Opens where the picture differs both from the background and from what was looked at last.

    The first tells that something is there, the second that it has moved since; changes of the light are evened out row
    by row, as lamps on mains current make bands.

    Args:
        fps: most looks a second.
    """

    def __init__(self, fps: float) -> None:
        self._pace = Pace(fps)
        self._background: _Background | None = None
        self._looked: _FloatImage | None = None
        self._looked_s = -math.inf

    def wants(self, frame: Frame, busy: bool) -> bool:
        """Whether the detector should look at *frame*.

        True at the configured rate while *busy* (a track or a candidate lives: people who stand still hardly change
        a pixel) or while something moves, else every 2 s. Frames come in the order of their `offset_s`.
        """
        if not self._pace.wants(frame.offset_s):
            return False
        grey = _small_grey(frame.image)
        changed = self._changed(grey, frame.offset_s, learn=not busy)
        overdue = frame.offset_s - self._looked_s >= LONGEST_GAP_S
        if not (busy or changed or overdue):
            return False
        self._looked, self._looked_s = grey, frame.offset_s
        return True

    def _changed(self, grey: _FloatImage, at_s: float, learn: bool) -> bool:
        if self._background is None or self._looked is None or self._looked.shape != grey.shape:
            self._background = _Background(grey, at_s)
            return True
        new = self._background.differs(grey, at_s, learn)
        moved = np.abs(_evened(grey - self._looked)) > _LEAST_CHANGE
        return int(np.count_nonzero(new & moved)) >= _LEAST_PIXELS


class _Background:
    """The scene without what comes and goes, and how restless each spot of it is."""

    def __init__(self, grey: _FloatImage, at_s: float) -> None:
        self._mean = grey.copy()
        self._restless = np.zeros_like(grey)
        self._at_s = at_s

    def differs(self, grey: _FloatImage, at_s: float, learn: bool) -> npt.NDArray[np.bool_]:
        """[h, w]: where *grey* is not the background. Not to learn from it while people are there keeps them out."""
        difference = np.abs(_evened(grey - self._mean))
        result: npt.NDArray[np.bool_] = difference > np.maximum(_LEAST_CHANGE, _NOISE_FACTOR * self._restless)
        weight = 1.0 - math.exp(-(at_s - self._at_s) / _BACKGROUND_S)
        if learn:
            cv2.accumulateWeighted(grey, self._mean, weight)
            cv2.accumulateWeighted(difference, self._restless, weight)
        self._at_s = at_s
        return result


def _small_grey(image: BgrImage) -> _FloatImage:
    """[h, 160] float32 of the green channel: most of the brightness, without a conversion."""
    step = max(1, image.shape[1] // _SAMPLED_WIDTH)
    sampled = np.ascontiguousarray(image[::step, ::step, 1])
    height = max(1, round(sampled.shape[0] * _WIDTH / sampled.shape[1]))
    small = cv2.resize(sampled, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    return cv2.blur(small, (3, 3)).astype(np.float32)


def _evened(difference: _FloatImage) -> _FloatImage:
    """*difference* without what a whole row has in common."""
    return difference - np.median(difference[:, ::4], axis=1, keepdims=True)
