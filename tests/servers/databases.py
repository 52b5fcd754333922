"""Databases with the current schema, SQLite and Postgres."""

from functools import cache
from pathlib import Path

from sqlalchemy import text

from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_migrations import migrate
from services.agent.adapters.sql_schema import metadata
from tests.servers.postgres import running_postgres


def ready_database(kind: str, folder: Path) -> Database:
    """An empty database; *kind* is sqlite or postgres. All that use Postgres share one, emptied each time."""
    database = Database(_postgres_url() if kind == "postgres" else f"sqlite:///{folder / 'officer.db'}")
    if kind == "postgres":
        with database.write() as db:
            db.execute(text(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY"))
    else:
        migrate(database)
    return database


@cache
def _postgres_url() -> str:
    url = running_postgres().new_database()
    database = Database(url)
    migrate(database)
    database.close()
    return url
