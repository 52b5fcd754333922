"""Decodes a video with FFmpeg and tells intact pictures from damaged ones.

OpenCV hands out what FFmpeg patched up after an error as if it were a picture. FFmpeg itself marks the first one,
so this goes through PyAV, which shows the mark.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from services.detection.domain.frame import BgrImage, GreyImage

# After an error the following pictures build on the damaged one, up to the next that builds on none. A stream whose
# pictures all build on others has no such one: give up waiting then. 10 s at 30 fps; cameras send one every 1 to 10 s.
_LONGEST_DAMAGE = 300
# HEVC's decoder marks no damage; this makes it fail instead. H.264's own mark finds more than failing does.
_STRICT = {"hevc": {"err_detect": "explode"}}
_SMALLEST_SIDE, _LARGEST_PIXELS = 32, 50_000_000
_BEAT_PICTURES = 25  # enough to tell a steady rate; the cameras that vary theirs are left alone
_PLANAR = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """An intact picture, still in the colours of the codec: turning it into BGR costs about as much as decoding it.

    Attributes:
        frame: as FFmpeg gave it.
    """

    frame: av.VideoFrame

    @property
    def time_s(self) -> float | None:
        """Media time in seconds as the container tells it; None if it does not."""
        return self.frame.time

    def bgr(self) -> BgrImage:
        """[H, W, 3] BGR uint8, upright, its own memory."""
        image: BgrImage = self.frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
        turns = round(self.frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

    def luma(self) -> GreyImage:
        """[H, W] uint8 brightness, as stored; a view where the format allows."""
        if self.frame.format.name not in _PLANAR:
            return self.frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
        plane = self.frame.planes[0]
        rows: GreyImage = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        return rows[: self.frame.height, : self.frame.width]


def video_of(container: InputContainer) -> VideoStream | None:
    """The first moving picture in *container*; covers of songs do not count."""
    covers = av.stream.Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & covers), None)


def decode(
    packets: "Iterable[av.Packet[VideoStream]]", stream: VideoStream, live: bool = False
) -> Iterator[DecodedPicture | None]:
    """Each picture of *stream* in the order of showing; None for one that is damaged.

    Args:
        packets: of *stream*, none of them read yet.
        live: give each picture at once instead of decoding several side by side, and take a picture that is missing
            from a steady stream for lost on its way: those after it build on it, and FFmpeg does not mark them.

    Raises:
        av.FFmpegError: the container cannot be read on.
    """
    stream.thread_type = "NONE" if live else "FRAME"  # H.264 decoded with SLICE threads is not marked
    stream.codec_context.options = _STRICT.get(stream.codec_context.name, {})
    beat = _Beat()
    damage_left = 0
    for packet in packets:
        for frame in _frames(packet):
            lost = live and frame is not None and beat.missed(frame.pts)
            broken = frame is None or frame.is_corrupt or not _plausible(frame)
            if frame is not None and frame.key_frame and not broken:
                damage_left = 0
            elif broken or lost:
                damage_left = _LONGEST_DAMAGE
            else:
                damage_left = max(0, damage_left - 1)
            yield None if frame is None or damage_left else DecodedPicture(frame)


def _plausible(frame: av.VideoFrame) -> bool:
    """Garbled headers announce sizes that no camera has."""
    return min(frame.width, frame.height) >= _SMALLEST_SIDE and frame.width * frame.height <= _LARGEST_PIXELS


class _Beat:
    """Knows the usual step from picture to picture, where there is one."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._steps: deque[int] = deque(maxlen=_BEAT_PICTURES)

    def missed(self, pts: int | None) -> bool:
        """Whether a picture is missing right before the one at *pts*, in units of the stream."""
        last, self._last = self._last, pts
        if last is None or pts is None:
            return False
        usual = sorted(self._steps)[len(self._steps) // 2] if len(self._steps) == _BEAT_PICTURES else 0
        steady = sum(abs(step - usual) <= usual * 0.2 for step in self._steps) >= _BEAT_PICTURES * 0.8
        self._steps.append(pts - last)
        return steady and pts - last > 1.5 * usual > 0


def _frames(packet: "av.Packet[VideoStream]") -> list[av.VideoFrame | None]:
    try:
        decoded: list[av.VideoFrame | None] = [*packet.decode()]
    except av.error.InvalidDataError:
        return [None]
    return [None, *decoded] if packet.is_corrupt else decoded
