"""Object store in memory, with the methods of `shared.local.folder_store.FolderStore`."""

import builtins
import mimetypes
from collections.abc import Iterator, Set
from datetime import UTC, datetime

from shared.errors import ObjectMissingError, PermanentError, TransientError
from shared.object_keys import check_key
from shared.objects import MAX_OBJECT_BYTES, StoredObject


class MemoryStore:
    """Attributes for tests: `problem` makes every call fail with that text; `puts` counts all tries to put."""

    def __init__(self) -> None:
        self.problem = ""
        self.puts = 0
        self._objects: dict[str, tuple[bytes, datetime]] = {}

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.puts += 1
        self._check(key)
        if content_type != mimetypes.guess_type(key)[0]:
            raise PermanentError("wrong-content-type", f"{key} is not {content_type}")
        self._objects.setdefault(key, (body, datetime.now(UTC)))

    def get(self, key: str, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        body, _ = self._found(key)
        if len(body) > max_bytes:
            raise PermanentError("object-too-large", f"{key} has {len(body)} bytes, {max_bytes} are allowed")
        return body

    def exists(self, key: str) -> bool:
        self._check(key)
        return key in self._objects

    def info(self, key: str) -> StoredObject:
        body, stored_at = self._found(key)
        content_type = mimetypes.guess_type(key)[0] or "application/octet-stream"
        return StoredObject(key, len(body), content_type, stored_at)

    def list(self, prefix: str = "") -> Iterator[str]:
        if prefix:
            self._check(prefix.removesuffix("/"))
        return iter(sorted(key for key in self._objects if key.startswith(prefix)))

    def erase(self, violation_ids: Set[str], prefix: str) -> builtins.list[str]:
        keys = [key for key in self.list(prefix) if any(one in key for one in violation_ids)]
        for key in keys:
            del self._objects[key]
        return keys

    def _found(self, key: str) -> tuple[bytes, datetime]:
        self._check(key)
        if key not in self._objects:
            raise ObjectMissingError(f"no object {key}")
        return self._objects[key]

    def _check(self, key: str) -> None:
        check_key(key)
        if self.problem:
            raise TransientError(self.problem)
