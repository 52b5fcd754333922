"""The clips: who is in them, what they wear and do; **edit this for another clip**.

The yard's portable toilet stands between (-1.7, 1.3) and (-0.6, 2.5) and hides whoever walks behind it; the picture
ends at about x = +-3.9 for y = 0, and shows nobody's feet for y < -1.6.
"""

from __future__ import annotations

from dataclasses import replace

from motion import Gesture, Glance, Role, Stand, Walk
from people import Look
from story import Part, Story

_MAN = Look(
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
)
_WOMAN = Look(
    skin="young_caucasian_female/young_lightskinned_female_diffuse",
    suit="male_casualsuit01",
    shoes="shoes01",
    hair="long01",
    shape={
        "caucasian-female-young": 1.0,
        "height/female-young-averagemuscle-averageweight-maxheight": 0.2,
    },
)
_FOREMAN = Look(
    skin="young_asian_male/young_lightskinned_male_diffuse3",
    suit="male_worksuit01",
    shoes="shoes03",
    hair="short04",
    shape={"asian-male-young": 1.0, "height/male-young-averagemuscle-averageweight-maxheight": 0.14},
    hat=(0.80, 0.80, 0.78),
    vest=(0.90, 0.22, 0.02),
)

_WRITING = {
    "Left": ((0.25, -0.15, -1.0), (-0.35, -0.90, 0.10)),
    "Right": ((-0.25, -0.05, -1.0), (0.45, -0.85, 0.15)),
}
_PHONE = {"Right": ((-0.20, -0.15, -1.0), (0.30, -0.75, 0.45))}
_POINTING = {"Left": ((0.35, -1.0, -0.05), (0.15, -1.0, 0.08))}

_DEMO = Story(
    seconds=16.0,
    size=(1280, 720),
    frames_per_second=10,
    video="yard.mp4",
    cast=(
        Part(
            "compliant",
            _MAN,
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
            _WOMAN,
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
            _FOREMAN,
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
    ),
)

_YELLOW, _BLUE, _RED, _WHITE = (0.90, 0.58, 0.02), (0.03, 0.13, 0.50), (0.55, 0.03, 0.02), (0.80, 0.80, 0.78)
_LIME, _ORANGE = (0.55, 0.85, 0.03), (0.90, 0.22, 0.02)
_HAT_BEFORE_THE_CHEST = {"Right": ((-0.10, -0.30, -1.0), (0.25, -0.95, 0.25))}

_CARRIED_HAT = Story(
    seconds=7.0,
    cast=(
        Part(
            "carrier",
            replace(_MAN, hat=None, vest=_ORANGE, carried=_YELLOW),
            Role(
                start=(-0.2, 1.9),
                moves=(Stand(0.4, 20), Walk(0.55, -0.7, 1.1), Stand(2.0, 10), Stand(3.0, -30)),
                gestures=(Gesture(4.3, 9.0, _HAT_BEFORE_THE_CHEST),),
                glances=(Glance(0.0, 0.0), Glance(3.4, 20.0), Glance(4.8, -10.0)),
            ),
        ),
    ),
)

_CLOSE_TOGETHER = Story(
    seconds=7.0,
    cast=(
        Part(
            "equipped",
            replace(_FOREMAN, hat=_BLUE, vest=_LIME),
            Role(
                start=(0.75, 2.3),
                moves=(Stand(0.3, 0), Walk(0.6, -0.5, 1.1), Stand(2.0, 25), Stand(3.0, 50)),
                gestures=(Gesture(4.6, 9.0, _POINTING),),
                glances=(Glance(0.0, 0.0), Glance(3.2, 15.0), Glance(4.6, 0.0)),
            ),
        ),
        Part(
            "bare",
            replace(_WOMAN, hair="short04", suit_tint=(0.8, 0.55, 0.5)),
            Role(
                start=(0.25, 2.5),
                moves=(Stand(0.3, 0), Walk(0.12, -0.2, 1.1), Stand(2.0, -15), Stand(3.0, 15)),
                glances=(Glance(0.0, 0.0), Glance(3.4, 25.0), Glance(5.4, 0.0)),
            ),
        ),
    ),
)

_BEHIND_A_PILLAR = Story(
    seconds=8.0,
    cast=(
        Part(
            "bare",
            _WOMAN,
            Role(
                start=(-3.0, 2.2),
                moves=(Stand(1.0, 20), Walk(-1.3, 3.1, 1.0), Walk(0.5, 1.2, 1.0), Stand(5.0, 10)),
                glances=(Glance(0.0, 0.0), Glance(5.5, 20.0)),
            ),
        ),
        Part(
            "equipped",
            replace(_FOREMAN, hat=_RED, vest=_ORANGE),
            Role(
                start=(0.5, 2.6),
                moves=(Stand(1.0, -20), Walk(-1.2, 3.8, 1.0), Walk(-3.0, 2.7, 1.0), Stand(5.0, 30)),
            ),
        ),
    ),
)

_CUT_BY_THE_EDGE = Story(
    seconds=7.0,
    cast=(
        Part(
            "at the side",
            replace(_MAN, hat=_WHITE, vest=_ORANGE),
            Role(
                start=(-4.3, 0.3),
                moves=(Walk(-3.85, 0.1, 0.8), Stand(3.2, 60), Walk(-3.7, 0.0, 0.6), Stand(5.0, 20)),
                glances=(Glance(0.0, 0.0), Glance(3.0, 25.0)),
            ),
        ),
        Part(
            "below",
            replace(_FOREMAN, hat=_YELLOW, vest=_LIME),
            Role(
                start=(1.4, -5.2),
                moves=(
                    Stand(0.2, 90),
                    Walk(0.1, -5.3, 0.9),
                    Stand(2.0, 20),
                    Walk(-0.5, -5.2, 0.8),
                    Stand(5.0, -20),
                ),
            ),
        ),
    ),
)

_AT_NIGHT = Story(
    seconds=7.0,
    light="night",
    cast=(
        Part(
            "equipped",
            replace(_FOREMAN, hat=_WHITE, vest=_ORANGE),
            Role(
                start=(-4.6, 0.6),
                moves=(Walk(-1.5, -0.6, 1.1), Stand(2.0, 30), Stand(3.0, -10)),
                glances=(Glance(0.0, 0.0), Glance(4.5, -20.0)),
            ),
        ),
        Part(
            "bare",
            replace(
                _MAN, hat=None, vest=None, skin="middleage_caucasian_male/middleage_lightskinned_male_diffuse"
            ),
            Role(
                start=(4.5, -1.0),
                moves=(Walk(0.9, -0.5, 1.2), Stand(2.0, -30), Stand(3.0, 15)),
                glances=(Glance(0.0, 0.0), Glance(4.8, 20.0)),
            ),
        ),
    ),
)

_SOFT_HATS = Story(
    seconds=7.0,
    cast=(
        Part(
            "in a cap",
            replace(
                _MAN, hat=None, cap=_RED, vest=_LIME, skin="young_asian_male/young_lightskinned_male_diffuse3"
            ),
            Role(
                start=(-1.5, 0.9),
                moves=(Stand(0.2, 10), Walk(-0.9, -0.8, 1.1), Stand(2.2, 20), Stand(3.0, -25)),
                glances=(Glance(0.0, 0.0), Glance(3.2, 15.0), Glance(5.2, -5.0)),
            ),
        ),
        Part(
            "in a fishing hat",
            replace(_WOMAN, soft_hat="Fishing_Hat_01", vest=_ORANGE),
            Role(
                start=(2.2, -1.3),
                moves=(Stand(0.4, -60), Walk(0.8, -0.9, 0.9), Stand(2.0, -20), Stand(3.0, 10)),
                glances=(Glance(0.0, 0.0), Glance(3.6, -15.0), Glance(5.4, 10.0)),
            ),
        ),
        Part(
            "in a hard hat",
            replace(_FOREMAN, hat=_RED, vest=_ORANGE),
            Role(
                start=(-3.6, 0.2),
                moves=(Walk(-2.3, -0.4, 1.0), Stand(2.5, 35), Stand(3.0, 5)),
                gestures=(Gesture(3.6, 5.6, _POINTING),),
                glances=(Glance(0.0, 0.0), Glance(3.0, 20.0), Glance(5.0, 0.0)),
            ),
        ),
    ),
)

STORIES = {
    "demo": _DEMO,
    "carried-hat": _CARRIED_HAT,
    "close-together": _CLOSE_TOGETHER,
    "behind-a-pillar": _BEHIND_A_PILLAR,
    "cut-by-the-edge": _CUT_BY_THE_EDGE,
    "at-night": _AT_NIGHT,
    "soft-hats": _SOFT_HATS,
}
