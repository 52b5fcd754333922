"""The detection service: `python -m services.detection`, settings from the environment."""

import sys

import structlog

from services.detection.bootstrap import build_detection
from services.detection.settings import DetectionSettings
from shared.config.settings import read_settings
from shared.errors import OfficerError
from shared.lifecycle import stop_on_signals
from shared.observability.logging import configure_logging

EXIT_FAILED, EXIT_CONFIGURATION = 1, 2


def main() -> int:
    """Run until the recordings end or a signal comes.

    Returns:
        0 if all went well, 1 if something failed, 2 for wrong settings.
    """
    configure_logging()
    try:
        settings = read_settings(DetectionSettings)
        configure_logging(settings.log_level)
        stop = stop_on_signals()
        service = build_detection(settings)
    except OfficerError as error:
        structlog.get_logger().error("service.refused", service="detection", problem=str(error))
        return EXIT_CONFIGURATION
    return 0 if service.run(stop) else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
