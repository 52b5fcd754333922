"""The registry of models: what is in it, what is in use, and how that is changed."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from officer.training.provenance import read_record
from services.detection.adapters.model_file import ModelFile
from services.detection.adapters.model_registry import (
    POINTER,
    SCHEMA_VERSION,
    WORD,
    Entry,
    entry_of,
    read_entry,
    stack_of,
)
from services.detection.adapters.model_shelf import Held, ModelShelf
from shared.errors import ConfigurationError, TransientError

ENTRY = "entry.json"


@dataclass(frozen=True, slots=True)
class Registry:
    """A shelf with models.

    Attributes:
        shelf: where the files lie.
        address: how it is called in words.
    """

    shelf: ModelShelf
    address: str

    def add(self, name: str, version: str, files: dict[str, bytes]) -> Entry:
        """Add a version with its *files*, among them model.onnx, for good; the very same again changes nothing.

        Raises:
            ConfigurationError: the name or version is not allowed, or that version exists with other files.
        """
        for word in (name, version):
            if not WORD.fullmatch(word):
                raise ConfigurationError(
                    f"{word[:80]!a} is not allowed; allowed: a-z, 0-9, '.', '-' and '_', up to 64"
                )
        hashes = {file: sha256(body).hexdigest() for file, body in sorted(files.items())}
        entry = Entry(name, version, hashes["model.onnx"])
        known = self._papers(name, version)
        if known is not None and known[1] != hashes:
            raise ConfigurationError(
                f"registry {self.address} has {name} {version} already, with other files; do: choose another version"
            )
        for file, body in files.items():
            self._keep(f"{name}/{version}/{file}", body)
        if known is None:  # last: an entry without it was never finished
            document = {**asdict(entry), "files": hashes, "added_at": _now()}
            self.shelf.keep(f"{name}/{version}/{ENTRY}", _json(document))
        return entry

    def entries(self) -> list[Entry]:
        """All versions, by name and version."""
        found = [key.split("/") for key in self.shelf.names() if key.endswith(f"/{ENTRY}")]
        return [self.entry(parts[0], parts[1]) for parts in found if len(parts) == 3]

    def entry(self, name: str, version: str) -> Entry:
        """That version.

        Raises:
            ConfigurationError: there is none.
        """
        papers = self._papers(name, version)
        if papers is None:
            raise ConfigurationError(
                f"registry {self.address} has no {name} {version}; do: officer model list"
            )
        return papers[0]

    def file(self, name: str, version: str) -> ModelFile:
        """The ONNX file of that version.

        Raises:
            ConfigurationError: there is none, or it is not the one that was added.
        """
        return read_entry(self.shelf, self.entry(name, version), self.address)

    def in_use(self) -> list[Entry]:
        """The models that were in use one after the other and can be gone back to; the last is in use; may be empty.

        Raises:
            ConfigurationError: what the registry says of it cannot be read.
        """
        return self._stack(self.shelf.read(POINTER))

    def use(self, name: str, version: str) -> Entry:
        """Let services run that version from their next start on; mends what cannot be read of what was in use.

        Raises:
            ConfigurationError: there is none, or its file is missing or another one.
            TransientError: somebody else has changed what is in use this moment.
        """
        entry, held = self.entry(name, version), self.shelf.read(POINTER)
        read_entry(self.shelf, entry, self.address)
        try:
            stack = self._stack(held)
        except ConfigurationError:  # everybody is told to mend it with this
            stack = []
        if not stack or stack[-1] != entry:
            self._point(held, [*stack, entry], "use")
        return entry

    def rollback(self) -> Entry:
        """Go back to the version that was in use before; what is returned is in use now.

        Raises:
            ConfigurationError: there is none before, it cannot be read, or its file is missing or another one.
            TransientError: as for `use`.
        """
        held = self.shelf.read(POINTER)
        stack = self._stack(held)
        if len(stack) < 2:
            raise ConfigurationError(
                f"registry {self.address}: no model was in use before; do: officer model use NAME VERSION"
            )
        read_entry(self.shelf, stack[-2], self.address)
        self._point(held, stack[:-1], "rollback")
        return stack[-2]

    def _stack(self, held: Held | None) -> list[Entry]:
        return stack_of(held.body, self.address) if held else []

    def _point(self, held: Held | None, stack: list[Entry], why: str) -> None:
        change = {"at": _now(), "change": why, **asdict(stack[-1])}
        document = {
            "schema_version": SCHEMA_VERSION,
            "in_use": [asdict(entry) for entry in stack],
            "history": [*_history(held), change],
        }
        if not self.shelf.replace(POINTER, _json(document), held.tag if held else None):
            raise TransientError(
                f"registry {self.address}: somebody else has changed the model in use this moment; "
                "do: officer model list, then try again"
            )

    def _keep(self, key: str, body: bytes) -> None:
        """Store a file of an entry that an interrupted try may have stored before."""
        self.shelf.keep(key, body)
        held = self.shelf.read(key)
        if held is None or held.body != body:
            raise ConfigurationError(
                f"registry {self.address} has another {key} from an interrupted try; do: choose another version"
            )

    def _papers(self, name: str, version: str) -> tuple[Entry, dict[str, str]] | None:
        """That version with the hashes of its files; None if there is none."""
        key = f"{name}/{version}/{ENTRY}"
        held = self.shelf.read(key)
        if held is None:
            return None
        try:
            papers = read_record(held.body, "name", "version", "sha256", "files")
            return entry_of(papers), papers["files"]
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"registry {self.address}: {key} is not understood ({str(error)[:80]}); "
                f"do: restore that file, or remove {name}/{version}/ and package it again"
            ) from error


def _history(held: Held | None) -> list[Any]:
    """What has changed so far; empty where that cannot be read."""
    try:
        return list(json.loads(held.body)["history"]) if held else []
    except (ValueError, KeyError, TypeError):
        return []


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
