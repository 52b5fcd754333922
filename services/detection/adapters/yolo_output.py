"""What a YOLO network puts out, turned into detections: YOLOv8's raw boxes, or boxes that need no more suppression."""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from services.detection.adapters.letterbox import FloatArray, Letterbox
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from shared.errors import PermanentError

OVERLAP = 0.6  # two boxes of one label with a larger IoU are one thing (measured: models/README.md)
MOST_CANDIDATES = 2000  # bounds the suppression's cost on a picture full of noise
MOST_DETECTIONS = 300


def decode(
    output: FloatArray, end_to_end: bool, labels: Mapping[int, Label], floor: float, letterbox: Letterbox
) -> list[Detection]:
    """Read the network's answer for one picture.

    Args:
        output: raw: [4 + classes, N], rows centre x, centre y, width, height, then a score for each class.
            End to end: [N, 6], columns x1, y1, x2, y2, score, class. Pixels of the network's input.
        end_to_end: which of the two.
        labels: what each class number means; other classes are ignored.
        floor: lowest confidence to return.
        letterbox: how the frame lies in the input.

    Returns:
        Sorted by falling confidence, at most `MOST_DETECTIONS`; boxes in pixels of the frame, clipped, at
        least a pixel wide and high (a sliver at the edge has no coordinates of its own in a message).

    Raises:
        PermanentError: NaN or infinity in the output.
    """
    if not np.isfinite(output).all():
        raise PermanentError(
            "model-output-not-finite",
            "the model gave NaN or infinity; use another model file or another backend",
        )
    boxes, scores, classes = _finished(output, floor) if end_to_end else _raw(output, floor)
    known = np.isin(classes, list(labels))
    boxes, scores, classes = boxes[known], scores[known], classes[known]
    return _detections(letterbox.back(boxes), scores, [labels[int(number)] for number in classes])


def _finished(output: FloatArray, floor: float) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    rows = output[output[:, 4] >= floor]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")][:MOST_DETECTIONS]
    return rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64)


def _raw(output: FloatArray, floor: float) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    best = output[4:].max(axis=0)
    candidates = np.flatnonzero(best >= floor)
    candidates = candidates[np.argsort(-best[candidates], kind="stable")][:MOST_CANDIDATES]
    chosen = output[:, candidates]
    classes = chosen[4:].argmax(axis=0)
    boxes = _corners(chosen[:4].T)
    keep = _suppressed(boxes, best[candidates], classes)
    return boxes[keep], best[candidates][keep], classes[keep]


def _corners(boxes: FloatArray) -> FloatArray:
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def _suppressed(
    boxes: FloatArray, scores: FloatArray, classes: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Numbers of the boxes that stay, best first; boxes of different classes never suppress each other."""
    if not len(boxes):
        return np.zeros(0, np.int64)
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    keep = cv2.dnn.NMSBoxesBatched(
        corner_and_size.tolist(),
        scores.tolist(),
        classes.tolist(),
        score_threshold=0.0,
        nms_threshold=OVERLAP,
    )
    kept = np.asarray(keep, np.int64).reshape(-1)
    return kept[np.argsort(-scores[kept], kind="stable")][:MOST_DETECTIONS]


def _detections(boxes: FloatArray, scores: FloatArray, labels: list[Label]) -> list[Detection]:
    found = (
        Detection(Box(*(float(edge) for edge in box)), label, float(min(score, 1.0)))
        for box, score, label in zip(boxes, scores, labels, strict=True)
    )
    return [detection for detection in found if detection.box.width >= 1 and detection.box.height >= 1]
