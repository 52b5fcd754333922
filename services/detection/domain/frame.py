"""A picture of a camera at a moment."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

BgrImage = npt.NDArray[np.uint8]
GreyImage = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame.

    Attributes:
        camera: id of the camera in the site file.
        index: number of the frame in its session, from 0; frames that the source dropped count too.
        captured_at: aware UTC. Live: when the frame was read from the socket. File: start of the recording + offset.
        offset_s: seconds since the session's first frame, never falling.
        image: [H, W, 3] BGR uint8; never modified.
    """

    camera: str
    index: int
    captured_at: datetime
    offset_s: float
    image: BgrImage

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def __repr__(self) -> str:
        return f"Frame({self.camera} #{self.index} at {self.offset_s:.2f} s)"
