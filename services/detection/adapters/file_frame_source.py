"""A video file as a source of frames: every frame once, in order, on the time of the recording."""

import hashlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from services.detection.adapters.media_time import MediaTime, Pace
from services.detection.adapters.video_stream import DecodedPicture, decode, video_of
from services.detection.application.ports import SourceIdentity, SourceStatus
from services.detection.domain.frame import Frame
from shared.errors import ConfigurationError, TransientError

# Formats that hold their pictures themselves. Playlists (hls, concat, sdp) stay out: they open other files and
# addresses.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,flv,mpeg,mpegts,mpegvideo,m4v,h264,hevc,av1,obu,ivf,mjpeg,ogg,"
    "dv,mxf,gif"
)
_FRAMES_AHEAD = 4  # decoded and waiting: enough for decoding and inference to overlap; 25 MB at 1080p
_NOMINAL_FPS = 25.0  # of a file that tells none
_POLL_S = 0.2  # how soon a waiting thread sees that the source was closed
_TRIED_PICTURES = 250  # to find the first intact one
# Less than this share of the declared length, and by more: the rest is missing. A file that lists no pictures at its
# beginning (mp4 in fragments) ends for FFmpeg where it is damaged: there bytes tell it. An index at the end is smaller.
_CUT_SHORT, _CUT_SHORT_S, _CUT_SHORT_BYTES = 0.95, 0.5, 100_000


class FileFrameSource:
    """Decodes in a thread of its own while the caller works on the frame before.

    Args:
        path: the video.
        camera: id of the camera in the site file.
        recorded_at: when the recording starts, aware UTC.
        clock: how *recorded_at* is known: ``recorded-at`` (told by a person) or ``file-time``.
        rate: frames per second of media time to yield, None for all. The others are decoded and counted but not
            turned into BGR, which saves about a third of the cost.

    Raises:
        ConfigurationError: the file cannot be read, holds no video, or not one intact picture.
    """

    def __init__(
        self,
        path: Path,
        camera: str,
        recorded_at: datetime,
        clock: Literal["recorded-at", "file-time"] = "recorded-at",
        rate: float | None = None,
    ) -> None:
        self._path = path
        self._camera = camera
        self._recorded_at = recorded_at
        self._pace = Pace(rate)
        declared = _checked(path)
        self._identity = SourceIdentity(
            kind="file", session=_sha256(path), name=path.name, clock=clock, frames=declared
        )
        self._status = SourceStatus(state="starting", offered=0, skipped=0, last_frame_at=None, problem="")
        self._ready: queue.Queue[Frame | None] = queue.Queue(_FRAMES_AHEAD)
        self._closed = threading.Event()
        self._failure: Exception | None = None
        self._read_to = 0  # where its last packet ends, in bytes

    @property
    def facts(self) -> SourceIdentity:
        return self._identity

    @property
    def status(self) -> SourceStatus:
        """Counts what is decoded, a few frames more than what was yielded."""
        return replace(self._status, state="ended") if self._closed.is_set() else self._status

    def frames(self) -> Iterator[Frame]:
        """Yield each wanted frame once; to be called once.

        Raises:
            TransientError: the disk or network share failed in the middle; what follows was not seen.
        """
        threading.Thread(target=self._decode_all, name=f"decode {self._path.name}", daemon=True).start()
        while not self._closed.is_set():
            try:
                frame = self._ready.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if frame is None:
                break
            yield frame
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        self._closed.set()

    def _decode_all(self) -> None:
        try:
            with _opened(self._path) as container:
                self._decode(container, _video(container, self._path))
        except av.FFmpegError as problem:
            self._note(f"{self._path.name}: reading broke off ({problem.strerror}).")
            if isinstance(problem, OSError):
                self._failure = _out_of_reach(self._path, problem)
        except Exception as failure:  # noqa: BLE001  (raised again in the thread that reads the frames)
            self._failure = failure
        self._status = replace(self._status, state="ended")
        self._hand_over(None)

    def _decode(self, container: InputContainer, stream: VideoStream) -> None:
        time, offset_s = MediaTime(_fps(stream)), 0.0
        for picture in decode(self._packets(container, stream), stream):
            if self._closed.is_set():
                return
            self._status = replace(self._status, state="up", offered=self._status.offered + 1)
            if picture is None:
                self._status = replace(self._status, skipped=self._status.skipped + 1)
                self._note(f"{self._path.name}: some frames are damaged and were left out.")
            else:
                offset_s = time.offset(picture.time_s)
                self._take(picture, offset_s)
        length_s = _length_s(container, stream)
        if offset_s < _CUT_SHORT * length_s - _CUT_SHORT_S:
            self._note(f"{self._path.name}: cut short, {offset_s:.0f} of its {length_s:.0f} s are there.")
        unread = container.size - self._read_to
        if not stream.frames and unread > max((1 - _CUT_SHORT) * container.size, _CUT_SHORT_BYTES):
            share = unread / container.size
            self._note(f"{self._path.name}: cut short by damage, the last {share:.0%} of it cannot be read.")

    def _packets(self, container: InputContainer, stream: VideoStream) -> "Iterator[av.Packet[VideoStream]]":
        """Those of *stream*; notes where the last one ends in the file."""
        for packet in container.demux(stream):
            if packet.pos is not None:
                self._read_to = packet.pos + packet.size
            yield packet

    def _take(self, picture: DecodedPicture, offset_s: float) -> None:
        captured_at = self._recorded_at + timedelta(seconds=offset_s)
        self._status = replace(self._status, last_frame_at=captured_at)
        if self._pace.wants(offset_s):
            index = self._status.offered - 1
            self._hand_over(Frame(self._camera, index, captured_at, offset_s, picture.bgr()))

    def _hand_over(self, frame: Frame | None) -> None:
        while not self._closed.is_set():
            try:
                self._ready.put(frame, timeout=_POLL_S)
                return
            except queue.Full:
                continue

    def _note(self, problem: str) -> None:
        self._status = replace(self._status, problem=problem)


def duration_s(path: Path) -> float:
    """Length of the recording in seconds: what a file with a list of its pictures declares, else what lies in it if
    that is more.

    A recorder that was killed, or wrote into a pipe, declares nothing; of files that were joined only the last counts.

    Raises:
        ConfigurationError: the file cannot be read as a video.
        TransientError: the disk or network share failed.
    """
    with _opened(path) as container:
        stream, declared_s = _video(container, path), (container.duration or 0) / av.time_base
        return declared_s if stream.frames else max(declared_s, _measured_s(container, stream, path))


def _measured_s(container: InputContainer, stream: VideoStream, path: Path) -> float:
    """Reads the whole file and decodes nothing: 50,000 pictures a second."""
    time, offset_s = MediaTime(_fps(stream)), 0.0
    try:
        for packet in container.demux(stream):
            if packet.size:
                offset_s = time.offset(_time_s(packet))
    except av.FFmpegError as problem:
        if isinstance(problem, OSError):
            raise _out_of_reach(path, problem) from problem
    return offset_s


def _time_s(packet: "av.Packet[VideoStream]") -> float | None:
    if packet.pts is None or packet.time_base is None:
        return None
    return float(packet.pts * packet.time_base)


def _out_of_reach(path: Path, problem: av.FFmpegError) -> TransientError:
    """For FFmpeg's errors that are an OSError: disk or share failed. A damaged file ends in others."""
    return TransientError(
        f"{path.name}: reading broke off ({problem.strerror}), what follows was not seen; do: check the disk or"
        " network share, run again"
    )


def _checked(path: Path) -> int | None:
    """How many frames *path* declares; None if it declares none."""
    with _opened(path) as container:
        stream = _video(container, path)
        try:
            intact = any(islice(decode(container.demux(stream), stream), _TRIED_PICTURES))
        except av.FFmpegError:
            intact = False
        if not intact:
            raise ConfigurationError(
                f"The video {path.name!r} holds no picture that can be decoded. Play it on this computer to see"
                " whether it is damaged, or convert it to H.264 in an mp4 file."
            )
        return _declared_frames(container, stream)


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(
            str(path.absolute()),
            options={"protocol_whitelist": "file", "format_whitelist": _FORMATS},
            metadata_errors="replace",
        )
    except av.FFmpegError as problem:
        raise ConfigurationError(
            f"{path.name!r} cannot be read as a video ({problem.strerror}). Allowed are video files such as mp4, mkv,"
            " avi and mov; check that the file is complete."
        ) from problem


def _video(container: InputContainer, path: Path) -> VideoStream:
    stream = video_of(container)
    if stream is None:
        raise ConfigurationError(
            f"{path.name!r} holds {'sound' if container.streams.audio else 'data'} but no pictures. Give a video file."
        )
    return stream


def _fps(stream: VideoStream) -> float:
    return float(stream.average_rate or 0) or _NOMINAL_FPS


def _length_s(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def _declared_frames(container: InputContainer, stream: VideoStream) -> int | None:
    if stream.frames:
        return stream.frames
    if container.duration is None or not stream.average_rate:
        return None
    return round(container.duration / av.time_base * float(stream.average_rate))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
