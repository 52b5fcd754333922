"""Writes pictures into an mp4 file that browsers play, and that plays up to the end even if the writer is killed."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import structlog
from av.container import OutputContainer
from av.video.stream import VideoStream

from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError

_TICKS = 1000  # a second; finer timestamps make players wait
_KEY_FRAMES = 30  # at most so many frames, a fragment of the file, are lost with a kill
_NOMINAL_FPS = 25
# hybrid_fragmented: whole fragments while writing, a plain file with an index once it is closed.
_CONTAINER = {"movflags": "hybrid_fragmented+frag_keyframe", "flush_packets": "1"}
# No B-frames: in fragments they would shift all times.
_CODEC = {"preset": "veryfast", "crf": "23", "rc-lookahead": "10", "bf": "0"}

log = structlog.get_logger()


class VideoWriter:
    """H.264 in 4:2:0, the pictures' own times kept. A full disk ends the video, not the caller.

    Args:
        path: the .mp4 file; overwritten. It is made, with its folder, at the first picture.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._last_tick = -1
        self._broken = False

    def add(self, image: BgrImage, offset_s: float) -> None:
        """Append a picture.

        Args:
            image: [H, W, 3] BGR uint8, any size; the first one's size, rounded up to even, is the video's.
            offset_s: when it is shown, seconds from the start of the video; not before the picture before.

        Raises:
            ConfigurationError: the file cannot be made.
        """
        if self._broken:
            return
        stream = self._stream or self._open(image)
        frame = av.VideoFrame.from_ndarray(_fitted(image, stream.width, stream.height), format="bgr24")
        self._last_tick = max(self._last_tick + 1, round(offset_s * _TICKS))
        frame.pts, frame.time_base = self._last_tick, Fraction(1, _TICKS)
        self._encode(frame)

    def close(self) -> None:
        """Write what is still in the encoder, and the index. Closing again does nothing."""
        if self._container is None:
            return
        self._encode(None)
        try:
            self._container.close()
        except av.FFmpegError as problem:
            self._give_up(problem)
        self._container = self._stream = None

    def _open(self, image: BgrImage) -> VideoStream:
        height, width = image.shape[:2]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self._path.absolute()), "w", format="mp4", options=_CONTAINER)
        except OSError as problem:
            raise ConfigurationError(
                f"The video {self._path} cannot be written ({problem.strerror}). Check the folder, or do without"
                " the video."
            ) from problem
        stream = self._container.add_stream("libx264", rate=_NOMINAL_FPS, options=_CODEC)
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        stream.codec_context.gop_size = _KEY_FRAMES
        self._stream = stream
        return stream

    def _encode(self, frame: av.VideoFrame | None) -> None:
        if self._container is None or self._stream is None or self._broken:
            return
        try:
            self._container.mux(self._stream.encode(frame))
        except av.FFmpegError as problem:
            self._give_up(problem)

    def _give_up(self, problem: av.FFmpegError) -> None:
        if not self._broken:
            log.error("video.stopped", path=str(self._path), problem=problem.strerror)
        self._broken = True


def _fitted(image: BgrImage, width: int, height: int) -> BgrImage:
    """*image* with its last row and column doubled to even size; scaled if the camera changed its resolution."""
    missing_rows, missing_columns = height - image.shape[0], width - image.shape[1]
    if missing_rows in (0, 1) and missing_columns in (0, 1):
        return cv2.copyMakeBorder(image, 0, missing_rows, 0, missing_columns, cv2.BORDER_REPLICATE).astype(
            "uint8", copy=False
        )
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype("uint8", copy=False)
