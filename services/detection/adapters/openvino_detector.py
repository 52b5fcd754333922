"""Detector on OpenVINO: the fastest on Intel and AMD processors."""

import tempfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import openvino as ov
from openvino.preprocess import ColorFormat, PrePostProcessor

from services.detection.adapters.letterbox import SHARES, FloatArray
from services.detection.adapters.model_file import ModelFile, read_card
from services.detection.adapters.onnx_file import not_onnx, onnx_metadata
from services.detection.adapters.yolo_detector import Shapes, YoloDetector, check_shapes
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError, PermanentError

MOST_COMPILED = 2 * len(SHARES) - 1  # sizes kept ready: all that pictures are fitted into, high and wide
METADATA = (
    "task",
    "names",
    "stride",
    "imgsz",
    "end2end",
    "officer_name",
    "officer_version",
    "officer_thresholds",
    "officer_reliability",
)


def openvino_detector(
    file: ModelFile, threads: int, cache: Path | None = None, longest: int | None = None
) -> YoloDetector:
    """Load *file*.

    Args:
        file: an ONNX model as Ultralytics exports it, with free or fixed height and width.
        threads: processor threads to use; 0 leaves it to OpenVINO.
        cache: folder where compiled networks are kept, which makes later starts quicker; None keeps none.
        longest: long side of the input in pixels, in place of the metadata's.

    Raises:
        ConfigurationError: not an ONNX model, with weights outside the file, or not a YOLO detection network.
    """
    card = read_card(onnx_metadata(file), file.path)
    core = ov.Core()
    try:
        model = core.read_model(file.body)
        shapes = Shapes(_sides(model.input(0)), _sides(model.output(0)))
    except RuntimeError as error:
        raise not_onnx(file) from error
    check_shapes(shapes, card, file)
    network = OpenVinoNetwork(core, model, _options(threads, cache))
    return YoloDetector(network, shapes, file, card, "openvino", longest)


class OpenVinoNetwork:
    """Compiles the network once for each size of picture; colour order and scale are part of it."""

    def __init__(self, core: ov.Core, model: ov.Model, options: dict[str, object]) -> None:
        self._core = core
        self._model = _taking_bgr(model)
        self._options = options
        self._ready: OrderedDict[tuple[int, int], ov.InferRequest] = OrderedDict()

    def infer(self, picture: BgrImage) -> FloatArray:
        try:
            request = self._request(picture.shape[0], picture.shape[1])
            request.infer({0: ov.Tensor(picture[np.newaxis], shared_memory=True)})
            return np.array(request.get_output_tensor(0).data, np.float32)
        except RuntimeError as error:
            raise PermanentError(
                "model-failed", f"OpenVINO could not run the model: {str(error)[:200]}"
            ) from error

    def _request(self, height: int, width: int) -> ov.InferRequest:
        size = height, width
        if size not in self._ready:
            self._ready[size] = self._compiled(height, width)
            if len(self._ready) > MOST_COMPILED:
                self._ready.popitem(last=False)
        self._ready.move_to_end(size)
        return self._ready[size]

    def _compiled(self, height: int, width: int) -> ov.InferRequest:
        model = self._model.clone()
        model.reshape([1, height, width, 3])
        return self._core.compile_model(model, "CPU", self._options).create_infer_request()


def _options(threads: int, cache: Path | None) -> dict[str, object]:
    options: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    if cache is not None:
        options["CACHE_DIR"] = str(_writable(cache))
    return options


def _writable(cache: Path) -> Path:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return cache
    except OSError as error:
        raise ConfigurationError(
            f"the folder {cache} for compiled models cannot be written: {error.strerror}; "
            "name another folder, or none"
        ) from error


def _taking_bgr(model: ov.Model) -> ov.Model:
    """The same network for [1, H, W, 3] BGR uint8 in place of [1, 3, H, W] RGB from 0 to 1."""
    steps = PrePostProcessor(model)
    steps.input(0).tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")).set_color_format(
        ColorFormat.BGR
    )
    steps.input(0).model().set_layout(ov.Layout("NCHW"))
    steps.input(0).preprocess().convert_element_type(ov.Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    steps.output(0).tensor().set_element_type(ov.Type.f32)
    return steps.build()


def _sides(port: ov.Output) -> tuple[int | None, ...]:
    return tuple(side.get_length() if side.is_static else None for side in port.get_partial_shape())
