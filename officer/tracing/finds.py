"""Looks for one violation in spool, stores, database and log files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from officer.tracing.log_files import Line, ids_in, lines_about, time_of
from services.agent.adapters.folder_evidence_store import sidecar_of
from shared.contracts.violation import Opened, ViolationMessage, decode
from shared.errors import ConfigurationError, ContractError, ObjectMissingError, TransientError
from shared.object_keys import EVENTS_PREFIX
from shared.objects import StoredObject

if TYPE_CHECKING:
    from services.agent.adapters.sql_trace_reader import History, SqlTraceReader

SPOOL_NUMBER = 20  # digits of the time of acceptance, in microseconds, that a spool entry's name begins with
DAYS_AROUND = (
    0,
    1,
    -1,
)  # a sidecar lies under the day of its writing, which may follow that of the first look


class Store(Protocol):
    """A folder or an S3 bucket."""

    def get(self, key: str) -> bytes: ...

    def info(self, key: str) -> StoredObject: ...

    def list(self, prefix: str = "") -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A message as it was stored."""

    message: ViolationMessage
    stored: StoredObject


@dataclass(slots=True)
class Finds:
    """What was found about one violation.

    Attributes:
        spooled: when each phase was accepted, of those that still wait in the spool; aware UTC.
        sidecars: by phase.
        picture, pdf: in their stores; None if they are not there (yet).
        history: what the database knows; None if there is none, or it does not answer.
        lines: of the logs, by time.
        blind: what could not be looked into, and why.
    """

    violation_id: str
    spooled: dict[str, datetime] = field(default_factory=dict)
    sidecars: dict[str, Sidecar] = field(default_factory=dict)
    picture: StoredObject | None = None
    pdf: StoredObject | None = None
    history: "History | None" = None
    lines: list[Line] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look.

    Attributes:
        spool: folder of detection's spool; need not exist.
        evidence, reports: the stores.
        database: None if it cannot be opened.
        logs: files.
        blind: what cannot be looked into, and why.
    """

    spool: Path
    evidence: Store
    reports: Store
    database: "SqlTraceReader | None"
    logs: Sequence[Path]
    blind: Sequence[str] = ()

    def find(self, prefix: str) -> Finds:
        """Everything about the one violation whose id begins with *prefix*.

        Raises:
            ConfigurationError: none or several begin so, or a log file cannot be read.
        """
        blind = list(self.blind)
        found = Finds(self._only_one(prefix, blind), blind=blind)
        found.spooled = dict(self._spooled(found.violation_id))
        found.lines = lines_about(self.logs, found.violation_id)
        self._ask_database(found)
        self._ask_stores(found)
        return found

    def _only_one(self, prefix: str, blind: list[str]) -> str:
        if not prefix or set(prefix) - set("0123456789abcdef"):
            raise ConfigurationError(
                f"{prefix[:40]!a} is no violation's id; allowed: its first characters (0-9, a-f)"
            )
        ids = {name for name, _, _ in self._spool_entries() if name.startswith(prefix)}
        ids |= ids_in(self.logs, prefix)
        try:
            ids |= set(self.database.ids(prefix)) if self.database else set()
        except TransientError as error:
            blind.append(str(error))
        ids = ids or self._ids_in_store(prefix, blind)
        if len(ids) == 1:
            return ids.pop()
        if ids:
            shown = ", ".join(sorted(ids)[:5])
            raise ConfigurationError(f"several ids begin with {prefix!a}: {shown}; do: give more characters")
        raise ConfigurationError(
            f"no violation's id begins with {prefix!a}; looked into spool, stores, database and {len(self.logs)} log "
            f"files; do: name the folder of the run by --data, or log files by --log {' '.join(blind)}".strip()
        )

    def _spool_entries(self) -> Iterator[tuple[str, str, datetime]]:
        """Id, phase and time of acceptance of what still waits."""
        folder = self.spool / "waiting"
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            number, _, rest = path.name.partition("-")
            violation_id, _, phase = rest.partition("-")
            if len(number) == SPOOL_NUMBER and number.isdecimal():
                yield (
                    violation_id,
                    phase,
                    datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(number)),
                )

    def _ids_in_store(self, prefix: str, blind: list[str]) -> set[str]:
        """A listing of all sidecars: slow, and only for what nobody else knows."""
        try:
            found = [sidecar_of(key) for key in self.evidence.list(EVENTS_PREFIX)]
        except TransientError as error:
            blind.append(str(error))
            return set()
        return {
            sidecar.violation_id for sidecar in found if sidecar and sidecar.violation_id.startswith(prefix)
        }

    def _spooled(self, violation_id: str) -> Iterator[tuple[str, datetime]]:
        for found, phase, accepted_at in self._spool_entries():
            if found == violation_id:
                yield phase, accepted_at

    def _ask_database(self, found: Finds) -> None:
        try:
            found.history = self.database.history(found.violation_id) if self.database else None
        except TransientError as error:
            found.blind.append(str(error))

    def _ask_stores(self, found: Finds) -> None:
        try:
            for key in self._sidecar_keys(found):
                self._read_sidecar(key, found)
            opened = found.sidecars.get("opened")
            if opened and isinstance(opened.message.data, Opened):
                found.picture = _info(self.evidence, opened.message.data.evidence.key)
            elif found.history and found.history.evidence_key:
                found.picture = _info(self.evidence, found.history.evidence_key)
            if found.history and found.history.pdf_key:
                found.pdf = _info(self.reports, found.history.pdf_key)
        except TransientError as error:
            found.blind.append(str(error))

    def _sidecar_keys(self, found: Finds) -> list[str]:
        """Under the days that are known; else, for a recording's day is its own, a listing of all."""
        folders = [f"{EVENTS_PREFIX}{day}/{found.violation_id}/" for day in _days(found)]
        keys = [key for folder in folders for key in self.evidence.list(folder)]
        return keys or [key for key in self.evidence.list(EVENTS_PREFIX) if f"/{found.violation_id}/" in key]

    def _read_sidecar(self, key: str, found: Finds) -> None:
        if not (sidecar := sidecar_of(key)):
            return
        try:
            message = decode(self.evidence.get(key))
        except ContractError as error:
            found.blind.append(f"{key}: {error}")
        else:
            found.sidecars[sidecar.phase] = Sidecar(message, self.evidence.info(key))


def _days(found: Finds) -> list[str]:
    """Days under which sidecars may lie, by all times that are known of the violation."""
    times = [time_of(line) for line in found.lines] + list(found.spooled.values())
    if found.history:
        times += [at for at in (found.history.first_seen, found.history.last_seen) if at]
        times += [claim.first_claimed_at for claim in found.history.claims.values()]
    days = {at.astimezone(UTC).date() + timedelta(days=around) for at in times for around in DAYS_AROUND}
    return [f"{day:%Y/%m/%d}" for day in sorted(days)]


def _info(store: Store, key: str) -> StoredObject | None:
    try:
        return store.info(key)
    except ObjectMissingError:
        return None
