"""Detector on ONNX Runtime: the portable fallback, and the way to an NVIDIA GPU."""

import cv2
import numpy as np
import onnxruntime as ort

from services.detection.adapters.letterbox import FloatArray
from services.detection.adapters.model_file import ModelFile, read_card
from services.detection.adapters.onnx_file import not_onnx, onnx_metadata
from services.detection.adapters.yolo_detector import Shapes, YoloDetector, check_shapes
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError, PermanentError

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
WARNINGS_ARE_QUIET = 3  # ONNX Runtime's log level for errors alone


def onnx_detector(
    file: ModelFile, threads: int, longest: int | None = None, *, on_gpu: bool = False
) -> YoloDetector:
    """Load *file*, for an NVIDIA GPU if *on_gpu*; the other arguments and errors as of `openvino_detector`.

    Raises:
        ConfigurationError: also if the GPU cannot be used.
    """
    card = read_card(onnx_metadata(file), file.path)
    if on_gpu:
        _require_cuda()
    providers = [CUDA, CPU] if on_gpu else [CPU]
    try:
        session = ort.InferenceSession(file.body, _options(threads), providers=providers)
    except Exception as error:
        raise not_onnx(file) from error
    if on_gpu and CUDA not in session.get_providers():
        raise ConfigurationError(
            "BACKEND=cuda: ONNX Runtime finds no NVIDIA GPU that it can use; do: look whether nvidia-smi shows one and "
            "a driver new enough (docs/deploy.md), and whether the container was given it, or set BACKEND=auto"
        )
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


def _require_cuda() -> None:
    """Load CUDA's libraries; ONNX Runtime itself looks for them only where the system has them."""
    if CUDA not in ort.get_available_providers():
        raise ConfigurationError(
            "BACKEND=cuda: the ONNX Runtime here is built without CUDA; do: build the image with --build-arg GPU=1 "
            "(docs/deploy.md), or set BACKEND=auto"
        )
    ort.preload_dlls()


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
