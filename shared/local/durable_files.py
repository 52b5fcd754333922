"""Files that survive a power cut: written aside, flushed to the disk, then moved into place."""

import os
from pathlib import Path


def write_flushed(path: Path, body: bytes) -> None:
    """Write *body* to the new file *path* and flush it to the disk; its folder's entry is not flushed yet.

    Raises:
        OSError: the file exists, or cannot be written whole; then nothing is left of it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def flush_folder(folder: Path) -> None:
    """Flush the entries of *folder* (names that came and went) to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Make *folder* and its missing parents, each flushed to the disk."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    flush_folder(folder.parent)
