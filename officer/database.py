"""The reports of a run, read through the agent's own port."""

import os
from pathlib import Path

from services.agent.application.ports import ReportReader
from shared.config.settings import read_settings
from shared.errors import ConfigurationError


def report_reader(data: Path) -> ReportReader:
    """Reads what DATABASE_URL names, else officer.db in *data*.

    Raises:
        ConfigurationError: there is no database yet, or the environment is wrong.
    """
    from services.agent.adapters.sql_database import (
        Database,
    )  # a second of imports, which --help need not wait for
    from services.agent.adapters.sql_report_reader import SqlReportReader
    from services.agent.settings import AgentSettings

    os.environ["DATA_DIR"] = str(data)
    os.environ.setdefault("SITE_FILE", "unnamed")  # required by the services; nothing here looks into it
    settings = read_settings(AgentSettings)
    path = data / "officer.db"
    if settings.database_url is None and not path.is_file():
        raise ConfigurationError(
            f"{path}: there is no database; do: name the folder that was given to 'officer watch --out'"
        )
    return SqlReportReader(Database(settings.database))
