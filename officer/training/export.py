"""From a trained .pt to the ONNX file that the product loads.

Height, width and batch stay free. Weights are kept in 16 bits, which halves the file; both runtimes turn them into
32 bits when they load it, so the arithmetic stays in 32 bits.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from officer.training.extra import NO_WEIGHTS, require
from officer.training.provenance import TRAINING, file_sha256
from officer.training.train import record_of, without_downloads
from services.detection.adapters.model_file import read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    import onnx

OPSET = 17  # the newest that both runtimes have read for years
SMALLEST_HALVED = 64  # values; below it nothing is gained
EXPORTED_FROM = "officer_exported_from"  # key of the metadata: the SHA-256 of the weights, and the size
KEPT = ("task", "names", "stride", "imgsz", "end2end", "license", "author")


def export(weights: Path, out: Path, longest: int) -> None:
    """Write *weights* to *out*, unless that has been done.

    Args:
        weights: a .pt, a pickle that runs code: only from a source that you trust. The record that `train` left in its
            run's folder goes into the metadata.
        out: an .onnx file.
        longest: long side of the input in pixels that the model is to be measured with.

    Raises:
        ConfigurationError: the extra train is missing, or *weights* cannot be read.
    """
    require("validate of a .pt file", "torch", "ultralytics", "onnx")
    if not weights.is_file():
        raise ConfigurationError(f"{weights} is no file; do: name a .pt that 'officer model train' has made")
    import onnx

    if _is_export(out, weights, longest):
        return
    try:
        model = _halved(_exported(weights, longest))
    except NO_WEIGHTS as error:
        raise ConfigurationError(f"{weights} cannot be exported: {str(error)[:300]}") from error
    _describe(model, weights, longest)
    onnx.checker.check_model(model)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_suffix(".part")
    aside.write_bytes(model.SerializeToString())
    aside.replace(out)


def _is_export(out: Path, weights: Path, longest: int) -> bool:
    if not out.exists():
        return False
    metadata = onnx_metadata(read_model_file(out, ".onnx"))
    return metadata.get(EXPORTED_FROM) == _origin(weights, longest)


def _origin(weights: Path, longest: int) -> str:
    return f"{file_sha256(weights)} {longest}"


def _exported(weights: Path, longest: int) -> "onnx.ModelProto":
    import onnx

    without_downloads()
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory() as folder:  # the exporter writes beside the weights
        copied = shutil.copy(weights, folder)
        path = YOLO(copied).export(format="onnx", dynamic=True, simplify=True, opset=OPSET, imgsz=longest)
        return onnx.load(path)


def _halved(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """The same model with its larger weights in 16 bits, each followed by a cast to 32."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in list(model.graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= SMALLEST_HALVED:
            halved = numpy_helper.from_array(values.astype(np.float16), f"{weight.name}.half")
            casts.append(helper.make_node("Cast", [halved.name], [weight.name], to=TensorProto.FLOAT))
            model.graph.initializer.remove(weight)
            model.graph.initializer.append(halved)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _describe(model: "onnx.ModelProto", weights: Path, longest: int) -> None:
    """Keep of the exporter's metadata what names no machine and no hour; add the training's record."""
    from onnx import helper

    found = {entry.key: entry.value for entry in model.metadata_props}
    metadata = {key: value for key, value in found.items() if key in KEPT}
    metadata["ultralytics_version"] = found.get("version", "")
    metadata[EXPORTED_FROM] = _origin(weights, longest)
    if record := record_of(weights):
        metadata[TRAINING] = json.dumps(record)
    del model.metadata_props[:]
    helper.set_model_props(model, metadata)
