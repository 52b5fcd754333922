"""Spool on disk: what is accepted survives a kill and a power cut, and is kept until it has been delivered.

waiting/NUMBER-ID-PHASE/     message.json, evidence.jpg, SHA256SUMS; NUMBER is the time of acceptance in microseconds
unfinished/                  being written or removed; emptied at start
quarantine/NUMBER-ID-PHASE/  what cannot be read or delivered, with reason.txt
settled.log                  what was delivered, so that it is not accepted again when a recording is replayed
"""

import errno
import fcntl
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, overload

import structlog

from services.detection.application.ports import Clock, Picture, SpoolEntry
from shared.crash_points import crash_point
from shared.errors import ConfigurationError, TransientError
from shared.local.durable_files import flush_folder, make_folders, write_flushed

DEFAULT_CAPACITY_BYTES = 2_000_000_000  # about 7,000 violations of a 1080p camera
ALARM_SHARE = 0.8
SETTLED_MEMORY = timedelta(days=30)
_MESSAGE, _PICTURE, _SUMS, _REASON = "message.json", "evidence.jpg", "SHA256SUMS", "reason.txt"
_FOLDER = re.compile(r"(\d{20})-(\w{1,64})-(\w{1,64})", re.ASCII)
_SETTLED = re.compile(r"[0-9TZ:-]{20} \w{1,64} \w{1,64}", re.ASCII)
_BROKEN = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO, errno.EBADMSG, errno.EUCLEAN)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SpoolStats:
    """How full the spool is, and what happened since the start.

    Attributes:
        waiting: accepted and not delivered.
        used_bytes, capacity_bytes: of the waiting entries.
        alarms: how often it came to be `ALARM_SHARE` full.
        refused: acceptances refused because it was full or not writable.
        quarantined: entries set aside.
        oldest_at: when the oldest of them was accepted, aware UTC; None if none waits.
    """

    waiting: int
    used_bytes: int
    capacity_bytes: int
    alarms: int
    refused: int
    quarantined: int
    oldest_at: datetime | None


class DiskSpool:
    """Threads may share an instance; a second process on the same folder is refused. Never evicts what is unsent."""

    def __init__(self, root: Path, clock: Clock, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> None:
        """Open the spool in *root*, made if missing, and clear what a killed process left unfinished.

        Raises:
            ConfigurationError: *root* cannot be used, or another process uses it.
        """
        self._clock, self._capacity_bytes = clock, capacity_bytes
        self._waiting, self._unfinished = root / "waiting", root / "unfinished"
        self._quarantine, self._settled_log = root / "quarantine", root / "settled.log"
        self._mutex = threading.RLock()
        self._alarms = self._refused = self._quarantined = 0
        try:
            self._folder_lock = self._prepare(root)
            self._settled = _read_settled(self._settled_log, clock.now() - SETTLED_MEMORY)
            self._entries = self._find_entries()
        except OSError as error:
            raise ConfigurationError(
                f"spool folder {root} cannot be used: {error.strerror or error}; name a folder that can be written"
            ) from error
        self._used_bytes = sum(entry.size_bytes for entry in self._entries.values())
        self._alarmed = False

    def accept(self, message: bytes, violation_id: str, phase: str, picture: Picture | None) -> bool:
        """See `Spool.accept`."""
        with self._mutex:
            if self.knows(violation_id, phase):
                return False
            key = _Key(violation_id, phase)
            jpeg = picture.jpeg if picture else None
            self._check_room(len(message) + len(jpeg or b""))
            self._remember(key, self._store(key, message, jpeg))
            return True

    def knows(self, violation_id: str, phase: str) -> bool:
        """See `Spool.knows`."""
        with self._mutex:
            key = _Key(violation_id, phase)
            return key in self._entries or key in self._settled

    def pending(self) -> Sequence[SpoolEntry]:
        """See `Spool.pending`. Iterating passes over entries that went meanwhile, and quarantines corrupt ones."""
        with self._mutex:
            return _Pending(self._load, list(self._entries))

    def begun(self) -> list[bytes]:
        """See `Spool.begun`. What is corrupt may be among them, or missing: that is told when it is its turn."""
        with self._mutex:
            folders = [
                entry.folder
                for key, entry in self._entries.items()
                if key.phase == "opened" and not self.knows(key.violation_id, "closed")
            ]
        return [message for folder in folders for message in _message_of(folder)]

    def settle(self, entry: SpoolEntry) -> None:
        """See `Spool.settle`."""
        with self._mutex:
            key = _Key(entry.violation_id, entry.phase)
            if key not in self._entries:
                return
            folder = self._forget(key).folder
            self._settled.add(key)
            try:
                _append_settled(self._settled_log, key, self._clock.now())
                crash_point("D6")
                self._discard(folder)
            except OSError as error:
                raise TransientError(f"spool entry {folder} cannot be removed: {error.strerror}") from error

    def quarantine(self, entry: SpoolEntry, reason: str) -> None:
        """See `Spool.quarantine`."""
        with self._mutex:
            self._set_aside(_Key(entry.violation_id, entry.phase), reason)

    def stats(self) -> SpoolStats:
        """How full it is; cheap."""
        with self._mutex:
            return SpoolStats(
                waiting=len(self._entries),
                used_bytes=self._used_bytes,
                capacity_bytes=self._capacity_bytes,
                alarms=self._alarms,
                refused=self._refused,
                quarantined=self._quarantined,
                oldest_at=self._oldest_at(),
            )

    def close(self) -> None:
        """Let another process use the folder."""
        with self._mutex:
            self._folder_lock.close()

    def _oldest_at(self) -> datetime | None:
        oldest = next(iter(self._entries.values()), None)
        return _accepted_at(oldest.folder.name) if oldest else None

    def _prepare(self, root: Path) -> "_FolderLock":
        for folder in (self._waiting, self._unfinished, self._quarantine):
            make_folders(folder)
        lock = _FolderLock(root)
        for leftover in self._unfinished.iterdir():
            shutil.rmtree(leftover)
        return lock

    def _find_entries(self) -> "dict[_Key, _Waiting]":
        """What waits, oldest first: names begin with the time."""
        entries: dict[_Key, _Waiting] = {}
        for folder in sorted(self._waiting.iterdir()):
            name = _FOLDER.fullmatch(folder.name)
            key = _Key(name[2], name[3]) if name else None
            if key is None:
                self._move_aside(folder, "the name is not one that the spool gives")
            elif key in self._settled:  # killed between noting the delivery and removing the entry
                self._discard(folder)
            else:
                entries[key] = _Waiting(folder, _size(folder))
        return entries

    def _check_room(self, size_bytes: int) -> None:
        if self._used_bytes + size_bytes > self._capacity_bytes:
            self._refused += 1
            raise TransientError(
                f"spool {self._waiting.parent} is full: {len(self._entries)} unsent entries with {self._used_bytes} of "
                f"{self._capacity_bytes} bytes; it empties once the store and the queue can be reached again"
            )

    def _store(self, key: "_Key", message: bytes, jpeg: bytes | None) -> "_Waiting":
        name = f"{self._next_number():020d}-{key.violation_id}-{key.phase}"
        if not _FOLDER.fullmatch(name):
            raise ValueError(f"violation id and phase must be words of at most 64 letters, got {name!a}")
        aside, folder = self._unfinished / name, self._waiting / name
        try:
            _write_entry(aside, message, jpeg)
            crash_point("D1")
            aside.rename(folder)
            crash_point("D2")
            flush_folder(self._waiting)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            self._refused += 1
            raise TransientError(
                f"spool {self._waiting.parent} takes nothing: {error.strerror}; check free space and permissions"
            ) from error
        return _Waiting(folder, len(message) + len(jpeg or b""))

    def _next_number(self) -> int:
        """The time in microseconds, but always after the youngest entry, even if the clock was set back."""
        now = int(self._clock.now().timestamp() * 1_000_000)
        youngest = next(reversed(self._entries.values()), None)
        return max(now, int(youngest.folder.name[:20]) + 1) if youngest else now

    def _remember(self, key: "_Key", entry: "_Waiting") -> None:
        self._entries[key] = entry
        self._used_bytes += entry.size_bytes
        full = self._used_bytes >= ALARM_SHARE * self._capacity_bytes
        if full and not self._alarmed:
            self._alarms += 1
            log.warning(
                "spool.filling",
                waiting=len(self._entries),
                used_bytes=self._used_bytes,
                capacity_bytes=self._capacity_bytes,
            )
        self._alarmed = full

    def _forget(self, key: "_Key") -> "_Waiting":
        entry = self._entries.pop(key)
        self._used_bytes -= entry.size_bytes
        self._alarmed = self._alarmed and self._used_bytes >= ALARM_SHARE * self._capacity_bytes
        return entry

    def _load(self, key: "_Key") -> SpoolEntry | None:
        """Read an entry; None if it is gone, or was corrupt and is now in quarantine."""
        with self._mutex:
            if key not in self._entries:
                return None
            try:
                return _read_entry(key, self._entries[key].folder)
            except _CorruptError as problem:
                self._set_aside(key, str(problem))
                return None

    def _set_aside(self, key: "_Key", reason: str) -> None:
        if key not in self._entries:
            return
        folder = self._entries[key].folder
        try:
            self._move_aside(folder, reason)
        except FileNotFoundError:
            log.error("spool.entry_vanished", entry=folder.name)
        except OSError as error:
            raise TransientError(f"spool entry {folder} cannot be set aside: {error.strerror}") from error
        self._forget(key)

    def _move_aside(self, folder: Path, reason: str) -> None:
        self._quarantined += 1
        log.error("spool.quarantined", entry=folder.name, reason=reason)
        target = folder.rename(self._quarantine / folder.name)
        flush_folder(self._quarantine)
        with suppress(OSError):  # a foreign file has no room for it, and the log has the reason too
            (target / _REASON).write_text(reason + "\n", encoding="utf-8")

    def _discard(self, folder: Path) -> None:
        """Remove a folder so that no half of it is ever found among the waiting."""
        shutil.rmtree(folder.rename(self._unfinished / folder.name))


class _Key(NamedTuple):
    violation_id: str
    phase: str


class _Waiting(NamedTuple):
    folder: Path
    size_bytes: int


class _CorruptError(Exception):
    """An entry that cannot be trusted."""


class _Pending(Sequence[SpoolEntry]):
    """The unsent entries at one moment, read one at a time: ten thousand pictures do not fit into memory."""

    def __init__(self, load: Callable[[_Key], SpoolEntry | None], keys: list[_Key]) -> None:
        self._load = load
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[SpoolEntry]:
        return (entry for entry in map(self._load, self._keys) if entry is not None)

    @overload
    def __getitem__(self, index: int) -> SpoolEntry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SpoolEntry]: ...
    def __getitem__(self, index: int | slice) -> SpoolEntry | Sequence[SpoolEntry]:
        if isinstance(index, slice):
            return _Pending(self._load, self._keys[index])
        entry = self._load(self._keys[index])
        if entry is None:
            raise LookupError(f"entry {index} is not pending any more")
        return entry


class _FolderLock:
    """Held by one process at a time; the system lets it go when the process dies."""

    def __init__(self, root: Path) -> None:
        self._descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise ConfigurationError(
                f"spool folder {root} is in use by another process; stop that one, or name another folder"
            ) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def _write_entry(folder: Path, message: bytes, jpeg: bytes | None) -> None:
    folder.mkdir()
    files = {_MESSAGE: message} if jpeg is None else {_MESSAGE: message, _PICTURE: jpeg}
    for name, body in files.items():
        write_flushed(folder / name, body)
    write_flushed(folder / _SUMS, _sums(files))
    flush_folder(folder)


def _sums(files: dict[str, bytes]) -> bytes:
    """In the format of sha256sum, so that `sha256sum -c SHA256SUMS` checks an entry."""
    return "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in files.items()).encode()


def _read_entry(key: _Key, folder: Path) -> SpoolEntry:
    try:
        sums = (folder / _SUMS).read_bytes()
        names = [name for name in (_MESSAGE, _PICTURE) if name.encode() in sums]
        files = {name: (folder / name).read_bytes() for name in names}
    except OSError as error:
        if error.errno in _BROKEN:
            raise _CorruptError(f"{error.filename} cannot be read: {error.strerror}") from error
        raise TransientError(f"spool entry {folder} cannot be read now: {error.strerror}") from error
    if _MESSAGE not in files or _sums(files) != sums:
        raise _CorruptError(f"the files are not those that {_SUMS} names")
    accepted_at = _accepted_at(folder.name)
    return SpoolEntry(key.violation_id, key.phase, files[_MESSAGE], files.get(_PICTURE), accepted_at)


def _message_of(folder: Path) -> list[bytes]:
    """One message, or none if it cannot be read."""
    with suppress(OSError):
        return [(folder / _MESSAGE).read_bytes()]
    return []


def _accepted_at(name: str) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(name[:20]))


def _size(folder: Path) -> int:
    with suppress(OSError):  # read later, it goes to quarantine
        return sum(
            (folder / name).stat().st_size for name in (_MESSAGE, _PICTURE) if (folder / name).exists()
        )
    return 0


def _append_settled(path: Path, key: _Key, at: datetime) -> None:
    with path.open("a", encoding="ascii") as file:
        file.write(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {key.violation_id} {key.phase}\n")


def _read_settled(path: Path, since: datetime) -> set[_Key]:
    """What was delivered after *since*; older lines, and one torn by a power cut, are dropped from the file."""
    text = path.read_text("ascii", errors="replace") if path.exists() else ""
    oldest = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    kept = [line for line in text.splitlines() if _SETTLED.fullmatch(line) and line >= oldest]
    fresh_text = "".join(f"{line}\n" for line in kept)
    if fresh_text != text:
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        write_flushed(fresh, fresh_text.encode())
        fresh.replace(path)
    return {_Key(*line.split(" ")[1:]) for line in kept}
