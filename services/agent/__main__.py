"""The agent service: `python -m services.agent`, or with `migrate`; settings from the environment."""

import logging
import sys

import structlog

from services.agent.settings import AgentSettings
from shared.config.settings import read_settings
from shared.errors import ConfigurationError, OfficerError
from shared.lifecycle import stop_on_signals
from shared.observability.logging import configure_logging

EXIT_FAILED, EXIT_CONFIGURATION = 1, 2


def main(arguments: list[str]) -> int:
    """Run until a signal comes, or bring the database's schema up to date.

    Returns:
        0 if all went well, 1 if something failed and may work later, 2 for wrong settings.
    """
    configure_logging()
    log = structlog.get_logger()
    try:
        return _run(arguments)
    except ConfigurationError as error:
        log.error("service.refused", service="agent", problem=str(error))
        return EXIT_CONFIGURATION
    except OfficerError as error:
        log.error("service.failed", service="agent", problem=str(error))
        return EXIT_FAILED


def _run(arguments: list[str]) -> int:
    if arguments not in ([], ["migrate"]):
        raise ConfigurationError(f"unknown arguments {arguments!a}; allowed: none, or migrate")
    settings = read_settings(AgentSettings)
    configure_logging(settings.log_level)
    # Alembic tells of its plug-ins while it is imported; and all is imported late, so that a wrong setting is told soon
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from services.agent.bootstrap import build_agent, migrate_database

    if arguments:
        migrate_database(settings)
        return 0
    stop = stop_on_signals()
    return 0 if build_agent(settings).run(stop) else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
