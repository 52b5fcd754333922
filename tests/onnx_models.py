"""Tiny ONNX models, written byte by byte: the `onnx` package is no dependency, and broken files are wanted too.

Each takes a picture and answers with the same given numbers, whatever the picture.
Field numbers are those of onnx.proto3.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

FLOAT, HALF = 1, 10
NAMES = "{0: 'person', 1: 'helmet'}"
METADATA = {"task": "detect", "names": NAMES, "stride": "32", "imgsz": "[64, 64]"}


def yolo_model(
    answer: npt.ArrayLike,
    metadata: Mapping[str, str] = METADATA,
    input_sides: Sequence[int | str] = (1, 3, "height", "width"),
    outside: bool = False,
    input_type: int = FLOAT,
) -> bytes:
    """An ONNX file whose output is *answer*; *outside* keeps it in another file, `weights.bin`."""
    values = np.asarray(answer, np.float32)
    nodes = [
        _node("Cast", ["images"], "pixels", _text(1, "to") + _integer(3, FLOAT) + _integer(20, 2)),
        _node("ReduceMean", ["pixels"], "mean", _text(1, "keepdims") + _integer(3, 0) + _integer(20, 2)),
        _node("Mul", ["mean", "zero"], "nothing"),
        _node("Add", ["answer", "nothing"], "output"),
    ]
    graph = b"".join(_message(1, node) for node in nodes)
    graph += _text(2, "graph")
    graph += _message(5, _external("answer", values) if outside else _tensor("answer", values))
    graph += _message(5, _tensor("zero", np.zeros((), np.float32)))
    graph += _message(11, _value("images", input_sides, input_type)) + _message(
        12, _value("output", values.shape)
    )
    entries = b"".join(_message(14, _text(1, key) + _text(2, value)) for key, value in metadata.items())
    return _integer(1, 8) + _message(8, _integer(2, 17)) + _message(7, graph) + entries


def raw_answer(boxes: Sequence[tuple[float, float, float, float, float, float]]) -> npt.NDArray[np.float32]:
    """[1, 6, N] as YOLOv8 puts it out, from rows of centre x, centre y, width, height, person score, helmet score."""
    return np.asarray(np.array(boxes).T[np.newaxis], np.float32)


def metadata(**changes: str) -> dict[str, str]:
    return {**METADATA, **changes}


def thresholds(**numbers: float) -> str:
    return json.dumps(numbers)


def _node(kind: str, inputs: Sequence[str], output: str, attribute: bytes = b"") -> bytes:
    attributes = _message(5, attribute) if attribute else b""
    return b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, kind) + attributes


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    return _sides(values) + _integer(2, FLOAT) + _text(8, name) + _bytes(9, values.tobytes())


def _external(name: str, values: npt.NDArray[np.float32]) -> bytes:
    entry = _message(13, _text(1, "location") + _text(2, "weights.bin"))
    return _sides(values) + _integer(2, FLOAT) + _text(8, name) + entry + _integer(14, 1)


def _sides(values: npt.NDArray[np.float32]) -> bytes:
    return b"".join(_integer(1, side) for side in values.shape)


def _value(name: str, sides: Sequence[int | str], kind: int = FLOAT) -> bytes:
    shape = b"".join(
        _message(1, _text(2, side) if isinstance(side, str) else _integer(1, side)) for side in sides
    )
    return _text(1, name) + _message(2, _message(1, _integer(1, kind) + _message(2, shape)))


def _message(field: int, body: bytes) -> bytes:
    return _bytes(field, body)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _integer(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
