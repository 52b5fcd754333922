"""From a validated model to an entry of the registry: thresholds and origin in the file, a card beside it."""

import json
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from officer.training.card import Words, write_card
from officer.training.described import described
from officer.training.extra import require
from officer.training.provenance import read_record, training_of
from officer.training.registry import Registry
from officer.training.validate import REPORT, compact
from services.detection.adapters.model_file import ModelFile, read_card, read_model_file
from services.detection.adapters.model_registry import Entry
from services.detection.adapters.onnx_file import onnx_metadata
from shared.errors import ConfigurationError

SPLIT = "val"  # the one that counts: no training saw it
NORMALISATION = "RGB, 0 to 1, aspect kept, padded with grey 114"


@dataclass(frozen=True, slots=True)
class Packaging:
    """What to package under which name.

    Attributes:
        model: the .onnx file that was validated.
        validated: folder that `validate` has filled.
        name, version: in the registry, the metadata and the card.
        words: for the card.
    """

    model: Path
    validated: Path
    name: str
    version: str
    words: Words


def package(packaging: Packaging, registry: Registry) -> Entry:
    """Add the model to *registry*.

    Raises:
        ConfigurationError: it is missing, was not validated on val, was refused, or the registry has that version with
            other files.
    """
    require("package", "onnx")
    report = read_report(packaging.validated)
    model = read_model_file(packaging.model, ".onnx")
    _check(model, report)
    body = _with_metadata(model, packaging, report)
    report = {
        **report,
        "model": packaging.name,
        "version": packaging.version,
        "measured_sha256": report["sha256"],
        "sha256": sha256(body).hexdigest(),
    }
    training = training_of(onnx_metadata(model))
    files = {
        "model.onnx": body,
        "validation.json": compact(report).encode(),
        "card.md": write_card(report, len(body), training, packaging.words).encode(),
        **{name: _plot(packaging.validated / name) for name in report["plots"]},
    }
    return registry.add(packaging.name, packaging.version, files)


def read_report(validated: Path) -> dict[str, Any]:
    """What `validate` has written into *validated*.

    Raises:
        ConfigurationError: nothing, or nothing that can be read.
    """
    path = validated / REPORT
    try:
        return read_record(path.read_text("utf-8"), "refused", "split", "sha256", "plots", "cautions")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({str(error)[:120]}); do: officer model validate --out {validated}"
        ) from error


def _plot(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}, a plot of the report, cannot be read: {error.strerror}; do: officer model validate again"
        ) from error


def _check(model: ModelFile, report: dict[str, Any]) -> None:
    if report["refused"]:
        raise ConfigurationError(f"the model was refused: {'; '.join(report['refused'])}")
    if report["split"] != SPLIT:
        raise ConfigurationError(
            f"the model was measured on the split {report['split']!r}; allowed: {SPLIT}; "
            f"do: officer model validate it with --split {SPLIT}"
        )
    if model.sha256 != report["sha256"]:
        raise ConfigurationError(
            f"{model.path} is not the file that was validated; do: officer model validate it"
        )


def _with_metadata(model: ModelFile, packaging: Packaging, report: dict[str, Any]) -> bytes:
    """The same network, described: what it was measured with, its thresholds, data and software."""
    data = report["data"] or {}
    changes = {
        "imgsz": str(report["input_px"][::-1]),
        "officer_name": packaging.name,
        "officer_version": packaging.version,
        "officer_input": NORMALISATION,
        "officer_thresholds": json.dumps(report["thresholds"]),
        "officer_reliability": json.dumps(report["reliability"]),
        "officer_data_sha256": data.get("content_sha256", ""),
        "officer_software": f"{report['software']} {report['commit']}".strip(),
    }
    body = described(model.body, changes)
    _check_readable(body)
    return body


def _check_readable(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(body)
        read_card(onnx_metadata(read_model_file(path, ".onnx")), path)
