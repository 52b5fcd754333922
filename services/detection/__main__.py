"""The detection service: `python -m services.detection`, or with `healthcheck`; settings from the environment.

Imports stand where they are used: a container's health check must not load them every few seconds, and a wrong
setting is told before seconds of them.
"""

import sys

from shared.errors import ConfigurationError, OfficerError
from shared.lifecycle import keep_private, stop_on_signals

EXIT_FAILED, EXIT_CONFIGURATION = 1, 2


def main(arguments: list[str]) -> int:
    """Run until the recordings end or a signal comes; or ask a running service whether it lives.

    Returns:
        0 if all went well, 1 if something failed, 2 for wrong settings.
    """
    if arguments == ["healthcheck"]:
        from shared.observability.healthcheck import healthcheck

        return healthcheck()
    import structlog

    from shared.observability.logging import configure_logging

    configure_logging()
    keep_private()
    try:
        return _run(arguments)
    except OfficerError as error:
        structlog.get_logger().error("service.refused", service="detection", problem=str(error))
        return EXIT_CONFIGURATION


def _run(arguments: list[str]) -> int:
    if arguments:
        raise ConfigurationError(f"unknown arguments {arguments!a}; allowed: none, or healthcheck")
    from services.detection.settings import DetectionSettings
    from shared.config.settings import read_settings
    from shared.observability.logging import configure_logging

    settings = read_settings(DetectionSettings)
    stop = stop_on_signals()
    from services.detection.adapters.prometheus_metrics import DetectionMetrics
    from services.detection.bootstrap import build_detection
    from shared.observability.health import Health
    from shared.observability.health_port import health_port
    from shared.observability.watchdog import Watchdog

    metrics = DetectionMetrics(Health())
    configure_logging(settings.log_level, observe=metrics.take, status_every_s=settings.log_status_every_s)
    Watchdog(metrics.health).start()
    with health_port(settings.health_host, settings.health_port, metrics):
        return 0 if build_detection(settings, metrics).run(stop) else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
