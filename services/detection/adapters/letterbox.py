"""Fit a picture into a network's input without bending it, and bring boxes back."""

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from services.detection.domain.frame import BgrImage

FloatArray = npt.NDArray[np.float32]
PADDING = 114  # the grey that YOLO models are trained with
# 3/5 holds 16:9, 2/3 who is looked at closer, 4/5 holds 4:3 and 5:4.
SHARES = (1 / 5, 2 / 5, 3 / 5, 2 / 3, 4 / 5, 1)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a frame lies in the network's input.

    Attributes:
        frame: width and height of the frame in pixels.
        network: width and height of the network's input in pixels.
        scaled: width and height of the frame's picture inside it.
        left, top: where that picture begins.
    """

    frame: tuple[int, int]
    network: tuple[int, int]
    scaled: tuple[int, int]
    left: int
    top: int

    def apply(self, image: BgrImage) -> BgrImage:
        """[H, W, 3] BGR uint8 of size `frame` -> [network height, network width, 3] BGR uint8, padded with grey."""
        right = self.network[0] - self.scaled[0] - self.left
        bottom = self.network[1] - self.scaled[1] - self.top
        return _bgr(
            cv2.copyMakeBorder(
                self._resized(image),
                self.top,
                bottom,
                self.left,
                right,
                cv2.BORDER_CONSTANT,
                value=(PADDING, PADDING, PADDING),
            )
        )

    def back(self, boxes: FloatArray) -> FloatArray:
        """[N, 4] x1, y1, x2, y2 in pixels of the network's input -> pixels of the frame, clipped to it."""
        width, height = self.frame
        across, down = width / self.scaled[0], height / self.scaled[1]
        moved = boxes - np.array([self.left, self.top, self.left, self.top], np.float32)
        moved *= np.array([across, down, across, down], np.float32)
        return np.clip(moved, 0, np.array([width, height, width, height], np.float32))

    def _resized(self, image: BgrImage) -> BgrImage:
        if self.scaled == self.frame:
            return image
        shrinks = self.scaled[0] < self.frame[0]
        return _bgr(
            cv2.resize(image, self.scaled, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        )


def fit(frame: tuple[int, int], network: tuple[int, int]) -> Letterbox:
    """Place a *frame* in the middle of a *network* input, as large as it goes; both are width, height."""
    scale = min(network[0] / frame[0], network[1] / frame[1])
    scaled = max(1, round(frame[0] * scale)), max(1, round(frame[1] * scale))
    return Letterbox(frame, network, scaled, (network[0] - scaled[0]) // 2, (network[1] - scaled[1]) // 2)


def rectangle(frame: tuple[int, int], longest: int, stride: int) -> tuple[int, int]:
    """The smallest network input for a *frame*: its long side *longest* pixels, the other one of `SHARES` of it.

    Each side is a multiple of *stride*. Few shapes, as a network is made ready for each (about 42 MB at 480 pixels).
    """
    scale = longest / max(frame)
    sides = [_up(share * longest, stride) for share in SHARES]
    width, height = (next(side for side in sides if side >= round(length * scale)) for length in frame)
    return width, height


def _up(length: float, stride: int) -> int:
    return ceil(round(length) / stride) * stride


def _bgr(image: npt.NDArray[np.generic]) -> BgrImage:
    return np.asarray(image, np.uint8)
