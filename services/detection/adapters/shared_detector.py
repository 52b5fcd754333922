"""One model for all cameras: they take turns."""

from collections.abc import Sequence
from threading import Lock

from services.detection.application.ports import Detector
from services.detection.domain.detection import Detection, ModelInfo
from services.detection.domain.frame import BgrImage


class SharedDetector:
    """See `Detector`; safe to call from many threads."""

    def __init__(self, detector: Detector) -> None:
        self._detector, self._turn = detector, Lock()

    @property
    def info(self) -> ModelInfo:
        return self._detector.info

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        with self._turn:
            return self._detector.detect(images, floor)
