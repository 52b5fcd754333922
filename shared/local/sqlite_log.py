"""What was deleted from a SQLite file stays in its write-ahead log until that is written into the file."""

import sqlite3
from contextlib import closing
from pathlib import Path

from shared.errors import TransientError

BUSY_TIMEOUT_S = 10.0


def empty_log(path: Path) -> None:
    """Write the log of *path* into it and cut it to nothing, even while others have it open; no file, no work.

    Raises:
        TransientError: others read or write for too long.
    """
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise TransientError(f"{path} cannot be cleared of what was deleted: {error}") from error
    if busy:
        raise TransientError(f"{path} cannot be cleared of what was deleted while others use it")
