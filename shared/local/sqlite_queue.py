"""A queue in one SQLite file with the habits of SQS, for one PC without a cloud; many processes may use it at once."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from shared.errors import ConfigurationError, TransientError
from shared.queues import MAX_VISIBILITY_S, QueueCounts, ReceivedMessage, check_receive, check_visibility

QUEUE_FILE = "queue.db"  # in DATA_DIR, where both services look for it

_POLL_S = 0.2
_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS queue_messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of sending
        name TEXT NOT NULL,                    -- for people who look into the file
        body BLOB NOT NULL,
        sent_at REAL NOT NULL,                 -- this and the next: seconds since 1970, UTC
        visible_at REAL NOT NULL,
        receive_count INTEGER NOT NULL DEFAULT 0,
        receipt TEXT UNIQUE,                   -- of the last receive only; a dead letter has none
        dead INTEGER NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX IF NOT EXISTS queue_messages_waiting ON queue_messages (dead, id, visible_at, receive_count)",
)


class SqliteQueue:
    """Delivers at least once, oldest first as far as visibility allows.

    Threads may share an instance; each process opens its own.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_receives: int = 10,
        busy_timeout_s: float = 10.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Open the queue in *path*, made with its folder if missing; other tables in that file are left alone.

        Args:
            path: the SQLite file.
            max_receives: a message that comes back after so many receives becomes a dead letter.
            busy_timeout_s: how long a call waits for another process's write.
            now: seconds since 1970, UTC; every process that uses *path* must agree on it.

        Raises:
            ConfigurationError: *path* cannot be opened or is no SQLite file.
        """
        self._path = path
        self._max_receives = max_receives
        self._now = now
        self._lock = threading.Lock()
        self._connection = _open(path, busy_timeout_s)

    def send(self, body: bytes, name: str = "") -> None:
        """Append *body*; it is on disk when this returns. *name* is only for people who look into the file.

        Raises:
            TransientError: the file is locked for too long, full or not writable.
        """
        now = self._now()
        with self._write() as db:
            db.execute(
                "INSERT INTO queue_messages (name, body, sent_at, visible_at) VALUES (?, ?, ?, ?)",
                (name, body, now, now),
            )

    def receive(self, limit: int, visibility_s: float, wait_s: float = 0.0) -> list[ReceivedMessage]:
        """Take at most *limit* visible messages, oldest first, and hide them for *visibility_s* seconds.

        Args:
            limit: 1 or more.
            visibility_s: 0 to `MAX_VISIBILITY_S`.
            wait_s: how long to wait for a first message while there is none.

        Raises:
            ValueError: an argument is out of its range.
            TransientError: as for `send`.
        """
        check_receive(limit, visibility_s)
        deadline = time.monotonic() + wait_s
        while not (messages := self._take(limit, visibility_s)) and time.monotonic() < deadline:
            time.sleep(min(_POLL_S, wait_s))
        return messages

    def delete(self, receipt: str) -> bool:
        """Forget the message. False, and nothing happens, if it was received again since or is gone already."""
        with self._write() as db:
            return db.execute("DELETE FROM queue_messages WHERE receipt = ?", (receipt,)).rowcount == 1

    def change_visibility(self, receipt: str, visibility_s: float) -> bool:
        """Hide the message for *visibility_s* seconds from now; 0 gives it back at once. False as for `delete`."""
        check_visibility(visibility_s)
        with self._write() as db:
            changed = db.execute(
                "UPDATE queue_messages SET visible_at = ? WHERE receipt = ?",
                (self._now() + visibility_s, receipt),
            )
            return changed.rowcount == 1

    def counts(self) -> QueueCounts:
        """How full the queue is now."""
        now = self._now()
        with self._read() as db:
            row = db.execute(
                f"SELECT total({_VISIBLE}), total(NOT dead), total(dead) FROM queue_messages",  # noqa: S608 - constants of this file
                {"now": now, "far": now + MAX_VISIBILITY_S},
            ).fetchone()
        visible, alive, dead = (int(value) for value in row)
        return QueueCounts(visible=visible, in_flight=alive - visible, dead=dead)

    def dead_letters(self) -> list[bytes]:
        """Bodies of the messages that were received too often, oldest first."""
        with self._read() as db:
            rows = db.execute("SELECT body FROM queue_messages WHERE dead ORDER BY id").fetchall()
        return [bytes(row[0]) for row in rows]

    def erase(self, words: bytes) -> int:
        """Drop every message that holds *words*, dead letters too; tells how many. Errors as for `send`."""
        with self._write() as db:
            return db.execute("DELETE FROM queue_messages WHERE instr(body, ?)", (words,)).rowcount

    def purge(self) -> None:
        """Drop every message, dead letters too."""
        with self._write() as db:
            db.execute("DELETE FROM queue_messages")

    def close(self) -> None:
        """Give the file back; the instance is of no use afterwards."""
        with self._lock:
            self._connection.close()

    def _take(self, limit: int, visibility_s: float) -> list[ReceivedMessage]:
        now = self._now()
        times = {"now": now, "far": now + MAX_VISIBILITY_S}
        if not self._any(times):  # an idle receiver must not take the write lock five times a second
            return []
        with self._write() as db:
            db.execute(_BURY, {**times, "limit": self._max_receives})
            rows = db.execute(_RECEIVE, {**times, "until": now + visibility_s, "limit": limit}).fetchall()
        return [_message(row) for row in sorted(rows)]  # RETURNING promises no order

    def _any(self, times: dict[str, float]) -> bool:
        with self._read() as db:
            return db.execute(_ANY, times).fetchone() is not None

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._read() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise TransientError(
                    f"queue file {self._path} does not answer: {error}; "
                    "check free space, permissions and who else holds it"
                ) from error


# Only a clock that was set back puts a message beyond the longest visibility: show it rather than lose half a day.
_VISIBLE = "(dead = 0 AND (visible_at <= :now OR visible_at > :far))"

_ANY = f"SELECT 1 FROM queue_messages WHERE {_VISIBLE} LIMIT 1"  # noqa: S608 - constants of this file

_BURY = f"UPDATE queue_messages SET dead = 1, receipt = NULL WHERE {_VISIBLE} AND receive_count >= :limit"  # noqa: S608 - constants of this file

_RECEIVE = f"""
    UPDATE queue_messages
    SET receive_count = receive_count + 1, visible_at = :until, receipt = lower(hex(randomblob(16)))
    WHERE id IN (SELECT id FROM queue_messages WHERE {_VISIBLE} ORDER BY id LIMIT :limit)
    RETURNING id, receipt, body, receive_count, sent_at
"""  # noqa: S608 - constants of this file


def _open(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # in WAL mode the default would lose sent messages
        connection.execute("PRAGMA secure_delete = ON")  # what was deleted is overwritten
        for statement in _SCHEMA:
            connection.execute(statement)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(
            f"queue file {path} cannot be opened: {error}; name a file in a folder that can be written"
        ) from error
    return connection


def _message(row: tuple[int, str, bytes, int, float]) -> ReceivedMessage:
    _, receipt, body, receive_count, sent_at = row
    return ReceivedMessage(receipt, bytes(body), receive_count, datetime.fromtimestamp(sent_at, UTC))
