"""Detector on Ultralytics: for .pt files, in training and comparison; needs the `train` extra, which brings torch."""

import os
from collections.abc import Sequence
from typing import Any

from services.detection.adapters.model_file import ModelFile
from services.detection.adapters.yolo_output import MOST_DETECTIONS, OVERLAP
from services.detection.domain.detection import Detection, ModelInfo, translate
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box
from shared.errors import ConfigurationError


class UltralyticsDetector:
    """A `Detector`; one thread uses it. Loading runs whatever code the file holds: only for files that you trust."""

    def __init__(self, file: ModelFile, threads: int, longest: int | None = None) -> None:
        """Load *file*, a .pt; arguments as of `openvino_detector`.

        Raises:
            ConfigurationError: the `train` extra is not installed, or the file is no detection model.
        """
        self._model = _loaded(file, threads)
        self._labels = translate(self._model.names)
        self._longest = longest or _trained_size(self._model)
        self._info = ModelInfo(
            name=file.path.stem,
            sha256=file.sha256,
            backend="ultralytics",
            input_px=(self._longest, self._longest),
            labels=frozenset(self._labels.values()),
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        return [self._detect(image, floor) for image in images]

    def _detect(self, image: BgrImage, floor: float) -> list[Detection]:
        (result,) = self._model.predict(
            image,
            imgsz=self._longest,
            conf=floor,
            iou=OVERLAP,
            max_det=MOST_DETECTIONS,
            classes=sorted(self._labels),
            device="cpu",
            verbose=False,
        )
        found = [self._detection(row) for row in result.boxes.data.tolist()]
        kept = (detection for detection in found if detection.box.area > 0)
        return sorted(kept, key=lambda detection: -detection.confidence)

    def _detection(self, row: list[float]) -> Detection:
        x1, y1, x2, y2, score, number = row
        return Detection(Box(x1, y1, x2, y2), self._labels[int(number)], score)


def _loaded(file: ModelFile, threads: int) -> Any:
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")  # or it would install packages by itself
    try:
        import torch
        from ultralytics import YOLO
    except ImportError as error:
        raise ConfigurationError(
            f"model {file.path} needs ultralytics and torch, which are not installed; "
            "install the extra 'train' (docs/models.md), or export the model to ONNX"
        ) from error
    if threads:
        torch.set_num_threads(threads)
    try:
        model = YOLO(str(file.path))
    except Exception as error:
        raise ConfigurationError(
            f"model {file.path} cannot be loaded by ultralytics: {str(error).partition(chr(10))[0][:200]}"
        ) from error
    if model.task != "detect":
        raise ConfigurationError(
            f"model {file.path} is for the task {model.task!r}; only 'detect' works here"
        )
    return model


def _trained_size(model: Any) -> int:
    size = model.overrides.get("imgsz", 640)
    return int(size if isinstance(size, int) else max(size))
