"""What a clip tells: who is in it, for how long, in what size. The clips themselves are in stories.py."""

from __future__ import annotations

from dataclasses import dataclass

from motion import Role
from people import Look
from yard import Light


@dataclass(frozen=True, slots=True)
class Part:
    """One worker of the clip; what they lack follows from the look."""

    name: str
    look: Look
    role: Role

    @property
    def lacks(self) -> list[str]:
        """The equipment that this worker should wear and does not."""
        return [item for item, worn in (("hardhat", self.look.hat), ("vest", self.look.vest)) if worn is None]


@dataclass(frozen=True, slots=True)
class Story:
    """One clip.

    Attributes:
        seconds: how long it is.
        size: width and height of the picture in pixels.
        frames_per_second: pictures a second.
        cast: the workers.
        video: name of the file.
        light: whether it is day or night.
    """

    seconds: float
    cast: tuple[Part, ...]
    size: tuple[int, int] = (960, 540)
    frames_per_second: int = 5
    video: str = "clip.mp4"
    light: Light = "day"
