"""One engine for SQLite and Postgres: the database's clock, aware UTC times, transactions, and its errors as ours."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    Float,
    create_engine,
    event,
    literal,
)
from sqlalchemy import exc as sql_errors
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from shared.errors import ConfigurationError, PermanentError, TransientError

BUSY_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_MS = 15_000
SUPPORTED = ("sqlite", "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; `timestamp with time zone` in Postgres, ISO text in UTC in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DatabaseTime(FunctionElement[datetime]):
    """Now by the database's clock, plus *offset_s* seconds: the one clock that all workers share."""

    inherit_cache: ClassVar[bool | None] = True  # type: ignore[misc]  # SQLAlchemy declares it for the instance
    type = UtcDateTime()

    def __init__(self, offset_s: float = 0.0) -> None:
        super().__init__(literal(float(offset_s), Float()))


@compiles(DatabaseTime, "postgresql")
def _in_postgres(element: DatabaseTime, compiler: Any, **kwargs: Any) -> str:
    # clock_timestamp moves on inside a transaction; now() would be the time of its start
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **kwargs)}))"


@compiles(DatabaseTime, "sqlite")
def _in_sqlite(element: DatabaseTime, compiler: Any, **kwargs: Any) -> str:
    offset = compiler.process(element.clauses, **kwargs)
    # six digits after the point, as SQLAlchemy stores times, so that texts compare as times do
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('%+.3f seconds', {offset}))"


class Database:
    """Transactions on one database. Threads may share it; each process makes its own."""

    def __init__(self, url: str) -> None:
        """Prepare to connect to *url*; nothing is opened yet.

        Raises:
            ConfigurationError: *url* is no address of SQLite or Postgres.
        """
        self.engine = _engine(url)

    @property
    def insert(self) -> Callable[..., Any]:
        """The INSERT of this dialect, which knows ON CONFLICT."""
        return sqlite.insert if self.engine.dialect.name == "sqlite" else postgresql.insert

    @property
    def is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @property
    def file(self) -> Path | None:
        """Where SQLite keeps it."""
        name = self.engine.url.database
        return None if self.is_postgres or not name else Path(name)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end; on SQLite it holds the write lock from its beginning.

        Raises:
            TransientError: the database is down, too slow or full; whether a commit took effect is unknown.
            PermanentError: the database can never take these values.
        """
        with self._our_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that never waits for a writer; errors as for `write`."""
        with self._our_errors(), self.engine.connect().execution_options(read_only=True) as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except (sql_errors.DataError, sql_errors.IntegrityError) as error:
            raise PermanentError(
                "database-refuses", f"the database refuses the values: {_cause(error)}"
            ) from error
        except (sql_errors.DBAPIError, sql_errors.TimeoutError) as error:
            check = (
                f"that {self.file} and its folder can be written, and free space"
                if self.file
                else "that it runs, DATABASE_URL and free space"
            )
            raise TransientError(f"the database does not answer: {_cause(error)}; check {check}") from error


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except sql_errors.ArgumentError as error:
        raise ConfigurationError(_bad_url("it is no database address")) from error
    if parsed.get_backend_name() not in SUPPORTED:
        raise ConfigurationError(_bad_url(f"{parsed.get_backend_name()[:40]!a} is not supported"))
    if parsed.get_backend_name() == "postgresql":
        return _postgres_engine(parsed.set(drivername="postgresql+psycopg2"))
    return _sqlite_engine(parsed.set(drivername="sqlite+pysqlite"))


def _bad_url(problem: str) -> str:
    return (
        f"DATABASE_URL: {problem}; allowed are sqlite:////absolute/path/officer.db and "
        "postgresql://user:password@host:5432/name"
    )


def _postgres_engine(url: URL) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=BUSY_TIMEOUT_S,
        connect_args={
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,  # a host that vanishes with a query under way: keepalives wait for its answer
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
            "application_name": "officer-agent",
        },
    )


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # secure_delete: what was erased is overwritten, not just let go of
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _cause(error: Exception) -> str:
    """The driver's own first line: it holds no password and no values."""
    original = getattr(error, "orig", None) or error
    return (str(original).strip().splitlines() or [type(original).__name__])[0][:200]
