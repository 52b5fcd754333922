"""Reaches a camera of this computer, such as a webcam, by its index."""

from collections.abc import Generator
from dataclasses import dataclass

import cv2

from services.detection.adapters.source_address import DeviceAddress
from services.detection.domain.frame import BgrImage, GreyImage
from shared.errors import TransientError


class DeviceCamera:
    """See `LiveCamera`. OpenCV reaches webcams on every system; PyAV's wheel has no driver for them."""

    def __init__(self, address: DeviceAddress) -> None:
        self._index = address.index

    @property
    def name(self) -> str:
        return f"camera {self._index} of this computer"

    def pictures(self) -> Generator["DevicePicture"]:
        capture = cv2.VideoCapture(self._index)
        try:
            if not capture.isOpened():
                raise TransientError(
                    "it cannot be opened; check that it is plugged in and that no other program uses it"
                )
            while True:
                arrived, image = capture.read()
                if not arrived:
                    raise TransientError("it stopped sending pictures; check its cable")
                yield DevicePicture(image.astype("uint8", copy=False))
        finally:
            capture.release()

    def answers(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, eq=False)
class DevicePicture:
    """[H, W, 3] BGR uint8 as the driver gave it."""

    image: BgrImage

    def bgr(self) -> BgrImage:
        return self.image

    def luma(self) -> GreyImage:
        """The green channel: most of the brightness, at no cost."""
        return self.image[:, :, 1]
