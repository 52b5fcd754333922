"""Export a trained .pt to the ONNX file that the product ships (development only; needs the `train` extra).

    python tools/export_model.py ppe4.pt models/ppe4.onnx --name ppe4 --version 0.1.0 --longest 480 \\
        --threshold person=0.3 --threshold hardhat=0.2

Height, width and batch stay free. Weights are kept in 16 bits, which halves the file; both runtimes turn them into
32 bits when they load it, so the arithmetic stays in 32 bits.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET = 17  # the newest that both runtimes have read for years
SMALLEST_HALVED = 64  # values; below it nothing is gained


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    model = _halved(_exported(options.weights, options.longest))
    _describe(model, options)
    onnx.checker.check_model(model)
    options.out.write_bytes(model.SerializeToString())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Export a .pt to ONNX with our metadata.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument(
        "--longest", type=int, required=True, help="long side of the input that it was measured with"
    )
    parser.add_argument("--threshold", action="append", default=[], metavar="LABEL=NUMBER")
    return parser.parse_args(arguments)


def _exported(weights: Path, longest: int) -> onnx.ModelProto:
    os.environ["YOLO_AUTOINSTALL"] = "false"
    from ultralytics import YOLO

    path = YOLO(str(weights)).export(format="onnx", dynamic=True, simplify=True, opset=OPSET, imgsz=longest)
    return onnx.load(path)


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its larger weights in 16 bits, each followed by a cast to 32."""
    casts = []
    for weight in list(model.graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= SMALLEST_HALVED:
            halved = numpy_helper.from_array(values.astype(np.float16), f"{weight.name}.half")
            casts.append(helper.make_node("Cast", [halved.name], [weight.name], to=onnx.TensorProto.FLOAT))
            model.graph.initializer.remove(weight)
            model.graph.initializer.append(halved)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _describe(model: onnx.ModelProto, options: argparse.Namespace) -> None:
    """Add our metadata to the exporter's; leave out what names the training machine or the hour."""
    kept = ("task", "names", "stride", "imgsz", "end2end", "license", "author", "version")
    metadata = {entry.key: entry.value for entry in model.metadata_props if entry.key in kept}
    metadata["ultralytics_version"] = metadata.pop("version")
    thresholds = dict(pair.split("=") for pair in options.threshold)
    metadata["officer_name"] = options.name
    metadata["officer_version"] = options.version
    metadata["officer_thresholds"] = json.dumps(
        {label: float(number) for label, number in thresholds.items()}
    )
    del model.metadata_props[:]
    helper.set_model_props(model, metadata)


if __name__ == "__main__":
    main()
