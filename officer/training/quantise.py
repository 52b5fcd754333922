"""A variant of a model that computes in 8 bits, calibrated on train pictures (NNCF): quicker with OpenVINO.

It is a model like any other: it has to be validated, against the one that it was made from, and is refused if it is
significantly worse or no quicker.
"""

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from officer.training.extra import require
from officer.training.prepared import read_picture, read_prepared
from officer.training.provenance import file_sha256
from services.detection.adapters.letterbox import fit, rectangle
from services.detection.adapters.model_file import read_card, read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    import onnx

CALIBRATED_ON = 200  # pictures
SEED = 1
VARIANT_OF = "officer_variant_of"  # key of the metadata: the SHA-256 of the model that it was made from
OF_THE_ORIGIN = {  # keys with which `package` names a model and tells what was measured of it
    "officer_name",
    "officer_version",
    "officer_thresholds",
    "officer_reliability",
    "officer_data_sha256",
    "officer_software",
}


def quantise(source: Path, prepared: Path, out: Path) -> None:
    """Write the variant of the model at *source* to *out*.

    Raises:
        ConfigurationError: the extra train is missing, a file or folder is not what it should be, or *out* is *source*.
    """
    if out.resolve() == source.resolve():
        raise ConfigurationError(f"--out {out} is the model itself; do: name another file")
    require("quantise", "nncf", "onnx")
    import nncf
    import onnx

    card = read_card(onnx_metadata(read_model_file(source, ".onnx")), source)
    pictures = list(dict.fromkeys(read_prepared(prepared).pictures("train")))
    if not pictures:
        raise ConfigurationError(f"{prepared / 'train.txt'} lists no picture to calibrate on")
    chosen = random.Random(SEED).sample(pictures, min(CALIBRATED_ON, len(pictures)))
    model = in_32_bits(onnx.load(source))
    name = model.graph.input[0].name
    made = nncf.quantize(
        model,
        nncf.Dataset(chosen, lambda path: {name: network_input(path, card.longest, card.stride)}),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(chosen),
        ignored_scope=nncf.IgnoredScope(patterns=_decoding(model), types=["Sigmoid"], validate=False),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(as_variant(made, file_sha256(source)))


def as_variant(made: "onnx.ModelProto", origin_sha256: str) -> bytes:
    """The file of *made*: it names its origin by hash, and has lost what was measured of that and not of itself."""
    from onnx import helper

    told = {entry.key: entry.value for entry in made.metadata_props if entry.key not in OF_THE_ORIGIN}
    helper.set_model_props(made, {**told, VARIANT_OF: origin_sha256})
    return bytes(made.SerializeToString())


def network_input(
    path: Path, longest: int, stride: int, shape: tuple[int, int] | None = None
) -> npt.NDArray[np.float32]:
    """[1, 3, H, W] RGB from 0 to 1, as the detector gives it to the network; *shape*: width and height if fixed."""
    image = read_picture(path)
    size = image.shape[1], image.shape[0]
    rgb = fit(size, shape or rectangle(size, longest, stride)).apply(image)[:, :, ::-1]
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def in_32_bits(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """The same model with its weights as constants of 32 bits, in place of 16 bits and a cast, which hide them."""
    from onnx import numpy_helper

    halves = {weight.name: weight for weight in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        half = halves.get(node.input[0]) if node.op_type == "Cast" else None
        if half is None:
            nodes.append(node)
            continue
        values = numpy_helper.to_array(half).astype(np.float32)
        model.graph.initializer.remove(half)
        model.graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _decoding(model: "onnx.ModelProto") -> list[str]:
    """Patterns of the head's arithmetic, which turns numbers into pixels: 8 bits are too coarse for that."""
    found = [re.search(r"/model\.(\d+)/", node.name) for node in model.graph.node]
    last = max((int(one[1]) for one in found if one), default=0)
    head = rf".*/model\.{last}/"
    return [rf"{head}dfl/.*", rf"{head}(Add|Sub|Mul|Div|Concat).*"]
