"""Small states as files, replaced atomically and flushed to the disk."""

from pathlib import Path

from shared.errors import TransientError
from shared.local.durable_files import flush_folder, make_folders, write_flushed


class FileStateStore:
    """See `StateStore`; one file `NAME.json` for each state in *root*."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def load(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TransientError(f"state {name} cannot be read: {error.strerror}") from error

    def save(self, name: str, state: bytes) -> None:
        path = self._path(name)
        aside = path.with_suffix(".new")
        try:
            make_folders(self._root)
            aside.unlink(missing_ok=True)
            write_flushed(aside, state)
            aside.replace(path)
            flush_folder(self._root)
        except OSError as error:
            raise TransientError(f"state {name} cannot be written: {error.strerror}; free space") from error

    def _path(self, name: str) -> Path:
        return self._root / f"{name}.json"
