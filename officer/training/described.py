"""A model's metadata, changed; the network stays as it is. Needs the package onnx (extra `train`)."""

from collections.abc import Mapping


def described(body: bytes, changes: Mapping[str, str]) -> bytes:
    """The ONNX file *body* with *changes* in its metadata; the same input gives the same bytes."""
    import onnx
    from onnx import helper

    model = onnx.load_from_string(body)
    found = {entry.key: entry.value for entry in model.metadata_props}
    del model.metadata_props[:]
    helper.set_model_props(model, {**found, **changes})
    return bytes(model.SerializeToString(deterministic=True))
