"""The annotated video: every frame with what was last seen drawn in, and faces blurred where looks saw them."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

from services.detection.adapters.frame_annotator import annotate
from services.detection.adapters.jpeg_evidence_renderer import blurred
from services.detection.adapters.video_writer import VideoWriter
from services.detection.domain.frame import Frame
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Look
from shared.config.site import Camera

SHOWN_S = 1.0  # how long a look is drawn over the frames after it
MOST_WAITING = 8  # frames, 6 MB each at 1080p; at 30 a second 5 lie between two looks
STEP = 0.3  # of a face's width, to each side: two looks' faces then meet, as who walks moves a head's width in 0.2 s


class AnnotatedVideo:
    """See `LookSink`. A frame waits for the look after it: a face between two looks is where either saw it.

    However long no look comes, faces stay blurred where the last one saw them: who moves is looked at.
    """

    def __init__(self, path: Path, camera: Camera, blurs_faces: Callable[[], bool]) -> None:
        """*blurs_faces* is asked for each frame: the site file may change while the video is written."""
        self._camera, self._blurs_faces = camera, blurs_faces
        self._writer = VideoWriter(path)
        self._last: Look | None = None
        self._waiting: deque[Frame] = deque()

    def add(self, frame: Frame, look: Look | None) -> None:
        if look is None:
            self._waiting.append(frame)
            if len(self._waiting) > MOST_WAITING:
                self._write(self._waiting.popleft(), None)
            return
        self._write_waiting(look)
        self._last = look
        self._write(frame, None)

    def close(self) -> None:
        self._write_waiting(None)
        self._writer.close()

    def _write_waiting(self, following: Look | None) -> None:
        while self._waiting:
            self._write(self._waiting.popleft(), following)

    def _write(self, frame: Frame, following: Look | None) -> None:
        last = self._last
        fresh = last if last and frame.offset_s - last.frame.offset_s <= SHOWN_S else None
        faces = [face for look in (last, following) if look for face in _faces(look)]
        image = blurred(frame.image, faces) if self._blurs_faces() else frame.image
        minutes, seconds = divmod(frame.offset_s, 60)
        headline = f"{self._camera.name}  {minutes:02.0f}:{seconds:04.1f}"
        self._writer.add(annotate(image, fresh, self._camera.zones, headline), frame.offset_s)


def _faces(look: Look) -> list[Box]:
    width, height = look.frame.size
    return [_widened(face).clipped(width, height) for face in look.faces]


def _widened(face: Box) -> Box:
    return Box(face.x1 - STEP * face.width, face.y1, face.x2 + STEP * face.width, face.y2)
