"""A detector that says what a script tells it to, by the number that is written into the picture."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.detection.domain.detection import Detection, Label, ModelInfo, Reliability
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box

EVERY_LABEL = frozenset(Label)


def numbered_picture(number: int, width: int = 640, height: int = 360) -> BgrImage:
    """A grey [height, width, 3] BGR uint8 picture that carries *number* (0 to 2**24 - 1) in its first pixel."""
    picture = np.full((height, width, 3), 127, np.uint8)
    picture[0, 0] = [number & 0xFF, number >> 8 & 0xFF, number >> 16 & 0xFF]
    return picture


class ScriptedDetector:
    """A `Detector`. Pictures that the script does not name hold nothing.

    Attributes:
        looked: the numbers of all pictures that it was asked about, in order.
    """

    def __init__(
        self,
        script: Mapping[int, Sequence[Detection]],
        labels: frozenset[Label] = EVERY_LABEL,
        thresholds: Mapping[Label, float] | None = None,
        reliability: Reliability | None = None,
    ) -> None:
        self._script = script
        self._info = ModelInfo(
            name="scripted",
            sha256="0" * 64,
            backend="onnxruntime",
            input_px=(640, 640),
            labels=labels,
            thresholds=thresholds or {},
            version="1",
            reliability=reliability or {},
        )
        self.looked: list[int] = []

    @property
    def info(self) -> ModelInfo:
        return self._info

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        return [self._detect(image, floor) for image in images]

    def _detect(self, image: BgrImage, floor: float) -> list[Detection]:
        blue, green, red = (int(value) for value in image[0, 0])
        number = blue | green << 8 | red << 16
        self.looked.append(number)
        found = (_clipped(detection, image) for detection in self._script.get(number, ()))
        kept = [detection for detection in found if detection.confidence >= floor and detection.box.area > 0]
        return sorted(kept, key=lambda detection: -detection.confidence)


def seen(label: Label, x1: float, y1: float, x2: float, y2: float, confidence: float = 0.9) -> Detection:
    """One line of a script; pixels of the picture."""
    return Detection(Box(x1, y1, x2, y2), label, confidence)


def _clipped(detection: Detection, image: BgrImage) -> Detection:
    height, width = image.shape[:2]
    return Detection(detection.box.clipped(width, height), detection.label, detection.confidence)
