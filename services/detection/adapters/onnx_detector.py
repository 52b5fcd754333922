"""Detector on ONNX Runtime: the portable fallback."""

import cv2
import numpy as np
import onnxruntime as ort

from services.detection.adapters.letterbox import FloatArray
from services.detection.adapters.model_file import ModelFile, read_card
from services.detection.adapters.onnx_file import not_onnx, onnx_metadata
from services.detection.adapters.yolo_detector import Shapes, YoloDetector, check_shapes
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError, PermanentError

WARNINGS_ARE_QUIET = 3  # ONNX Runtime's log level for errors alone


def onnx_detector(file: ModelFile, threads: int, longest: int | None = None) -> YoloDetector:
    """Load *file*; arguments and errors as of `openvino_detector`."""
    card = read_card(onnx_metadata(file), file.path)
    try:
        session = ort.InferenceSession(file.body, _options(threads), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise not_onnx(file) from error
    shapes = Shapes(_sides(session.get_inputs()[0].shape), _sides(session.get_outputs()[0].shape))
    check_shapes(shapes, card, file)
    _check_type(session.get_inputs()[0].type, file)
    return YoloDetector(OnnxNetwork(session), shapes, file, card, "onnxruntime", longest)


class OnnxNetwork:
    """Runs the network at any size that it takes."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name

    def infer(self, picture: BgrImage) -> FloatArray:
        blob = cv2.dnn.blobFromImage(picture, 1 / 255, swapRB=True)
        try:
            (output,) = self._session.run([self._output], {self._input: blob})
        except Exception as error:
            raise PermanentError(
                "model-failed", f"ONNX Runtime could not run the model: {str(error)[:200]}"
            ) from error
        return np.asarray(output, np.float32)


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = WARNINGS_ARE_QUIET
    return options


def _check_type(kind: str, file: ModelFile) -> None:
    if kind != "tensor(float)":
        raise ConfigurationError(
            f"model {file.path} takes its input as {kind}; ONNX Runtime needs tensor(float) here: "
            "export it with 32-bit inputs, or use the backend openvino"
        )


def _sides(shape: list[int | str | None]) -> tuple[int | None, ...]:
    return tuple(side if isinstance(side, int) else None for side in shape)
