"""An ONNX file looked into before any runtime loads it: its metadata, and that no part of it lies in another file.

Both runtimes follow a tensor's reference to another file, resolved against the working folder, even for a model that is
given as bytes; that other file is covered by no hash.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message,
    message_factory,
)

from services.detection.adapters.model_file import ModelFile
from shared.errors import ConfigurationError

EXTERNAL = 1  # onnx.TensorProto.EXTERNAL

# The fields of onnx.proto3 (onnx/onnx, IR version 3 and later) that are needed here: name, number, message type.
FIELDS: dict[str, list[tuple[str, int, str | None]]] = {
    "Model": [("graph", 7, "Graph"), ("metadata", 14, "Entry"), ("functions", 25, "Function")],
    "Entry": [("key", 1, None), ("value", 2, None)],
    "Function": [("nodes", 7, "Node")],
    "Graph": [("nodes", 1, "Node"), ("tensors", 5, "Tensor"), ("sparse", 15, "Sparse")],
    "Node": [("attributes", 5, "Attribute")],
    "Attribute": [
        ("tensor", 5, "Tensor"),
        ("graph", 6, "Graph"),
        ("tensors", 10, "Tensor"),
        ("graphs", 11, "Graph"),
        ("sparse", 22, "Sparse"),
        ("sparses", 23, "Sparse"),
    ],
    "Sparse": [("values", 1, "Tensor"), ("indices", 2, "Tensor")],
    "Tensor": [("name", 8, None), ("outside", 13, "Entry"), ("location", 14, None)],
}


def onnx_metadata(file: ModelFile) -> dict[str, str]:
    """The metadata of the ONNX model *file*.

    Raises:
        ConfigurationError: not an ONNX model, or some of its weights lie in another file.
    """
    model = _parsed(file)
    if not any(graph.nodes for graph in model.graph):
        raise not_onnx(file)
    for tensor in _tensors(model):
        if tensor.location == EXTERNAL or tensor.outside:
            raise ConfigurationError(
                f"model {file.path} keeps weights in another file (tensor {tensor.name[:80]!a}), which no hash covers; "
                "export it again into one file"
            )
    return {entry.key: entry.value for entry in model.metadata}


def not_onnx(file: ModelFile) -> ConfigurationError:
    """The error for a file that is no ONNX model."""
    return ConfigurationError(
        f"model {file.path} ({len(file.body)} bytes) is not an ONNX model, or only a part of one; "
        "fetch it again, or export it again (docs/models.md)"
    )


def _parsed(file: ModelFile) -> Any:
    model = _model_type()()
    try:
        model.ParseFromString(file.body)
    except message.DecodeError as error:
        raise not_onnx(file) from error
    return model


def _tensors(part: Any) -> Iterator[Any]:
    """Every tensor in *part*, however deep the graphs are nested."""
    if part.DESCRIPTOR.name == "Tensor":
        yield part
        return
    for field in part.DESCRIPTOR.fields:
        if field.message_type is not None:
            for inner in getattr(part, field.name):
                yield from _tensors(inner)


def _model_type() -> Any:
    """The message class for `Model`; the `onnx` package would bring it, with 17 MB for this alone."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_schema())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("officer.onnx.Model"))


def _schema() -> Any:
    schema = descriptor_pb2.FileDescriptorProto(
        name="officer_onnx.proto", package="officer.onnx", syntax="proto3"
    )
    for name, fields in FIELDS.items():
        described = schema.message_type.add(name=name)
        for field, number, type_name in fields:
            _add_field(described, field, number, type_name)
    return schema


def _add_field(described: Any, name: str, number: int, type_name: str | None) -> None:
    field = described.field.add(name=name, number=number)
    kinds = descriptor_pb2.FieldDescriptorProto
    if type_name is not None:
        # `repeated` reads a single message too, so one walk serves both.
        field.label, field.type, field.type_name = (
            kinds.LABEL_REPEATED,
            kinds.TYPE_MESSAGE,
            f".officer.onnx.{type_name}",
        )
    else:
        field.label = kinds.LABEL_OPTIONAL
        field.type = kinds.TYPE_INT32 if name == "location" else kinds.TYPE_STRING
