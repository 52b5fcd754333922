"""The model that a registry says is in use: found and checked once, at start.

A registry holds NAME/VERSION/model.onnx with its papers, written once, and current.json, which says what is in use.
"""

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from services.detection.adapters.model_file import ModelFile, read_model_file
from services.detection.adapters.model_shelf import ModelShelf
from shared.errors import ConfigurationError, TransientError
from shared.local.durable_files import flush_folder, make_folders, write_flushed

POINTER = "current.json"
SCHEMA_VERSION = 1
WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
HASH = re.compile(r"[0-9a-f]{64}")
MEND = "restore that file, or use another version (officer model use, or rollback)"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a model.

    Attributes:
        name, version: of `WORD`.
        sha256: of its ONNX file, of `HASH`.
    """

    name: str
    version: str
    sha256: str

    @property
    def key(self) -> str:
        """Of its ONNX file."""
        return f"{self.name}/{self.version}/model.onnx"


def fetch_current(open_shelf: Callable[[], ModelShelf], address: str, cache: Path) -> tuple[Path, Entry]:
    """Fetch the model in use into *cache*.

    Args:
        open_shelf: opens the registry.
        address: how it is called in words.
        cache: folder; the model that was fetched last stands in where the registry does not answer.

    Returns:
        The file, whose hash is the entry's.

    Raises:
        ConfigurationError: no model is in use, the file there is another one, or may not be read.
        TransientError: the registry does not answer, and nothing was fetched before.
    """
    body: bytes | None = None
    try:
        pointer, body = _fetched(open_shelf(), address, cache)
    except TransientError as error:
        if not (cache / POINTER).exists():
            raise
        pointer = (cache / POINTER).read_bytes()
        log.warning(
            "model.registry_silent", registry=address, taken="the model fetched last", problem=str(error)
        )
    entry = in_use(pointer, address)
    path = cache / f"{entry.name}-{entry.version}-{entry.sha256[:12]}.onnx"
    if body is not None:
        _put(path, body)
    read_model_file(path, ".onnx", entry.sha256)
    _put(cache / POINTER, pointer)
    return path, entry


def read_entry(shelf: ModelShelf, entry: Entry, address: str) -> ModelFile:
    """The ONNX file of *entry*, by its name in the registry that *address* calls in words.

    Raises:
        ConfigurationError: it is missing, or another file.
        TransientError: the registry does not answer.
    """
    held = shelf.read(entry.key)
    if held is None:
        raise ConfigurationError(f"registry {address} lacks {entry.key}; do: {MEND}")
    found = sha256(held.body).hexdigest()
    if found != entry.sha256:
        raise ConfigurationError(
            f"registry {address}: {entry.key} has SHA-256 {found}, but {entry.sha256[:80]} is required; do: {MEND}"
        )
    return ModelFile(Path(entry.key), held.body, found)


def in_use(pointer: bytes, address: str) -> Entry:
    """The model that *pointer*, the content of current.json, says is in use.

    Raises:
        ConfigurationError: it cannot be read.
    """
    return stack_of(pointer, address)[-1]


def stack_of(pointer: bytes, address: str) -> list[Entry]:
    """The models that were in use one after the other and can be gone back to; the last is in use.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        document: dict[str, Any] = json.loads(pointer)
        if document["schema_version"] != SCHEMA_VERSION:
            raise ValueError("another schema_version")
        entries = [entry_of(one) for one in document["in_use"]]
        if not entries:
            raise ValueError("no model")
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"registry {address}: {POINTER} is not understood ({str(error)[:80]}); "
            "do: officer model use NAME VERSION, with this version of the software"
        ) from error
    return entries


def entry_of(record: dict[str, Any]) -> Entry:
    """The entry that *record* tells of.

    Raises:
        ValueError, KeyError, TypeError: something of it is missing or not allowed.
    """
    entry = Entry(record["name"], record["version"], record["sha256"])
    if not (WORD.fullmatch(entry.name) and WORD.fullmatch(entry.version) and HASH.fullmatch(entry.sha256)):
        raise ValueError("no word, or no hash")
    return entry


def _fetched(shelf: ModelShelf, address: str, cache: Path) -> tuple[bytes, bytes | None]:
    """The pointer, and the model's bytes unless the cache has them undamaged."""
    held = shelf.read(POINTER)
    if held is None:
        raise ConfigurationError(
            f"registry {address} has no model in use; do: officer model use NAME VERSION"
        )
    entry = in_use(held.body, address)
    path = cache / f"{entry.name}-{entry.version}-{entry.sha256[:12]}.onnx"
    try:
        read_model_file(path, ".onnx", entry.sha256)
    except ConfigurationError:
        return held.body, read_entry(shelf, entry, address).body
    return held.body, None


def _put(path: Path, body: bytes) -> None:
    """Written aside, flushed and moved, so that neither a kill nor a power cut leaves half of it."""
    try:
        make_folders(path.parent)
        aside = path.with_name(f".{secrets.token_hex(8)}")
        write_flushed(aside, body)
        aside.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}; do: choose another DATA_DIR"
        ) from error
