"""Which detector serves a model file: the one place where backends are chosen."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import structlog

from services.detection.adapters.model_file import ModelFile, read_model_file
from services.detection.application.ports import Detector
from services.detection.domain.detection import BackendChoice, Label, ModelInfo
from shared.errors import ConfigurationError

BACKENDS: tuple[str, ...] = get_args(BackendChoice)

log = structlog.get_logger()


def load_detector(
    path: Path,
    backend: str = "auto",
    *,
    threads: int = 0,
    sha256: str | None = None,
    cache: Path | None = None,
    longest: int | None = None,
) -> Detector:
    """Load the model at *path*.

    Args:
        path: an .onnx file; a .pt file for the backend ultralytics alone.
        backend: one of `BACKENDS`; auto is OpenVINO, or ONNX Runtime where OpenVINO cannot be imported; cuda is ONNX
            Runtime on an NVIDIA GPU, and is refused where there is none to use.
        threads: processor threads to use; 0 leaves it to the backend.
        sha256: the hash that the file must have, in hexadecimal; None allows any.
        cache: folder for OpenVINO's compiled networks, for quicker starts; None keeps none.
        longest: long side of the network's input in pixels; None takes the one that the model was measured with.

    Raises:
        ConfigurationError: the file, its hash, its content or the backend is wrong or missing.
    """
    if backend not in BACKENDS:
        raise ConfigurationError(f"backend {backend[:40]!a} is unknown; allowed are {', '.join(BACKENDS)}")
    file = read_model_file(path, ".pt" if backend == "ultralytics" else ".onnx", sha256)
    detector = _load(file, backend, threads, cache, longest)
    log.info(
        "model.loaded",
        model=detector.info.name,
        backend=detector.info.backend,
        sha256=detector.info.sha256[:12],
    )
    return detector


def require_labels(info: ModelInfo, needed: Iterable[Label]) -> None:
    """Check that the model can report all *needed* labels.

    Raises:
        ConfigurationError: it lacks some; names them, and the nearest that it has.
    """
    lacking = sorted(set(needed) - info.labels)
    if lacking:
        raise ConfigurationError(
            f"the rules need {', '.join(_with_nearest(label, info) for label in lacking)}, which model {info.name} "
            f"cannot report; it reports {', '.join(sorted(info.labels))}. "
            "Change the rules, or name another or a second model"
        )


def _load(file: ModelFile, backend: str, threads: int, cache: Path | None, longest: int | None) -> Detector:
    if backend == "ultralytics":
        from services.detection.adapters.ultralytics_detector import UltralyticsDetector

        return UltralyticsDetector(file, threads, longest)
    if backend in ("auto", "openvino"):
        try:
            from services.detection.adapters.openvino_detector import openvino_detector

            return openvino_detector(file, threads, cache, longest)
        except ImportError as error:
            if backend == "openvino":
                raise _not_installed("openvino") from error
            log.warning("model.backend_fallback", wanted="openvino", taken="onnxruntime", reason=str(error))
    return _on_onnx_runtime(file, threads, longest, on_gpu=backend == "cuda")


def _on_onnx_runtime(file: ModelFile, threads: int, longest: int | None, *, on_gpu: bool) -> Detector:
    try:
        from services.detection.adapters.onnx_detector import onnx_detector
    except ImportError as error:
        raise _not_installed("onnxruntime") from error
    return onnx_detector(file, threads, longest, on_gpu=on_gpu)


def _not_installed(package: str) -> ConfigurationError:
    return ConfigurationError(
        f"the backend {package} is not installed; install the extra 'detection', or set the backend to auto"
    )


def _with_nearest(label: Label, info: ModelInfo) -> str:
    nearest = difflib.get_close_matches(label, sorted(info.labels), n=1)
    return f"{label} (nearest: {nearest[0]})" if nearest else str(label)
