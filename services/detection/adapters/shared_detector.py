"""One model for all cameras: they take turns."""

import time
from collections.abc import Callable, Sequence
from threading import Lock

from services.detection.application.ports import Detector
from services.detection.domain.detection import Detection, ModelInfo
from services.detection.domain.frame import BgrImage


class SharedDetector:
    """See `Detector`; safe to call from many threads."""

    def __init__(self, detector: Detector, took: Callable[[float], None] = lambda _: None) -> None:
        """Share *detector*; *took* gets the seconds of each call, the wait for the turn left out."""
        self._detector, self._took, self._turn = detector, took, Lock()

    @property
    def info(self) -> ModelInfo:
        return self._detector.info

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        with self._turn:
            began_s = time.monotonic()
            found = self._detector.detect(images, floor)
            self._took(time.monotonic() - began_s)
            return found
