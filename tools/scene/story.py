"""Who is in the clip, what they wear and what they do; the only file to edit for another clip."""

from __future__ import annotations

from dataclasses import dataclass

from motion import Gesture, Glance, Role, Stand, Walk
from people import Look

SECONDS = 16.0
FRAMES_PER_SECOND = 10


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


_WRITING = {
    "Left": ((0.25, -0.15, -1.0), (-0.35, -0.90, 0.10)),
    "Right": ((-0.25, -0.05, -1.0), (0.45, -0.85, 0.15)),
}
_PHONE = {"Right": ((-0.20, -0.15, -1.0), (0.30, -0.75, 0.45))}
_POINTING = {"Left": ((0.35, -1.0, -0.05), (0.15, -1.0, 0.08))}

CAST = (
    Part(
        "compliant",
        Look(
            skin="young_african_male/young_darkskinned_male_diffuse",
            suit="male_casualsuit03",
            shoes="shoes03",
            hair="short04",
            shape={
                "african-male-young": 1.0,
                "height/male-young-averagemuscle-averageweight-maxheight": 0.16,
            },
            hat=(0.90, 0.58, 0.02),
            vest=(0.55, 0.85, 0.03),
        ),
        Role(
            start=(-2.35, 0.5),
            moves=(
                Stand(1.2, 40),
                Walk(-1.75, -0.95, 1.0),
                Stand(5.0, 25),
                Walk(-2.55, -0.35, 0.9),
                Stand(9.0, 15),
            ),
            gestures=(Gesture(4.2, 7.6, _WRITING), Gesture(11.0, 15.0, _WRITING)),
            glances=(
                Glance(0.0, 0.0),
                Glance(4.3, 0.0, 16),
                Glance(7.2, 25.0),
                Glance(8.5, 0.0),
                Glance(11.2, 0.0, 16),
                Glance(14.8, 20.0),
            ),
        ),
    ),
    Part(
        "bare",
        Look(
            skin="young_caucasian_female/young_lightskinned_female_diffuse",
            suit="male_casualsuit01",
            shoes="shoes01",
            hair="long01",
            shape={
                "caucasian-female-young": 1.0,
                "height/female-young-averagemuscle-averageweight-maxheight": 0.2,
            },
        ),
        Role(
            start=(-1.15, 2.8),
            moves=(
                Stand(0.9, 90),
                Walk(-0.05, 2.45, 1.0),
                Walk(0.45, -0.75, 1.1),
                Stand(4.2, -15),
                Stand(3.0, 30),
                Walk(0.15, -0.2, 0.7),
                Stand(6.0, 5),
            ),
            gestures=(Gesture(7.0, 10.2, _PHONE),),
            glances=(
                Glance(0.0, 0.0),
                Glance(7.1, 0.0, 14),
                Glance(10.0, -20.0),
                Glance(11.5, 15.0),
                Glance(13.0, 0.0),
                Glance(15.0, 25.0),
                Glance(16.5, 0.0),
            ),
        ),
    ),
    Part(
        "zone",
        Look(
            skin="young_asian_male/young_lightskinned_male_diffuse3",
            suit="male_worksuit01",
            shoes="shoes03",
            hair="short04",
            shape={"asian-male-young": 1.0, "height/male-young-averagemuscle-averageweight-maxheight": 0.14},
            hat=(0.80, 0.80, 0.78),
            vest=(0.90, 0.22, 0.02),
        ),
        Role(
            start=(1.25, 1.0),
            moves=(
                Stand(2.6, 50),
                Walk(2.75, 0.25, 1.0),
                Stand(2.4, 120),
                Stand(2.8, 25),
                Walk(2.95, 0.75, 0.8),
                Stand(1.4, 110),
                Walk(1.35, 0.1, 1.0),
                Stand(5.0, 10),
            ),
            gestures=(Gesture(5.4, 7.2, _POINTING),),
            glances=(
                Glance(0.0, 0.0),
                Glance(5.3, 15.0, -4),
                Glance(7.4, 0.0),
                Glance(8.6, -25.0),
                Glance(10.0, 0.0),
            ),
        ),
    ),
)
