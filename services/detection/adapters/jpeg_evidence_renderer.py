"""Evidence renderer: the clean frame as JPEG, with every face region blurred beyond recognition."""

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from services.detection.application.ports import Picture
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box
from shared.errors import PermanentError

CELLS = 4  # along a face's longer side: all that is left of it are at most 16 colours
FEATHER = 0.12  # of the region's longer side, outside of it: inside nothing shines through
QUALITIES = (90, 85, 80, 70, 60, 50)
BYTES_PER_PIXEL = 400_000 / (1920 * 1080)


class JpegEvidenceRenderer:
    """A pure function: the same frame and regions give the same bytes."""

    def render(self, image: BgrImage, faces: Sequence[Box]) -> Picture:
        """See `EvidenceRenderer.render`.

        Args:
            image: [H, W, 3] BGR uint8; never modified.
            faces: pixels of *image*; parts outside of it are left out.

        Raises:
            PermanentError: *image* cannot be a JPEG.
        """
        jpeg = _encode(blurred(image, faces))
        return Picture(jpeg, hashlib.sha256(jpeg).hexdigest(), width=image.shape[1], height=image.shape[0])


def blurred(image: BgrImage, faces: Sequence[Box]) -> BgrImage:
    """A copy of *image* in which nobody can be recognised by one of *faces* (pixels of it)."""
    clean = image.copy()
    for face in faces:
        _blur(clean, image, face)
    return clean


def _blur(target: BgrImage, image: BgrImage, face: Box) -> None:
    """Replace *face* in *target* by a few colours that are taken from the same place of *image*."""
    feather = max(1, round(FEATHER * max(face.width, face.height)))
    x1, y1, x2, y2 = _pixels(face, feather, image)
    if face.area == 0 or x1 >= x2 or y1 >= y2:
        return
    patch = image[y1:y2, x1:x2]
    cover = _cover(face, x1, y1, x2, y2, feather)[:, :, None]
    mixed = _few_colours(patch) * cover + target[y1:y2, x1:x2] * (1 - cover)
    target[y1:y2, x1:x2] = np.rint(mixed).astype(np.uint8)


def _pixels(face: Box, margin: int, image: BgrImage) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    box = Box(face.x1 - margin, face.y1 - margin, face.x2 + margin, face.y2 + margin).clipped(width, height)
    return int(box.x1), int(box.y1), int(np.ceil(box.x2)), int(np.ceil(box.y2))


def _few_colours(patch: BgrImage) -> npt.NDArray[np.float32]:
    """Average *patch* into `CELLS` cells along its longer side, and draw them as soft clouds; [h, w, 3] BGR."""
    height, width = patch.shape[:2]
    cell = max(width, height) / CELLS
    cells = (max(1, round(width / cell)), max(1, round(height / cell)))
    mean = cv2.resize(patch.astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    return cv2.resize(mean, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255).reshape(patch.shape)


def _cover(face: Box, x1: int, y1: int, x2: int, y2: int, feather: int) -> npt.NDArray[np.float32]:
    """[h, w] from 0 (as it was) to 1 (blurred): 1 in a rounded shape that fills *face*, fading out around it."""
    across = np.abs(np.arange(x1, x2) + 0.5 - face.centre[0])
    down = np.abs(np.arange(y1, y2) + 0.5 - face.centre[1])
    radius = ((across[None, :] / (face.width / 2)) ** 4 + (down[:, None] / (face.height / 2)) ** 4) ** 0.25
    fade = 1 + 2 * feather / max(face.width, face.height)
    cover: npt.NDArray[np.float32] = np.clip((fade - radius) / (fade - 1), 0, 1).astype(np.float32)
    return cover


def _encode(image: BgrImage) -> bytes:
    """The best of `QUALITIES` that keeps a 1080p picture under 400 KB, others in proportion."""
    limit = max(100_000, BYTES_PER_PIXEL * image.shape[0] * image.shape[1])
    jpeg = b""
    for quality in QUALITIES:
        jpeg = _jpeg(image, quality)
        if len(jpeg) <= limit:
            break
    return jpeg


def _jpeg(image: BgrImage, quality: int) -> bytes:
    try:
        encoded, buffer = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise _unwritable(image) from error
    if not encoded:
        raise _unwritable(image)
    return buffer.tobytes()


def _unwritable(image: BgrImage) -> PermanentError:
    height, width = image.shape[:2]
    return PermanentError(
        "not-a-picture",
        f"a picture of {width} x {height} pixels cannot be written as JPEG; 1 to 65,500 each are allowed",
    )
