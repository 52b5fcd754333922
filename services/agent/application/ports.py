"""What the agent service needs from the outside; each port has at least two adapters under one contract test."""

from datetime import datetime
from typing import Protocol

from services.agent.domain.draft import Written
from services.agent.domain.report import Brief, Report


class ReportWriter(Protocol):
    def write(self, brief: Brief, picture: bytes) -> Written:
        """Write the narrative.

        Args:
            brief: all that may be said.
            picture: the evidence JPEG, faces blurred.

        Raises:
            TransientError: the model's service cannot be reached now and no fallback is set.
        """
        ...


class ReportRenderer(Protocol):
    def render(self, report: Report, picture: bytes) -> bytes:
        """Lay the report out as a PDF; the same input gives the same bytes.

        Args:
            report: what to print.
            picture: the evidence JPEG; overlays are drawn from `report.brief.opened.evidence.boxes`.

        Raises:
            PermanentError: *picture* is no readable JPEG.
        """
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...
