"""The annotated video: every frame with what was last seen drawn in."""

from pathlib import Path

from services.detection.adapters.frame_annotator import annotate
from services.detection.adapters.video_writer import VideoWriter
from services.detection.domain.frame import Frame
from services.detection.domain.scene import Look
from shared.config.site import Camera

SHOWN_S = 1.0  # how long a look is drawn over the frames after it


class AnnotatedVideo:
    """See `LookSink`."""

    def __init__(self, path: Path, camera: Camera) -> None:
        self._camera = camera
        self._writer = VideoWriter(path)
        self._last: Look | None = None

    def add(self, frame: Frame, look: Look | None) -> None:
        self._last = look or self._last
        fresh = self._last and frame.offset_s - self._last.frame.offset_s <= SHOWN_S
        minutes, seconds = divmod(frame.offset_s, 60)
        headline = f"{self._camera.name}  {minutes:02.0f}:{seconds:04.1f}"
        drawn = annotate(frame.image, self._last if fresh else None, self._camera.zones, headline)
        self._writer.add(drawn, frame.offset_s)

    def close(self) -> None:
        self._writer.close()
