"""An object store in a folder, for one PC without a cloud: objects are put once and never change."""

import builtins
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from shared.errors import ConfigurationError, ObjectMissingError, PermanentError, TransientError
from shared.local.durable_files import flush_folder, make_folders, write_flushed
from shared.object_keys import check_key
from shared.objects import MAX_OBJECT_BYTES, StoredObject, check_object, check_size, content_type_of

_UNFINISHED = ".unfinished"  # no key can begin with a dot
_ABANDONED_S = 86_400.0
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)  # FAT, exFAT and some network drives


class FolderStore:
    """Threads and processes may share the folder. An object appears whole or not at all, also after a power cut."""

    def __init__(self, root: Path) -> None:
        """Use *root*, made if missing.

        Raises:
            ConfigurationError: *root* is no folder, or cannot be made.
        """
        try:
            make_folders(root / _UNFINISHED)
        except OSError as error:
            raise ConfigurationError(
                f"store folder {root} cannot be used: {error.strerror}; name a folder that can be written"
            ) from error
        self._root = root.resolve()
        _sweep(self._root / _UNFINISHED)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Store *body* unless *key* exists: what is there stays, and that is success.

        Args:
            key: see `shared.object_keys.check_key`.
            body: the whole object.
            content_type: MIME type; must be the one that the key's suffix tells.

        Raises:
            PermanentError: the key is not allowed, leads out of the folder, or tells another type.
            TransientError: the folder is full or not writable; nothing was stored.
        """
        check_object(key, content_type)
        with self._ours(key):
            path = self._path(key)
            if not path.exists():
                self._put_new(path, body)
            flush_folder(path.parent)  # also for a name that somebody else made just now

    def get(self, key: str, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        """The object's bytes.

        Raises:
            ObjectMissingError: there is none of that name (yet).
            PermanentError: the key is not allowed, or the object has more than *max_bytes*.
            TransientError: it cannot be read.
        """
        with self._found(key), self._path(key).open("rb") as file:
            check_size(key, os.fstat(file.fileno()).st_size, max_bytes)
            return file.read()

    def exists(self, key: str) -> bool:
        """Whether there is an object of that name; errors as for `get`."""
        with self._ours(key):
            return self._path(key).is_file()

    def info(self, key: str) -> StoredObject:
        """Size and time of an object; errors as for `get`."""
        with self._found(key):
            status = self._path(key).stat()
            if not stat.S_ISREG(status.st_mode):
                raise IsADirectoryError
        stored_at = datetime.fromtimestamp(status.st_mtime, UTC)
        return StoredObject(key, status.st_size, content_type_of(key), stored_at)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Keys that begin with *prefix* (of whole or half names), sorted within each folder.

        Raises:
            PermanentError: no key could begin with *prefix*.
            TransientError: a folder cannot be read.
        """
        if prefix:
            check_key(prefix.removesuffix("/"))
        folder = self._root / prefix.rpartition("/")[0]
        with self._ours(prefix):
            for path in _files_below(folder):
                key = path.relative_to(self._root).as_posix()
                if key.startswith(prefix):
                    yield key

    def erase(self, violation_ids: Set[str], prefix: str) -> builtins.list[str]:
        """Remove every object that belongs to one of the violations; to do so again removes what has come since.

        Args:
            violation_ids: of which the keys of those objects contain one.
            prefix: of the keys to look at, as for `list`.

        Returns:
            Keys of what was removed.

        Raises:
            TransientError: a file cannot be removed; those before it are.
        """
        keys = [key for key in self.list(prefix) if any(one in key for one in violation_ids)]
        for key in keys:
            with self._ours(key):
                path = self._path(key)
                path.unlink(missing_ok=True)
                flush_folder(path.parent)
        return keys

    def _path(self, key: str) -> Path:
        path = self._root / check_key(key)
        if not path.parent.resolve().is_relative_to(self._root) or path.is_symlink():
            raise PermanentError("unsafe-key", f"object {key} leads out of the store by a symbolic link")
        return path

    def _put_new(self, path: Path, body: bytes) -> None:
        aside = self._root / _UNFINISHED / secrets.token_hex(8)
        make_folders(path.parent)
        write_flushed(aside, body)
        try:
            _move_unless_there(aside, path)
        finally:
            aside.unlink(missing_ok=True)

    @contextmanager
    def _found(self, key: str) -> Iterator[None]:
        with self._ours(key):
            try:
                yield
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise ObjectMissingError(f"store {self._root} has no object {key}") from error

    @contextmanager
    def _ours(self, key: str) -> Iterator[None]:
        """Turn the system's errors into ours."""
        try:
            yield
        except OSError as error:
            raise TransientError(
                f"store {self._root} fails at object {key}: {error.strerror}; check free space and permissions"
            ) from error


def _sweep(unfinished: Path) -> None:
    """Drop what killed processes left long ago; another process may be at work on the young ones."""
    for path in unfinished.iterdir():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink()


def _move_unless_there(aside: Path, path: Path) -> None:
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        aside.replace(path)


def _files_below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files_below(path)
        else:
            yield path
