"""Brings a database to the schema of this software, or says that somebody must."""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text

from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_schema import schema_works_with
from shared.errors import ConfigurationError

_LOCK = 7_305_811_264_915_001  # any number that nobody else uses for an advisory lock in this database

log = structlog.get_logger()


class SchemaBehindError(ConfigurationError):
    """Steps are missing that `migrate` would run."""


def migrate(database: Database) -> None:
    """Run every missing step in one transaction; several processes may call this at once.

    Raises:
        TransientError: the database is down.
        ConfigurationError: newer software has changed the database so that this one cannot work with it.
    """
    with database.write() as db:
        if database.is_postgres:
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = _revision(db)
        if _newer_and_fit(db, found):
            return
        config = _config()
        config.attributes["connection"] = db
        command.upgrade(config, "head")
        if found != (now := _revision(db)):
            log.info("database.migrated", before=found or "", now=now)


def check_schema(database: Database) -> None:
    """Refuse to work on a schema that is not ours.

    Raises:
        TransientError: the database is down.
        SchemaBehindError: steps are missing.
        ConfigurationError: newer software has changed the database so that this one cannot work with it.
    """
    with database.read() as db:
        found = _revision(db)
        newer = _newer_and_fit(db, found)
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if found != wanted and not newer:
        raise SchemaBehindError(
            f"DATABASE_URL: the database has schema {found or 'none'}, this software needs {wanted}; "
            "run 'python -m services.agent migrate'"
        )


def _newer_and_fit(db: Connection, found: str | None) -> bool:
    """Whether newer software made the schema; ConfigurationError where it left nothing that this one can work with."""
    known = _known()
    if found is None or found in known:
        return False
    table = schema_works_with.name
    oldest = db.scalar(select(schema_works_with.c.oldest)) if inspect(db).has_table(table) else None
    if oldest not in known:
        raise ConfigurationError(
            f"DATABASE_URL: the database has schema {found}, which this software does not know and cannot work with; "
            "it was made by a newer version: install that version"
        )
    return True


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(db: Connection) -> str | None:
    return MigrationContext.configure(db).get_current_revision()


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
