"""Opens whatever SOURCE names as a source of frames."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from services.detection.adapters.device_camera import DeviceCamera
from services.detection.adapters.file_frame_source import FileFrameSource, duration_s
from services.detection.adapters.folder_frame_source import FolderFrameSource
from services.detection.adapters.live_frame_source import LiveFrameSource
from services.detection.adapters.rtsp_camera import RtspCamera
from services.detection.adapters.source_address import (
    DeviceAddress,
    FileAddress,
    FolderAddress,
    StreamAddress,
    parse_source,
)
from services.detection.application.ports import FrameSource
from shared.contracts.violation import CLOCK_TOLERANCE, FIRST_YEAR
from shared.errors import ConfigurationError


def open_source(
    text: str,
    camera: str,
    base: Path,
    rate: float | None = None,
    recorded_at: datetime | None = None,
    folder_fps: float = 5.0,
) -> FrameSource:
    """Open the source that *text* names.

    Args:
        text: an rtsp(s) URL, a video file, a folder of pictures or a camera's index.
        camera: id of the camera in the site file.
        base: folder that relative paths start from.
        rate: frames per second that are wanted, None for all; a folder gives all.
        recorded_at: when a recording starts, aware; None takes the file's own time for it.
        folder_fps: pictures per second that a folder stands for.

    Raises:
        ConfigurationError: no such source, none that may be used, or a recording from an impossible time.
    """
    address = parse_source(text, base)
    match address:
        case StreamAddress():
            return LiveFrameSource(RtspCamera(address), camera, rate)
        case DeviceAddress():
            return LiveFrameSource(DeviceCamera(address), camera, rate)
        case FileAddress(path):
            began_at, clock = _began(path, recorded_at)
            return FileFrameSource(path, camera, began_at, clock, rate)
        case FolderAddress(path):
            began_at, clock = _began(path, recorded_at)
            return FolderFrameSource(path, camera, began_at, clock, folder_fps)


def _began(path: Path, told: datetime | None) -> tuple[datetime, Literal["recorded-at", "file-time"]]:
    length = timedelta(seconds=duration_s(path) if path.is_file() else 0.0)
    if told is not None:
        return _possible(told.astimezone(UTC), length, "RECORDED_AT"), "recorded-at"
    written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return _possible(written_at - length, length, f"the own time of {path.name!r}"), "file-time"


def _possible(began_at: datetime, length: timedelta, by: str) -> datetime:
    """A message of an impossible time would be refused only by its receiver, and the violation be lost."""
    if began_at.year < FIRST_YEAR or began_at + length > datetime.now(UTC) + CLOCK_TOLERANCE:
        raise ConfigurationError(
            f"by {by}, the recording lasts from {began_at:%Y-%m-%d %H:%M} to {began_at + length:%Y-%m-%d %H:%M} UTC;"
            f" allowed: from the year {FIRST_YEAR} until now; do: set RECORDED_AT to when it begins,"
            " such as 2026-03-04T09:30:00+01:00"
        )
    return began_at
