"""The reports of a run, read through the agent's own port."""

import os
from pathlib import Path

from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_report_reader import SqlReportReader
from services.agent.application.ports import ReportReader
from shared.errors import ConfigurationError


def report_reader(data: Path) -> ReportReader:
    """Reads what DATABASE_URL names, else officer.db in *data*.

    Raises:
        ConfigurationError: there is no database yet.
    """
    url = os.environ.get("DATABASE_URL", "")
    if url:
        return SqlReportReader(Database(url))
    path = data / "officer.db"
    if not path.is_file():
        raise ConfigurationError(
            f"{path}: there is no database; do: name the folder that was given to 'officer watch --out'"
        )
    return SqlReportReader(Database(f"sqlite:///{path.resolve()}"))
