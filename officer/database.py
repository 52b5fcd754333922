"""The database of a run, read through the agent's own adapters."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from services.agent.application.ports import ReportReader
from shared.config.settings import read_settings
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from services.agent.adapters.sql_database import Database
    from services.agent.settings import AgentSettings


def report_reader(data: Path) -> ReportReader:
    """Reads what DATABASE_URL or DB_HOST names, else officer.db in *data*; errors as for `open_database`."""
    # a second of imports, which --help need not wait for
    from services.agent.adapters.sql_report_reader import SqlReportReader

    return SqlReportReader(open_database(agent_settings(data)))


def agent_settings(data: Path) -> "AgentSettings":
    """The agent's settings, as if it ran in *data*.

    Raises:
        ConfigurationError: the environment is wrong.
    """
    from services.agent.settings import AgentSettings

    os.environ["DATA_DIR"] = str(data)
    # required by the services; nothing here looks into it
    os.environ["SITE_FILE"] = os.environ.get("SITE_FILE") or "unnamed"
    return read_settings(AgentSettings)


def open_database(settings: "AgentSettings") -> "Database":
    """The database that *settings* name; nothing is made.

    Raises:
        ConfigurationError: it is a file, and there is none.
    """
    from services.agent.adapters.sql_database import Database

    database, path = Database(settings.database), settings.data_dir / "officer.db"
    if not (database.is_postgres or settings.database_url or path.is_file()):
        raise ConfigurationError(
            f"{path}: there is no database; do: name the folder that was given to 'officer watch --out'"
        )
    return database
