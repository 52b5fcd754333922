"""Takes a changed site file over while a service runs; a wrong one is told and left alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from shared.config.site import LoadedSite, load_site
from shared.errors import ConfigurationError

log = structlog.get_logger()


@dataclass(slots=True)
class SiteWatch:
    """Looks at the file when it is asked to.

    Attributes:
        loaded: the file as it was last taken over.
        take_over: works by a valid new file from now on; raises ConfigurationError if that cannot be.
    """

    loaded: LoadedSite
    take_over: Callable[[LoadedSite], None]
    _seen: tuple[int, int] | None = None

    def reload_if_changed(self) -> None:
        """Read the file if it has another time or size than at the last look, and take over what it says now."""
        seen = _time_and_size(self.loaded.path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            fresh = load_site(self.loaded.path)
            if fresh.sha256 != self.loaded.sha256:
                self._use(fresh)
        except ConfigurationError as error:
            log.error("site.rejected", problem=str(error), kept=self.loaded.sha256[:12])

    def _use(self, fresh: LoadedSite) -> None:
        self.take_over(fresh)
        self.loaded = fresh
        log.info("site.reloaded", sha256=fresh.sha256[:12])


def _time_and_size(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
