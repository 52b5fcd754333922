"""Which software and which files made something: for the records that each step writes."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from shared.errors import ConfigurationError
from shared.version import VERSION

TRAINING = "officer_training"  # of a model's metadata: the record of `train` or `average`, as JSON
ROOT = Path(__file__).parents[2]
PACKAGES = (
    "numpy",
    "onnx",
    "onnxruntime",
    "opencv-python-headless",
    "openvino",
    "torch",
    "ultralytics-opencv-headless",
)


def software() -> dict[str, Any]:
    """Versions of this software and of what it calculates with, its commit ("" outside of a checkout), the machine."""
    return {
        "software": VERSION,
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "machine": f"{platform.machine()}, {_processor()}",
    }


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write *record* as JSON; killed meanwhile, *path* holds the one before."""
    write_whole(path, json.dumps(record, indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write *text*; killed meanwhile, *path* holds what it held before."""
    aside = path.with_name(f"{path.name}.part")
    aside.write_text(text, "utf-8")
    aside.replace(path)


def read_record(content: str | bytes, *keys: str) -> dict[str, Any]:
    """The JSON object *content*, with at least *keys*.

    Raises:
        ValueError: it is none, or lacks some.
    """
    record = json.loads(content)
    if not isinstance(record, dict) or not record.keys() >= set(keys):
        raise ValueError(f"it is no object with {', '.join(keys)}" if keys else "it is no object")
    return record


def training_of(metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """The record of `train` or `average` that an export has put into a model's metadata; None if it has not.

    Raises:
        ConfigurationError: something else stands there.
    """
    try:
        return read_record(metadata[TRAINING]) if TRAINING in metadata else None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{TRAINING} in the model's metadata cannot be read ({str(error)[:120]}); do: export the model again"
        ) from error


def _commit() -> str:
    """The checkout's commit, with "+" if files differ from it."""
    try:
        done = subprocess.run(  # noqa: S603 - no word of it comes from outside
            ["git", "-C", ROOT, "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],  # noqa: S607 - the git on PATH
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """The processor's name as Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} cores of {names[0]}" if names else platform.processor()
