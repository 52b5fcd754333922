"""Notices that a camera sends the same picture over and over."""

import hashlib

import numpy as np

from services.detection.domain.frame import GreyImage

FROZEN_AFTER_S = 12.0  # the fault matrix asks for 15 at most
_GRID = 8  # looks at every 8th pixel of every 8th row: 14,400 of 1280x720
# A camera that hangs still encodes: its picture changes a little from key frame to key frame, by up to 23 grey levels
# in H.264 at 400 kbit/s, and comes back exactly. Movement changes more; noise never comes back.
_ENCODING_NOISE = 40
_REMEMBERED = 1024


class FreezeWatch:
    """Calls a picture frozen when nothing but pictures that were seen before came for a while.

    A stream that is encoded anew with changing quality never repeats a picture exactly and is not noticed.
    """

    def __init__(self) -> None:
        self._reference: GreyImage | None = None
        self._seen: set[bytes] = set()
        self._new_at_s = 0.0

    def still_s(self, luma: GreyImage, at_s: float) -> float:
        """For how long nothing new has come.

        Args:
            luma: [H, W] uint8 brightness of the next picture; its size may change.
            at_s: monotonic seconds.
        """
        sample = luma[::_GRID, ::_GRID].copy()
        if self._reference is None or _moved(self._reference, sample) or len(self._seen) > _REMEMBERED:
            self._reference = sample
            self._seen.clear()
        picture = hashlib.blake2b(sample.data, digest_size=16).digest()  # 1,024 samples of 4K are 141 MB
        if picture not in self._seen:
            self._seen.add(picture)
            self._new_at_s = at_s
        return at_s - self._new_at_s


def _moved(before: GreyImage, after: GreyImage) -> bool:
    if before.shape != after.shape:
        return True
    return bool(np.abs(before.astype(np.int16) - after).max() > _ENCODING_NOISE)
