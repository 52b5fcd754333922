"""A folder of pictures as a source of frames: each picture is one frame, in the order of the names."""

import errno
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from services.detection.adapters.source_address import PICTURE_SUFFIXES
from services.detection.application.ports import SourceIdentity, SourceStatus
from services.detection.domain.frame import BgrImage, Frame
from shared.errors import ConfigurationError, TransientError

LARGEST_BYTES = 20_000_000
LARGEST_PIXELS = 50_000_000
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Of the disk or the network share, not of the picture.
_AWAY = frozenset(
    {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH}
)


class FolderFrameSource:
    """Reads the .jpg and .png files right in a folder; those that cannot be read are counted and told.

    Args:
        folder: where they lie.
        camera: id of the camera in the site file.
        recorded_at: when the first was taken, aware UTC.
        clock: how *recorded_at* is known: ``recorded-at`` (told by a person) or ``file-time``.
        fps: pictures per second that the folder stands for.

    Raises:
        ConfigurationError: no picture there, or the folder cannot be read.
        TransientError: the disk or network share failed; so also while the frames are read.
    """

    def __init__(
        self,
        folder: Path,
        camera: str,
        recorded_at: datetime,
        clock: Literal["recorded-at", "file-time"] = "recorded-at",
        fps: float = 5.0,
    ) -> None:
        self._camera = camera
        self._recorded_at = recorded_at
        self._fps = fps
        self._files = _pictures_in(folder)
        self._identity = SourceIdentity(
            kind="folder",
            session=_session(self._files),
            name=folder.name,
            clock=clock,
            frames=len(self._files),
        )
        self._status = SourceStatus(state="starting", offered=0, skipped=0, last_frame_at=None, problem="")
        self._closed = False

    @property
    def facts(self) -> SourceIdentity:
        return self._identity

    @property
    def status(self) -> SourceStatus:
        return self._status

    def frames(self) -> Iterator[Frame]:
        for index, file in enumerate(self._files):
            if self._closed:
                break
            frame = self._frame(index, file)
            if frame is not None:
                yield frame
        self._status = replace(self._status, state="ended")

    def close(self) -> None:
        self._closed = True

    def _frame(self, index: int, file: Path) -> Frame | None:
        self._status = replace(self._status, state="up", offered=index + 1)
        try:
            image = read_picture(file)
        except _UnreadableError as problem:
            skipped = self._status.skipped + 1
            self._status = replace(self._status, skipped=skipped, problem=f"{file.name}: {problem}")
            return None
        offset_s = index / self._fps
        captured_at = self._recorded_at + timedelta(seconds=offset_s)
        self._status = replace(self._status, last_frame_at=captured_at)
        return Frame(self._camera, index, captured_at, offset_s, image)


class _UnreadableError(Exception):
    """Why a picture cannot be used, in words."""


def read_picture(file: Path) -> BgrImage:
    """[H, W, 3] BGR uint8, turned upright as its EXIF data says.

    Raises:
        _UnreadableError: over the limits, cut short, or no JPEG or PNG.
        TransientError: the disk or network share failed.
    """
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise _UnreadableError(f"over {LARGEST_BYTES // 1_000_000} MB")
        with Image.open(file, formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > LARGEST_PIXELS:
                raise _UnreadableError(
                    f"{picture.width} x {picture.height}, over {LARGEST_PIXELS // 1_000_000} megapixels"
                )
            upright = _upright(picture).convert("RGB")
    except Image.DecompressionBombError as problem:  # Pillow's own bound, far above ours
        raise _UnreadableError(f"over {LARGEST_PIXELS // 1_000_000} megapixels") from problem
    except UnidentifiedImageError as problem:
        raise _UnreadableError("no JPEG or PNG picture") from problem
    except (OSError, SyntaxError, ValueError) as problem:  # what Pillow raises on damaged files
        _check_device(file, problem)
        raise _UnreadableError("damaged or cut short") from problem
    return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])


def _upright(picture: Image.Image) -> Image.Image:
    """As `ImageOps.exif_transpose`, which fails where it cannot write the rest of the EXIF back."""
    try:
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except (SyntaxError, TypeError, ValueError, struct.error):  # what Pillow raises on damaged EXIF
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _pictures_in(folder: Path) -> list[Path]:
    try:
        files = sorted(
            file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file()
        )
    except OSError as problem:
        raise ConfigurationError(
            f"The folder {folder.name!r} cannot be read ({problem.strerror}). Check its name and its permissions."
        ) from problem
    if not files:
        raise ConfigurationError(
            f"The folder {folder.name!r} holds no pictures. Put .jpg or .png files right into it."
        )
    return files


def _session(files: list[Path]) -> str:
    """A hash over names and contents: a new name may change the order, and so makes another session."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.name}\0{_content_hash(file)}\n".encode())
    return whole.hexdigest()


def _content_hash(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as problem:
        _check_device(file, problem)
        return "unreadable"  # told when its turn comes


def _check_device(file: Path, problem: Exception) -> None:
    """A picture that is only out of reach must not be taken for a damaged one: it would never be looked at."""
    if isinstance(problem, OSError) and problem.errno in _AWAY:
        raise TransientError(
            f"{file.name}: reading broke off ({problem.strerror}). do: check the disk or network share, run again"
        ) from problem
