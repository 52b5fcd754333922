"""Small videos and pictures that tests make themselves."""

from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from services.detection.domain.frame import BgrImage

TICKS = 1000  # timestamps in ms
_FAST = {codec: {"preset": "ultrafast", "tune": "zerolatency"} for codec in ("libx264", "libx265")}
Scene = Callable[[int], BgrImage]


def moving_box(size: tuple[int, int] = (320, 240), speed: int = 4) -> Scene:
    """A white box that crosses a checkered floor, *speed* pixels a frame, and comes again."""
    width, height = size
    floor = np.kron(np.indices((height // 16 + 1, width // 16 + 1)).sum(0) % 2, np.ones((16, 16)))
    still = np.stack([floor[:height, :width] * 80 + 60] * 3, -1).astype(np.uint8)

    def picture(index: int) -> BgrImage:
        image = still.copy()
        left = index * speed % (width - 40)
        image[height // 4 : height // 4 + 80, left : left + 30] = 255
        return image

    return picture


def frozen(size: tuple[int, int] = (320, 240)) -> Scene:
    """The same picture again and again."""
    scene = moving_box(size)
    return lambda _: scene(0)


def write_clip(
    path: Path,
    scene: Scene,
    frames: int,
    fps: int = 20,
    codec: str = "libx264",
    times_ms: Sequence[int] | None = None,
    key_every: int = 10,
) -> Path:
    """Encode *frames* pictures of *scene* into *path*; the suffix chooses the container.

    Args:
        times_ms: when each frame is shown, for a variable rate; the constant *fps* if None.
        key_every: frames from one key frame to the next.
    """
    times = times_ms or [index * TICKS // fps for index in range(frames)]
    height, width = scene(0).shape[:2]
    fast = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=fast) as container:
        stream = container.add_stream(codec, rate=fps, options=_FAST.get(codec, {}))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = key_every
        stream.codec_context.time_base = Fraction(1, TICKS) if times_ms else Fraction(1, fps)
        for index, at_ms in zip(range(frames), times, strict=True):
            frame = av.VideoFrame.from_ndarray(scene(index), format="bgr24")
            frame.pts, frame.time_base = at_ms, Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def damage(source: Path, target: Path, frames: Iterable[int]) -> Path:
    """Copy the mp4 *source* to *target* with one byte changed in each of *frames* (numbers, in decoding order)."""
    content = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    for number in frames:
        packet = packets[number]
        assert packet.pos is not None
        content[packet.pos + packet.size * 2 // 3] ^= 0xFF
    target.write_bytes(content)
    return target


def without(source: Path, target: Path, frames: Collection[int]) -> Path:
    """Copy the mp4 *source* to *target* without *frames* (numbers, in decoding order)."""
    with av.open(str(source)) as container, av.open(str(target), "w") as copy:
        stream = copy.add_stream_from_template(container.streams.video[0])
        packets = (packet for packet in container.demux(video=0) if packet.size)
        for number, packet in enumerate(packets):
            if number not in frames:
                packet.stream = stream
                copy.mux(packet)
    return target


def write_sound(path: Path) -> Path:
    """Half a second of silence, in a container that could hold a video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
