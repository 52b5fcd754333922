"""Brings a database to the schema of this software, or says that somebody must."""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from services.agent.adapters.sql_database import Database
from shared.errors import ConfigurationError

_LOCK = 7_305_811_264_915_001  # any number that nobody else uses for an advisory lock in this database

log = structlog.get_logger()


class SchemaBehindError(ConfigurationError):
    """Steps are missing that `migrate` would run."""


def migrate(database: Database) -> None:
    """Run every missing step in one transaction; several processes may call this at once.

    Raises:
        TransientError: the database is down.
        ConfigurationError: the database was made by newer software.
    """
    with database.write() as db:
        if database.is_postgres:
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = _revision(db)
        _refuse_newer(found)
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
        ConfigurationError: the database was made by newer software.
    """
    with database.read() as db:
        found = _revision(db)
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    _refuse_newer(found)
    if found != wanted:
        raise SchemaBehindError(
            f"DATABASE_URL: the database has schema {found or 'none'}, this software needs {wanted}; "
            "run 'python -m services.agent migrate'"
        )


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in _known():
        raise ConfigurationError(
            f"DATABASE_URL: the database has schema {found}, which this software does not know; "
            "it was made by a newer version: install that version"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(db: Connection) -> str | None:
    return MigrationContext.configure(db).get_current_revision()


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
