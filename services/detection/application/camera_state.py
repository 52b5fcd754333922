"""What the service remembers of a camera's session over a restart."""

from datetime import datetime

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from services.detection.application.ports import StateStore
from services.detection.domain.cases import Case
from services.detection.domain.scene import Subject
from shared.vocabulary import Finding

log = structlog.get_logger()


class CameraState(BaseModel):
    """One session of one camera. Live: goes on over restarts. File: begins again and comes to the same."""

    model_config = ConfigDict(extra="forbid")

    session: str
    began_at: datetime | None = None  # aware UTC of second 0; live: by the clock at the last look
    last_s: float = 0.0  # last look, seconds in the session
    next_track: int = 1
    size: tuple[int, int] | None = None  # of the picture, whose pixels boxes are in: width, height
    open: list[Case] = []
    first_seen: dict[str, datetime] = {}  # of what is open, by id, as its messages tell
    ended: list[
        tuple[Subject, float, tuple[Finding, ...]]
    ] = []  # what the cooldown still holds back, since when
    finished_runs: list[str] = []  # files only: which settings have already run to the end


def load(store: StateStore, name: str) -> CameraState | None:
    """The saved state; None if there is none or it cannot be read (it is then written anew)."""
    content = store.load(name)
    if content is None:
        return None
    try:
        return CameraState.model_validate_json(content)
    except ValidationError:
        log.warning(
            "state.unreadable", name=name, problem="what was open is not known any more; starting anew"
        )
        return None


def save(store: StateStore, name: str, state: CameraState) -> None:
    """Replace the saved state.

    Raises:
        TransientError: no space, or not writable.
    """
    store.save(name, state.model_dump_json().encode())
