"""A model's file: read once, checked against its hash, and what its metadata says of the network inside."""

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.detection.domain.detection import Label, Reliability, translate
from shared.errors import ConfigurationError
from shared.vocabulary import Finding

NETWORK_STRIDES = (8, 16, 32, 64)
LARGEST_INPUT = 4096
LONGEST_NAME = 200
NOT_NUMBERS = (AttributeError, OverflowError, RecursionError, TypeError, ValueError)  # reading JSON for some


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The bytes that are hashed are the bytes that are loaded.

    Attributes:
        path: where they came from.
        body: the file's content.
        sha256: its hash.
    """

    path: Path
    body: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model's metadata says, as Ultralytics' exporter writes it, with our additions.

    Attributes:
        name, version: of the model, printable; the file's stem and "" where the metadata has none.
        classes: number of classes.
        labels: what each class number means; classes that we have no word for are left out.
        stride: the network's sides are multiples of this.
        longest: the long side of the input in pixels that the model was measured with.
        end_to_end: the network suppresses overlapping boxes itself.
        thresholds: the recommended lowest confidence of each label (metadata `officer_thresholds`).
        reliability: how often a look is right (metadata `officer_reliability`); see `ModelInfo`.
    """

    name: str
    version: str
    classes: int
    labels: dict[int, Label]
    stride: int
    longest: int
    end_to_end: bool
    thresholds: dict[Label, float]
    reliability: Reliability


def read_model_file(path: Path, suffix: str, sha256: str | None = None) -> ModelFile:
    """Read the model at *path*, which must end in *suffix* and, if *sha256* is given, have that hash.

    Raises:
        ConfigurationError: no such file, empty, another kind of file, or another hash.
    """
    if path.suffix.lower() != suffix:
        raise ConfigurationError(_wrong_kind(path, suffix))
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"model {path} cannot be read: {error.strerror}; check the path in the model setting"
        ) from error
    if not body:
        raise ConfigurationError(f"model {path} is empty; fetch it again")
    found = hashlib.sha256(body).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise ConfigurationError(
            f"model {path} has SHA-256 {found}, but {sha256.lower()[:80]} is required; "
            "restore the file, or pin the new hash if the change is meant"
        )
    return ModelFile(path, body, found)


def read_card(metadata: Mapping[str, str], path: Path) -> ModelCard:
    """Understand a model's *metadata*.

    Raises:
        ConfigurationError: something is missing, malformed, or describes no detection model.
    """
    task = metadata.get("task", "detect")
    if task != "detect":
        raise ConfigurationError(f"model {path} is for the task {task[:40]!r}; only 'detect' works here")
    names = _names(metadata, path)
    labels = translate(names)
    if not labels:
        raise ConfigurationError(
            f"model {path} has only classes that are unknown here: {', '.join(names.values())[:200]}; "
            f"known are {', '.join(sorted(Label))}"
        )
    return ModelCard(
        name=_line(metadata, "officer_name", path) or path.stem,
        version=_line(metadata, "officer_version", path),
        classes=len(names),
        labels=labels,
        stride=_stride(metadata, path),
        longest=_longest(metadata, path),
        end_to_end=metadata.get("end2end", "False").lower() == "true",
        thresholds=_thresholds(metadata, path),
        reliability=_reliability(metadata, path),
    )


def _wrong_kind(path: Path, suffix: str) -> str:
    if path.suffix.lower() == ".pt":
        return (
            f"model {path} is a .pt file, a pickle that runs code when it is loaded; only {suffix} is allowed here. "
            "Export it to ONNX (docs/models.md), or choose the backend 'ultralytics' if you trust the file"
        )
    return f"model {path} must end in {suffix}"


def _line(metadata: Mapping[str, str], key: str, path: Path) -> str:
    text = metadata.get(key, "")
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise _malformed(key, text, f"up to {LONGEST_NAME} printable characters", path)
    return text


def _names(metadata: Mapping[str, str], path: Path) -> dict[int, str]:
    if "names" not in metadata:
        raise ConfigurationError(
            f"model {path} has no 'names' in its metadata, so its classes are unknown; "
            "export it again with Ultralytics' exporter, which writes them"
        )
    names = _literal(metadata["names"], "names", path)
    if isinstance(names, list):
        names = dict(enumerate(names))
    if (
        not isinstance(names, dict)
        or sorted(names, key=str) != sorted(range(len(names)), key=str)
        or not all(isinstance(name, str) for name in names.values())
    ):
        raise _malformed("names", metadata["names"], "{0: 'person', 1: 'hardhat', ...}", path)
    return names


def _stride(metadata: Mapping[str, str], path: Path) -> int:
    stride = _literal(metadata.get("stride", "32"), "stride", path)
    if stride not in NETWORK_STRIDES:
        raise _malformed("stride", metadata["stride"], f"one of {NETWORK_STRIDES}", path)
    return int(stride)


def _longest(metadata: Mapping[str, str], path: Path) -> int:
    text = metadata.get("imgsz", "[640, 640]")
    sides = _literal(text, "imgsz", path)
    sides = [sides] if isinstance(sides, int) else sides
    if not isinstance(sides, list | tuple) or not sides or not all(_is_side(side) for side in sides):
        raise _malformed("imgsz", text, f"[height, width], each 32 to {LARGEST_INPUT}", path)
    return int(max(sides))


def _is_side(side: object) -> bool:
    return isinstance(side, int) and 32 <= side <= LARGEST_INPUT


def _thresholds(metadata: Mapping[str, str], path: Path) -> dict[Label, float]:
    text = metadata.get("officer_thresholds", "{}")
    try:
        pairs = {Label(label): float(threshold) for label, threshold in json.loads(text).items()}
    except NOT_NUMBERS as error:
        raise _malformed("officer_thresholds", text, '{"person": 0.25, ...}', path) from error
    if not all(0 < threshold < 1 for threshold in pairs.values()):
        raise _malformed("officer_thresholds", text, "numbers between 0 and 1", path)
    return pairs


def _reliability(metadata: Mapping[str, str], path: Path) -> Reliability:
    text = metadata.get("officer_reliability", "{}")
    try:
        shares = {
            Finding(finding): {str(basis): float(share) for basis, share in by_basis.items()}
            for finding, by_basis in json.loads(text).items()
        }
    except NOT_NUMBERS as error:
        expected = '{"no_hardhat": {"seen-missing": 0.95, "not-seen": 0.9}, ...}'
        raise _malformed("officer_reliability", text, expected, path) from error
    if not all(0 <= share <= 1 for by_basis in shares.values() for share in by_basis.values()):
        raise _malformed("officer_reliability", text, "numbers from 0 to 1", path)
    return shares


def _literal(text: str, key: str, path: Path) -> Any:
    try:
        return ast.literal_eval(text[:100_000])
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise _malformed(key, text, "a Python literal", path) from error


def _malformed(key: str, text: str, allowed: str, path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"model {path} has {text[:80]!a} as {key!r} in its metadata; expected {allowed}"
    )
