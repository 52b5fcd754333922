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


def open_source(
    text: str, camera: str, base: Path, rate: float | None = None, recorded_at: datetime | None = None
) -> FrameSource:
    """Open the source that *text* names.

    Args:
        text: an rtsp(s) URL, a video file, a folder of pictures or a camera's index.
        camera: id of the camera in the site file.
        base: folder that relative paths start from.
        rate: frames per second that are wanted, None for all; a folder gives all.
        recorded_at: when a recording starts, aware; None takes the file's own time for it.

    Raises:
        ConfigurationError: no such source, or none that may be used.
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
            return FolderFrameSource(path, camera, began_at, clock)


def _began(path: Path, told: datetime | None) -> tuple[datetime, Literal["recorded-at", "file-time"]]:
    if told is not None:
        return told.astimezone(UTC), "recorded-at"
    written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return written_at - timedelta(seconds=duration_s(path) if path.is_file() else 0.0), "file-time"
