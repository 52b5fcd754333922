"""What the detection service needs from the outside; each port has at least two adapters under one contract test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from services.detection.domain.detection import Detection, ModelInfo
from services.detection.domain.frame import BgrImage, Frame
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Look


class FrameSource(Protocol):
    """A camera, file or folder. One thread reads it.

    A file or folder yields each frame once, in order, never dropping one, and ends. A live source yields the
    latest frame, reconnects by itself, yields None about once a second while there is nothing new, and ends only
    when closed.
    """

    @property
    def facts(self) -> "SourceIdentity": ...

    @property
    def status(self) -> "SourceStatus": ...

    def frames(self) -> Iterator[Frame | None]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SourceIdentity:
    """Where the frames come from.

    Attributes:
        kind: live, file or folder.
        session: file or folder: SHA-256 of the content; live: an id of this session.
        name: for people; redacted, holds no user and no password.
        clock: how far the wall-clock times can be trusted, as in the contract.
        frames: number of frames that will come, None if unknown.
    """

    kind: Literal["live", "file", "folder"]
    session: str
    name: str
    clock: Literal["camera-host", "recorded-at", "file-time"]
    frames: int | None


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How the source is.

    Attributes:
        state: starting, up, down, frozen (the same picture for a while) or ended.
        offered: frames that the camera delivered.
        skipped: frames that could not be decoded.
        last_frame_at: when the last good frame came, aware UTC.
        problem: the last problem in words, without secrets; empty if none.
    """

    state: Literal["starting", "up", "down", "frozen", "ended"]
    offered: int
    skipped: int
    last_frame_at: datetime | None
    problem: str


class Detector(Protocol):
    """A model; every class that it knows is given in our vocabulary."""

    @property
    def info(self) -> ModelInfo: ...

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        """Find things in each of *images*.

        Args:
            images: [H, W, 3] BGR uint8 each, any size; not modified.
            floor: lowest confidence to return, 0 to 1.

        Returns:
            One list an image, sorted by falling confidence; boxes in that image's pixels, clipped to it.

        Raises:
            PermanentError: the network gave NaN or another shape than it declared.
        """
        ...


class EvidenceRenderer(Protocol):
    def render(self, image: BgrImage, faces: Sequence[Box]) -> "Picture":
        """Make the evidence JPEG of *image* with each of *faces* (pixels) blurred; no other mark is drawn."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG.

    Attributes:
        jpeg: the encoded bytes.
        sha256: their hash.
        width, height: pixels.
    """

    jpeg: bytes
    sha256: str
    width: int
    height: int


class Spool(Protocol):
    """Accepted violations that have not reached the cloud yet. Survives power loss."""

    def accept(self, message: bytes, violation_id: str, phase: str, picture: Picture | None) -> bool:
        """Store durably (fsynced). Accepting the same (id, phase) again changes nothing, even after it was settled.

        Returns:
            Whether it was new.

        Raises:
            TransientError: no space, or not writable; nothing was stored.
        """
        ...

    def knows(self, violation_id: str, phase: str) -> bool:
        """Whether that was accepted, delivered since or not."""
        ...

    def pending(self) -> Sequence["SpoolEntry"]:
        """Everything unsent, oldest first; an entry is read from the disk only when it is its turn."""
        ...

    def begun(self) -> list[bytes]:
        """The unsent messages of phase `opened` without one of phase `closed`, oldest first; no picture is read."""
        ...

    def settle(self, entry: "SpoolEntry") -> None:
        """Forget *entry*; it has been delivered.

        Raises:
            TransientError: it could not be removed; it is not pending any more, but may be again after a restart.
        """
        ...

    def quarantine(self, entry: "SpoolEntry", reason: str) -> None:
        """Set *entry* aside for a person to look at, with *reason*: it can never be delivered.

        Raises:
            TransientError: it could not be moved; it stays pending.
        """
        ...


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """An accepted message.

    Attributes:
        violation_id, phase: its key.
        message: the encoded `ViolationMessage`.
        jpeg: the evidence of an `opened`; None for `closed`.
        accepted_at: aware UTC.
    """

    violation_id: str
    phase: str
    message: bytes
    jpeg: bytes | None
    accepted_at: datetime


class ObjectStore(Protocol):
    """S3 or a folder."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Store *body* unless *key* exists (keys carry the content's hash: then it is the same and that is success).

        Raises:
            TransientError: not reachable or full.
        """
        ...


class ViolationQueue(Protocol):
    def send(self, message: bytes, violation_id: str, phase: str) -> None:
        """Put *message* on the queue; sending twice is allowed.

        Raises:
            TransientError: not reachable.
        """
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...


class MotionGate(Protocol):
    def wants(self, frame: Frame, busy: bool) -> bool:
        """Whether the detector should look at *frame*; *busy* while a track or a candidate lives."""
        ...


class StateStore(Protocol):
    """Small named states that survive a restart."""

    def load(self, name: str) -> bytes | None:
        """The last saved state, None if there is none."""
        ...

    def save(self, name: str, state: bytes) -> None:
        """Replace it, atomically and durably.

        Raises:
            TransientError: no space, or not writable; the former state stays.
        """
        ...


class LookSink(Protocol):
    """Gets every frame with what was seen in it, to save an annotated video."""

    def add(self, frame: Frame, look: Look | None) -> None:
        """*look* is None for a frame that the detector did not look at."""
        ...

    def close(self) -> None: ...
