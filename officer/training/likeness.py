"""Which pictures are nearly the same: by a perceptual hash that survives scaling and recompression, not cropping."""

import cv2
import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from services.detection.domain.frame import BgrImage

SIDE = 16  # the hash has 16 x 16 bits: is a cell brighter than its left neighbour (dHash, Krawetz 2013)
ALIKE = 20  # bits of 256 that may differ

_ONES = np.array([value.bit_count() for value in range(256)], np.uint8)

Hashes = npt.NDArray[np.uint8]


def hash_picture(image: BgrImage) -> tuple[Hashes, Hashes]:
    """[32] bytes each: the hash of *image* [H, W, 3] BGR and of its mirror image."""
    grey = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    return _bits(grey), _bits(ImageOps.mirror(grey))


def nearest(hashes: Hashes, others: Hashes, limit: int = ALIKE) -> list[tuple[int, int] | None]:
    """For each of *hashes* [n, 32] the nearest of *others* [m, 32].

    Returns:
        Its number and how many bits differ; None where more than *limit* do.
    """
    found: list[tuple[int, int] | None] = []
    for one in hashes:
        differ = _ONES[others ^ one].sum(axis=1) if len(others) else np.array([limit + 1])
        at = int(differ.argmin())
        found.append((at, int(differ[at])) if differ[at] <= limit else None)
    return found


def _bits(grey: Image.Image) -> Hashes:
    return np.packbits(imagehash.dhash(grey, SIDE).hash.flatten())
