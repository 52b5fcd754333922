"""Logs as the services write them: structlog's own console layout takes seconds for one traceback."""

import pytest

from shared.observability.logging import configure_logging


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    configure_logging()
