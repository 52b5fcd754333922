"""The agent service: `python -m services.agent`, or with `migrate`, `review ID VERDICT`, `erase ID`,
`erase --before DAY` or `healthcheck`.

Settings come from the environment. Imports stand where they are used: a container's health check must not load them
every few seconds, and a wrong setting is told before seconds of them.
"""

import logging
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from shared.errors import ConfigurationError, OfficerError, TransientError
from shared.lifecycle import StoppedError, keep_private, persist, stop_on_signals

if TYPE_CHECKING:
    from services.agent.adapters.sql_database import Database
    from services.agent.application.ports import Verdict
    from services.agent.settings import AgentSettings
    from shared.observability.health import Dependency

EXIT_FAILED, EXIT_CONFIGURATION = 1, 2
PATIENCE_S = 120.0  # for a database that is started at the same moment


def main(arguments: list[str]) -> int:
    """Run until a signal comes, bring the database's schema up to date, keep a person's verdict, erase violations, or
    ask a running service whether it lives.

    Returns:
        0 if all went well, 1 if something failed and may work later, 2 for wrong settings.
    """
    if arguments == ["healthcheck"]:
        from shared.observability.healthcheck import healthcheck

        return healthcheck()
    import structlog

    from shared.observability.logging import configure_logging

    configure_logging()
    keep_private()
    log = structlog.get_logger()
    try:
        return _run(arguments)
    except ConfigurationError as error:
        log.error("service.refused", service="agent", problem=str(error))
        return EXIT_CONFIGURATION
    except StoppedError:
        return 0
    except OfficerError as error:
        log.error("service.failed", service="agent", problem=str(error))
        return EXIT_FAILED


def _run(arguments: list[str]) -> int:
    work = _work_of(arguments)
    from services.agent.settings import AgentSettings
    from shared.config.settings import read_settings
    from shared.observability.logging import configure_logging

    settings = read_settings(AgentSettings)
    configure_logging(settings.log_level)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of its plug-ins while it is imported
    return work(settings, stop_on_signals())


def _work_of(arguments: list[str]) -> "Callable[[AgentSettings, Event], int]":
    from services.agent.application.ports import Verdict

    match arguments:
        case []:
            return _serve
        case ["migrate"]:
            return _migrate
        case ["review", violation_id, verdict, *note] if verdict in {*Verdict} and len(note) <= 1:
            return partial(_review, violation_id, Verdict(verdict), "".join(note))
        case ["erase", "--before", day] if at := _midnight(day):
            return partial(_erase_before, at)
        case ["erase", *ids] if ids and all(re.fullmatch("[0-9a-f]{32}", one) for one in ids):
            return partial(_erase, ids)
        case _:
            raise ConfigurationError(
                f"unknown arguments {arguments!a}; allowed: none, migrate, review with a report's id, one of "
                f"{', '.join(Verdict)} and perhaps a note, erase and whole ids of violations or --before and a day "
                "such as 2026-03-04, or healthcheck"
            )


def _migrate(settings: "AgentSettings", stop: Event) -> int:
    from services.agent.bootstrap import migrate_database

    persist(lambda: migrate_database(settings), stop, _tell_waiting, PATIENCE_S)
    return 0


def _midnight(day: str) -> datetime | None:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _review(violation_id: str, verdict: "Verdict", note: str, settings: "AgentSettings", stop: Event) -> int:
    """As `officer reports review`, for where nothing but the agent reaches the database."""
    import structlog

    from services.agent.bootstrap import review_violation

    review = partial(review_violation, settings, violation_id, verdict, note)
    whole_id, before = persist(review, stop, _tell_waiting, PATIENCE_S)
    structlog.get_logger().info("violation.reviewed", violation_id=whole_id, verdict=verdict, before=before)
    return 0


def _erase_before(at: datetime, settings: "AgentSettings", stop: Event) -> int:
    from services.agent.bootstrap import violations_before

    ids = persist(lambda: violations_before(settings, at), stop, _tell_waiting, PATIENCE_S)
    return _erase(ids, settings, stop) if ids else _tell_none(at)


def _erase(violation_ids: Sequence[str], settings: "AgentSettings", stop: Event) -> int:
    """As `officer reports erase`, for where nothing but the agent reaches the database."""
    from services.agent.bootstrap import erase_violations

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError("stopped")

    try:
        again = partial(erase_violations, settings, violation_ids, "asked for", wait)
        persist(lambda: [*again()], stop, _tell_waiting, PATIENCE_S)
    except StoppedError as error:
        ids = " ".join(violation_ids)
        raise OfficerError(f"stopped before all was erased; do: erase again {ids}") from error
    return 0


def _tell_none(at: datetime) -> int:
    import structlog

    structlog.get_logger().info("violation.erasing", violation_ids=[], before=f"{at:%Y-%m-%d}")
    return 0


def _serve(settings: "AgentSettings", stop: Event) -> int:
    from services.agent.adapters.prometheus_metrics import AgentMetrics
    from services.agent.bootstrap import build_agent
    from shared.observability.health import STARTING, Health
    from shared.observability.health_port import health_port
    from shared.observability.logging import configure_logging
    from shared.observability.watchdog import Watchdog

    metrics = AgentMetrics(Health(), settings.llm_model)
    configure_logging(settings.log_level, observe=metrics.take, status_every_s=settings.log_status_every_s)
    database = metrics.health.dependency("database", STARTING, ready=False)
    Watchdog(metrics.health).start()
    with health_port(settings.health_host, settings.health_port, metrics):
        agent = build_agent(settings, metrics=metrics, wait_for=partial(_wait_for, database, stop))
        return 0 if agent.run(stop) else EXIT_FAILED


def _wait_for(dependency: "Dependency", stop: Event, open_database: Callable[[], "Database"]) -> "Database":
    """The database, as soon as it answers and somebody has run `migrate` on it."""
    from services.agent.adapters.sql_migrations import SchemaBehindError

    def attempt() -> "Database":
        try:
            return open_database()
        except SchemaBehindError as error:
            raise TransientError(str(error)) from error

    def told(error: TransientError, pause_s: float) -> None:
        dependency.down(str(error))
        _tell_waiting(error, pause_s)

    return persist(attempt, stop, told)


def _tell_waiting(error: TransientError, pause_s: float) -> None:
    import structlog

    structlog.get_logger().warning("database.awaited", problem=str(error), next_try_s=pause_s)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
