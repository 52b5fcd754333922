"""Put rendered patches, noise and frames together into a video."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from yard import Light

RgbImage = NDArray[np.uint8]

# Standard deviations in 8-bit steps of brightness and of colour, as of a small sensor.
NOISE: dict[Light, tuple[float, float]] = {"day": (2.0, 0.8), "night": (4.0, 2.0)}
UNCHANGED = 9.0  # 8-bit steps by which a patch may differ from the plate and still count as the same
QUALITY: dict[Light, int] = {"day": 24, "night": 31}  # x264's constant rate factor; noise takes much room


def lay_over(
    plate: NDArray[np.float32], patch: NDArray[np.float32], box: tuple[int, int, int, int]
) -> NDArray[np.float32]:
    """*plate* [H, W, 3] with *patch* at *box* (x1, y1, x2, y2), wherever the two differ.

    Where they are alike, give or take the patch's own noise, the plate stays: the ground does not flicker.
    """
    x1, y1, x2, y2 = box
    under = plate[y1:y2, x1:x2]
    changed = np.abs(patch - under).max(axis=2) > UNCHANGED
    mask = Image.fromarray((changed * 255).astype(np.uint8)).filter(ImageFilter.MedianFilter(5))
    mask = mask.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(2.0))
    share = (np.asarray(mask, np.float32) / 255)[..., None]
    result = plate.copy()
    result[y1:y2, x1:x2] = share * patch + (1 - share) * under
    return result


def with_sensor_noise(path: Path, seed: int, light: Light) -> RgbImage:
    """The picture at *path* as RGB uint8 with a little noise, the same for the same *seed*."""
    picture = np.asarray(Image.open(path).convert("RGB"), np.float32)
    random = np.random.default_rng(seed)
    luma, chroma = NOISE[light]
    noise = random.normal(0, luma, (*picture.shape[:2], 1)) + random.normal(0, chroma, picture.shape)
    return np.clip(picture + noise, 0, 255).round().astype(np.uint8)


def encode(
    pictures: Iterable[RgbImage], size: tuple[int, int], path: Path, frames_per_second: int, light: Light
) -> None:
    """Write H.264, yuv420p, playable while it loads; *size* is width and height of each picture."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(frames_per_second))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(QUALITY[light]), "preset": "slow", "g": str(2 * frames_per_second)}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
